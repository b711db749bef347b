"""What the routes of one server process share."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from litestar.datastructures import Headers

from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.jobs.desk import Desk
from customer_segmentation.serving.keys import Keys
from customer_segmentation.serving.measures import AccessLog, Measures
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.segments import Segments
from customer_segmentation.serving.settings import Settings, is_prefix
from customer_segmentation.serving.stored import StoredAnswers


class Server:
    """The champion, the keys, the stored answers, the jobs, and what is counted.

    Args:
        settings: What the server is told.

    Raises:
        UserError: There is no bundle, or no keys where they are named.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = Keys(settings.keys)
        self.champion = Champion(settings.bundle, settings.device)
        self.stored = StoredAnswers(settings.segments)
        self.measures = Measures()
        self.measures.used(self.champion.current.version)
        self.log = AccessLog()
        self.segments = Segments(self.measures, settings.most_customers)
        self.desk = Desk(settings)
        self.is_ready = False

    def root_path(self, headers: Headers) -> str:
        """What stands before a path where the client is: the setting, or what the proxy says."""
        said = headers.get("x-forwarded-prefix", "")
        return self.settings.root_path or (said if is_prefix(said) else "")

    def require_ready(self) -> None:
        """Refuse while the server starts or stops.

        Raises:
            RefusedError: It takes no requests now.
        """
        if not self.is_ready:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "starting or stopping")

    async def follow(self) -> None:
        """Take up new keys and each new champion, without end; at SIGHUP it looks at once."""
        # Apart: a key that is taken back does not wait for a slow store of bundles.
        refreshes = (self.keys.refresh, self._refresh_champion)
        told = {refresh: asyncio.Event() for refresh in refreshes}

        def look() -> None:
            for event in told.values():
                event.set()

        # Windows has none.
        if hasattr(signal, "SIGHUP"):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, look)
        await asyncio.gather(*(self._follow(refresh, event) for refresh, event in told.items()))

    async def _follow(self, refresh: Callable[[], None], told: asyncio.Event) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), self.settings.look_seconds)
            told.clear()
            await asyncio.to_thread(refresh)

    def _refresh_champion(self) -> None:
        if self.champion.refresh():
            self.measures.used(self.champion.current.version)
