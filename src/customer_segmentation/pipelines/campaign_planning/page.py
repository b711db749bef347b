"""The page of a plan: what it brings, against what else could be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from customer_segmentation.campaigns.words import LISTS, amount, in_money, left_out, warnings

_PIPELINES = "customer_segmentation.pipelines"
# The style is the report's.
_TEMPLATES = ("campaign_planning", "reporting")
_WIDTH, _HEIGHT = 480.0, 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 8.0, 8.0, 28.0, 26.0


@dataclass(frozen=True)
class Curve:
    """Expected profit against the share of customers contacted, as SVG draws it.

    Attributes:
        line: Points of the curve.
        zero: Where a profit of nothing is, from the top.
        best: Where the highest profit is.
        best_text: What it is.
        anchor: Of that text.
        alternative: The curve in a sentence.
        size: Of the picture.
    """

    line: str
    zero: float
    best: tuple[float, float]
    best_text: str
    anchor: str
    alternative: str
    size: tuple[float, float] = (_WIDTH, _HEIGHT)


def campaign_page(summary: Mapping[str, Any]) -> str:
    """One page of HTML that needs nothing else."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(f"{_PIPELINES}.{name}") for name in _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["amount"] = amount
    environment.filters["money"] = partial(in_money, summary=summary)
    return environment.get_template("campaign.html.jinja").render(
        summary,
        labels=LISTS,
        curve_drawn=draw_curve(summary),
        left_out=left_out(summary),
        warnings=[*warnings(summary)],
    )


def draw_curve(summary: Mapping[str, Any]) -> Curve | None:
    """The curve; None where nobody may be contacted."""
    points = summary["curve"]
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    profits = [profit for _, profit in points]
    top, bottom = max(profits), min(*profits, 0.0)
    height = (top - bottom) or 1.0

    def place(share: float, profit: float) -> tuple[float, float]:
        across = _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
        down = _TOP + (top - profit) / height * (_HEIGHT - _TOP - _BOTTOM)
        return round(across, 1), round(down, 1)

    share, profit = max(points, key=lambda point: (point[1], -point[0]))
    best = place(share, profit)
    third = _WIDTH / 3.0
    anchor = "start" if best[0] < third else "end" if best[0] > 2.0 * third else "middle"
    told = f"{in_money(profit, summary)} at {share:.0%}"
    return Curve(
        line=" ".join("{},{}".format(*place(*point)) for point in points),
        zero=place(0.0, 0.0)[1],
        best=best,
        best_text=told,
        anchor=anchor,
        alternative=(
            "Expected profit by the share of customers contacted, most likely to pay first: "
            f"highest with {told}, {in_money(profits[-1], summary)} with everybody"
        ),
    )
