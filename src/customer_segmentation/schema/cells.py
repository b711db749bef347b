"""Read text cells with the same result on every engine: shared by numbers, dates and categories.

No engine casts unchecked text: each is lenient, or raises, in its own way. Expressions that are
used twice get a column of their own, since not every engine shares common parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import narwhals as nw

# White space as Python defines it; the engines differ.
_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())


def stripped(header: str) -> nw.Expr:
    """The cell without surrounding white space; '' for null."""
    return nw.col(header).fill_null("").str.strip_chars(_SPACE)


def missing_as_empty(text: nw.Expr, missing_values: Sequence[str]) -> nw.Expr:
    """Stripped text, with '' for every spelling of a missing value."""
    # The column first: pandas gives the result its type, and text of Arrow's is ten times faster.
    return nw.when(~text.is_in(list(missing_values))).then(text).otherwise(nw.lit(""))


# A whole number with a fraction of zeros; three would be thousands.
FLOAT_ID = "^[0-9]+[.,]0{1,2}$"
FRACTION_OF_ID = "[.,]0{1,2}$"


def without_fraction(text: nw.Expr) -> nw.Expr:
    """An id that was written as a float, such as 12345.0, as a whole number."""
    whole = text.str.replace_all(FRACTION_OF_ID, "")
    return nw.when(~text.str.contains(FLOAT_ID)).then(text).otherwise(whole)


def id_without_fraction(text: str) -> str:
    """`without_fraction` of a single id."""
    return re.sub(FRACTION_OF_ID, "", text) if re.search(FLOAT_ID, text) else text


# Column name -> expression.
Columns = dict[str, nw.Expr]


@dataclass(frozen=True)
class Parsed:
    """A stripped text column; the columns parsed from it are named after it."""

    name: str

    def beside(self, part: str) -> str:
        """The name of a parsed column."""
        return f"{self.name}__{part}"

    def part(self, part: str) -> nw.Expr:
        """The parsed column."""
        return nw.col(self.beside(part))


def either_case(word: str) -> str:
    """A pattern for a word in any case, which works the same on every engine."""
    signs = ((sign.lower(), sign.upper()) for sign in word)
    return "".join(
        f"[{low}{high}]" if low != high and len(high) == 1 else re.escape(low)
        for low, high in signs
    )


# Other addresses than these are rare, and the engines fold their letters differently.
EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"

# The meaning of words that say that a category is not known.
UNKNOWN = "?"


def category(
    text: nw.Expr,
    spellings: Mapping[str, str],
    known: Sequence[str],
    unknown: Sequence[str],
    other: str = "",
) -> nw.Expr:
    """The category that the text spells, '' if none; case and the kind of space are ignored.

    Args:
        text: Stripped.
        spellings: Other spellings -> category.
        known: The categories.
        unknown: Words for a category that is not known: they give `UNKNOWN`.
        other: The category of any other text.
    """
    meanings = {"": ""} | meanings_of(spellings, known, unknown)
    return (
        text.str.to_lowercase()
        .str.replace_all(" ", "_", literal=True)
        .replace_strict(
            list(meanings), list(meanings.values()), default=other, return_dtype=nw.String
        )
    )


def meanings_of(
    spellings: Mapping[str, str], known: Sequence[str], unknown: Sequence[str]
) -> dict[str, str]:
    """Folded spelling -> category or `UNKNOWN`; spellings of categories take precedence."""
    meanings = {folded(word): UNKNOWN for word in unknown} | {name: name for name in known}
    return meanings | {folded(spelling): meaning for spelling, meaning in spellings.items()}


def folded(spelling: str) -> str:
    """A spelling in lower case with underscores for spaces."""
    return spelling.strip().lower().replace(" ", "_")
