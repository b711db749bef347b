"""Lengths and places of what the page draws as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

# The report's style tells as many colours apart.
COLOURS = 6
WIDTH, HEIGHT = 340.0, 190.0
_TOP, _BOTTOM, _LEFT, _RIGHT = 12.0, 22.0, 4.0, 124.0
_LINE = 13.0
_SHADES = 9
_LONGEST_NAME = 15


@dataclass(frozen=True)
class Part:
    """A stretch of a bar of length 100."""

    label: str
    text: str
    start: float
    length: float
    colour: int


@dataclass(frozen=True)
class Line:
    """A segment over time: SVG's `points`, and where its name stands."""

    label: str
    points: str
    dots: tuple[tuple[float, float], ...]
    y: float
    colour: int


@dataclass(frozen=True)
class Chart:
    """All segments over time."""

    lines: tuple[Line, ...]
    days: tuple[tuple[float, str, str], ...]
    alternative: str


@dataclass(frozen=True)
class Span:
    """An interval of a scale from -100 to 100, drawn from 0 to 100."""

    low: float
    length: float
    at: float


def parts(shares: Iterable[tuple[str, float, str, int]]) -> list[Part]:
    """A bar of shares of 1, each with its label, its text and the number of its colour."""
    found: list[Part] = []
    start = 0.0
    for label, share, text, colour in shares:
        length = 100.0 * share
        found.append(Part(label, text, round(start, 2), round(length, 2), colour % COLOURS))
        start += length
    return found


def chart(sizes: Mapping[str, Mapping[date, int]], colours: Mapping[str, int]) -> Chart:
    """Customers of each segment, by day.

    Args:
        sizes: Segment's name -> day -> customers.
        colours: Segment's name -> the number of its colour.
    """
    days = sorted({day for told in sizes.values() for day in told})
    most = max((n for told in sizes.values() for n in told.values()), default=1)
    first, last = days[0].toordinal(), days[-1].toordinal()

    def x(day: date) -> float:
        share = (day.toordinal() - first) / max(last - first, 1)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(customers: int) -> float:
        return round(HEIGHT - _BOTTOM - customers / most * (HEIGHT - _TOP - _BOTTOM), 1)

    ends = {name: y(told[max(told)]) for name, told in sizes.items()}
    labels = _apart(ends)
    lines = []
    for name, told in sizes.items():
        dots = tuple((x(day), y(told[day])) for day in sorted(told))
        points = " ".join(f"{a},{b}" for a, b in dots)
        label = f"{_short(name)} {told[max(told)]:,}"
        lines.append(Line(label, points, dots, labels[name], colours[name] % COLOURS))
    spoken = "; ".join(
        f"{name}: {told[min(told)]:,} on {min(told)}, {told[max(told)]:,} on {max(told)}"
        for name, told in sizes.items()
    )
    shown = [days[0], days[-1]] if len(days) > 1 else days
    anchors = ("start", "end")
    marked = tuple((x(day), day.isoformat(), anchors[i]) for i, day in enumerate(shown))
    return Chart(tuple(lines), marked, f"Customers by day. {spoken}.")


def span(low: float, at: float, high: float, furthest: float) -> Span:
    """An interval with its middle, on a scale to `furthest` on both sides of 0."""
    start, middle, end = (round(50.0 + 50.0 * value / furthest, 1) for value in (low, at, high))
    return Span(start, round(max(end - start, 0.5), 1), middle)


def shade(share: float) -> int:
    """A share of 1 as one of ten shades, 0 for the lightest."""
    return min(_SHADES, max(0, round(share * _SHADES)))


def _short(name: str) -> str:
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"


def _apart(ends: Mapping[str, float]) -> dict[str, float]:
    """Heights of names beside lines' ends, a line of text apart."""
    found: dict[str, float] = {}
    lowest = HEIGHT - _BOTTOM
    ordered: Sequence[tuple[str, float]] = sorted(ends.items(), key=lambda one: -one[1])
    for name, height in ordered:
        found[name] = round(min(height, lowest), 1)
        lowest = found[name] - _LINE
    return found
