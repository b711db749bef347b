"""Missing columns, and headers that may be meant for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from customer_segmentation.schema.schema import Schema

# Low enough to allow for a missing word, high enough not to confuse two kinds of spend.
_LIKE_ENOUGH = 0.8


def name_missing(
    headers: Iterable[str],
    mapped: Mapping[str, str],
    required: Iterable[str],
    schema: Schema,
) -> str:
    """The missing required columns, each with its possible headers; '' if none.

    Args:
        headers: As sent.
        mapped: Canonical column -> header.
        required: Canonical columns.
        schema: The headers of its columns.
    """
    missing = [name for name in required if name not in mapped]
    aliases = {name: [a for a, c in schema.aliases.items() if c == name] for name in missing}
    named = ", ".join(
        f"`{name}` (header {' or '.join([*aliases[name], name])})" for name in missing
    )
    nearest = nearest_columns(unread(headers, mapped), missing, schema)
    return f"{named}; near to it: {as_headers(nearest)}" if nearest else named


def unread(headers: Iterable[str], mapped: Mapping[str, str]) -> list[str]:
    """The headers that are mapped to no column."""
    read = set(mapped.values())
    return [header for header in headers if header not in read]


def nearest_columns(
    headers: Iterable[str], wanted: Iterable[str], schema: Schema
) -> dict[str, str]:
    """Header as sent -> the wanted canonical column with the most similar name or alias."""
    columns = list(wanted)
    known = [*schema.aliases.items(), *((column, column) for column in columns)]
    names = {_plain(name): column for name, column in known if column in columns}
    nearest: dict[str, str] = {}
    # First the names that differ only in case and punctuation.
    for likeness in (1.0, _LIKE_ENOUGH):
        for header in headers:
            free = [n for n, column in names.items() if column not in nearest.values()]
            near = get_close_matches(_plain(header), free, n=1, cutoff=likeness)
            if near and header not in nearest:
                nearest[header] = names[near[0]]
    return nearest


def as_headers(nearest: dict[str, str]) -> str:
    """Columns with the headers to add to them, as a schema writes them."""
    return ", ".join(f'{column}: "{header.strip()}"' for header, column in nearest.items())


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
