"""Read text cells as numbers, dates and categories, with the same result on every engine.

No engine's own cast is used on unchecked text: each is lenient, or raises, in its own way.
What is parsed is worth a column of its own before it is used twice: not every engine notices that
two expressions share a part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import narwhals as nw

_NUMBER = r"^[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_NOT_FINITE = r"^[+-]?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])$"
_LARGEST = 1.7976931348623157e308
# What Python calls white space; each engine's own idea of it differs.
_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_PATTERNS = {"%d": "[0-9]{1,2}", "%m": "[0-9]{1,2}", "%Y": "[0-9]{4}"}


def stripped(header: str) -> nw.Expr:
    """The cell without white space around it; '' where there is none."""
    return nw.col(header).fill_null("").str.strip_chars(_SPACE)


def trimmed(header: str, missing_values: Sequence[str]) -> nw.Expr:
    """The cell without white space around it; '' for every spelling of a missing value."""
    text = stripped(header)
    # The column first: pandas gives the result its type, and text of Arrow's is ten times faster.
    return nw.when(~text.is_in(list(missing_values))).then(text).otherwise(nw.lit(""))


class _Parsed:
    """Expressions that can be kept as columns."""

    def columns(self, prefix: str) -> dict[str, nw.Expr]:
        """Each expression under a name of its own."""
        return {f"{prefix}__{field.name}": getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def kept(cls, prefix: str) -> Self:
        """The same, once those columns are there."""
        return cls(*(nw.col(f"{prefix}__{field.name}") for field in fields(cls)))  # type: ignore[arg-type]


@dataclass(frozen=True)
class ParsedNumber(_Parsed):
    """A number (0 where the text is none), and whether the text, trimmed, is one or spells none."""

    text: nw.Expr
    parsed: nw.Expr
    is_number: nw.Expr
    spelled_not_finite: nw.Expr

    @property
    def _too_large(self) -> nw.Expr:
        return (self.parsed > _LARGEST) | (self.parsed < -_LARGEST)

    @property
    def value(self) -> nw.Expr:
        """The number, finite; null where there is none."""
        return nw.when(self.is_number & ~self._too_large).then(self.parsed)

    @property
    def malformed(self) -> nw.Expr:
        """Whether there is text that is no number."""
        return (self.text != "") & ~self.is_number & ~self.spelled_not_finite

    @property
    def not_finite(self) -> nw.Expr:
        """Whether the text spells infinity or not-a-number, or a number too large to hold."""
        return self.spelled_not_finite | self._too_large


def number(text: nw.Expr) -> ParsedNumber:
    """A decimal number with `.` as its decimal point."""
    is_number = text.str.contains(_NUMBER)
    # A null branch over text keeps some engines from choosing a type.
    parsed = nw.when(is_number).then(text).otherwise(nw.lit("0")).cast(nw.Float64)
    return ParsedNumber(text, parsed, is_number, text.str.contains(_NOT_FINITE))


def category(text: nw.Expr, spellings: Mapping[str, str], known: Sequence[str]) -> nw.Expr:
    """The category that the text spells, '' where it spells none; case and spaces do not count."""
    meanings = {name: name for name in known}
    meanings |= {_folded(spelling): meaning for spelling, meaning in spellings.items()}
    return (
        text.str.to_lowercase()
        .str.replace_all(" ", "_", literal=True)
        .replace_strict(list(meanings), list(meanings.values()), default="", return_dtype=nw.String)
    )


def _folded(spelling: str) -> str:
    return spelling.strip().lower().replace(" ", "_")


@dataclass(frozen=True)
class ParsedDate(_Parsed):
    """Year, month and day as numbers, and whether the text had the shape of a date."""

    year: nw.Expr
    month: nw.Expr
    day: nw.Expr
    fits: nw.Expr

    @property
    def is_date(self) -> nw.Expr:
        """Whether they are a day of the calendar."""
        in_range = (
            (self.year >= 1.0) & (self.month >= 1.0) & (self.month <= 12.0) & (self.day >= 1.0)  # noqa: PLR2004 - months of a year
        )
        return self.fits & in_range & (self.day <= _days_in_month(self.year, self.month))

    @property
    def ordered(self) -> nw.Expr:
        """A number that sorts as the dates do: 20140629 for 29 June 2014."""
        return self.year * 10_000.0 + self.month * 100.0 + self.day

    @property
    def iso_text(self) -> nw.Expr:
        """`YYYY-MM-DD`, and null where it is no date."""
        # A leading 1 keeps the zeros of a year below 1000.
        digits = (self.ordered + 100_000_000.0).cast(nw.Int64).cast(nw.String)
        text = nw.concat_str(
            digits.str.slice(1, 4),
            digits.str.slice(5, 2),
            digits.str.slice(7, 2),
            separator="-",
        )
        return nw.when(self.is_date).then(text)


def parsed_date(text: nw.Expr, formats: Sequence[str]) -> ParsedDate:
    """A date in the first of the formats that fits its text; 1 January 2000 where none does."""
    fits_any = nw.lit(False)  # noqa: FBT003 - the literal is the value
    parts = {"%Y": nw.lit(2000.0), "%m": nw.lit(1.0), "%d": nw.lit(1.0)}
    for fmt in reversed(formats):
        fields = re.findall("%[dmY]", fmt)
        separator = fmt[2]
        fits = text.str.contains("^" + f"[{separator}]".join(_PATTERNS[f] for f in fields) + "$")
        guarded = nw.when(fits).then(text).otherwise(nw.lit(separator.join("111")))
        pieces = _three_pieces(guarded, separator)
        for field, piece in zip(fields, pieces, strict=True):
            parts[field] = nw.when(fits).then(piece.cast(nw.Float64)).otherwise(parts[field])
        fits_any = fits_any | fits
    return ParsedDate(parts["%Y"], parts["%m"], parts["%d"], fits_any)


def _three_pieces(text: nw.Expr, separator: str) -> tuple[nw.Expr, nw.Expr, nw.Expr]:
    head = text.str.replace_all(f"[{separator}].*$", "")
    middle = text.str.replace_all(
        f"^[^{separator}]*[{separator}]|[{separator}][^{separator}]*$", ""
    )
    tail = text.str.replace_all(f"^.*[{separator}]", "")
    return head, middle, tail


def _days_in_month(year: nw.Expr, month: nw.Expr) -> nw.Expr:
    is_leap = (_divides(4.0, year) & ~_divides(100.0, year)) | _divides(400.0, year)
    february = nw.when(is_leap).then(nw.lit(29.0)).otherwise(nw.lit(28.0))
    short = nw.when(month.is_in([4.0, 6.0, 9.0, 11.0])).then(nw.lit(30.0)).otherwise(nw.lit(31.0))
    return nw.when(month == 2.0).then(february).otherwise(short)  # noqa: PLR2004 - February


def _divides(divisor: float, value: nw.Expr) -> nw.Expr:
    return (value // divisor) * divisor == value
