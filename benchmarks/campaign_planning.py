"""How long a plan of a campaign takes, its memory, and how near it is to the best there can be.

Customers are drawn at random: four segments, probabilities of an answer of beta(1, 6), and for each
offer a share of customers who may have it. A case is planned in a process of its own, so that its
peak memory is its own: with one offer, where the plan is a knapsack whose contacts cost the same,
and with five offers, a budget, a number of contacts, offers' own limits and shares, by HiGHS. The
gap is what a better list could bring at most, as a share. Drawing the hold-out is told apart, since
the API does it once a table.
"""

from __future__ import annotations

import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter
from typing import Any

import numpy as np
from report import arguments, machine, table, write_json

from customer_segmentation.campaigns.candidates import Candidates
from customer_segmentation.campaigns.hold_out import draw_chances
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.planning import make_plan
from customer_segmentation.campaigns.value import Calibration, value_of

SEGMENTS = ("a", "b", "c", "d")
MAY_HAVE = (1.0, 0.7, 0.8, 0.9, 0.6)


def drawn(customers: int, offers: int) -> Candidates:
    """Customers at random, the same for a number of them."""
    random = np.random.default_rng(0)
    return Candidates(
        ids=np.array([str(one) for one in range(customers)], dtype=object),
        segments=random.integers(0, len(SEGMENTS), customers),
        segment_keys=SEGMENTS,
        p_response=random.beta(1, 6, customers),
        allowed=random.random((customers, offers)) < MAY_HAVE[:offers],
        barred=np.zeros(customers, dtype=np.int8),
    )


def one_offer(customers: int) -> dict[str, Any]:
    """A budget for some of those who pay."""
    return {
        "budget": customers * 0.3,
        "offers": {"voucher": {"channel": "e_mail", "cost": 3.0, "value": 11.0}},
    }


def five_offers(customers: int) -> dict[str, Any]:
    """Every kind of limit."""
    offers: dict[str, dict[str, Any]] = {
        "news": {"cost": 0.5, "value": 11.0},
        "gift": {"cost": 1.2, "value": 14.0, "answer_factor": 1.3, "most": customers * 3 // 100},
        "visit": {"cost": 3.0, "value": 22.0, "answer_factor": 1.7, "most": customers // 20},
        "letter": {"cost": 0.8, "value": 9.0, "answer_factor": 1.1},
        "call": {"cost": 2.1, "value": 18.0, "answer_factor": 1.5, "most": customers // 50},
    }
    return {
        "budget": customers * 0.35,
        "most_contacts": customers * 2 // 5,
        "shares": {
            "a": {"least": 0.1},
            "b": {"least": 0.5, "most": 0.9},
            "c": {"most": 0.2},
            "d": {"most": 0.3},
        },
        "offers": {name: {"channel": name, **one} for name, one in offers.items()},
    }


CASES = {
    "one offer, budget": (one_offer, 1, 0.0),
    "one offer, budget, hold-out": (one_offer, 1, 0.1),
    "five offers, all limits": (five_offers, 5, 0.0),
    "five offers, all limits, hold-out": (five_offers, 5, 0.1),
}


def measure(case: str, customers: int) -> dict[str, Any]:
    """One row of the table."""
    limits, offers, share = CASES[case]
    parameters = CampaignParameters.model_validate(
        {"name": "benchmark", "hold_out": share, "quiet_days": 0, **limits(customers)}
    )
    candidates = drawn(customers, offers)
    began = perf_counter()
    chances = draw_chances(parameters.name, candidates.ids)
    held = perf_counter()
    plan = make_plan(candidates, parameters, chances)
    planned = perf_counter()
    value = value_of(candidates, plan, parameters, Calibration(np.eye(2) * 0.01), chances)
    valued = perf_counter()
    return {
        "case": case,
        "hold-out s": held - began,
        "plan s": planned - held,
        "value s": valued - planned,
        "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "contacted": value.plan.contacts,
        "gap 1e-9": (plan.bound - float(plan.expected.sum())) / plan.bound * 1e9,
    }


def main() -> None:
    """Print the table."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--customers", type=int, default=1_000_000)
    asked = parser.parse_args()
    rows = []
    for case in CASES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rows.append(pool.submit(measure, case, asked.customers).result())
    table(rows)
    print(f"{asked.customers:,} customers; {machine()}")
    write_json(asked.json, {"rows": rows})


if __name__ == "__main__":
    main()
