"""Answer customers in JSON: one or a list, in the order that was sent.

The HTTP API and the function of AWS Lambda answer by this, and neither's libraries are needed here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.serving.answers import Answer, Rejection
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.explanation import Explainer
from customer_segmentation.serving.problems import RefusedError, wrong_fields
from customer_segmentation.serving.records import too_many_customers
from customer_segmentation.serving.validation import Problem, ReadCustomer, limit_problems

_encode = msgspec.json.Encoder().encode
_MAX_EXPLAINED = 20
FLAGS = ("explain", "partial")
_SPACE = b" \t\r\n"
Read = ReadCustomer | list[Problem]
_Waiting = tuple[Any, "asyncio.Future[Answer]"]


class Counts(Protocol):
    """Counts what is answered."""

    def answered(self, answers: Iterable[Answer]) -> None:
        """Customers who got an answer."""

    def rejected(self, problems: Iterable[Problem], known: Iterable[str]) -> None:
        """Wrong fields; `known` are the names that may be told."""


class Refusals(Protocol):
    """Counts what is refused, by the bundle."""

    def rejected(self, bundle: Bundle, problems: Iterable[Problem]) -> None:
        """Wrong fields."""


class Rows(Protocol):
    """Makes customers of its kind ready to be scored."""

    def ids(self, customers: Sequence[Any]) -> list[str | None]:
        """Their keys; None where there is none."""

    def matrix(self, customers: Sequence[Any]) -> NDArray[np.float64]:
        """(customers x the segmenter's columns, and others)."""


class Batcher:
    """Collects the customers of one event loop turn; no request waits for a later one."""

    def __init__(self) -> None:
        # By bundle: a request keeps the bundle that read it, even when a new one replaces it.
        self._waiting: dict[tuple[Bundle, Rows], list[_Waiting]] = {}

    async def answer(self, bundle: Bundle, reader: Rows, customer: Any) -> Answer:  # noqa: ANN401 - of the reader's kind
        """Answer one customer.

        Args:
            bundle: What scores.
            reader: Of customers of this kind, for the bundle.
            customer: As the reader takes it.
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


class Answering:
    """Answers customers.

    Args:
        metrics: Counts answers and rejections.
        batcher: Scores single customers together.
        max_customers: In one request.
        monitor: Counts rejections by bundle, where there is monitoring.
    """

    def __init__(
        self,
        metrics: Counts,
        batcher: Batcher,
        max_customers: int,
        monitor: Refusals | None = None,
    ) -> None:
        self._monitor = monitor
        self._batcher = batcher
        self._metrics = metrics
        self._max_customers = max_customers
        self._explainer = Explainer()

    async def answer(
        self, bundle: Bundle, body: bytes, *, explain: bool = False, partial: bool = False
    ) -> bytes:
        """The body of the response: an object for a customer, a list for a list.

        Args:
            bundle: Of this request.
            body: JSON.
            explain: Add an explanation to each answer.
            partial: Answer the valid customers of a list, with errors for the others.

        Raises:
            RefusedError: The body is not JSON, has too many customers, or breaks the contract.
        """
        is_list = body.lstrip(_SPACE)[:1] == b"["
        if not explain and (fast := bundle.reader.fast(body, is_list=is_list)):
            reader, customers = fast
            if not is_list:
                answer = await self._batcher.answer(bundle, reader, customers[0])
                self._metrics.answered([answer])
                return _encode(answer)
            if len(customers) > self._max_customers:
                raise too_many_customers(len(customers), self._max_customers)
            answers = bundle.answer_matrix(reader.ids(customers), reader.matrix(customers))
            self._metrics.answered(answers)
            return _encode(answers)
        read = bundle.reader.careful(body, self._max_customers)
        partial &= is_list
        valid = iter(await self._answers(bundle, read, explain=explain, partial=partial))
        results = [Rejection(one) if isinstance(one, list) else next(valid) for one in read]
        return _encode(results if is_list else results[0])

    async def _answers(
        self, bundle: Bundle, read: list[Read], *, explain: bool, partial: bool
    ) -> list[Answer]:
        """The answers for the valid customers of a body.

        Raises:
            RefusedError: A record is wrong and the request is not `partial`, or there are more
                customers than one request may explain.
        """
        wrong = [one for one in read if isinstance(one, list)]
        problems = list(chain.from_iterable(wrong))
        self._metrics.rejected(problems, bundle.contract.rules)
        if self._monitor and problems:
            self._monitor.rejected(bundle, problems)
        if problems and not partial:
            raise wrong_fields(problems)
        limit_problems(wrong)
        customers = [one for one in read if isinstance(one, ReadCustomer)]
        answers = bundle.answer(customers)
        self._metrics.answered(answers)
        if explain:
            if len(read) > _MAX_EXPLAINED:
                detail = (
                    f"{len(read)} customers; at most {_MAX_EXPLAINED} are explained per request"
                )
                raise RefusedError(413, detail)
            for customer, answer in zip(customers, answers, strict=True):
                # In a thread: it scores thousands of changes.
                explanation = asyncio.to_thread(self._explainer.explain, bundle, customer)
                answer.explanation = await explanation
        return answers


def flags(query: bytes) -> dict[str, bool]:
    """The flags of a query string, each `true` or `false`.

    Raises:
        RefusedError: For any other name or value.
    """
    if not query:
        return {}
    found = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in FLAGS or value not in {"true", "false"}:
            raise RefusedError(400, f"the query takes {' and '.join(FLAGS)}, each true or false")
        found[name] = value == "true"
    return found
