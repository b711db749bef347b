"""`POST /v1/segments`: one customer or a list, answered in the request's order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

import msgspec

from customer_segmentation.serving.answers import Answer, Rejection
from customer_segmentation.serving.asgi import Receive, Scope, Send
from customer_segmentation.serving.batching import Batcher
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.contract import (
    MAX_PROBLEMS,
    Problem,
    ReadCustomer,
    limit_problems,
)
from customer_segmentation.serving.explanation import Explainer
from customer_segmentation.serving.guard import bundle_of
from customer_segmentation.serving.measures import Measures
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.records import MalformedJsonError, TooManyCustomersError

_encode = msgspec.json.Encoder().encode
_MOST_EXPLAINED = 20
_SPACE = b" \t\r\n"


@dataclass
class _Found:
    """What was read of one record, and what is answered."""

    customer: ReadCustomer | None
    problems: list[Problem] = field(default_factory=list)
    answer: Answer | None = None


class Segments:
    """Answers customers with the bundle that is given.

    Args:
        measures: What is counted.
        most_customers: In one request.
    """

    def __init__(self, measures: Measures, most_customers: int) -> None:
        self._batcher = Batcher()
        self._measures = measures
        self._most = most_customers
        self._explainer = Explainer()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The route: Litestar's request and response would take longer than the answer.

        Raises:
            RefusedError: As `answer`, and for an unknown query.
        """
        flags = _flags(scope["query_string"], ("explain", "partial"))
        message = await receive()
        body = await self.answer(bundle_of(scope), message.get("body", b""), **flags)
        length = (b"content-length", str(len(body)).encode())
        headers = [(b"content-type", b"application/json"), length]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(
        self, bundle: Bundle, body: bytes, *, explain: bool = False, partial: bool = False
    ) -> bytes:
        """The body of the answer: an object for a customer, a list for a list.

        Args:
            bundle: Of this request.
            body: JSON.
            explain: Add what pulls each customer to the segment, and what would move them.
            partial: Answer the right customers of a list beside the errors of the wrong ones.

        Raises:
            RefusedError: No JSON, too many customers, or customers who break the contract.
        """
        is_list = body.lstrip(_SPACE)[:1] == b"["
        if not explain and (read := bundle.reader.fast(body, is_list=is_list)):
            reader, customers = read
            if not is_list:
                answer = await self._batcher.answer(bundle, reader, customers[0])
                self._measures.answered([answer])
                return _encode(answer)
            if len(customers) > self._most:
                raise self._too_many(len(customers))
            answers = bundle.answer_matrix(reader.ids(customers), reader.matrix(customers))
            self._measures.answered(answers)
            return _encode(answers)
        found = self._carefully(bundle, body, partial=partial and is_list)
        if explain:
            # Thousands of changes are scored for each.
            await asyncio.to_thread(self._explain, bundle, found)
        told = [one.answer or Rejection(one.problems) for one in found]
        return _encode(told if is_list else told[0])

    def _carefully(self, bundle: Bundle, body: bytes, *, partial: bool) -> list[_Found]:
        try:
            read = bundle.reader.careful(body, self._most)
        except MalformedJsonError as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"no JSON: {error}") from error
        except TooManyCustomersError as error:
            raise self._too_many(error.customers) from error
        found = [_Found(None, one) if isinstance(one, list) else _Found(one) for one in read]
        problems = [problem for one in found for problem in one.problems]
        self._measures.rejected(problems, bundle.contract.rules)
        if problems and not partial:
            raise _refused(problems)
        limit_problems(found)
        right = [one for one in found if one.customer]
        answers = bundle.answer([one.customer for one in right if one.customer])
        self._measures.answered(answers)
        for one, answer in zip(right, answers, strict=True):
            one.answer = answer
        return found

    def _explain(self, bundle: Bundle, found: list[_Found]) -> None:
        """Add an explanation to each answer.

        Raises:
            RefusedError: They are more than one request may take.
        """
        if len(found) > _MOST_EXPLAINED:
            detail = f"{len(found)} customers; at most {_MOST_EXPLAINED} are explained a request"
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        for one in found:
            if one.customer and one.answer:
                one.answer.explanation = self._explainer.explain(bundle, one.customer)

    def _too_many(self, customers: int) -> RefusedError:
        detail = f"{customers} customers; at most {self._most} a request: use POST /v1/jobs"
        return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def _flags(query: bytes, names: tuple[str, ...]) -> dict[str, bool]:
    """Flags of the query, each true or false; nothing else may stand there.

    Raises:
        RefusedError: Another name or value.
    """
    if not query:
        return {}
    flags = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in names or value not in {"true", "false"}:
            detail = f"the query takes {' and '.join(names)}, each true or false"
            raise RefusedError(HTTPStatus.BAD_REQUEST, detail)
        flags[name] = value == "true"
    return flags


def _refused(problems: list[Problem]) -> RefusedError:
    fields = "a field is" if len(problems) == 1 else f"{len(problems)} fields are"
    told = f"; the first {MAX_PROBLEMS} are told" if len(problems) > MAX_PROBLEMS else ""
    errors = problems[:MAX_PROBLEMS]
    return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{fields} wrong{told}", errors=errors)
