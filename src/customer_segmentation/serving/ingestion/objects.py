"""The objects of a body, each as one line of JSON that the landing folder and Kafka read.

What is checked here is that each can be landed and whose it is. The contract is not: what breaks
it is landed as sent, and quarantined with its reasons by the batch and the stream.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from customer_segmentation.errors import UserError
from customer_segmentation.schema.limits import LACKING
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.serving.problems import RefusedError, wrong_fields
from customer_segmentation.serving.validation import LONGEST_KEY, Problem
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.header import LANDED
from customer_segmentation.sources.json_records import names_of, records_of
from customer_segmentation.sources.readers.document_cells import escaped

LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines")
_BODY = "body"
_FORM = "send one JSON object, a list of objects, or an object a line as application/x-ndjson"
# Objects in objects: more than any table has.
_DEEPEST = 8


@dataclass(frozen=True)
class Objects:
    """What a body holds.

    Attributes:
        lines: An object each, flat, without a line end.
        keys: The customer of each.
    """

    lines: tuple[bytes, ...]
    keys: tuple[str, ...]


def key_names(schema: Schema) -> tuple[str, ...]:
    """The names under which an object may have the customer's key."""
    schemas = (schema.rows, schema)
    headers = (header for each in schemas for header, name in each.aliases.items() if name == KEY)
    return tuple(dict.fromkeys((*headers, KEY)))


def read_objects(body: bytes, media_type: str, keys: Collection[str]) -> Objects:
    """The objects of a body.

    Args:
        body: As sent.
        media_type: As sent, without its parameters.
        keys: The names under which an object may have the customer's key.

    Raises:
        RefusedError: It is not JSON, or an object cannot be landed or has no key.
    """
    lines = [_flat(raw, f"$[{place}]") for place, raw in enumerate(_split(body, media_type))]
    if not lines:
        raise RefusedError(400, f"the body holds no object: {_FORM}")
    found = _keys(lines, keys)
    accepted = f"the customer's key, of 1 to {LONGEST_KEY} characters"
    problems = [
        Problem(f"$[{place}].{name}", "too long" if key else LACKING, accepted)
        for place, (name, key) in enumerate(found)
        if not 0 < len(key) <= LONGEST_KEY
    ]
    if problems:
        raise wrong_fields(problems)
    return Objects(tuple(lines), tuple(key for _, key in found))


def _split(body: bytes, media_type: str) -> Iterator[bytes]:
    """Each object as sent, in one line."""
    if not body.strip():
        raise RefusedError(400, f"the body is empty: {_FORM}")
    if media_type in LINES:
        yield from (line.strip() for line in body.splitlines() if line.strip())
        return
    try:
        is_list = body.lstrip()[:1] == b"["
        raws = msgspec.json.decode(body, type=list[msgspec.Raw]) if is_list else [body]
    except (msgspec.DecodeError, RecursionError) as error:
        raise RefusedError(400, f"the body is not JSON ({error}): {_FORM}") from error
    # In JSON a line end is white space: text has it as \n.
    yield from (bytes(raw).replace(b"\n", b" ").replace(b"\r", b" ").strip() for raw in raws)


def _flat(raw: bytes, path: str) -> bytes:
    """An object without objects in it: `address.city` is the city of its address.

    Where there are objects, a name's own points, brackets and backslashes get a backslash, as in
    the paths of the other sources.
    """
    try:
        pairs = _decoder.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, f"{path} is not JSON ({error}): {_FORM}") from error
    if not isinstance(pairs, _Pairs):
        raise RefusedError(422, f"{path} is not an object: {_FORM}")
    if not any(isinstance(value, _Pairs) for _, value in pairs):
        # As sent, to the last sign.
        return raw
    # By hand, so that numbers stay as written and a name that comes twice is seen.
    cells = (f"{json.dumps(name)}: {_written(value)}" for name, value in _leaves(pairs, "", path))
    return f"{{{', '.join(cells)}}}".encode()


class _Pairs(list[tuple[str, Any]]):
    """The names and values of an object, in order."""


class _Number(str):
    """A number as written."""

    __slots__ = ()


_decoder = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_Number
)


def _leaves(pairs: _Pairs, before: str, path: str, depth: int = 1) -> Iterator[tuple[str, Any]]:
    for own, value in pairs:
        name = escaped(own)
        if not isinstance(value, _Pairs):
            yield before + name, value
        elif depth == _DEEPEST:
            raise RefusedError(422, f"{path} holds objects more than {_DEEPEST} deep")
        else:
            yield from _leaves(value, f"{before}{name}.", path, depth + 1)


def _written(value: Any) -> str:  # noqa: ANN401 - of JSON
    # A list is refused with the others below.
    return value if isinstance(value, _Number) else json.dumps(value)


def _keys(lines: list[bytes], names: Collection[str]) -> list[tuple[str, str]]:
    """The name and the cell of each object's key, as the reader of JSON lines will see them.

    Raises:
        RefusedError: That reader would refuse an object.
    """
    body = b"\n".join(lines) + b"\n"
    content = Content(_BODY, lambda: io.BytesIO(body))
    try:
        headers = names_of(content)
        there = [name for name in names if name in headers] or [*names][:1]
        rows = [
            [(name, record.get(name, "").strip()) for name in there]
            for _, record in records_of(content)
        ]
    except UserError as error:
        raise RefusedError(422, str(error).removeprefix(f"{_BODY}: ").removesuffix(".")) from error
    if ours := [name for name in headers if name.startswith(LANDED)]:
        raise RefusedError(422, f"{ours} are names that landing adds: rename them")
    return [next((each for each in row if each[1]), row[0]) for row in rows]
