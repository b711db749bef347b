"""What messages say: a row of text cells each, or the reasons why one says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pyarrow as pa

from customer_segmentation.customers.quarantine import ADDED
from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.arrival import CHANGE, PUT, REMOVED
from customer_segmentation.sources.header import LANDED, SOURCE_FILE
from customer_segmentation.sources.json_records import decode_record
from customer_segmentation.sources.limits import (
    LONGEST_CELL,
    LONGEST_NAME,
    LONGEST_ROW,
    MAX_COLUMNS,
    is_longer,
)
from customer_segmentation.sources.messages.received import Received, Rejected

__all__ = ["OFFSET", "PARTITION", "Decoded", "Decoder", "Format", "Received", "Rejected"]

Format = Literal["json", "avro"]
# Columns that say where each row was read.
PARTITION, OFFSET = f"{LANDED}partition", f"{LANDED}offset"
_TAKEN = {*ADDED, SOURCE_FILE}


@dataclass(frozen=True)
class Decoded:
    """What some messages say, in their order.

    Attributes:
        rows: Cells as text by header, '' where a message lacks one; `PARTITION` and `OFFSET`
            (int64); `CHANGE` where a message may take a customer back.
        rejected: The others.
        new: Headers that no message before had, and where the first of each was.
    """

    rows: pa.Table
    rejected: tuple[Rejected, ...]
    new: Mapping[str, str]


class Decoder:
    """Decodes the messages of a topic.

    Args:
        kind: `json`, one object of text, numbers, true, false and null a message, by the rules of
            JSON lines files; or `avro`.
        schema: For Avro, the file of the schema that the messages were written with; or, if they
            begin as Confluent's do, with the number of a schema, such a file for each number.
        key: The header of the customer's key. If given, each message must have it, as the
            message's own key and in its value. Without it, keys are not looked at.
        required: Headers without which a message says nothing. If that is the key alone, rows are
            customers, and a message without a value removes one; else it is rejected.
        known: Headers that messages had before; the decoder adds to them.
        columns: For JSON, the paths that are read, such as `address.city`, and nothing else;
            without them, all of an object that has no list and no object in it.

    Raises:
        UserError: There is no such format, or the schema cannot be used.
    """

    def __init__(  # noqa: PLR0913 - the catalog's names
        self,
        kind: Format = "json",
        schema: str | Mapping[int, str] | None = None,
        key: str = "",
        *,
        required: Iterable[str] = (),
        known: Iterable[str] = (),
        columns: Sequence[str] = (),
    ) -> None:
        if kind not in get_args(Format):
            raise UserError(f"Kafka: no format {kind!r}: set one of {', '.join(get_args(Format))}")
        if (kind == "avro") != bool(schema):
            raise UserError("Kafka: `schema` names the file of an Avro schema, with `format: avro`")
        self.key = key
        self.known = dict.fromkeys(known)
        # The key has its own words.
        self._removes = bool(key) and {*required} == {key}
        self._required = {*required} - {key}
        _refuse_columns(kind, columns, (key, *self._required))
        self._record = _avro(schema) if schema else _json(frozenset(columns))

    def decode(self, messages: Sequence[Received]) -> Decoded:
        """The rows of some messages, and those that say nothing."""
        records: list[dict[str, str]] = []
        places: list[tuple[int, int]] = []
        removed: list[int] = []
        rejected: list[Rejected] = []
        before = len(self.known)
        new: dict[str, str] = {}
        for message in messages:
            try:
                value = message.value()
                record = self._removed(message) if value is None else self._put(message, value)
            except _WrongError as error:
                rejected.append(Rejected(message, error.reasons))
                continue
            if len(self.known) > before:
                place = f"partition {message.partition()}, offset {message.offset()}"
                new |= dict.fromkeys([*self.known][before:], place)
                before = len(self.known)
            if value is None:
                removed.append(len(records))
            records.append(record)
            places.append((message.partition(), message.offset()))
        return Decoded(self._table(records, places, removed), tuple(rejected), new)

    def _put(self, message: Received, value: bytes) -> dict[str, str]:
        if len(value) > LONGEST_ROW:
            raise _WrongError(f"the message has more than {LONGEST_ROW} bytes")
        record = self._record(value)
        is_new = not record.keys() <= self.known.keys()
        reasons = self._wrong_names(record) if is_new else []
        if len(value) > LONGEST_CELL:
            reasons += [
                f"{name[:60]!r} has more than {LONGEST_CELL} bytes"
                for name, cell in record.items()
                if is_longer(cell, LONGEST_CELL)
            ]
        if not self._required <= record.keys():
            reasons += [f"it has no {name!r}" for name in sorted(self._required - record.keys())]
        if self.key:
            reasons += self._wrong_key(message, record)
        if reasons:
            raise _WrongError(*reasons)
        if is_new:
            self.known |= dict.fromkeys(record)
        return record

    def _removed(self, message: Received) -> dict[str, str]:
        # Nobody can tell which lines it would take back.
        if not self._removes:
            raise _WrongError("the message has no value")
        key = _key_text(message)
        if not key:
            raise _WrongError("the message has neither a key nor a value")
        self.known[self.key] = None
        return {self.key: key}

    def _wrong_key(self, message: Received, record: Mapping[str, str]) -> list[str]:
        reasons = []
        key, cell = _key_text(message), record.get(self.key, "").strip()
        if not key:
            reasons.append("the message has no key")
        if not cell:
            reasons.append(f"it has no {self.key!r}, the customer's key")
        if key and cell and key != cell:
            reasons.append(f"the message's key is not the {self.key!r} of its value")
        return reasons

    def _wrong_names(self, record: Mapping[str, str]) -> list[str]:
        reasons = []
        new = [name for name in record if name not in self.known]
        for name in new:
            if not name or name != name.strip():
                reasons.append(f"the name {name[:60]!r} is empty or has white space around it")
            elif is_longer(name, LONGEST_NAME):
                reasons.append(f"the name {name[:60]!r} has more than {LONGEST_NAME} bytes")
            elif name in _TAKEN or name.startswith(LANDED):
                reasons.append(f"{name[:60]!r} is a name that landing adds")
        if len(self.known) + len(new) > MAX_COLUMNS:
            reasons.append(f"it brings more than {MAX_COLUMNS} names, with those before it")
        return reasons

    def _table(
        self, records: list[dict[str, str]], places: list[tuple[int, int]], removed: list[int]
    ) -> pa.Table:
        # Not those that only earlier messages had.
        present: dict[str, Any] = {}
        for record in records:
            if not record.keys() <= present.keys():
                present |= record
        names = [name for name in self.known if name in present]
        columns = {
            name: pa.array([record.get(name, "") for record in records], pa.string())
            for name in names
        }
        columns[PARTITION] = pa.array([place for place, _ in places], pa.int64())
        columns[OFFSET] = pa.array([place for _, place in places], pa.int64())
        if removed:
            gone = {*removed}
            changes = [REMOVED if place in gone else PUT for place in range(len(records))]
            columns[CHANGE] = pa.array(changes, pa.string())
        return pa.table(columns)


class _WrongError(ValueError):
    """A message that says nothing."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


