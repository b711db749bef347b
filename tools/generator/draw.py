"""Draws synthetic customers from the mixture of `mixture`, and spoils a few of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tools.generator import mixture

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]

SNAPSHOT_YEAR: Final = 2014
LAST_ENROLMENT: Final = np.datetime64("2014-06-29")
ENROLMENT_DAYS: Final = 700
MISTYPED_INCOME: Final = 666_666
PURCHASES: Final = ("NumWebPurchases", "NumCatalogPurchases", "NumStorePurchases")


def draw_customers(rows: int, random: np.random.Generator) -> Columns:
    """Draw `rows` clean customers: type, then traits and household, then answers to offers.

    Returns the columns of `generator.generate` but ID, in no particular order.
    """
    kind = random.choice(len(mixture.TYPES), rows, p=mixture.TYPE_SHARES)
    traits = _traits(kind, random)
    days = _enrolment_days(traits["tenure"])
    columns: Columns = {
        "Year_Birth": SNAPSHOT_YEAR - np.clip(traits["age"], 18, 74).astype(np.int64),
        "Education": _education(kind, random),
        "Marital_Status": random.choice(
            np.array(mixture.MARITAL_STATUSES), rows, p=mixture.MARITAL_SHARES
        ),
        "Income": np.rint(1000 * np.clip(traits["Income"], 1.73, 162)),
        "Kidhome": _children(kind, mixture.KID_SHARES, random),
        "Teenhome": _children(kind, mixture.TEEN_SHARES, random),
        "Dt_Customer": _dates()[days],
        "Recency": random.integers(100, size=rows),
        "Complain": (random.random(rows) < mixture.COMPLAINT_SHARE).astype(np.int64),
        "Z_CostContact": np.full(rows, 3),
        "Z_Revenue": np.full(rows, 11),
    }
    return columns | _amounts(traits) | _counts(traits) | _answers(columns, traits, days, random)


def soil(columns: Columns, rows: int, random: np.random.Generator) -> None:
    """Spoil the first few customers in place, each in one way; the shares are of `rows`."""
    clean = len(columns["Income"])
    counts = [amount(rows, share, random, maximum=clean) for share in mixture.DIRT.values()]
    places = dict(
        zip(
            mixture.DIRT,
            np.split(np.arange(min(clean, sum(counts))), np.cumsum(counts)[:-1]),
            strict=True,
        )
    )
    columns["Income"][places["missing_income"]] = np.nan
    columns["Income"][places["income_typo"]] = MISTYPED_INCOME
    for year in (1893, 1899, 1900):
        columns["Year_Birth"][places[f"born_{year}"]] = year
    for status in ("Alone", "Absurd", "YOLO"):
        columns["Marital_Status"][places[status]] = status
    for name in (*PURCHASES, "NumDealsPurchases"):
        columns[name][places["no_purchase"]] = 0
    for name in mixture.SPEND_LIMITS:
        columns[name][places["no_purchase"]] = 1


def amount(rows: int, share: float, random: np.random.Generator, *, maximum: int) -> int:
    """Round `rows * share` up or down at random, so that small blocks keep the share on average."""
    return min(maximum, math.floor(rows * share + random.random()))


def _traits(kind: Indices, random: np.random.Generator) -> dict[str, Floats]:
    factors = random.standard_normal((3, len(kind)))
    traits = {}
    for name, (means, deviations, loadings) in mixture.TRAITS.items():
        own = math.sqrt(1 - sum(loading**2 for loading in loadings))
        score = own * random.standard_normal(len(kind)) + np.array(loadings) @ factors
        traits[name] = np.array(means)[kind] + np.array(deviations)[kind] * score
    return traits


def _amounts(traits: Mapping[str, Floats]) -> Columns:
    amounts: Columns = {}
    for name, limit in mixture.SPEND_LIMITS.items():
        end = math.log1p(limit)
        reflected = end - np.abs(end - traits[name])
        amounts[name] = np.rint(np.expm1(np.maximum(reflected, 0))).astype(np.int64)
    return amounts


def _counts(traits: Mapping[str, Floats]) -> Columns:
    """Bring the five counts back from the scales of `mixture.TRAITS`."""
    inverse: dict[str, Callable[[Floats], Floats]] = dict.fromkeys(PURCHASES, np.square)
    inverse |= {"NumDealsPurchases": np.expm1, "NumWebVisitsMonth": np.positive}
    return {
        name: np.clip(np.rint(inverse[name](np.maximum(traits[name], 0))), 0, limit).astype(
            np.int64
        )
        for name, limit in mixture.COUNT_LIMITS.items()
    }


def _children(
    kind: Indices, shares: Sequence[tuple[float, float]], random: np.random.Generator
) -> Indices:
    one, two = np.array(shares)[kind].T
    draw = random.random(len(kind))
    children: Indices = (draw < two).astype(np.int64) + (draw < one + two)
    return children


def _education(kind: Indices, random: np.random.Generator) -> NDArray[np.str_]:
    draw = random.random(len(kind))
    ends = np.cumsum(mixture.EDUCATION_SHARES, axis=1)[:, :-1]
    place = np.zeros(len(kind), dtype=np.int64)
    for end in ends.T:
        place += draw >= end[kind]
    return np.array(mixture.EDUCATIONS)[place]


def _enrolment_days(tenure: Floats) -> Indices:
    """Turn the normal score of tenure into whole days before the last enrolment, evenly spread."""
    ranks = np.argsort(np.argsort(tenure))
    return (2 * ranks + 1) * ENROLMENT_DAYS // (2 * len(ranks))


def _dates() -> NDArray[np.str_]:
    """Format the enrolment dates, indexed by days before the last one."""
    days = np.datetime_as_string(LAST_ENROLMENT - np.arange(ENROLMENT_DAYS))
    return np.array([f"{day[8:]}-{day[5:7]}-{day[:4]}" for day in days])


def _answers(
    columns: Columns, traits: Mapping[str, Floats], days: Indices, random: np.random.Generator
) -> Columns:
    """Draw the answer to each offer in turn; who accepted one is likelier to accept the next."""
    accepted = np.zeros(len(days))
    known = {
        **traits,
        "Teenhome": columns["Teenhome"],
        "Recency": columns["Recency"],
        "couple": np.isin(columns["Marital_Status"], mixture.COUPLES),
        "PhD": columns["Education"] == "PhD",
        "years": days / 365,
        "intercept": np.ones(len(days)),
        "accepted": accepted,
    }
    answers: Columns = {}
    for offer, weights in mixture.CAMPAIGNS.items():
        log_odds = sum(weight * known[name] for name, weight in weights.items())
        answer = random.logistic(size=len(days)) < log_odds
        answers[offer] = answer.astype(np.int64)
        accepted += answer
    return answers
