"""Numbers and names as a person would say them."""

from __future__ import annotations

from collections.abc import Sequence

from customer_segmentation.schema.decisions import PERCENTILE
from customer_segmentation.schema.parts import FLAG, SHARE

_SPACE = "\N{NO-BREAK SPACE}"
_WIDEST = 40
# Indices between which a mean counts as the average's, and from which one says "times".
_ABOUT = (95.0, 105.0)
_TIMES = 150.0
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
# Units whose means are told in percent, and as whole numbers.
_IN_PERCENT = {SHARE, "ratio", FLAG}
_WHOLE = {"years", PERCENTILE}


def count(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,.0f}"


def amount(number: float) -> str:
    """A mean: whole from 100 on, with one digit after the point below."""
    return f"{number:,.0f}" if abs(number) >= 100.0 else f"{number:.1f}"  # noqa: PLR2004 - as said


def score(number: float) -> str:
    """A measure of quality: two digits after the point."""
    return f"{number:.2f}"


def percent(share: float) -> str:
    """A share of 1 in whole percent, never rounded to none or all."""
    points = 100.0 * share
    if 0.0 < points < 1.0:
        return f"under{_SPACE}1{_SPACE}%"
    if 99.0 < points < 100.0:  # noqa: PLR2004 - all but one percent
        return f"over{_SPACE}99{_SPACE}%"
    return f"{points:.0f}{_SPACE}%"


def against_average(index: float | None) -> str:
    """An index (100 is the average) in words that follow "they spend"."""
    if index is None:
        return ""
    low, high = _ABOUT
    if index >= _TIMES:
        return f"{index / 100.0:.1f} times the average"
    if index > high:
        return f"{index - 100.0:.0f}{_SPACE}% above the average"
    if index >= low:
        return "about the average"
    return f"{100.0 - index:.0f}{_SPACE}% below the average"


def mean(unit: str, value: float) -> str:
    """A measure's mean, as its unit is told."""
    if unit in _IN_PERCENT:
        return percent(value)
    return f"{value:.0f}" if unit in _WHOLE else amount(value)


def spoken(name: str) -> str:
    """A machine's name with spaces."""
    return name.replace("_", " ")


def printable(text: str) -> str:
    """One line without control characters, whatever the text holds."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= _WIDEST else f"{plain[: _WIDEST - 3]}..."


def number_word(number: int) -> str:
    """Small numbers as words."""
    return _WORDS[number] if 0 <= number < len(_WORDS) else count(number)


def capitalised(text: str) -> str:
    """The first letter large, the rest untouched."""
    return text[:1].upper() + text[1:]


def listed(parts: Sequence[str]) -> str:
    """Parts as in a sentence: a, b and c."""
    if len(parts) <= 1:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
