"""Names and texts as a schema's file has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from unicodedata import normalize

from customer_segmentation.schema.cells import folded


def plain_name(text: str) -> str:
    """A text in lower-case letters of ASCII, digits and underscores; '' if nothing is left."""
    apart = normalize("NFKD", text.lower().replace("ß", "ss"))
    return re.sub(r"[\W_]+", "_", apart.encode("ascii", "ignore").decode()).strip("_")


def categories(values: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each value as a name, and as it is spelled; case and spaces do not count."""
    spellings: dict[str, list[str]] = {}
    for value in values:
        spellings.setdefault(folded(value), []).append(value)
    taken = {*spellings}
    for known, spelled in spellings.items():
        name = plain_name(spelled[0])[:80] or "value"
        name = name if re.match("[a-z]", name) else f"value_{name}"
        while name != known and name in taken:
            name += "_2"
        taken.add(name)
        yield name, spelled


def quoted(text: str) -> str:
    """A text in quotes, as YAML reads it."""
    plain = json.dumps(text, ensure_ascii=False)
    # YAML takes few signs that cannot be printed, and some for the end of a line.
    return "".join(c if c.isprintable() else _escaped(ord(c)) for c in plain)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


def in_comment(text: str) -> str:
    """Text that may stand in a comment or in a line that is printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
