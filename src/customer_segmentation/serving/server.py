"""The state that the routes of one server process share."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

from litestar.datastructures import Headers

from customer_segmentation.serving.answering import Batcher
from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.history import StoredHistory
from customer_segmentation.serving.jobs.service import JobService
from customer_segmentation.serving.keys import Keys
from customer_segmentation.serving.metrics import AccessLog, Metrics
from customer_segmentation.serving.monitoring.monitor import Monitor
from customer_segmentation.serving.online import OnlineSegments
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.segments import Segments
from customer_segmentation.serving.settings import Settings, is_prefix
from customer_segmentation.serving.stored import StoredAnswers

# Times as long between two looks for a challenger, which read two logs.
_CHALLENGER = 5.0


class Server:
    """The champion, the keys, stored answers, history, online store, jobs, metrics and monitoring.

    Args:
        settings: The server's.

    Raises:
        UserError: The bundle is missing, or the file of keys.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = Keys(settings.keys)
        self.stored = StoredAnswers(settings.segments)
        self.history = StoredHistory(settings.history)
        self.metrics = _metrics(settings)
        self.monitor = Monitor(settings, self.metrics)
        self.champion = Champion(settings.bundle, settings.device, self.monitor)
        self.monitor.uses(self.champion.current)
        self.metrics.used(self.champion.current.version)
        self.log = AccessLog()
        batcher = Batcher()
        self.segments = Segments(self.metrics, batcher, settings.max_customers, self.monitor)
        self.online = OnlineSegments(settings, self.metrics, batcher, self.monitor)
        self.jobs = JobService(settings)
        self.is_ready = False

    def root_path(self, headers: Headers) -> str:
        """The path prefix that the client sees: the setting, or what the proxy sends."""
        said = headers.get("x-forwarded-prefix", "")
        return self.settings.root_path or (said if is_prefix(said) else "")

    def require_ready(self) -> None:
        """Refuse while the server starts or stops.

        Raises:
            RefusedError: It takes no requests now.
        """
        if not self.is_ready:
            raise RefusedError(503, "starting or stopping")

    async def follow(self) -> None:
        """Reload keys, champion and challenger when they change, until cancelled.

        At SIGHUP at once.
        """
        pause = self.settings.look_seconds
        # Separately: a revoked key does not wait for a slow store of bundles.
        followed = [
            (self.keys.refresh, pause, asyncio.Event()),
            (self._refresh_champion, pause, asyncio.Event()),
            # Nobody waits for who is tried beside it.
            (self._look_for_challenger, _CHALLENGER * pause, asyncio.Event()),
        ]

        def wake() -> None:
            for _, _, event in followed:
                event.set()

        # Windows has none.
        if hasattr(signal, "SIGHUP"):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, wake)
        await asyncio.gather(*(self._follow(*each) for each in followed))

    async def _follow(self, refresh: Callable[[], None], pause: float, wake: asyncio.Event) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), pause)
            wake.clear()
            await asyncio.to_thread(refresh)

    def _refresh_champion(self) -> None:
        if self.champion.refresh():
            self.metrics.used(self.champion.current.version)
            self.monitor.uses(self.champion.current)

    def _look_for_challenger(self) -> None:
        self.monitor.look(self.champion.current)


def _metrics(settings: Settings) -> Metrics:
    if not settings.traces:
        return Metrics()
    from customer_segmentation.serving.tracing import (  # noqa: PLC0415 - an extra, where it is asked for
        TracedMetrics,
    )

    return TracedMetrics(settings.traces)
