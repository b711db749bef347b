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
from customer_segmentation.serving.online import OnlineSegments
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.segments import Segments
from customer_segmentation.serving.settings import Settings, is_prefix
from customer_segmentation.serving.stored import StoredAnswers


class Server:
    """The champion, the keys, stored answers, history, online store, jobs and metrics.

    Args:
        settings: The server's.

    Raises:
        UserError: The bundle is missing, or the file of keys.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = Keys(settings.keys)
        self.champion = Champion(settings.bundle, settings.device)
        self.stored = StoredAnswers(settings.segments)
        self.history = StoredHistory(settings.history)
        self.metrics = _metrics(settings)
        self.metrics.used(self.champion.current.version)
        self.log = AccessLog()
        batcher = Batcher()
        self.segments = Segments(self.metrics, batcher, settings.max_customers)
        self.online = OnlineSegments(settings, self.metrics, batcher)
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
        """Reload keys and champion when they change, until cancelled; at SIGHUP at once."""
        # Separately: a revoked key does not wait for a slow store of bundles.
        refreshes = (self.keys.refresh, self._refresh_champion)
        events = {refresh: asyncio.Event() for refresh in refreshes}

        def wake() -> None:
            for event in events.values():
                event.set()

        # Windows has none.
        if hasattr(signal, "SIGHUP"):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, wake)
        await asyncio.gather(*(self._follow(refresh, event) for refresh, event in events.items()))

    async def _follow(self, refresh: Callable[[], None], wake: asyncio.Event) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), self.settings.look_seconds)
            wake.clear()
            await asyncio.to_thread(refresh)

    def _refresh_champion(self) -> None:
        if self.champion.refresh():
            self.metrics.used(self.champion.current.version)


def _metrics(settings: Settings) -> Metrics:
    if not settings.traces:
        return Metrics()
    from customer_segmentation.serving.tracing import (  # noqa: PLC0415 - an extra, where it is asked for
        TracedMetrics,
    )

    return TracedMetrics(settings.traces)
