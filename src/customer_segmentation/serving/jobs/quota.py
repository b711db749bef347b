"""What one key may send and keep: beyond, it is refused with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from customer_segmentation.serving.jobs.table import Amounts, Kind
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.settings import Settings

# What is still on its way is not read.
CLOSE = {"connection": "close"}
_RETRY = {"retry-after": "10"}


@dataclass
class OnTheWay:
    """What one key sends to this process now."""

    files: int = 0
    bytes: int = 0


class Quota:
    """The limits of each key. The table holds to them; uploads do as far as they know of others.

    Args:
        settings: Limits.
    """

    def __init__(self, settings: Settings) -> None:
        self._most_job = settings.most_job
        self.most = Amounts(settings.most_jobs, settings.most_kept_jobs, settings.most_kept_bytes)

    @contextmanager
    def upload(
        self, kept: Amounts, way: OnTheWay, declared: int
    ) -> Iterator[Callable[[int], None]]:
        """Count a file for the length of a `with` block, where bytes are admitted as they come.

        Args:
            kept: What the key has in the table.
            way: What else it sends.
            declared: The size that the request says to have.

        Raises:
            RefusedError: The file is too large, or one too many.
        """
        before = Amounts(kept.unfinished + way.files, kept.jobs + way.files, kept.bytes)
        came = 0

        def admit(size: int) -> None:
            nonlocal came
            came += size
            way.bytes += size
            self._refuse(came, before.and_one(way.bytes))

        self._refuse(declared, before.and_one(way.bytes + declared))
        way.files += 1
        try:
            yield admit
        finally:
            way.files -= 1
            way.bytes -= came

    def _refuse(self, size: int, wanted: Amounts) -> None:
        if size > self._most_job:
            detail = (
                f"a file of more than {self._most_job} bytes: post it in parts, each with the "
                "header"
            )
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers=CLOSE)
        if kind := wanted.beyond(self.most):
            raise self.refusal(kind)

    def refusal(self, kind: Kind) -> RefusedError:
        """The refusal of a file where its key has too many of a kind."""
        if kind == "unfinished":
            detail = (
                f"{self.most.unfinished} jobs of this key are not done yet: wait, or cancel one"
            )
            return _too_many(detail)
        delete = "delete some that are finished: DELETE /v1/jobs/ID"
        if kind == "jobs":
            return _too_many(f"{self.most.jobs} jobs of this key are kept: {delete}")
        detail = f"the files of this key would take more than {self.most.bytes} bytes: {delete}"
        return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers=CLOSE)


def _too_many(detail: str) -> RefusedError:
    return RefusedError(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={**CLOSE, **_RETRY})
