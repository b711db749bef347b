"""Lines over the months of a year, as SVG draws them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10

from tools.year.told import Event, Kind, Story

WIDTH, HEIGHT = 640.0, 260.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 14.0, 24.0, 30.0
_FEW = 4
# Between the middles of two marks.
_APART = 17.0


@dataclass(frozen=True)
class Line:
    """One figure by month.

    Attributes:
        name: What it is.
        points: Of SVG's `polyline`.
        dots: (months x 2) the same.
        colour: A number, by which the style has one.
    """

    name: str
    points: str
    dots: tuple[tuple[float, float], ...]
    colour: int


@dataclass(frozen=True)
class Chart:
    """Lines with their axes.

    Attributes:
        lines: One a figure.
        grid: Of each horizontal line, its height and what stands beside it.
        months: Of each month, its place and its number.
        turn: Where the market turns; None if it does not within the months.
        marks: Of each event, its place, its height, its kind and its words.
        alternative: All of it in words.
    """

    lines: tuple[Line, ...]
    grid: tuple[tuple[float, str], ...]
    months: tuple[tuple[float, int], ...]
    turn: float | None
    marks: tuple[tuple[float, float, Kind, str], ...]
    alternative: str


def chart(
    story: Story,
    figures: Mapping[str, Sequence[float]],
    title: str,
    shown: Sequence[Kind] = (),
    form: str = "{:,.0f}",
) -> Chart:
    """Lines of figures by month.

    Args:
        story: Of the year.
        figures: Name -> one a month.
        title: What they are, for who cannot see them.
        shown: Kinds of events that are marked above the lines.
        form: How a figure is written.
    """
    numbers = [month.number for month in story.months]
    every = [value for values in figures.values() for value in values]
    low, high, step = _scale(min([*every, 0.0]), max([*every, 0.0]))

    def x(number: float) -> float:
        share = (number - numbers[0]) / max(numbers[-1] - numbers[0], 1)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - (value - low) / (high - low) * _height(), 1)

    lines = []
    for colour, (name, values) in enumerate(figures.items()):
        dots = tuple((x(n), y(value)) for n, value in zip(numbers, values, strict=True))
        lines.append(Line(name, " ".join(f"{a},{b}" for a, b in dots), dots, colour))
    steps = range(round((high - low) / step) + 1)
    grid = tuple((y(low + n * step), form.format(low + n * step)) for n in steps)
    marks = tuple(
        (x(month.number) + offset, _TOP - 10.0, event.kind, event.told)
        for month in story.months
        for event, offset in _beside([one for one in month.events if one.kind in shown])
    )
    turn = x(story.turn - 0.5) if numbers[0] < story.turn <= numbers[-1] else None
    months = tuple((x(number), number) for number in numbers)
    spoken = "; ".join(
        f"{name}: " + ", ".join(form.format(value) for value in values)
        for name, values in figures.items()
    )
    return Chart(tuple(lines), grid, months, turn, marks, f"{title}, by month. {spoken}.")


def _beside(events: Sequence[Event]) -> Iterator[tuple[Event, float]]:
    """Each event of a month, and how far it is from the month's place."""
    for number, event in enumerate(events):
        yield event, _APART * (number - (len(events) - 1) / 2.0)


def _height() -> float:
    return HEIGHT - _TOP - _BOTTOM


def _scale(least: float, most: float) -> tuple[float, float, float]:
    """Round ends that hold both, and the step between lines of the grid."""
    raw = (most - least) / _FEW or 1.0
    ten = 10.0 ** floor(log10(raw))
    step = next(ten * n for n in (1.0, 2.0, 5.0, 10.0) if ten * n >= raw)
    return floor(least / step) * step, -floor(-most / step) * step, step
