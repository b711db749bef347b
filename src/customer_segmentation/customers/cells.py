"""Read text cells as numbers, dates and categories, with the same result on every engine.

No engine's own cast is used on unchecked text: each is lenient, or raises, in its own way.
What is used twice is worth a column of its own: not every engine notices that two expressions
share a part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import narwhals as nw

# A cell that is a number.
NUMBER = r"^[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_NOT_FINITE = r"^[+-]?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])$"
_LARGEST = 1.7976931348623157e308
# What Python calls white space; each engine's own idea of it differs.
_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_PATTERNS = {"%d": "[0-9]{1,2}", "%m": "[0-9]{1,2}", "%Y": "[0-9]{4}"}


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
class _Parsed:
    """A column of text, stripped, beside which columns hold what is parsed of it."""

    name: str

    def _beside(self, part: str) -> str:
        return f"{self.name}__{part}"

    def _part(self, part: str) -> nw.Expr:
        return nw.col(self._beside(part))


class ParsedNumber(_Parsed):
    """A number."""

    @property
    def levels(self) -> tuple[Columns, ...]:
        """The columns to add, each level made of those before."""
        text, is_number, parsed = nw.col(self.name), self._part("is_number"), self._part("parsed")
        # A null branch over text keeps some engines from choosing a type.
        number = nw.when(is_number).then(text).otherwise(nw.lit("0"))
        # Few rows are looked at: most are numbers.
        word = nw.when(~is_number).then(text).otherwise(nw.lit(""))
        too_large = parsed.abs() > _LARGEST
        return (
            {self._beside("is_number"): text.str.contains(NUMBER)},
            {self._beside("parsed"): number.cast(nw.Float64)},
            {self._beside("not_finite"): word.str.contains(_NOT_FINITE) | too_large},
            {self._beside("value"): nw.when(is_number & ~self._part("not_finite")).then(parsed)},
        )

    @property
    def value(self) -> nw.Expr:
        """The number, finite; null where there is none."""
        return self._part("value")

    @property
    def malformed(self) -> nw.Expr:
        """Whether there is text that is no number."""
        is_empty = nw.col(self.name) == ""
        return ~(is_empty | self._part("is_number") | self._part("not_finite"))

    @property
    def not_finite(self) -> nw.Expr:
        """Whether the text spells infinity or not-a-number, or a number too large to hold."""
        return self._part("not_finite")


def category(text: nw.Expr, spellings: Mapping[str, str], known: Sequence[str]) -> nw.Expr:
    """The category that the text spells, '' where it spells none; case and spaces do not count."""
    meanings = {name: name for name in known}
    meanings |= {folded(spelling): meaning for spelling, meaning in spellings.items()}
    return (
        text.str.to_lowercase()
        .str.replace_all(" ", "_", literal=True)
        .replace_strict(list(meanings), list(meanings.values()), default="", return_dtype=nw.String)
    )


def folded(spelling: str) -> str:
    """A spelling of a category without what does not count: case, and which spaces."""
    return spelling.strip().lower().replace(" ", "_")


@dataclass(frozen=True)
class ParsedDate(_Parsed):
    """A date, in the first of the formats that fits.

    Each format has `%d`, `%m` and `%Y` between two equal separators, the year first or last.
    """

    formats: Sequence[str]

    @property
    def levels(self) -> tuple[Columns, ...]:
        """The columns to add, each level made of those before."""
        text = nw.col(self.name)
        shapes = {f"fits_{number}": fmt for number, fmt in enumerate(self.formats)}
        fits = {self._beside(n): text.str.contains(_shape(fmt)) for n, fmt in shapes.items()}
        parts = dict.fromkeys(_PATTERNS, nw.lit("1"))
        for name, fmt in reversed(shapes.items()):
            for field, piece in _pieces(text, fmt).items():
                parts[field] = nw.when(self._part(name)).then(piece).otherwise(parts[field])
        year, month, day = (self._part(field) for field in ("%Y", "%m", "%d"))
        in_range = (year >= 1.0) & (month >= 1.0) & (month <= 12.0) & (day >= 1.0)  # noqa: PLR2004 - months of a year
        is_date = nw.any_horizontal(*fits, ignore_nulls=True) & in_range
        return (
            fits,
            {self._beside(field): part.cast(nw.Float64) for field, part in parts.items()},
            {
                self._beside("is_date"): is_date & (day <= _days_in_month(year, month)),
                self._beside("ordered"): year * 10_000.0 + month * 100.0 + day,
            },
        )

    @property
    def is_date(self) -> nw.Expr:
        """Whether the text is a day of the calendar."""
        return self._part("is_date")

    @property
    def ordered(self) -> nw.Expr:
        """A number that sorts as the dates do: 20140629 for 29 June 2014."""
        return self._part("ordered")


def _shape(fmt: str) -> str:
    fields = (_PATTERNS[field] for field in re.findall("%[dmY]", fmt))
    return "^" + f"[{fmt[2]}]".join(fields) + "$"


def _pieces(text: nw.Expr, fmt: str) -> Columns:
    """Each field of a text that has the format's shape: the year has four digits."""
    fields, separator = re.findall("%[dmY]", fmt), fmt[2]
    if fields[0] == "%Y":
        pieces = text.str.slice(0, 4), text.str.slice(5, 2), text.str.slice(-2)
    else:
        pieces = text.str.slice(0, 2), text.str.slice(-7, 2), text.str.slice(-4)
    return {
        field: piece if field == "%Y" else piece.str.strip_chars(separator)
        for field, piece in zip(fields, pieces, strict=True)
    }


def _days_in_month(year: nw.Expr, month: nw.Expr) -> nw.Expr:
    is_leap = (_divides(4.0, year) & ~_divides(100.0, year)) | _divides(400.0, year)
    february = nw.when(is_leap).then(nw.lit(29.0)).otherwise(nw.lit(28.0))
    short = nw.when(month.is_in([4.0, 6.0, 9.0, 11.0])).then(nw.lit(30.0)).otherwise(nw.lit(31.0))
    return nw.when(month == 2.0).then(february).otherwise(short)  # noqa: PLR2004 - February


def _divides(divisor: float, value: nw.Expr) -> nw.Expr:
    return (value // divisor) * divisor == value
