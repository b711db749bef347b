"""Missing columns, and headers that may be meant for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from customer_segmentation.customers.configuration import CustomerParameters

# Low enough to allow for a missing word, high enough not to confuse two kinds of spend.
_LIKE_ENOUGH = 0.8


def name_missing(
    headers: Iterable[str],
    mapped: Mapping[str, str],
    required: Iterable[str],
    parameters: CustomerParameters,
) -> str:
    """The missing required columns, each with its possible headers; '' if none.

    Args:
        headers: As sent.
        mapped: Canonical column -> header.
        required: Canonical columns.
        parameters: Their `aliases`.
    """
    missing = [name for name in required if name not in mapped]
    aliases = {name: [a for a, c in parameters.aliases.items() if c == name] for name in missing}
    named = ", ".join(
        f"`{name}` (header {' or '.join([*aliases[name], name])})" for name in missing
    )
    nearest = nearest_columns(unread(headers, mapped), missing, parameters)
    return f"{named}; near to it: {as_aliases(nearest)}" if nearest else named


def unread(headers: Iterable[str], mapped: Mapping[str, str]) -> list[str]:
    """The headers that are mapped to no column."""
    read = set(mapped.values())
    return [header for header in headers if header not in read]


def nearest_columns(
    headers: Iterable[str], wanted: Iterable[str], parameters: CustomerParameters
) -> dict[str, str]:
    """Header as sent -> the wanted canonical column with the most similar name or alias."""
    columns = list(wanted)
    known = [*parameters.aliases.items(), *((column, column) for column in columns)]
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


def as_aliases(nearest: dict[str, str]) -> str:
    """The lines of `customers.aliases` that map them."""
    return (
        "{" + ", ".join(f'"{header.strip()}": {column}' for header, column in nearest.items()) + "}"
    )


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
