"""The champion of a function: the bundle in its zip, or that of an environment's folder on S3."""

from __future__ import annotations

from threading import Lock
from time import monotonic

from customer_segmentation.serving.aws_lambda.bucket import S3, use_boto3
from customer_segmentation.serving.bundle import Bundle, Champion


class Models:
    """The bundle that answers, loaded when it is first needed.

    Args:
        folder: As `Champion` has it; `s3://` is read through boto3.
        look_seconds: How long a champion answers before a newer one is looked for, which an event
            waits for: between events nothing runs.
    """

    def __init__(self, folder: str, look_seconds: float) -> None:
        self._folder, self._seconds = folder, look_seconds
        self._champion: Champion | None = None
        self._looked = 0.0
        self._loading = Lock()
        if folder.startswith(f"{S3}://"):
            use_boto3()

    def current(self) -> Bundle:
        """The champion's bundle; one that cannot be loaded leaves the one before.

        Raises:
            UserError: There is none yet, and none can be loaded.
        """
        with self._loading:
            now = monotonic()
            if self._champion is None:
                self._champion, self._looked = Champion(self._folder), now
            elif now - self._looked >= self._seconds:
                self._looked = now
                self._champion.refresh()
            return self._champion.current
