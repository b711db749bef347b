"""Small line charts as numbers that a template draws as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_segmentation.pipelines.reporting import phrases

WIDTH, HEIGHT = 300.0, 150.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 16.0, 16.0, 30.0, 24.0


@dataclass(frozen=True)
class Point:
    """One k: where it is drawn, and whether it is marked."""

    x: float
    y: float
    k: int
    is_marked: bool


@dataclass(frozen=True)
class Curve:
    """One measure against k."""

    title: str
    alternative: str
    points: tuple[Point, ...]
    mark: str

    @property
    def line(self) -> str:
        """SVG's `points` of a polyline."""
        return " ".join(f"{point.x},{point.y}" for point in self.points)

    @property
    def marked(self) -> Point | None:
        """The point to which the mark belongs."""
        return next((point for point in self.points if point.is_marked), None)


def choice_curves(
    rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]
) -> tuple[Curve, ...]:
    """Inertia with its elbow, silhouette and stability with the chosen k."""
    shown = (
        ("Inertia (lower is tighter)", "inertia", "elbow_k", "elbow"),
        ("Silhouette (higher is clearer)", "silhouette", "k", "chosen"),
        ("Stability (1 is identical)", "stability", "k", "chosen"),
    )
    return tuple(
        _curve(title, {int(row["k"]): float(row[measure]) for row in rows}, summary[marked], word)
        for title, measure, marked, word in shown
    )


def _curve(title: str, measured: Mapping[int, float], marked: int, word: str) -> Curve:
    ks, values = list(measured), list(measured.values())
    points = tuple(
        Point(
            round(_LEFT + _place(k, ks) * (WIDTH - _LEFT - _RIGHT), 1),
            round(HEIGHT - _BOTTOM - _place(value, values) * (HEIGHT - _TOP - _BOTTOM), 1),
            k,
            k == marked,
        )
        for k, value in measured.items()
    )
    told = {k: _told(value) for k, value in measured.items()}
    mark = f"{word} k = {marked}: {told[marked]}" if marked in told else ""
    spoken = ", ".join(f"{k}: {text}" for k, text in told.items())
    return Curve(title, f"{title} for each k. {spoken}. {mark}", points, mark)


def _told(value: float) -> str:
    return phrases.score(value) if abs(value) < 10.0 else phrases.count(value)  # noqa: PLR2004 - digits that differ


def _place(value: float, values: Sequence[float]) -> float:
    minimum, maximum = min(values), max(values)
    return (value - minimum) / (maximum - minimum) if maximum > minimum else 0.5
