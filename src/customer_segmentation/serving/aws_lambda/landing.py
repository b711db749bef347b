"""The function that starts a run for each file that lands: `handle` takes S3's events.

They come from the bucket itself (`ObjectCreated`) or through EventBridge (`Object Created`). Either
may come twice, and both may: a run has its name from the object's version, and a name is used once.
Nothing is imported but what Lambda's runtime has.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote_plus

MACHINE, PREFIX = "STATE_MACHINE_ARN", "LANDING_PREFIX"
# Those of files that a source is read from; a test holds them against `sources.files`.
ENDINGS = frozenset(
    (
        *(".csv", ".tsv", ".tab", ".psv", ".txt"),
        *(".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".xlsx", ".xlsm", ".gz", ".zip"),
    )
)


@dataclass(frozen=True)
class Landed:
    """A version of an object.

    Attributes:
        bucket: Its bucket.
        key: Its key.
        version_id: Of a bucket that keeps versions.
        etag: Of its content.
        size: In bytes.
        sequencer: Differs from one writing of a key to the next, also of the same content.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    size: int
    sequencer: str | None

    @property
    def uri(self) -> str:
        """Its URL."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The name of its run, the same whichever way the event came."""
        version = self.version_id or self.sequencer or self.etag
        told = json.dumps([self.bucket, self.key, version])
        return f"landing-{hashlib.sha256(told.encode()).hexdigest()[:40]}"


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Start a run for each file of an event; returns what was done, file by file."""
    told = [_start(landed) for landed in _landed(event)]
    if not told:
        told = [{"ignored": "the event tells of no object"}]
    for one in told:
        print(json.dumps(one), flush=True)  # noqa: T201 - Lambda keeps what is written
    return {"files": told}


def _start(landed: Landed) -> dict[str, Any]:
    if reason := why_ignored(landed, os.environ.get(PREFIX, "landing/")):
        return {"file": landed.uri, "ignored": reason}
    import boto3  # noqa: PLC0415 - slow; files that are ignored need none

    states = boto3.client("stepfunctions")
    told = {"file": landed.uri, "run": landed.name}
    given = {
        "source": landed.uri,
        "landed": {"version_id": landed.version_id, "etag": landed.etag, "size": landed.size},
    }
    try:
        states.start_execution(
            stateMachineArn=os.environ[MACHINE], name=landed.name, input=json.dumps(given)
        )
    except states.exceptions.ExecutionAlreadyExists:
        return told | {"ignored": "its run was started already"}
    return told


def why_ignored(landed: Landed, prefix: str) -> str:
    """Why no run is started for an object; '' if one is.

    Args:
        landed: The object.
        prefix: Of the keys that are landing files.
    """
    path = PurePosixPath(landed.key)
    if not landed.key.startswith(prefix):
        return f"it is not below {prefix}"
    if landed.key.endswith("/"):
        return "it is a folder"
    if path.name.startswith((".", "_")):
        return "it is a hidden file, which is no data"
    if path.suffix.lower() in {".part", ".tmp"}:
        return "it is being written: it counts when it has its own name"
    if path.suffix.lower() not in ENDINGS:
        return f"its ending is not one that is read: {', '.join(sorted(ENDINGS))}"
    return "" if landed.size else "it is empty"


def _landed(event: dict[str, Any]) -> Iterator[Landed]:
    if event.get("detail-type") == "Object Created":
        detail = event["detail"]
        yield _object(detail["bucket"]["name"], detail["object"]["key"], detail["object"])
    for record in event.get("Records", ()):
        if record.get("eventName", "").removeprefix("s3:").startswith("ObjectCreated:"):
            told = record["s3"]["object"]
            # As in a form: EventBridge has the key itself.
            yield _object(record["s3"]["bucket"]["name"], unquote_plus(told["key"]), told)


def _object(bucket: str, key: str, told: dict[str, Any]) -> Landed:
    version = told.get("versionId") or told.get("version-id")
    etag = (told.get("eTag") or told.get("etag") or "").strip('"')
    size, sequencer = int(told.get("size") or 0), told.get("sequencer")
    return Landed(bucket, key, None if version == "null" else version, etag, size, sequencer)
