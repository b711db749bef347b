"""What feedback and retraining keep of the oracle's profit in a market that turns in month 6.

The year of tests/tools/year/test_loop.py, by the pipelines' own steps on frames in memory: 6,000
customers, four campaigns a month, three in a thousand of those who do not pay contacted all the
same. The oracle contacts whoever pays by the true probability of an answer.
"""

from __future__ import annotations

from multiprocessing import get_context
from typing import Any

from report import arguments, machine, table, write_json

from tests.tools.year.test_loop import CUSTOMERS, EXPLORATION, TURN, played


def shares(seed: int) -> list[dict[str, Any]]:
    """Of a year and of its parts, the share of the oracle's profit, with the loop and without."""
    story = played(seed)
    by_month = {one.number: one for one in story.months}

    def share(kind: str, first: int, last: int) -> float:
        months = [by_month[number] for number in range(first, last + 1)]
        return sum(getattr(one, kind) for one in months) / sum(one.oracle for one in months)

    parts = {
        f"months 1 to {TURN - 1}": (1, TURN - 1),
        f"month {TURN}": (TURN, TURN),
        f"month {TURN + 1}": (TURN + 1, TURN + 1),
        f"months {TURN + 2} to 12": (TURN + 2, 12),
        "year": (1, 12),
    }
    return [
        {"seed": seed, "loop": told, **{name: share(kind, *part) for name, part in parts.items()}}
        for told, kind in (("with", "loop"), ("without", "without"))
    ]


def main() -> None:
    """Play years and print a row for each."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--years", type=int, default=5, help="markets, seeds 1 and up; default 5")
    options = parser.parse_args()
    with get_context("spawn").Pool(2) as pool:
        years = pool.map(shares, range(1, options.years + 1), chunksize=1)
    rows = [row for year in years for row in year]
    print(f"{CUSTOMERS:,} customers, exploration {EXPLORATION:.1%}; {machine()}")
    table(rows)
    write_json(options.json, {"customers": CUSTOMERS, "years": rows})


if __name__ == "__main__":
    main()
