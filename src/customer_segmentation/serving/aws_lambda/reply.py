"""What the scoring function replies to a body, whichever way the body came."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter

from customer_segmentation.errors import UserError
from customer_segmentation.serving.answering import Answering, Batcher, flags
from customer_segmentation.serving.answers import Answer
from customer_segmentation.serving.aws_lambda.metrics import embedded
from customer_segmentation.serving.aws_lambda.models import Models
from customer_segmentation.serving.aws_lambda.response import Reply, replied
from customer_segmentation.serving.body import too_large
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.settings import Settings
from customer_segmentation.serving.validation import Problem

logger = logging.getLogger(__name__)

_INSTEAD = "send fewer customers at once"


@dataclass(frozen=True)
class Body:
    """A body as it was sent, and its flags: `partial=true&explain=true`."""

    content: bytes
    query: str = ""


@dataclass
class _Counted:
    """Of one body: customers by segment, and how many fields were wrong; nothing personal."""

    segments: dict[str, int] = field(default_factory=dict)
    wrong_fields: int = 0

    def answered(self, answers: Iterable[Answer]) -> None:
        """Count answered customers."""
        for answer in answers:
            self.segments[answer.segment] = self.segments.get(answer.segment, 0) + 1

    def rejected(self, problems: Iterable[Problem], known: Iterable[str]) -> None:  # noqa: ARG002 - as the server counts
        """Count wrong fields."""
        self.wrong_fields += sum(1 for _ in problems)


class Replies:
    """Replies to bodies as `POST /v1/segments` does, and tells the log of each in a line of JSON.

    Args:
        settings: The server's; of them the bundle, how often it is looked for, and the limits.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models = Models(settings.bundle, settings.look_seconds)
        self._loop = asyncio.new_event_loop()

    def load(self) -> None:
        """Load the models; where that fails, the next reply tries again."""
        try:
            self._models.current()
        except (OSError, UserError) as error:
            logger.error("%s", error)  # noqa: TRY400 - its cause says no more

    def close(self) -> None:
        """End the threads and the event loop that answers run in."""
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def reply(
        self, read: Callable[[], Body], request_id: str, *, is_request: bool = False
    ) -> Reply:
        """The reply to a body.

        Args:
            read: Gives the body, or raises RefusedError.
            request_id: For the log, and in the response.
            is_request: Whether somebody waits for it: what is promised is of such.
        """
        started, counted = perf_counter(), _Counted()
        reply = replied(lambda headers: self._answer(read(), counted, headers), request_id)
        seconds, customers = round(perf_counter() - started, 6), sum(counted.segments.values())
        line = {
            "request_id": request_id,
            "status": reply.status,
            "seconds": seconds,
            "artifact_version": reply.headers.get("artifact-version"),
            "customers": customers,
            "segments": counted.segments,
            "wrong_fields": counted.wrong_fields,
        }
        if is_request:
            line |= embedded("scoring", reply.status, seconds, customers)
        print(json.dumps(line), flush=True)  # noqa: T201 - Lambda keeps what is written
        return reply

    def _answer(self, body: Body, counted: _Counted, headers: dict[str, str]) -> bytes:
        """The body of an answer; the version that gives it is added to the headers.

        Raises:
            RefusedError: As the API, and while no models can be loaded.
        """
        try:
            bundle = self._models.current()
        except (OSError, UserError) as error:
            logger.error("%s", error)  # noqa: TRY400 - as above
            raise RefusedError(503, str(error)) from error
        headers["artifact-version"] = bundle.version
        if len(body.content) > (most := self._settings.max_body):
            raise too_large(most, _INSTEAD)
        answering = Answering(counted, Batcher(), self._settings.max_customers)
        answer = answering.answer(bundle, body.content, **flags(body.query.encode()))
        return self._loop.run_until_complete(answer)
