"""Single customers that come together are scored together: a call costs more than a row."""

from __future__ import annotations

import asyncio
from typing import Any

from customer_segmentation.serving.answers import Answer
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.records import FastReader

_Waiting = tuple[Any, "asyncio.Future[Answer]"]


class Batcher:
    """Collects the customers of one turn of the event loop; nobody waits for more to come."""

    def __init__(self) -> None:
        # A request keeps the bundle that read it, also while another takes its place.
        self._waiting: dict[tuple[Bundle, FastReader], list[_Waiting]] = {}

    async def answer(self, bundle: Bundle, reader: FastReader, customer: Any) -> Answer:  # noqa: ANN401 - a class made at run time
        """The answer for the one customer that the bundle's reader read."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._score)
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.setdefault((bundle, reader), []).append((customer, future))
        return await future

    def _score(self) -> None:
        together, self._waiting = self._waiting, {}
        for (bundle, reader), waiting in together.items():
            customers = [customer for customer, _ in waiting]
            try:
                answers = bundle.answer_matrix(reader.ids(customers), reader.matrix(customers))
            except Exception as error:  # noqa: BLE001 - each who waits is told
                for _, future in waiting:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(waiting, answers, strict=True):
                # Whoever asked may have gone.
                if not future.done():
                    future.set_result(answer)
