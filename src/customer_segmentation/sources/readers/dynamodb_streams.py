"""The changes of a table of DynamoDB: its stream's shards, each read on from a sequence number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import CHANGE, REMOVED, Arrival, Position
from customer_segmentation.sources.readers.documents import Cells, Flattening, tables
from customer_segmentation.sources.readers.dynamodb_items import item_document, key_text
from customer_segmentation.sources.readers.failures import failure

# In the position: which stream, when it was last asked, since when changes count, and of each
# shard the last sequence number, or that it has ended and is read.
STREAM, AT = "stream", "at"
_FROM, _SHARDS, _ENDED = "from", "shards", "ended"
_KEPT = timedelta(hours=24)
# A change is dated to the second, by DynamoDB's clock; what a scan has seen may come once more.
_BEFORE = timedelta(minutes=5)
# An open shard may answer a few pages without a record before its next record.
_EMPTY_PAGES = 10
# Of an open shard, before a scan.
_PAGES_BEFORE = 1_000
_LOAD = "set `mode: full` for one run, which loads it whole, and then `mode: changes` again"


class Changes:
    """Reads a stream.

    The changes of an item come in their order: a shard is read after the one that it follows.

    Args:
        name: Of the table, for people.
        client: Of boto3's `dynamodbstreams`.
        stream: Its ARN.
        keys: Of the table.
        flattening: Of its items.
    """

    def __init__(
        self,
        name: str,
        client: Any,  # noqa: ANN401 - boto3 makes its classes at run time
        stream: str,
        keys: list[str],
        flattening: Flattening,
    ) -> None:
        """Nothing is read yet."""
        self._name, self._client, self._stream = name, client, stream
        self._keys, self._flattening = keys, flattening
        self._told: dict[str, Any] = {}

    def position(self) -> Position:
        """How far the stream is read now."""
        return deepcopy(self._told)

    def start(self) -> Position:
        """The position of now: a scan that begins later has all that lies before it."""
        now = datetime.now(UTC)
        self._told = {
            STREAM: self._stream,
            AT: now.isoformat(timespec="seconds"),
            _FROM: (now - _BEFORE).isoformat(timespec="seconds"),
            _SHARDS: {},
        }
        read: dict[str, str] = self._told[_SHARDS]
        for shard in self._shards():
            name = shard["ShardId"]
            if not _is_open(shard):
                read[name] = _ENDED
            else:
                # Of a shard that is too long for it, the rest is told apart by its dates.
                for _ in islice(self._pages(shard, read), _PAGES_BEFORE):
                    pass
        return self.position()

    def since(self, since: Position) -> Iterator[Arrival]:
        """What has changed since a position, in pieces of bounded size.

        Raises:
            UserError: The stream is another, or has forgotten what was not read.
        """
        self._refuse_forgotten(since)
        told = {name: since[name] for name in (STREAM, _FROM, _SHARDS)}
        now = datetime.now(UTC)
        asked = now.isoformat(timespec="seconds")
        # Until all is read, what is left is as old as it was before.
        self._told = {**deepcopy(told), AT: since[AT]}
        held: Arrival | None = None
        rows = ((None, cells) for cells in self._rows(now))
        for _, piece in tables(rows, self._flattening.headers):
            if held:
                yield held
            held = Arrival(piece, self.position())
        self._told[AT] = asked
        if held:
            yield Arrival(held.rows, self.position())

    def _refuse_forgotten(self, since: Position) -> None:
        if since[STREAM] != self._stream:
            raise failure(
                self._name, f"its stream is another than the one that was read until now: {_LOAD}"
            )
        if datetime.now(UTC) - datetime.fromisoformat(since[AT]) >= _KEPT:
            raise failure(
                self._name,
                f"its stream was last read on {since[AT]}, and DynamoDB keeps changes for 24 "
                f"hours: {_LOAD}",
            )

    def _rows(self, until: datetime) -> Iterator[Cells]:
        """The changes of all shards, those of a parent before those of its children.

        Of an open shard, those up to a moment: one that is written all the time has no end. Who
        follows one that is not read to its end waits for the next time.
        """
        shards = {shard["ShardId"]: shard for shard in self._shards()}
        read: dict[str, str] = self._told[_SHARDS]
        for name in [name for name in read if name not in shards]:
            if read[name] != _ENDED:
                raise self._forgotten(name)
            del read[name]
        waiting, left = dict(shards), {*shards}
        # A parent that is no longer listed is older than what the stream keeps.
        while ready := [n for n in waiting if shards[n].get("ParentShardId") not in left]:
            for name in ready:
                yield from self._of_shard(waiting.pop(name), read, until)
                if read.get(name) == _ENDED:
                    left.discard(name)

    def _of_shard(
        self, shard: Mapping[str, Any], read: dict[str, str], until: datetime
    ) -> Iterator[Cells]:
        if read.get(shard["ShardId"]) == _ENDED:
            return
        is_open = _is_open(shard)
        for records in self._pages(shard, read):
            for record in records:
                read[shard["ShardId"]] = _number(record)
                if _written(record) >= datetime.fromisoformat(self._told[_FROM]):
                    yield self._cells(record)
            if is_open and _written(records[-1]) >= until:
                return

    def _pages(
        self, told: Mapping[str, Any], read: dict[str, str]
    ) -> Iterator[list[Mapping[str, Any]]]:
        """The records of a shard beyond what is read, page by page; says when it has ended."""
        shard: str = told["ShardId"]
        # One that has ended is read to its end, since another may follow it.
        is_open = _is_open(told)
        iterator: str | None = self._iterator(shard, read.get(shard))
        empty = 0
        while iterator and not (is_open and empty >= _EMPTY_PAGES):
            try:
                page = self._client.get_records(ShardIterator=iterator)
            except self._client.exceptions.ExpiredIteratorException:
                iterator = self._iterator(shard, read.get(shard))
                continue
            except self._client.exceptions.TrimmedDataAccessException:
                raise self._forgotten(shard) from None
            if page["Records"]:
                yield page["Records"]
                read[shard] = _number(page["Records"][-1])
            empty = 0 if page["Records"] else empty + 1
            iterator = page.get("NextShardIterator")
        if iterator is None:
            read[shard] = _ENDED

    def _iterator(self, shard: str, after: str | None) -> str:
        where = {"StreamArn": self._stream, "ShardId": shard}
        where |= (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
            if after
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        gone = (
            self._client.exceptions.TrimmedDataAccessException,
            self._client.exceptions.ResourceNotFoundException,
        )
        try:
            iterator: str = self._client.get_shard_iterator(**where)["ShardIterator"]
        except gone:
            raise self._forgotten(shard) from None
        return iterator

    def _cells(self, record: Mapping[str, Any]) -> Cells:
        change = record["dynamodb"]
        keys = item_document(change["Keys"])
        key = key_text(keys, self._keys)
        if record["eventName"] == "REMOVE":
            return {**self._flattening.cells(keys, key), CHANGE: REMOVED}
        return self._flattening.cells(item_document(change["NewImage"]), key)

    def _shards(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        following: dict[str, str] = {}
        while True:
            told = self._client.describe_stream(StreamArn=self._stream, **following)
            found += told["StreamDescription"]["Shards"]
            last = told["StreamDescription"].get("LastEvaluatedShardId")
            if not last:
                return found
            following = {"ExclusiveStartShardId": last}

    def _forgotten(self, shard: str) -> UserError:
        return failure(
            self._name,
            f"its stream has forgotten changes of the shard {shard} that were not read: {_LOAD}",
        )


def _is_open(shard: Mapping[str, Any]) -> bool:
    return "EndingSequenceNumber" not in shard["SequenceNumberRange"]


def _number(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _written(record: Mapping[str, Any]) -> datetime:
    moment = record["dynamodb"]["ApproximateCreationDateTime"]
    # boto3 gives a moment of the machine's own time zone; an emulator may give a number.
    if isinstance(moment, datetime):
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(moment), UTC)
