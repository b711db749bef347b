"""Read the online store from an event loop: what is asked for in one turn of it is one call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import chain

from customer_segmentation.feature_store.online import (
    KeyValues,
    StoreDownError,
    read_keys,
    shown,
)
from customer_segmentation.feature_store.rows import Snapshot

# Of one process. While so many calls are on their way, what comes waits for the next.
_CALLS = 4
_Values = Mapping[str, bytes | None]


class FeatureReader:
    """Reads customers.

    Args:
        store: The database.
        seconds: How long to wait for an answer.
    """

    def __init__(self, store: KeyValues, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._waiting: list[tuple[list[str], asyncio.Future[_Values]]] = []
        # The event loop alone would not keep them.
        self._calls: set[asyncio.Task[None]] = set()

    async def read(self, customers: Sequence[str]) -> tuple[Snapshot | None, list[bytes | None]]:
        """The live snapshot, and each customer's row of it, None for one whom it does not hold.

        Raises:
            StoreDownError: The store does not answer in time.
            UserError: What it holds is damaged.
        """
        keys = read_keys(customers)
        values: list[bytes | None] = [None]
        found = None
        while found is None:
            before, values = values[0], await self._values(keys)
            found = shown(values, before)
        return found

    async def _values(self, keys: list[str]) -> list[bytes | None]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._call)
        asked: asyncio.Future[_Values] = loop.create_future()
        self._waiting.append((keys, asked))
        values = await asked
        return [values[key] for key in keys]

    def _call(self) -> None:
        if self._waiting and len(self._calls) < _CALLS:
            together, self._waiting = self._waiting, []
            call = asyncio.get_running_loop().create_task(self._answer(together))
            self._calls.add(call)
            call.add_done_callback(self._end)

    def _end(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self._call()

    async def _answer(self, together: list[tuple[list[str], asyncio.Future[_Values]]]) -> None:
        # DynamoDB refuses to be asked twice for a key.
        keys = list(dict.fromkeys(chain.from_iterable(keys for keys, _ in together)))
        values: _Values = {}
        failure: Exception | None = None
        try:
            async with asyncio.timeout(self._seconds):
                values = dict(zip(keys, await self._store.read(keys), strict=True))
        except TimeoutError:
            message = f"{self._store.name} does not answer within {self._seconds:g} s"
            failure = StoreDownError(f"the online store {message}")
        except Exception as error:  # noqa: BLE001 - passed on to each request
            failure = error
        for _, asked in together:
            # The client may have disconnected.
            if asked.done():
                continue
            if failure:
                asked.set_exception(failure)
            else:
                asked.set_result(values)
