"""Names and texts as a schema's file has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from keyword import iskeyword
from unicodedata import normalize

from customer_segmentation.schema.cells import folded

# The first year that a schema allows for a date, and the last that may be one.
_OLDEST, _LATEST = 1900, 9999
# Of YAML, and the functions of formulas.
_WORDS = frozenset(
    ["yes", "no", "on", "off", "true", "false", "null", "sum", "min", "max", "log", "where"]
)

DATE_WORDS = re.compile("^(date|datum|dt) ((of|de|du|der|des|d) |d')?")


def plain_name(text: str) -> str:
    """A text in lower-case letters of ASCII, digits and underscores; '' if nothing is left."""
    apart = normalize("NFKD", text.lower().replace("ß", "ss"))
    # Some signs come apart into capital letters.
    plain = apart.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[\W_]+", "_", plain).strip("_")


def earliest(first_day: str, as_of: str) -> str:
    """The start of a year from which a column's dates are allowed, by its first day.

    Args:
        first_day: In the file; '' if not clear.
        as_of: The snapshot's day, which it is never after; '' if not known.
    """
    latest = int(as_of[:4] or _LATEST)
    return f"{min(max(int(first_day[:4] or _OLDEST), _OLDEST), latest)}-01-01"


def is_word(name: str) -> bool:
    """Whether YAML, or a formula, takes a name for something else."""
    return name in _WORDS or iskeyword(name)


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


def scaling_lines(heavy: Sequence[str]) -> Iterator[str]:
    """The block `scaling` for amounts of very different sizes."""
    if heavy:
        yield ""
        yield "# A few customers have many times the amount of most: logarithms are compared."
        yield "scaling:"
        yield from (f"  {name}: {{log: true}}" for name in heavy)


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


def event(name: str) -> str:
    """What happened on a date: of `join_date`, join."""
    plain = re.sub("_(on|date|dt)$", "", name)
    return DATE_WORDS.sub("", plain.replace("_", " ")).strip().replace(" ", "_") or name