def _refuse_columns(kind: Format, columns: Sequence[str], needed: Iterable[str]) -> None:
    if isinstance(columns, str):
        raise UserError(f"Kafka: columns: {columns!r} is no list of paths")
    if columns and kind != "json":
        raise UserError("Kafka: `columns` names paths of JSON: Avro's records are read whole")
    if missing := [name for name in needed if name and columns and name not in columns]:
        raise UserError(f"Kafka: columns: {missing[0]!r} is needed: name it there too")


def _json(paths: frozenset[str]) -> Callable[[bytes], dict[str, str]]:
    def record(value: bytes) -> dict[str, str]:
        try:
            return decode_record(value.decode(), paths)
        except (ValueError, RecursionError) as error:
            raise _WrongError(
                f"the value is no JSON object of text, numbers, true, false and null ({error})"
            ) from error

    return record


def _avro(schema: str | Mapping[int, str]) -> Callable[[bytes], dict[str, str]]:
    # Only the extra `streaming` has it.
    from customer_segmentation.sources.messages.avro import record_decoder  # noqa: PLC0415

    decode = record_decoder(schema)

    def record(value: bytes) -> dict[str, str]:
        try:
            return decode(value)
        except ValueError as error:
            raise _WrongError(f"the value is not of the Avro schema ({error})") from error

    return record


def _key_text(message: Received) -> str:
    key = message.key()
    try:
        text = (key or b"").decode() if not isinstance(key, str) else key
    except UnicodeDecodeError:
        raise _WrongError("the message's key is no text in UTF-8") from None
    return text.strip()
