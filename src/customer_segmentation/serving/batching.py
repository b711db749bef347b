"""Micro-batching: single customers of one event loop turn are scored in one call."""

from __future__ import annotations

import asyncio
from typing import Any

from customer_segmentation.serving.answers import Answer
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.records import FastReader

_Waiting = tuple[Any, "asyncio.Future[Answer]"]


class Batcher:
    """Collects the customers of one event loop turn; no request waits for a later one."""

    def __init__(self) -> None:
        # By bundle: a request keeps the bundle that read it, even when a new one replaces it.
        self._waiting: dict[tuple[Bundle, FastReader], list[_Waiting]] = {}

    async def answer(self, bundle: Bundle, reader: FastReader, customer: Any) -> Answer:  # noqa: ANN401 - a class made at run time
        """Answer one customer.

        Args:
            bundle: What scores.
            reader: The bundle's reader that decoded the customer.
            customer: As decoded.
        """
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
            except Exception as error:  # noqa: BLE001 - passed on to each request
                for _, future in waiting:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(waiting, answers, strict=True):
                # The client may have disconnected.
                if not future.done():
                    future.set_result(answer)
