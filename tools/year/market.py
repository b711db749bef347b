"""A market of synthetic customers whose answers turn in the middle of a year.

The customers are those of the project's generator. Who answers a campaign is, at first, what the
generator has from the published file: above all those who spend on meat and in the catalogue. From
the month of the turn on it is who looks for a bargain. All along, a few customers leave and others
sign up, spend grows and visits to the website grow more frequent.

Whoever asks for a month gets the same customers and the same answers: every draw is of the seed,
the month or the customer's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.hold_out import draw_chances
from tools.generator import COLUMNS, mixture
from tools.generator.draw import (
    ENROLMENT_DAYS,
    LAST_ENROLMENT,
    PURCHASES,
    Columns,
    Floats,
    draw_customers,
)

MONTHS: Final = 12
# The day of the customers that the first champion is learned from: month 0.
START: Final = date(2014, 6, 30)
# Log odds of an answer, in the form of `mixture.CAMPAIGNS`.
BEFORE: Final = mixture.CAMPAIGNS["Response"]
AFTER: Final = {
    "intercept": -8.5,
    "NumDealsPurchases": 3.0,
    "NumWebVisitsMonth": 0.70,
    "Kidhome": 1.2,
    "Income": -0.04,
    "Recency": -0.0405,
    "years": 1.2,
    "couple": -1.0,
}
# A month's share of customers who leave, and of those who sign up.
_RENEWED = 1 / 24
# A month's growth of spend, and of the chance of one more visit to the website.
_SPEND, _VISITS = 0.01, 0.02
_EARLIER = tuple(name for name in mixture.CAMPAIGNS if name != "Response")

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Month:
    """The customers of a month, and what nobody but the market knows of them.

    Attributes:
        number: From 1; 0 is the month before the year.
        day: Of the snapshot, the last of the month.
        columns: As a file of the generator has them; Response is the answer to the first campaign.
        chances: (customers) the true probability of an answer.
    """

    number: int
    day: date
    columns: Columns
    chances: Floats

    @property
    def ids(self) -> NDArray[np.object_]:
        """(customers) as text."""
        return self.columns["ID"].astype(str).astype(object)

    def answers(self, campaign: str) -> NDArray[np.bool_]:
        """(customers) who answers this campaign, if contacted."""
        return draw_chances(f"answers to {campaign}", self.ids).hold_out < self.chances

    def texts(self) -> dict[str, list[str]]:
        """The cells as a company would export them, '' where there is no value."""
        return {
            name: ["" if one != one else str(one) for one in _whole(values)]  # noqa: PLR0124 - NaN
            for name, values in self.columns.items()
        }

    def write(self, file: Path) -> None:
        """The same as a file."""
        cells = self.texts()
        lines = ["\t".join(cells), *("\t".join(row) for row in zip(*cells.values(), strict=True))]
        file.write_text("\r\n".join([*lines, ""]), encoding="utf-8", newline="")


class Market:
    """Twelve months of customers.

    Args:
        customers: In each month.
        seed: Of all draws but the answers, which are of the ids.
        turn: The first month in which others answer.
    """

    def __init__(self, customers: int, seed: int = 1, turn: int = 6) -> None:
        self.customers, self.turn = customers, turn
        self._seed = seed
        self._new = round(customers * _RENEWED)
        self._everybody, self._enrolled = self._drawn()
        self.month = cache(self._month)

    def _month(self, number: int) -> Month:
        """The customers of a month.

        Args:
            number: From 0 to 12.
        """
        day = end_of_month(number)
        there = self._there(number)
        draw = np.random.default_rng((self._seed, 1, number))
        columns = {name: values[there] for name, values in self._everybody.items()}
        rows = len(there)
        grown = (1.0 + _SPEND) ** number
        for name, most in mixture.SPEND_LIMITS.items():
            columns[name] = np.minimum(np.rint(columns[name] * grown), most).astype(np.int64)
        visits = columns["NumWebVisitsMonth"] + draw.binomial(1, _VISITS * number, rows)
        columns["NumWebVisitsMonth"] = np.minimum(visits, 20)
        columns["Recency"] = draw.integers(100, size=rows)
        enrolled = self._enrolled[there]
        columns["Dt_Customer"] = _written(enrolled)
        chances = _chances(columns, enrolled, day, self._law(number))
        month = Month(number, day, {name: columns[name] for name in COLUMNS}, chances)
        columns["Response"] = self._asked(month, there)
        return replace(month, columns={name: columns[name] for name in COLUMNS})

    def _asked(self, month: Month, there: Indices) -> Indices:
        """What customers answered to the campaign of month 0, or when they came later."""
        now = month.answers("the first campaign").astype(np.int64)
        if not month.number:
            return now
        first = self.month(0).columns["Response"]
        is_later = there >= self.customers
        return np.where(is_later, now, first[np.where(is_later, 0, there)])

    def _law(self, number: int) -> Mapping[str, float]:
        return BEFORE if number < self.turn else AFTER

    def _there(self, number: int) -> Indices:
        """The places of a month's customers: those who joined last."""
        last = self.customers + number * self._new
        return np.arange(last - self.customers, last)

    def _drawn(self) -> tuple[Columns, NDArray[np.datetime64]]:
        """Everybody who is a customer in some month, those who joined first at the front."""
        random = np.random.default_rng((self._seed, 0))
        parts = [draw_customers(self.customers, random)]
        days = [_days(parts[0]["Dt_Customer"])]
        order = np.argsort(days[0], kind="stable")
        parts[0], days[0] = {n: v[order] for n, v in parts[0].items()}, days[0][order]
        for number in range(1, MONTHS + 1):
            parts.append(draw_customers(self._new, random))
            first = np.datetime64(end_of_month(number - 1) + timedelta(days=1))
            length = (end_of_month(number) - end_of_month(number - 1)).days
            days.append(first + np.sort(random.integers(length, size=self._new)))
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        columns["ID"] = random.permutation(len(columns["Income"]))
        return columns, np.concatenate(days)


