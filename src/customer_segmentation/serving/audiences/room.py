"""What the routes of audiences share: tables, consents, audiences, and how much is at work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from customer_segmentation.audiences.definition import Audience, Choices
from customer_segmentation.audiences.fields import present
from customer_segmentation.audiences.query import CancelledError, Query
from customer_segmentation.audiences.store import AudienceStore
from customer_segmentation.errors import UserError
from customer_segmentation.serving.asgi import Receive
from customer_segmentation.serving.audiences.stored import StoredConsents, StoredCustomers
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.settings import Settings

if TYPE_CHECKING:
    from customer_segmentation.audiences.counting import Customers

logger = logging.getLogger(__name__)

_AT_ONCE, _SECONDS = 4, 10.0
_WAIT = {"retry-after": "1"}
# It passes when the next run has ended, or somebody mends the file.
_UNREADABLE = {"retry-after": "30"}

_Made = TypeVar("_Made")


class Room:
    """The tables, the consents, and the audiences that are kept.

    Args:
        settings: They say where all of it is.
    """

    def __init__(self, settings: Settings) -> None:
        self._customers = StoredCustomers(settings)
        self.consents = StoredConsents(settings)
        self.store = AudienceStore(settings.audiences)
        self.choices = lru_cache(maxsize=4)(_choices_of)
        # Of many who ask on a new day, one tells who has agreed.
        self._agreeing = Lock()
        self._at_work = 0

    def current(self, bundle: Bundle) -> tuple[Choices, Customers]:
        """The customers now, and what may be asked of them."""
        choices = self.choices(bundle)
        _, customers = self._customers.current(choices)
        there = present(choices.fields, customers.columns)
        return Choices(there, choices.segments, choices.purposes, choices.never), customers

    def agreed(
        self, bundle: Bundle, customers: Customers, audience: Audience, day: date
    ) -> tuple[str, str, date] | None:
        """The key of those who agreed to an audience's purpose on a day, whom it tells of."""
        purpose, schema = audience.definition.purpose, bundle.contract.schema
        if not purpose:
            return None
        key = self.consents.state(schema), purpose, day
        with self._agreeing:
            if not customers.knows(key):
                customers.agree(key, self.consents.agreed(schema, purpose, day))
        return key

    async def work(self, receive: Receive, make: Callable[[Query], _Made]) -> _Made:
        """Do it in a thread, unless the client leaves or it takes long."""
        if self._at_work >= _AT_ONCE:
            raise RefusedError(503, "other audiences are being counted: try again", headers=_WAIT)
        query = Query()
        working = asyncio.create_task(asyncio.to_thread(telling, make, query))
        self._at_work += 1
        working.add_done_callback(self._end)
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait(
                {working, leaving}, timeout=_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            leaving.cancel()
            if not working.done():
                query.cancel()
        if working.done():
            return working.result()
        told = f"it was not counted within {_SECONDS:g} seconds: try again"
        raise RefusedError(503, told, headers=_WAIT)

    def _end(self, working: asyncio.Task[Any]) -> None:
        self._at_work -= 1
        # Nobody asks for the error of what was given up.
        with suppress(asyncio.CancelledError):
            working.exception()


def telling(make: Callable[[Query], _Made], query: Query) -> _Made:
    """What is made, or why it cannot be.

    Raises:
        RefusedError: Nothing was stored yet, it cannot be read, or what reads it is not installed.
    """
    try:
        return make(query)
    except FileNotFoundError as error:
        raise RefusedError(404, "no batch run has stored answers yet: run kedro run") from error
    except ModuleNotFoundError as error:
        told = f"audiences need {error.name}, which is not installed: pip install '.[serving]'"
        raise RefusedError(503, told) from error
    except CancelledError as error:
        raise RefusedError(503, "it was cancelled: try again", headers=_WAIT) from error
    except UserError as error:
        logger.warning("%s", error)
        raise RefusedError(503, str(error).removesuffix("."), headers=_UNREADABLE) from error


async def _left(receive: Receive) -> None:
    """Wait until the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        continue


def _choices_of(bundle: Bundle) -> Choices:
    names = {each["key"]: each["name"] for each in bundle.segmenter.metadata["segments"]}
    return Choices.of(bundle.contract.schema, names)
