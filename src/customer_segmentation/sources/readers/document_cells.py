r"""The cells of nested documents: what a path leads to, and a value as text.

A path has names between points and places of lists in brackets: `orders[0].total`. A name with a
point, a bracket or a backslash of its own has a backslash before it: `web\.visits` is the name
`web.visits`, and never `visits` of `web`.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from customer_segmentation.errors import UserError
from customer_segmentation.sources.limits import EXACT, LONGEST_NAME

Step = str | int
# A value of a database's own type -> Python's, or the same.
Plain = Callable[[Any], Any]
NESTED = (Mapping, list, tuple, AbstractSet)
MISSING = object()
# Python's own types of single values, which need not be asked for more.
SINGLE = {str, int, float, bool, type(None), Decimal, datetime, date}

# A name, in which a backslash takes the next character as it is; and what may follow it.
_NAME = re.compile(r"((?:[^\\.\[\]]|\\.)+)((?:\[\d+\])*)(\.|$)", re.DOTALL)
_ESCAPED = re.compile(r"([\\.\[\]])")
_ZEROS = re.compile(r"\.0*$")
_WORDS: dict[object, str] = {True: "1", False: "0"}


def same(value: Any) -> Any:  # noqa: ANN401 - of any type
    """The value: of a database whose values are Python's."""
    return value


def parsed_path(path: str) -> tuple[Step, ...]:
    """The names and places of a path.

    Raises:
        UserError: It is none.
    """
    steps: list[Step] = []
    end, follows = 0, True
    while follows and (match := _NAME.match(path, end)):
        steps.append(re.sub(r"\\(.)", r"\1", match[1]))
        steps += map(int, re.findall(r"\d+", match[2]))
        end, follows = match.end(), match[3] == "."
    if not steps or follows or end < len(path):
        raise UserError(
            f"columns: {path!r} is no path: write names between points, as in 'address.city' or "
            r"'orders[0].total', and '\.' for a point in a name"
        )
    return tuple(steps)


def value_at(document: Any, steps: Sequence[Step], plain: Plain = same) -> Any:  # noqa: ANN401
    """What stands in a document at the end of a path; None above it, or `MISSING`, as it is there.

    Raises:
        ValueError: The path leads through what is no object, or no list.
    """
    value = document
    for step in steps:
        # Most are: asking for any kind of object takes longer.
        if type(value) is dict and isinstance(step, str):
            value = value.get(step, MISSING)
            continue
        value = plain(value)
        if value is None or value is MISSING:
            return value
        if isinstance(step, str):
            if not isinstance(value, Mapping):
                raise ValueError(f"{step!r} is read of what is no object")  # noqa: TRY004 - of data
            value = value.get(step, MISSING)
        else:
            if not isinstance(value, list | tuple):
                raise ValueError(f"[{step}] is read of what is no list")  # noqa: TRY004 - as above
            value = value[step] if step < len(value) else MISSING
    return value


def escaped(name: str) -> str:
    """A name as it stands in a path."""
    # What is longer is refused by who reads it, and must not fill the memory.
    return _escaped(name) if len(name) <= LONGEST_NAME else name


# Documents repeat their names.
@lru_cache(maxsize=1 << 14)
def _escaped(name: str) -> str:
    return _ESCAPED.sub(r"\\\1", name)


def cell(value: Any, plain: Plain = same) -> str:  # noqa: ANN401
    """A single value as it would be written in a text file; missing is ''.

    Raises:
        ValueError: It is none.
    """
    value = plain(value)
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("holds a NUL")
        return value
    if value is None or value is MISSING or isinstance(value, bool):
        return _WORDS.get(value, "")
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(float(value))
    if isinstance(value, Decimal):
        text = format(value, "f")
        return _ZEROS.sub("", text) if text.endswith("0") else text
    return _other_cell(value)


def _other_cell(value: Any) -> str:  # noqa: ANN401 - as above
    if isinstance(value, datetime):
        # As other sources: midnight is a day.
        return str(value if value.time() != time.min else value.date())
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, NESTED):
        raise ValueError(  # noqa: TRY004 - of a document, not of an argument
            "holds a list or an object: read what is in it by its path, name it under as_json, or "
            "leave it out by naming the columns"
        )
    raise ValueError(f"holds a {type(value).__name__}: leave it out by naming the columns")


def json_text(value: Any, plain: Plain = same) -> str:  # noqa: ANN401 - as above
    """A list or an object as JSON: numbers as they are, dates and ids as text, sets in order.

    Raises:
        ValueError: It holds what no cell can.
    """
    value = plain(value)
    if isinstance(value, Mapping):
        pairs = [
            f"{json.dumps(str(name), ensure_ascii=False)}:{json_text(each, plain)}"
            for name, each in value.items()
        ]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, NESTED):
        texts = [json_text(each, plain) for each in value]
        return "[" + ",".join(sorted(texts) if isinstance(value, AbstractSet) else texts) + "]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = cell(value)
    is_number = isinstance(value, int | float | Decimal) and text not in {"nan", "inf", "-inf"}
    return text if is_number else json.dumps(text, ensure_ascii=False)
