"""The quota of each key: jobs, and bytes of their files."""

from __future__ import annotations

from collections import Counter
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

    def plus(self, jobs: int, size: int) -> Usage:
        """The usage with more unfinished jobs, whose files have this size in all."""
        return Usage(self.unfinished + jobs, self.jobs + jobs, self.bytes + size)

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


class Quota:
    """Checks uploads against the quota early; `JobTable.add` enforces it.

    Args:
        settings: Limits.
    """

    def __init__(self, settings: Settings) -> None:
        self._max_job = settings.max_job
        self.limits = Usage(settings.max_jobs, settings.max_kept_jobs, settings.max_kept_bytes)
        # By owner: the uploads that this process receives now, and their bytes so far.
        self._files: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    @contextmanager
    def upload(self, owner: str, kept: Usage, declared: int) -> Iterator[Callable[[int], None]]:
        """Count an upload during a `with` block; its target admits bytes as they arrive.

        Args:
            owner: Whose upload it is.
            kept: The owner's usage in the table.
            declared: The `Content-Length`.

        Raises:
            RefusedError: The file is too large, or the quota is used up.
        """
        files, received = self._files[owner] + 1, 0

        def require_room(size: int, more: int) -> None:
            if size > self._max_job:
                most = f"a file of more than {self._max_job} bytes"
                raise RefusedError(413, f"{most}: post parts, each with the header", headers=CLOSE)
            kept.plus(files, self._bytes[owner] + more).require_within(self.limits)

        def admit(size: int) -> None:
            nonlocal received
            received += size
            self._bytes[owner] += size
            require_room(received, 0)

        require_room(declared, declared)
        self._files[owner] += 1
        try:
            yield admit
        finally:
            self._files[owner] -= 1
            self._bytes[owner] -= received
