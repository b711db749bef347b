"""Next week by the last weeks: hours of the week, a trend, and how wrong that was before.

Weeks are counted back from the last hour. A week's level is the median of its hours, each divided
by what is usual at that hour of the week; what is usual is the median over the weeks. Levels follow
a line through their logarithms by Theil and Sen (H. Theil, 1950; P. K. Sen, Journal of the American
Statistical Association 63, 1968), which no single odd week turns; it counts where its slope's 95 %
interval leaves out 0. Intervals come from the past: each week is forecast by those before it, and
what it was wrong by, a factor for the week and differences of square roots for its hours (alike at
night and at noon, where requests are counted), is what the week to come may be wrong by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

from customer_segmentation.errors import UserError
from tools.capacity.arrivals import HOUR, Hours

WEEK = 168
LEAST_WEEKS = 2
# From so many on there is a trend: fewer weeks cannot tell it from chance.
TREND_WEEKS = 4
_ROUNDS = 3
# Errors of hours are kept as so many of their quantiles.
_SHARES = (np.arange(100) + 0.5) / 100
# Of a week without requests, which has no logarithm.
_LEAST_LEVEL = 1e-9
# Of a week's hours, to be worth something.
_LEAST_HOURS = WEEK // 2


@dataclass(frozen=True)
class Forecast:
    """The week that follows.

    Attributes:
        first: Its first hour, UTC.
        expected: (168,) requests an hour.
        low: (168,) the lower end of the interval.
        high: (168,) the upper end.
        peak: Requests in the busiest hour, whichever it will be.
        peak_low: The lower end of its interval.
        peak_high: The upper end.
        coverage: Of the intervals.
        weeks: From which it was made.
        growth: By which a week is above the one before: 0 where it might be chance, None where the
            weeks are too few to ask.
        unknown: Hours of these weeks of which nothing is known.
    """

    first: datetime
    expected: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    peak: float
    peak_low: float
    peak_high: float
    coverage: float
    weeks: int
    growth: float | None
    unknown: int

    @property
    def peak_hour(self) -> datetime:
        """The hour that is most likely to be the busiest."""
        return self.first + int(self.expected.argmax()) * HOUR


def forecast(hours: Hours, coverage: float = 0.9) -> Forecast:
    """The week after the last hour.

    Args:
        hours: Two weeks at least; more than the last eight are no better, and are left out.
        coverage: Of the intervals.

    Raises:
        UserError: There are fewer than two weeks, or too few hours of one are known.
    """
    weeks = min(len(hours.counts) // WEEK, 8)
    if weeks < LEAST_WEEKS:
        raise UserError(
            f"{len(hours.counts)} hours are known, and a forecast needs {LEAST_WEEKS} weeks "
            f"({LEAST_WEEKS * WEEK} hours), to know what is usual at an hour of the week: give "
            "more hours, or plan by the busiest hour so far"
        )
    table = hours.counts[-weeks * WEEK :].reshape(weeks, WEEK)
    known = (~np.isnan(table)).sum(axis=1)
    if known.min() < _LEAST_HOURS:
        raise UserError(
            f"of the week {int(known.argmin()) + 1} of the last {weeks} only {known.min()} of "
            f"{WEEK} hours are known: give those, or leave out what is before them"
        )
    expected, growth = _next(table)
    came = np.sqrt(table[1:])
    told = np.sqrt([_next(table[:week])[0] for week in range(1, weeks)])
    # Chance decides which hour is the busiest; forecasts from few weeks take such a one for usual,
    # so that the later ones tell by how much a week's busiest is above the forecast's.
    above = float(np.median((np.nanmax(came, axis=1) - told.max(axis=1))[-(weeks // 2) :]))
    tails = [(1.0 - coverage) / 2.0, (1.0 + coverage) / 2.0]
    low, high = _interval(np.sqrt(expected), came, told, tails)
    top = np.array([np.sqrt(expected.max())])
    rise = above if top[0] else 0.0
    ends = _interval(top, came, told, [tails[0], 0.5, tails[1]], rise)
    peak_low, peak, peak_high = ends[:, 0].tolist()
    return Forecast(
        first=hours.at(len(hours.counts)),
        expected=expected,
        low=low,
        high=high,
        peak=peak,
        peak_low=peak_low,
        peak_high=peak_high,
        coverage=coverage,
        weeks=weeks,
        growth=growth,
        unknown=int(np.isnan(table).sum()),
    )


def _next(table: NDArray[np.float64]) -> tuple[NDArray[np.float64], float | None]:
    """The week after some weeks (weeks x 168), and its growth."""
    levels = np.ones(len(table))
    usual = np.ones(WEEK)
    for _ in range(_ROUNDS):
        usual = _filled(_median(table / levels[:, None], 0))
        busy = usual > 0.0
        levels = (
            np.maximum(_median(table[:, busy] / usual[busy], 1), 1e-9) if busy.any() else levels
        )
    if len(table) < TREND_WEEKS:
        return usual * float(np.median(levels)), None
    slope, intercept, least, most = theilslopes(np.log(levels), np.arange(len(table)))
    if least <= 0.0 <= most:
        return usual * float(np.median(levels)), 0.0
    return usual * float(np.exp(intercept + slope * len(table))), float(np.expm1(slope))


def _median(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Without what is unknown; NaN where nothing is known."""
    masked = np.ma.masked_invalid(values)
    median = np.ma.median(masked, axis=axis)  # type: ignore[no-untyped-call]
    return np.asarray(median.filled(np.nan), dtype=np.float64)


def _filled(usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """An hour that no week knows is as that hour is on the other days, or as the whole week."""
    days = np.where(np.isnan(usual), np.tile(_median(usual.reshape(7, 24), 0), 7), usual)
    return np.where(np.isnan(days), np.nanmedian(usual), days)


def _interval(
    expected: NDArray[np.float64],
    came: NDArray[np.float64],
    told: NDArray[np.float64],
    tails: list[float],
    above: float = 0.0,
) -> NDArray[np.float64]:
    """(tails x hours) requests between which hours may be, by what past weeks were wrong by.

    A week is off as a whole by a factor, and each of its hours by chance. Few past weeks show less
    than all that may come, so that each counts in both directions.

    Args:
        expected: (hours,) roots.
        came: (weeks x 168) roots of past weeks.
        told: (weeks x 168) roots, as they were forecast.
        tails: Shares below.
        above: Added to the roots.
    """
    is_known = ~np.isnan(came)
    sums = np.where(is_known, told, 0.0).sum(axis=1)
    factors = np.divide(np.nansum(came, axis=1), sums, out=np.ones_like(sums), where=sums > 0.0)
    rest = np.quantile((came - told * factors[:, None])[is_known], _SHARES)
    both = np.concatenate([factors, 1.0 / np.maximum(factors, _LEAST_LEVEL)])
    roots = expected[:, None] * both + above
    may = (roots[:, :, None] + rest).reshape(len(expected), -1)
    found = np.quantile(np.maximum(may, 0.0) ** 2, tails, axis=1)
    return np.asarray(found)
