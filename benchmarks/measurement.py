"""How often a measured campaign is wrong: false alarms of A/A tests, and coverage of intervals.

Simulated campaigns, whose truth is known. Coverage is of the 95 % interval of the whole campaign's
increment, among campaigns that have enough answers to tell; Welch's interval of the same draws
stands beside it. Targets: false alarms in 4 to 6 %, coverage in 94 to 96 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from report import arguments, machine, table, write_json

from customer_segmentation.campaigns.measure import Assigned, Outcome, Result, measure

TARGETS = {"false alarms": (0.04, 0.06), "covered": (0.94, 0.96)}
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A kind of campaign.

    Attributes:
        customers: Contacted and held out.
        hold_out: The share of the latter.
        rate: Of answers without contact, as mean of the segments.
        lift: What contact multiplies it with.
        deviation: Of the logarithm of a purchase; 0 for answers.
        segments: Whose rates differ threefold.
    """

    customers: int
    hold_out: float
    rate: float
    lift: float = 1.0
    deviation: float = 0.0
    segments: int = 1


CASES = [
    Case(2_000, 0.1, 0.15),
    Case(5_000, 0.1, 0.02),
    Case(20_000, 0.1, 0.02, segments=5),
    Case(2_000, 0.3, 0.15, segments=3),
    Case(5_000, 0.1, 0.1, deviation=1.0),
    Case(2_000, 0.1, 0.15, lift=1.3),
    Case(5_000, 0.1, 0.02, lift=1.5),
    Case(20_000, 0.1, 0.02, lift=1.3, segments=5),
    Case(5_000, 0.1, 0.1, lift=1.3, deviation=1.0),
]


def simulated(case: Case, random: np.random.Generator) -> tuple[Result, Outcome, Assigned, float]:
    """A campaign, and what it truly brought: the expected outcomes of its contacted customers."""
    spread = np.linspace(0.5, 1.5, case.segments) if case.segments > 1 else np.ones(1)
    segments = random.integers(0, case.segments, case.customers)
    held_out = random.random(case.customers) < case.hold_out
    rates = case.rate * spread[segments]
    bought = random.random(case.customers) < rates * np.where(held_out, 1.0, case.lift)
    sizes = np.exp(case.deviation * random.standard_normal(case.customers))
    values = bought * (sizes if case.deviation else 1.0)
    names = segments.astype(str).astype(object)
    assigned = Assigned(names, np.full(case.customers, "offer", object), held_out, 0.0 * values)
    outcome = Outcome("amount" if case.deviation else "answered", values, values)
    found = next(one for one in measure(assigned, [outcome]) if one.level == "all")
    mean = np.exp(case.deviation**2 / 2.0)
    truth = float((rates[~held_out] * (case.lift - 1.0)).sum() * mean)
    return found, outcome, assigned, truth


def welch(values: Numbers, held_out: NDArray[np.bool_]) -> tuple[float, float]:
    """The usual interval, with a normal quantile."""
    contacted, control = values[~held_out], values[held_out]
    half = 1.96 * sqrt(contacted.var(ddof=1) / len(contacted) + control.var(ddof=1) / len(control))
    middle = contacted.mean() - control.mean()
    return len(contacted) * (middle - half), len(contacted) * (middle + half)


def tried(case: Case, simulations: int) -> dict[str, object]:
    """A row of the table."""
    random = np.random.default_rng(1)
    covered = usual = told = alarms = 0
    for _ in range(simulations):
        found, outcome, assigned, truth = simulated(case, random)
        if np.isnan(found.incremental):
            continue
        told += 1
        covered += found.low <= truth <= found.high
        low, high = welch(outcome.values, assigned.held_out)
        usual += low <= truth <= high
        alarms += case.lift == 1.0 and found.verdict in {"brought", "cost"}
    return {
        "customers": case.customers,
        "held out": case.hold_out,
        "rate": case.rate,
        "lift": case.lift,
        "outcome": "amount" if case.deviation else "answer",
        "segments": case.segments,
        "told": round(told / simulations, 3),
        "covered": round(covered / told, 3),
        "welch": round(usual / told, 3),
        "false alarms": round(alarms / told, 3) if case.lift == 1.0 else "",
    }


def main() -> None:
    """Print the table."""
    parser = arguments(__doc__)
    parser.add_argument("--simulations", type=int, default=2_000, help="of each case")
    options = parser.parse_args()
    began = perf_counter()
    rows = [tried(case, options.simulations) for case in CASES]
    print(f"{options.simulations:,} simulated campaigns a case (seed 1)")
    print(machine())
    table(rows)
    for name, (low, high) in TARGETS.items():
        met = [low <= row[name] <= high for row in rows if row[name] != ""]
        print(f"{name} in {low:.0%} to {high:.0%}: {sum(met)} of {len(met)} cases")
    print(f"{perf_counter() - began:.0f} s")
    write_json(options.json, {"measurement": rows, "simulations": options.simulations})


if __name__ == "__main__":
    main()
