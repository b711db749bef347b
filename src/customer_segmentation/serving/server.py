"""What the routes of one server process share."""

from __future__ import annotations

import asyncio

from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.jobs.desk import Desk
from customer_segmentation.serving.measures import AccessLog, Measures
from customer_segmentation.serving.segments import Segments
from customer_segmentation.serving.settings import Settings
from customer_segmentation.serving.stored import StoredAnswers


class Server:
    """The champion, the stored answers, the jobs, and what is counted.

    Args:
        settings: What the server is told.

    Raises:
        UserError: There is no bundle.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.champion = Champion(settings.bundle, settings.device)
        self.stored = StoredAnswers(settings.segments)
        self.measures = Measures()
        self.measures.used(self.champion.current.version)
        self.log = AccessLog()
        self.segments = Segments(self.measures, settings.most_customers)
        self.desk = Desk(settings)
        self.is_ready = False

    async def follow(self) -> None:
        """Take up each new champion, without end."""
        while True:
            await asyncio.sleep(self.settings.look_seconds)
            if await asyncio.to_thread(self.champion.refresh):
                self.measures.used(self.champion.current.version)
