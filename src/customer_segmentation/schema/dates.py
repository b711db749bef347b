"""Date formats: as a pattern, as column expressions, and for a single text in Python.

Day, month and year are extracted by string functions and arithmetic: the date parsers of the
engines raise or are lenient in their own ways. A time after the date is dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from string import ascii_letters
from typing import Self

import narwhals as nw

from customer_segmentation.schema.cells import Columns, Parsed, either_case

# Days since the end of 1899, as Excel counts from March 1900 on; before, it is one day off.
EXCEL = "excel"
_EXCEL_SHAPE = "[1-9][0-9]{2,5}(?:[.][0-9]*)?"
_EXCEL_START = date(1899, 12, 30)
_EXCEL_MIN = "61"
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_MONTH_NUMBERS = {month[:3]: number for number, month in enumerate(_MONTHS, 1)}
_FIELD = "(%[dmbYy])"
_SEPARATOR = r"([-/. ]|[.,] |)"
_FORMAT = re.compile(
    f"{_FIELD}{_SEPARATOR}{_FIELD}{_SEPARATOR}{_FIELD}(?:[T ]%H:%M(?::%S(?:[.]%f)?)?(?:Z|%z)?)?"
)
_LENGTHS = {"%Y": 4, "%y": 2}
_TIME = (
    "[T ][ ]?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
    "(?: ?[AaPp][.]?[Mm][.]?)?(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?(?:[0-9]{2})?))?"
)


@dataclass(frozen=True)
class DateFormat:
    """A way to write a date.

    Attributes:
        text: `%d`, `%m` or `%b` (a month's English name) and `%Y` or `%y`, once each, the year
            first or last; or `excel`. A time after it is ignored.
        pivot: Two-digit years from this one on belong to the last century.
    """

    text: str
    pivot: int | None = None

    @classmethod
    def of(cls, text: str, pivot: int | None = None) -> Self:
        """A checked format.

        Raises:
            ValueError: It is not a format; says why.
        """
        made = cls(text.replace("%B", "%b"), pivot)
        if made.is_serial:
            return made
        match = _FORMAT.fullmatch(made.text)
        fields, separators = (match.groups()[::2], match.groups()[1::2]) if match else ((), ())
        kinds = {field.lower().replace("b", "m") for field in fields}
        has_name = "%b" in fields
        is_even = has_name or (len({*separators}) == 1 and len(separators[0]) < 2)  # noqa: PLR2004
        if len(kinds) != len("dmy") or fields[1] in _LENGTHS or not is_even:
            raise ValueError(
                f"{text!r}: give %d, %m (or %b) and %Y (or %y) once each, %Y first or last, with "
                "one separator (- / . or a space) or none; or give excel"
            )
        if "%y" in fields and pivot is None:
            raise ValueError(
                f"{text!r} has years of two digits: add `customers.two_digit_years_before: 30`, "
                "say, for 29 to be 2029 and 30 to be 1930"
            )
        return made

    @property
    def is_serial(self) -> bool:
        """Whether dates are day numbers."""
        return self.text == EXCEL

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """`%d`, `%m` or `%b`, and `%Y` or `%y`, in order."""
        return tuple(re.findall("%[dmbYy]", self.text))

    @cached_property
    def separators(self) -> tuple[str, str]:
        """The separators between the fields."""
        match = _FORMAT.fullmatch(self.text)
        return (match[2], match[4]) if match else ("", "")

    @cached_property
    def alike(self) -> str:
        """Equal for formats that the same text may fit, such as day and month swapped."""
        return re.sub("%[dmy]", "%n", "".join(self._parts()))

    @property
    def swapped(self) -> str:
        """The format with day and month swapped; '' if that cannot be confused."""
        if self.is_serial or "%b" in self.fields:
            return ""
        return self.text.translate(str.maketrans("dm", "md"))

    @cached_property
    def shape(self) -> str:
        """A pattern for texts in this format, without a time."""
        if self.is_serial:
            return _EXCEL_SHAPE
        return "".join(self._pattern(part) for part in self._parts())

    @property
    def shape_with_time(self) -> str:
        """A pattern for texts in this format, with or without a time."""
        return self.shape if self.is_serial else f"{self.shape}(?:{_TIME})?"

    def day(self, text: str) -> date | None:
        """The date of a text; None if it is not a date in this format."""
        match = self._grouped.fullmatch(text)
        if match is None:
            return None
        if self.is_serial:
            return _EXCEL_START + timedelta(int(float(text)))
        values = dict(zip(self.fields, match.groups(), strict=True))
        year = int(values.get("%Y") or values["%y"])
        if "%y" in values:
            year += 2000 if year < (self.pivot or 0) else 1900
        named = values.get("%b", "").lower()[:3]
        month = _MONTH_NUMBERS[named] if named else int(values["%m"])
        try:
            return date(year, month, int(values["%d"]))
        except ValueError:
            return None

    @cached_property
    def _grouped(self) -> re.Pattern[str]:
        patterns = (
            f"({self._pattern(part)})" if part in self.fields else self._pattern(part)
            for part in self._parts()
        )
        shape = self.shape if self.is_serial else "".join(patterns) + f"(?:{_TIME})?"
        return re.compile(shape, re.ASCII)

    def _parts(self) -> tuple[str, ...]:
        if self.is_serial:
            return (EXCEL,)
        (first, second, third), (left, right) = self.fields, self.separators
        return first, left, second, right, third

    def _pattern(self, part: str) -> str:
        # Without separators, each field must have two digits.
        zero = "0" if self.separators == ("", "") and "%b" not in self.fields else "0?"
        patterns = {
            "%d": f"(?:{zero}[1-9]|[12][0-9]|3[01])",
            "%m": f"(?:{zero}[1-9]|1[0-2])",
            "%b": f"(?:{'|'.join(_month_names())})",
            "%Y": "[0-9]{4}",
            "%y": "[0-9]{2}",
        }
        return patterns.get(part) or "".join(f"[{sign}]" for sign in part)


def _month_names() -> list[str]:
    rest = ((month[:3], month[3:]) for month in _MONTHS)
    return [
        f"{either_case(short)}(?:{either_case(more)}{'|[tT]' if short == 'sep' else ''})?"
        if more
        else either_case(short)
        for short, more in rest
    ]


@dataclass(frozen=True)
class ParsedDate(Parsed):
    """A date column in its one format.

    Attributes:
        format: The format.
        has_time: Whether some cells have a time after the date.
    """

    format: DateFormat
    has_time: bool = False

    @property
    def levels(self) -> tuple[Columns, ...]:
        """The columns to add; each level uses those before."""
        if self.format.is_serial:
            return _serial_levels(self)
        text = nw.col(self.name)
        timeless: tuple[Columns, ...] = ()
        if self.has_time:
            timeless = ({self.beside("day"): text.str.replace_all(f"{_TIME}$", "")},)
            text = self.part("day")
        year, month, day = (self.part(field) for field in ("year", "month", "day_of_month"))
        pieces = _pieces(text, self.format)
        fits = self.part("fits")
        full_year: tuple[Columns, ...] = ()
        if self.format.pivot is not None and "%y" in self.format.fields:
            century = nw.when(year < float(self.format.pivot)).then(nw.lit(2000.0))
            full_year = ({self.beside("year"): year + century.otherwise(nw.lit(1900.0))},)
        return (
            *timeless,
            {self.beside("fits"): text.str.contains(f"^{self.format.shape}$")},
            {
                self.beside(name): nw.when(fits).then(piece).otherwise(nw.lit("1")).cast(nw.Float64)
                for name, piece in pieces.items()
            },
            *full_year,
            {
                self.beside("is_date"): fits & (year >= 1.0) & (day <= _days_in_month(year, month)),
                self.beside("ordered"): year * 10_000.0 + month * 100.0 + day,
            },
        )

    @property
    def is_date(self) -> nw.Expr:
        """Whether the text is a date of the calendar."""
        return self.part("is_date")

    @property
    def ordered(self) -> nw.Expr:
        """The date as a number: 20140629 for 29 June 2014."""
        return self.part("ordered")


def _pieces(text: nw.Expr, fmt: DateFormat) -> Columns:
    """The fields of a text that fits the format, cut by the known length of the year."""
    (first, second, third), (left, right) = fmt.fields, fmt.separators
    around = "".join({*left, *right}) + (ascii_letters if "%b" in fmt.fields else "")
    length = _LENGTHS.get(first) or _LENGTHS[third]
    if first in _LENGTHS:
        cut = {
            first: text.str.slice(0, length),
            second: text.str.slice(length + len(left), 2),
            third: text.str.slice(-2),
        }
    else:
        cut = {
            first: text.str.slice(0, 2),
            second: text.str.slice(-length - len(right) - 2, 2),
            third: text.str.slice(-length),
        }
    names = {"%d": "day_of_month", "%m": "month", "%b": "month", "%Y": "year", "%y": "year"}
    stripped = {
        names[field]: piece.str.strip_chars(around) if around and field not in _LENGTHS else piece
        for field, piece in cut.items()
    }
    if "%b" in fmt.fields:
        named = text.str.replace_all("[^A-Za-z]+", "").str.slice(0, 3).str.to_lowercase()
        numbers = [str(number) for number in _MONTH_NUMBERS.values()]
        stripped["month"] = named.replace_strict(
            list(_MONTH_NUMBERS), numbers, default="1", return_dtype=nw.String
        )
    return stripped


def _serial_levels(parsed: ParsedDate) -> tuple[Columns, ...]:
    """Day numbers as dates (Howard Hinnant: chrono-compatible date algorithms)."""
    fits = parsed.part("fits")
    serial = nw.when(fits).then(nw.col(parsed.name)).otherwise(nw.lit(_EXCEL_MIN))
    # Counted from 1 March of year 0, so that a leap day is the last day of a year.
    shift = float(_EXCEL_START.toordinal() + 305)
    days, era_day, era_year, year_day, month = (
        parsed.part(name) for name in ("days", "era_day", "era_year", "year_day", "march_month")
    )
    leap_days = era_year // 4.0 - era_year // 100.0
    is_early = month >= 10.0  # noqa: PLR2004 - January and February belong to the next year
    calendar_month = nw.when(is_early).then(month - 9.0).otherwise(month + 3.0)
    next_year = nw.when(is_early).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    era = days // 146_097.0
    year = era_year + era * 400.0 + next_year
    day = year_day - (month * 153.0 + 2.0) // 5.0 + 1.0
    past = era_day // 1_460.0 - era_day // 36_524.0 + era_day // 146_096.0
    return (
        {parsed.beside("fits"): nw.col(parsed.name).str.contains(f"^{_EXCEL_SHAPE}$")},
        {parsed.beside("days"): serial.cast(nw.Float64) // 1.0 + shift},
        {parsed.beside("era_day"): days - era * 146_097.0},
        {parsed.beside("era_year"): (era_day - past) // 365.0},
        {parsed.beside("year_day"): era_day - (era_year * 365.0 + leap_days)},
        {parsed.beside("march_month"): (year_day * 5.0 + 2.0) // 153.0},
        {
            parsed.beside("is_date"): fits,
            parsed.beside("ordered"): year * 10_000.0 + calendar_month * 100.0 + day,
        },
    )


def _days_in_month(year: nw.Expr, month: nw.Expr) -> nw.Expr:
    is_leap = (_divides(4.0, year) & ~_divides(100.0, year)) | _divides(400.0, year)
    february = nw.when(is_leap).then(nw.lit(29.0)).otherwise(nw.lit(28.0))
    short = nw.when(month.is_in([4.0, 6.0, 9.0, 11.0])).then(nw.lit(30.0)).otherwise(nw.lit(31.0))
    return nw.when(month == 2.0).then(february).otherwise(short)  # noqa: PLR2004 - February


def _divides(divisor: float, value: nw.Expr) -> nw.Expr:
    return (value // divisor) * divisor == value
