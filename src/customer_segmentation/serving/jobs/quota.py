"""The quota of each key: jobs, and bytes of their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from customer_segmentation.serving.problems import CLOSE, RefusedError
from customer_segmentation.serving.settings import Settings


@dataclass(frozen=True)
class Usage:
    """What an owner uses or may use: unfinished jobs, all jobs, and bytes of their files."""

    unfinished: int
    jobs: int
    bytes: int

    def with_one_more(self, size: int) -> Usage:
        """The usage with another unfinished job."""
        return Usage(self.unfinished + 1, self.jobs + 1, self.bytes + size)

    def require_within(self, limits: Usage) -> None:
        """Refuse a usage beyond the limits.

        Raises:
            RefusedError: A limit is exceeded; it names the first.
        """
        wait = {**CLOSE, "retry-after": "10"}
        delete = "delete some that are finished: DELETE /v1/jobs/ID"
        if self.unfinished > limits.unfinished:
            detail = f"{limits.unfinished} jobs of this key are not done yet: wait, or cancel one"
            raise RefusedError(429, detail, headers=wait)
        if self.jobs > limits.jobs:
            detail = f"{limits.jobs} jobs of this key are kept: {delete}"
            raise RefusedError(429, detail, headers=wait)
        if self.bytes > limits.bytes:
            detail = f"the files of this key would take more than {limits.bytes} bytes: {delete}"
            raise RefusedError(413, detail, headers=CLOSE)


@dataclass
class OpenUploads:
    """The uploads of one key that this process receives now."""

    files: int = 0
    bytes: int = 0


class Quota:
    """Checks uploads against the quota early; `JobTable.add` enforces it.

    Args:
        settings: Limits.
    """

    def __init__(self, settings: Settings) -> None:
        self._max_job = settings.max_job
        self.limits = Usage(settings.max_jobs, settings.max_kept_jobs, settings.max_kept_bytes)

    @contextmanager
    def upload(
        self, kept: Usage, uploads: OpenUploads, declared: int
    ) -> Iterator[Callable[[int], None]]:
        """Count an upload during a `with` block; its target admits bytes as they arrive.

        Args:
            kept: The key's usage in the table.
            uploads: Its uploads to this process.
            declared: The `Content-Length`.

        Raises:
            RefusedError: The file is too large, or the quota is used up.
        """
        before = Usage(kept.unfinished + uploads.files, kept.jobs + uploads.files, kept.bytes)
        received = 0

        def admit(size: int) -> None:
            nonlocal received
            received += size
            uploads.bytes += size
            self._refuse(received, before.with_one_more(uploads.bytes))

        self._refuse(declared, before.with_one_more(uploads.bytes + declared))
        uploads.files += 1
        try:
            yield admit
        finally:
            uploads.files -= 1
            uploads.bytes -= received

    def _refuse(self, size: int, wanted: Usage) -> None:
        if size > self._max_job:
            detail = f"a file of more than {self._max_job} bytes: post parts, each with the header"
            raise RefusedError(413, detail, headers=CLOSE)
        wanted.require_within(self.limits)