def end_of_month(number: int) -> date:
    """The last day of a month; of month 0, the day that the first champion is learned from."""
    later = START.month + number
    first = date(START.year + later // 12, later % 12 + 1, 1)
    return first - timedelta(days=1)


def _chances(
    columns: Columns, enrolled: NDArray[np.datetime64], day: date, law: Mapping[str, float]
) -> Floats:
    """The true probability that each customer answers, by the columns as the file has them."""
    from scipy.special import expit  # noqa: PLC0415 - slow import

    known: dict[str, Floats] = {name: np.log1p(columns[name]) for name in mixture.SPEND_LIMITS}
    known |= {name: np.sqrt(columns[name]) for name in PURCHASES}
    known |= {
        "NumDealsPurchases": np.log1p(columns["NumDealsPurchases"]),
        "NumWebVisitsMonth": columns["NumWebVisitsMonth"].astype(np.float64),
        "Income": columns["Income"] / 1000.0,
        "Kidhome": columns["Kidhome"].astype(np.float64),
        "Teenhome": columns["Teenhome"].astype(np.float64),
        "Recency": columns["Recency"].astype(np.float64),
        "couple": np.isin(columns["Marital_Status"], mixture.COUPLES).astype(np.float64),
        "PhD": (columns["Education"] == "PhD").astype(np.float64),
        "years": (np.datetime64(day) - enrolled).astype(np.float64) / 365.0,
        "accepted": np.sum([columns[name] for name in _EARLIER], axis=0).astype(np.float64),
        "intercept": np.ones(len(enrolled)),
    }
    chances: Floats = expit(sum(weight * known[name] for name, weight in law.items()))
    return chances


def _whole(values: NDArray[Any]) -> list[Any]:
    """Numbers without a fraction, which a missing one would have brought to all."""
    if values.dtype.kind != "f":
        return list(values.tolist())
    return [one if one != one else int(one) for one in values.tolist()]  # noqa: PLR0124 - NaN


def _days(written: NDArray[np.str_]) -> NDArray[np.datetime64]:
    """Days from the generator's texts."""
    known = LAST_ENROLMENT - np.arange(ENROLMENT_DAYS)
    by_text = dict(zip(_written(known).tolist(), known, strict=True))
    return np.array([by_text[text] for text in written.tolist()])


def _written(days: NDArray[np.datetime64]) -> NDArray[np.str_]:
    """Days as the published file has them."""
    texts = np.datetime_as_string(days.astype("datetime64[D]"))
    return np.array([f"{one[8:]}-{one[5:7]}-{one[:4]}" for one in texts.tolist()])
