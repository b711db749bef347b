"""Where what is sent lands before it is answered: a landing folder, or a topic of Kafka.

A folder:

    2026-11-29/20261129T193000123456Z-5f0c….jsonl    the objects of one request
    _keys/8d/8d77….json                              what an Idempotency-Key stands for

Of two requests with the same key, one makes the record, and both write the same file, so that a
request that was cut off anywhere may be sent again.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import fsspec
import msgspec

from customer_segmentation.errors import UserError
from customer_segmentation.new_files import put_new
from customer_segmentation.serving.ingestion.objects import Objects

_KAFKA = re.compile(r"kafka://(?P<bootstrap>[^/@\s]+)/(?P<topic>[A-Za-z0-9._-]{1,249})")
# Below the client's own time limit: botocore would try for minutes.
_S3 = {"connect_timeout": 3, "read_timeout": 5, "retries": {"max_attempts": 1}}
_KAFKA_SECONDS = 8.0
# Keys that a process remembers, for a topic.
_REMEMBERED = 10_000
_TURNS = 256


class OtherBodyError(Exception):
    """An Idempotency-Key was used for other objects before."""


class Target(Protocol):
    """Where objects land."""

    def put(self, objects: Objects, claim: str) -> str:
        """Land objects; returns the receipt once they last.

        Args:
            objects: Of one request.
            claim: What its Idempotency-Key stands for; '' without one.

        Raises:
            OtherBodyError: The key was used for other objects.
            UserError: They cannot be landed now; some may have been.
            OSError: As before.
        """


class _Claim(msgspec.Struct, frozen=True):
    """What a key stands for: the request that came with it first."""

    receipt: str
    sha256: str


class FolderTarget:
    """A landing folder, which `readers.folder` reads: a file a request, whole or not there.

    Args:
        place: A path, or a URL such as `s3://bucket/events`.
    """

    def __init__(self, place: str) -> None:
        self._place = place.replace("s3a://", "s3://", 1)
        # Folders whose own names are on the disk.
        self._lasting: set[Path] = set()

    def put(self, objects: Objects, claim: str) -> str:
        """As of `Target`: the objects are on the disk, or in the bucket."""
        options = {"config_kwargs": _S3} if self._place.startswith("s3://") else {}
        files, root = fsspec.core.url_to_fs(self._place, use_listings_cache=False, **options)
        root = root.rstrip("/")
        body = b"\n".join(objects.lines) + b"\n"
        # Read in the order of these names where the times are equal, and each for itself, as
        # `sources.folder.listing.MESSAGE` has it.
        receipt = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(8)}"
        if claim:
            receipt = self._claimed(files, f"{root}/_keys/{claim[:2]}/{claim}.json", receipt, body)
        day = f"{receipt[:4]}-{receipt[4:6]}-{receipt[6:8]}"
        self._put(files, f"{root}/{day}/{receipt}.jsonl", body)
        return receipt

    def _claimed(self, files: Any, path: str, receipt: str, body: bytes) -> str:  # noqa: ANN401 - fsspec ships no types
        """The receipt of the first request with a key.

        Raises:
            OtherBodyError: It had another body.
        """
        claim = _Claim(receipt, hashlib.sha256(body).hexdigest())
        if self._put(files, path, msgspec.json.encode(claim)):
            return receipt
        first = msgspec.json.decode(files.cat_file(path), type=_Claim)
        if first.sha256 != claim.sha256:
            raise OtherBodyError
        return first.receipt

    def _put(self, files: Any, path: str, content: bytes) -> bool:  # noqa: ANN401 - as above
        is_new = put_new(files, path, content)
        if "file" in files.protocol and os.name == "posix":
            # The file's name must be on the disk too, if the power fails, and its folder's.
            folder = Path(path).parent
            _synchronise(folder)
            if folder not in self._lasting:
                _synchronise(folder.parent)
                self._lasting.add(folder)
        return is_new


def _synchronise(folder: Path) -> None:
    described = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(described)
    finally:
        os.close(described)


class TopicTarget:
    """A topic of Kafka: a message an object, with the customer as its key.

    All messages of a request have the header `receipt`, and `object`, its place among them. A
    repeated request has the same receipt, by which a reader that cares tells repeats.

    Args:
        bootstrap: `host:port`, several with commas.
        topic: Its name.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        from customer_segmentation.sources.messages.kafka import (  # noqa: PLC0415 - few servers have it
            Clients,
            Publisher,
        )

        self._topic = topic
        self._publisher = Publisher(Clients(bootstrap))
        self._known: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()
        # A request that is sent again while the first is under way waits for it.
        self._turns = [Lock() for _ in range(_TURNS)]

    def put(self, objects: Objects, claim: str) -> str:
        """As of `Target`: every copy of the broker has the objects."""
        if not claim:
            return self._publish(objects, secrets.token_hex(16))
        receipt = claim[:32]
        sha256 = hashlib.sha256(b"\n".join(objects.lines)).hexdigest()
        with self._turns[int(claim[:2], 16) % _TURNS]:
            known = self._known.get(claim)
            if known and known != sha256:
                raise OtherBodyError
            if known:
                return receipt
            self._publish(objects, receipt)
            with self._lock:
                self._known[claim] = sha256
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return receipt

    def _publish(self, objects: Objects, receipt: str) -> str:
        told = receipt.encode()
        messages = [
            (key.encode(), line, {"receipt": told, "object": b"%d" % place})
            for place, (key, line) in enumerate(zip(objects.keys, objects.lines, strict=True))
        ]
        self._publisher.publish(self._topic, messages, _KAFKA_SECONDS)
        return receipt


def target_of(setting: str, place: str) -> Target | None:
    """The target that a setting names; None where it is empty.

    Args:
        setting: Its name, for messages.
        place: A folder, a URL of one, or `kafka://host:port/topic`.

    Raises:
        UserError: It is none of these.
    """
    if not place:
        return None
    made: Callable[[], Target] = partial(FolderTarget, place)
    if place.startswith("kafka:"):
        match = _KAFKA.fullmatch(place)
        if match is None:
            raise UserError(f"{setting}: write the topic as kafka://host:9092/topic")
        made = partial(TopicTarget, match["bootstrap"], match["topic"])
    elif "://" in place and not place.startswith(("s3://", "s3a://", "file://")):
        raise UserError(f"{setting}: {place} is no folder, no s3:// and no kafka:// address")
    try:
        return made()
    except ModuleNotFoundError as error:
        message = f"{setting}: Kafka needs packages of its own: requirements/streaming.txt"
        raise UserError(message) from error
