"""The lease on an S3 folder: a small object that its holder renews."""

from __future__ import annotations

import atexit
import json
import logging
import threading
import time
import uuid
from email.utils import parsedate_to_datetime
from typing import Any

from customer_segmentation.errors import UserError
from customer_segmentation.run_lock.base import RunLock, named
from customer_segmentation.s3_errors import code_of, store_error

LEASE = ".run-lease.json"
_RENEWALS_IN_EXPIRY = 3
# How often to try again when another run wins a race.
_ATTEMPTS = 10
# Error codes of a conditional request when somebody else came first.
_CHANGED = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey"}

_log = logging.getLogger(__name__)


class Lease(RunLock):
    """An object on S3, written only by conditional requests, so that one run wins."""

    def __init__(self, root: str, holder: str, expiry: float) -> None:
        super().__init__(root.rstrip("/"), holder)
        bucket, _, folder = self.root.partition("://")[2].partition("/")
        self._object = {"Bucket": bucket, "Key": f"{folder}/{LEASE}".lstrip("/")}
        self._token = uuid.uuid4().hex
        self._expiry = expiry
        self._etag = ""
        self._renewed = (0.0, 0.0)
        self._state = threading.Lock()
        self._ended = threading.Event()
        self._lost_to: str | None = None

    def acquire(self) -> None:
        """Take the lease without waiting, and keep renewing it.

        Raises:
            UserError: Another run holds it, or S3 cannot be used as it is.
        """
        self._client = _s3_client(self.root)
        try:
            holder = self._take()
        except Exception as error:
            raise store_error(error, self.root) from error
        if holder is not None:
            hint = f" (a killed run's hold ends by itself after {self._expiry:.0f} seconds)"
            raise self.refusal(holder, hint)
        # After an interrupted run, the next one need not wait for the expiry.
        atexit.register(self.release)
        threading.Thread(target=self._keep_renewing, name="run lease", daemon=True).start()

    def _take(self) -> bytes | None:
        """Take the lease; returns what the lease of another run says, if that keeps it."""
        holder = b""
        for _ in range(_ATTEMPTS):
            if self._put(IfNoneMatch="*"):
                return None
            found = self._get()
            if found is None:
                continue
            holder, etag, age = found
            if self._is_mine(holder):
                # The reply to the first attempt was lost, and botocore tried again.
                self._etag = etag
                return None
            # The server truncates both times to seconds.
            if age < self._expiry + 1:
                break
            if self._put(IfMatch=etag):
                _log.warning("Took over the lease of a run that ended: %s", named(holder))
                return None
        return holder

    def _put(self, **condition: str) -> bool:
        """Write the lease if the condition holds; returns whether it did."""
        begun = _clocks()
        # Each body is different, so an ETag identifies one write.
        renewal = {"token": self._token, "renewal": uuid.uuid4().hex}
        body = json.dumps(self.holder | renewal).encode()
        answer = self._ask("put_object", Body=body, **condition)
        if answer is None:
            return False
        self._etag, self._renewed = answer["ETag"], begun
        return True

    def _get(self) -> tuple[bytes, str, float] | None:
        """The content of the lease, its ETag, and its age by the clock of the server."""
        answer = self._ask("get_object")
        if answer is None:
            return None
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        age = (now - answer["LastModified"]).total_seconds()
        return answer["Body"].read(), answer["ETag"], age

    def _ask(self, operation: str, **arguments: Any) -> Any:  # noqa: ANN401 - botocore's
        """The reply of S3; None if somebody else came first."""
        try:
            return getattr(self._client, operation)(**self._object, **arguments)
        except Exception as error:
            if code_of(error) in _CHANGED:
                return None
            raise

    def _is_mine(self, holder: bytes) -> bool:
        return self._token.encode() in holder

    def _keep_renewing(self) -> None:
        while not self._ended.wait(self._expiry / _RENEWALS_IN_EXPIRY):
            try:
                self._renew()
            except Exception as error:  # noqa: BLE001 - the next attempt may succeed
                _log.warning("The lease on %s is not renewed: %s", self.root, error)

    def _renew(self) -> None:
        with self._state:
            if self._ended.is_set() or self._lost_to is not None or self._put(IfMatch=self._etag):
                return
            lease = self._get()
            if lease and self._is_mine(lease[0]):
                # The reply to an attempt was lost, so its time is unknown: renew again.
                self._etag = lease[1]
                if self._put(IfMatch=self._etag):
                    return
                lease = self._get()
            self._lost_to = named(lease[0] if lease else b"")

    def require_held(self) -> None:
        """Check, before something is saved, that no other run has taken over.

        Raises:
            UserError: One has, or S3 has not replied until the lease expired.
        """
        # The wall clock too, since the monotonic one stops while a laptop sleeps.
        waited = max(now - then for now, then in zip(_clocks(), self._renewed, strict=True))
        if waited > self._expiry / _RENEWALS_IN_EXPIRY:
            try:
                self._renew()
            except Exception as error:
                # Nobody takes over the lease before it expires.
                if waited > self._expiry:
                    raise store_error(error, self.root) from error
        if self._lost_to is not None:
            raise UserError(
                f"{self.root}: the run lost its lease to {self._lost_to}, and saves nothing more:"
                " run it again when that one has ended"
            )

    def release(self) -> None:
        """Delete the lease, if this run still holds it."""
        self._ended.set()
        atexit.unregister(self.release)
        with self._state:
            if not self._etag or self._lost_to is not None:
                return
            try:
                self._client.delete_object(**self._object, IfMatch=self._etag)
            except Exception as error:  # noqa: BLE001 - it expires anyway, and the run succeeded
                _log.warning("The lease on %s stays until it expires: %s", self.root, error)
            self._etag = ""


def _s3_client(root: str) -> Any:  # noqa: ANN401 - botocore makes its client classes at run time
    try:
        import botocore.session  # noqa: PLC0415 - only the cloud extras have it
        from botocore.config import Config  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise UserError(f"{root} needs the S3 libraries: pip install '.[cloud]'") from error
    try:
        client = botocore.session.get_session().create_client(
            "s3",
            config=Config(
                connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": 3}
            ),
        )
    except Exception as error:
        raise store_error(error, root) from error
    client.meta.events.register_first("needs-retry.s3", _refuse_another_region)
    return client


def _refuse_another_region(response: Any, operation: Any, **_: Any) -> None:  # noqa: ANN401
    """Stop botocore from following a bucket to another region, which Polars would not do."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - only the cloud extras have it

    error = response[1].get("Error", {}) if response else {}
    if error.get("Code") in {
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "PermanentRedirect",
    }:
        raise ClientError(response[1], operation.name)


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.time()
