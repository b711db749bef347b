"""Read text cells as numbers, dates and categories, with the same result on every engine.

No engine's own cast is used on unchecked text: each is lenient, or raises, in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import narwhals as nw

_NUMBER = r"^[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_NOT_FINITE = r"^[+-]?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])$"
_LARGEST = 1.7976931348623157e308
_PATTERNS = {"%d": "[0-9]{1,2}", "%m": "[0-9]{1,2}", "%Y": "[0-9]{4}"}


def trimmed(header: str, missing_values: Sequence[str]) -> nw.Expr:
    """The cell without white space around it; '' for every spelling of a missing value."""
    text = nw.col(header).fill_null("").str.strip_chars()
    return nw.when(text.is_in(list(missing_values))).then(nw.lit("")).otherwise(text)


@dataclass(frozen=True)
class ParsedNumber:
    """A number, and whether the text failed to be one; all over trimmed text."""

    value: nw.Expr
    malformed: nw.Expr
    not_finite: nw.Expr


def number(text: nw.Expr) -> ParsedNumber:
    """A decimal number with `.` as its decimal point; null where it is none."""
    is_number = text.str.contains(_NUMBER)
    # A null branch over text keeps some engines from choosing a type; "0" is masked again below.
    parsed = nw.when(is_number).then(text).otherwise(nw.lit("0")).cast(nw.Float64)
    too_large = (parsed > _LARGEST) | (parsed < -_LARGEST)
    spelled = text.str.contains(_NOT_FINITE)
    return ParsedNumber(
        value=nw.when(is_number & ~too_large).then(parsed),
        malformed=(text != "") & ~is_number & ~spelled,
        not_finite=spelled | too_large,
    )


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
class ParsedDate:
    """Year, month and day as numbers, and whether they are a day of the calendar."""

    year: nw.Expr
    month: nw.Expr
    day: nw.Expr
    is_date: nw.Expr

    @property
    def ordered(self) -> nw.Expr:
        """A number that sorts as the dates do: 20140629 for 29 June 2014."""
        return self.year * 10_000.0 + self.month * 100.0 + self.day

    @property
    def iso_text(self) -> nw.Expr:
        """`YYYY-MM-DD`, and null where it is no date."""
        digits = self.ordered.cast(nw.Int64).cast(nw.String)
        text = nw.concat_str(
            digits.str.slice(0, 4),
            digits.str.slice(4, 2),
            digits.str.slice(6, 2),
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
    year, month, day = parts["%Y"], parts["%m"], parts["%d"]
    on_calendar = (month >= 1.0) & (month <= 12.0) & (day >= 1.0)  # noqa: PLR2004 - months of a year
    return ParsedDate(
        year, month, day, fits_any & on_calendar & (day <= _days_in_month(year, month))
    )


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
