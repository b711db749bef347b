"""Values in Avro as cells of text, written as those of a Parquet file are."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
from fastavro.schema import SchemaParseException, UnknownType

from customer_segmentation.errors import UserError
from customer_segmentation.sources.limits import EXACT

Cell = Callable[[Any], str]
# Before the number of the schema, in four bytes.
_MAGIC = b"\0"
_HEAD = 5


def record_decoder(schema: str | Mapping[int, str]) -> Callable[[bytes], dict[str, str]]:
    """A function from the bytes of one value to its cells; it raises ValueError for wrong ones.

    Args:
        schema: The file of the schema that all values were written with, which then are a record's
            bytes alone; or such a file by its number in a registry of Confluent's, which is never
            asked: each value then begins with a zero byte and its schema's number.

    Raises:
        UserError: A schema is not there, or is no record of numbers, text, flags and times.
    """
    if isinstance(schema, str):
        return _Schema(schema)
    schemas = {int(number): _Schema(path) for number, path in schema.items()}

    def decode(value: bytes) -> dict[str, str]:
        if len(value) < _HEAD or not value.startswith(_MAGIC):
            raise ValueError("it does not begin with a zero byte and the number of a schema")
        number = int.from_bytes(value[1:_HEAD])
        if number not in schemas:
            raise ValueError(f"it was written with schema {number}, which the entry does not name")
        return schemas[number](value[_HEAD:])

    return decode


class _Schema:
    def __init__(self, path: str) -> None:
        try:
            told = json.loads(Path(path).read_text(encoding="utf-8"))
            self._schema: Any = fastavro.parse_schema(told)
        except (OSError, ValueError, KeyError, SchemaParseException, UnknownType) as error:
            raise UserError(f"{path}: it is no Avro schema ({error})") from error
        if not isinstance(self._schema, dict) or self._schema.get("type") != "record":
            raise UserError(f"{path}: the schema is no record: a message is one customer or line")
        name = Path(path).name
        self._cells = {
            field["name"]: _cell_of(field["type"], f"{name}: field {field['name']!r}")
            for field in self._schema["fields"]
        }

    def __call__(self, value: bytes) -> dict[str, str]:
        read = io.BytesIO(value)
        try:
            record: Any = fastavro.schemaless_reader(read, self._schema, None)
        except Exception as error:  # any bytes may come, and fastavro says what of them is wrong
            raise ValueError(str(error) or type(error).__name__) from error
        if read.tell() < len(value):
            raise ValueError("it has bytes behind the last field")
        return {
            name: "" if record[name] is None else cell(record[name])
            for name, cell in self._cells.items()
        }


def _cell_of(kind: Any, where: str) -> Cell:  # noqa: ANN401 - a schema, as JSON
    if isinstance(kind, list):
        kinds = [each for each in kind if each != "null"]
        if len(kinds) != 1:
            raise UserError(f"{where} is of several types: one, and null, is possible")
        return _cell_of(kinds[0], where)
    named = kind if isinstance(kind, str) else kind.get("logicalType") or kind["type"]
    if isinstance(named, dict):
        return _cell_of(named, where)
    cell = _CELLS.get(named)
    # A logical type that is not known is told as what it is made of.
    if cell is None and isinstance(kind, dict) and "logicalType" in kind:
        cell = _CELLS.get(kind["type"])
    if cell is None:
        raise UserError(
            f"{where} is of type {named!r}: numbers, text, flags, days, moments and decimals are "
            "possible"
        )
    return cell


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("a text holds a NUL")
    return value


def _decimal(value: Decimal) -> str:
    whole, point, rest = f"{value:f}".partition(".")
    return whole + point + rest if rest.strip("0") else whole


def _moment(digits: str) -> Cell:
    def cell(value: datetime) -> str:
        text = value.isoformat(" ", digits).replace("+00:00", "Z")
        day, _, time = text.partition(" ")
        time, point, rest = time.partition(".")
        if not rest.strip("0Z"):
            time, point, rest = time + rest.strip("0"), "", ""
        return day if time.strip("0:Z") == "" and not point else f"{day} {time}{point}{rest}"

    return cell


def _fraction(kind: type[np.floating[Any]]) -> Cell:
    def cell(value: float) -> str:
        if not abs(value) < EXACT:
            return repr(value)
        # The shortest number that stands for the bytes, without an exponent.
        return str(int(value)) if value.is_integer() else np.format_float_positional(kind(value))

    return cell


_CELLS: dict[str, Cell] = {
    "null": lambda _: "",
    "boolean": lambda value: "1" if value else "0",
    "int": str,
    "long": str,
    "float": _fraction(np.float32),
    "double": _fraction(np.float64),
    "string": _text,
    "enum": _text,
    "uuid": str,
    "decimal": _decimal,
    "date": lambda value: value.isoformat(),
    "timestamp-millis": _moment("milliseconds"),
    "timestamp-micros": _moment("microseconds"),
    "local-timestamp-millis": _moment("milliseconds"),
    "local-timestamp-micros": _moment("microseconds"),
}
