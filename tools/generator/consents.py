"""Synthetic consents of synthetic customers: seeded, most agreed, some took it back or will.

`python -m tools.generator.consents --customers data/sample/customers.csv --out consents.csv`
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

HEADER: Final = ("customer_id", "purpose", "status", "on", "until")
# Purpose -> the share of customers who agreed to it when they signed up.
_AGREED: Final = {"e_mail": 0.8, "post": 0.3}
_WITHDREW, _AGAIN, _LATER, _EXPIRES = 0.1, 0.2, 0.1, 0.05
_LAST_DAY: Final = datetime(2014, 9, 30)  # noqa: DTZ001 - a day
_YEAR: Final = timedelta(days=365)


def statements(customers: Path, seed: int = 1) -> Iterator[tuple[str, ...]]:
    """The rows of a file of consents, for a file that the generator wrote."""
    with customers.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file, delimiter="\t")]
    joined = {row["ID"]: datetime.strptime(row["Dt_Customer"], "%d-%m-%Y") for row in rows}  # noqa: DTZ007 - a day
    draw = Random(seed)  # noqa: S311 - no secret
    for customer, day in joined.items():
        for purpose, share in _AGREED.items():
            yield from _history(customer, purpose, day, share, draw)


def _history(
    customer: str, purpose: str, day: datetime, share: float, draw: Random
) -> Iterator[tuple[str, ...]]:
    agreed = draw.random() < share
    if not agreed and draw.random() >= _LATER:
        return
    if not agreed:
        day = _between(day, draw)
    expires = day + 2 * _YEAR if draw.random() < _EXPIRES else None
    yield customer, purpose, "given", _iso(day), _iso(expires) if expires else ""
    if draw.random() < _WITHDREW:
        day = _between(day, draw)
        yield customer, purpose, "withdrawn", _iso(day), ""
        if draw.random() < _AGAIN:
            yield customer, purpose, "given", _iso(_between(day, draw)), ""


def _between(day: datetime, draw: Random) -> datetime:
    """A later day, up to three months after the sample's snapshot."""
    return day + timedelta(days=draw.randrange(1, max(2, (_LAST_DAY - day).days)))


def _iso(day: datetime) -> str:
    return day.date().isoformat()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write them as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.generator.consents")
    parser.add_argument(
        "--customers", type=Path, required=True, help="of python -m tools.generator"
    )
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes (default 1)")
    parser.add_argument("--out", type=Path, required=True, help="a .csv file")
    asked = parser.parse_args(arguments)
    with asked.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(statements(asked.customers, asked.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
