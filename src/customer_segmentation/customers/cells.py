"""Read text cells with the same result on every engine: what numbers, dates and categories share.

No engine's own cast is used on unchecked text: each is lenient, or raises, in its own way.
What is used twice is worth a column of its own: not every engine notices that two expressions
share a part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import narwhals as nw

# What Python calls white space; each engine's own idea of it differs.
_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())


def stripped(header: str) -> nw.Expr:
    """The cell without white space around it; '' where there is none."""
    return nw.col(header).fill_null("").str.strip_chars(_SPACE)


def missing_as_empty(text: nw.Expr, missing_values: Sequence[str]) -> nw.Expr:
    """Stripped text, with '' for every spelling of a missing value."""
    # The column first: pandas gives the result its type, and text of Arrow's is ten times faster.
    return nw.when(~text.is_in(list(missing_values))).then(text).otherwise(nw.lit(""))


# By name, what is to become of them.
Columns = dict[str, nw.Expr]


@dataclass(frozen=True)
class Parsed:
    """A column of text, stripped, beside which columns hold what is parsed of it."""

    name: str

    def beside(self, part: str) -> str:
        """The name of a column beside the text's."""
        return f"{self.name}__{part}"

    def part(self, part: str) -> nw.Expr:
        """What that column holds."""
        return nw.col(self.beside(part))


def either_case(word: str) -> str:
    """A pattern that fits a word in capitals, small letters or both, alike on every engine."""
    signs = ((sign.lower(), sign.upper()) for sign in word)
    return "".join(
        f"[{low}{high}]" if low != high and len(high) == 1 else re.escape(low)
        for low, high in signs
    )


# What the text of a category means where it says that nobody knows it.
UNKNOWN = "?"


def category(
    text: nw.Expr, spellings: Mapping[str, str], known: Sequence[str], unknown: Sequence[str]
) -> nw.Expr:
    """The category that the text spells, '' where it spells none; case and spaces do not count.

    Args:
        text: Stripped.
        spellings: What else is spelled how.
        known: The categories.
        unknown: Words that say that the category is not known: they give `UNKNOWN`.
    """
    meanings = meanings_of(spellings, known, unknown)
    return (
        text.str.to_lowercase()
        .str.replace_all(" ", "_", literal=True)
        .replace_strict(list(meanings), list(meanings.values()), default="", return_dtype=nw.String)
    )


def meanings_of(
    spellings: Mapping[str, str], known: Sequence[str], unknown: Sequence[str]
) -> dict[str, str]:
    """Folded spelling -> category, or `UNKNOWN`: what is spelled for a category comes first."""
    meanings = {folded(word): UNKNOWN for word in unknown} | {name: name for name in known}
    return meanings | {folded(spelling): meaning for spelling, meaning in spellings.items()}


def folded(spelling: str) -> str:
    """A spelling of a category without what does not count: case, and which spaces."""
    return spelling.strip().lower().replace(" ", "_")
