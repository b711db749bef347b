"""The history of 10^6 generated customers over 12 snapshots: its size, and one customer's by HTTP.

Each snapshot is a statement as a run appends it; one customer in twenty moves from one to the next,
and every margin is another. A server is started on a free port and asked for customers that it was
not asked for before. Targets: 300 MB, and 99 % of the answers within 50 ms. With `--delta` the same
as the Delta table of prod, written by Spark.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.request import urlopen

import numpy as np
import polars as pl
from report import arguments, machine, table, write_json
from serving import running

from customer_segmentation.datasets.history_parts import HistoryPartsDataset
from customer_segmentation.schema.file import read_schema
from customer_segmentation.tables.schemas import declare_tables
from tests.serving.example import write_bundle
from tools.ports import free_port

SCHEMA = Path(__file__).parents[1] / "conf" / "schemas" / "marketing_campaign.yml"
TARGET_CUSTOMERS, TARGET_SNAPSHOTS, MAX_BYTES, MAX_MS = 1_000_000, 12, 300e6, 50.0
SEGMENTS = ["high_value", "price_sensitive", "low_spend"]
NAMES = ["High-value", "Price-sensitive", "Low-spend"]
MOVES = 0.05


def statements(customers: int, snapshots: int) -> Iterator[pl.DataFrame]:
    """The rows of each snapshot, sorted by customer as a run's are."""
    dice = np.random.default_rng(1)
    ids = np.sort(dice.choice(10 * customers, customers, replace=False).astype(str))
    segment = dice.integers(0, 3, customers)
    for month in range(snapshots):
        segment = np.where(dice.random(customers) < MOVES, dice.integers(0, 3, customers), segment)
        day = date(2014, 1, 31) + timedelta(days=30 * month)
        yield pl.DataFrame(
            {
                "customer_id": ids,
                "as_of": [datetime(day.year, day.month, day.day)] * customers,  # noqa: DTZ001 - a day
                "segment": np.array(SEGMENTS)[segment],
                "segment_name": np.array(NAMES)[segment],
                "runner_up": np.array(SEGMENTS)[(segment + 1) % 3],
                "margin": dice.random(customers).round(4),
            }
        ).with_columns(
            artifact_version=pl.lit(f"{month:012x}"),
            run_id=pl.lit(f"{day}T05.00.00.000Z"),
            recorded_at=pl.lit(f"{day}T05:01:02.123456Z"),
        )


def written(save: Callable[[pl.DataFrame], None], customers: int, snapshots: int) -> list[float]:
    """The seconds that each statement took."""
    seconds = []
    for rows in statements(customers, snapshots):
        began = perf_counter()
        save(rows)
        seconds.append(perf_counter() - began)
    return seconds


def by_spark(folder: Path) -> Callable[[pl.DataFrame], None]:
    """Saving to a Delta table, with prod's settings."""
    from kedro.config import OmegaConfigLoader  # noqa: PLC0415 - only with --delta

    from customer_segmentation.datasets.delta_table import (  # noqa: PLC0415 - as above
        DeltaTableDataset,
    )
    from customer_segmentation.settings import setting  # noqa: PLC0415 - as above
    from customer_segmentation.spark import prepare_session  # noqa: PLC0415 - as above

    loader = OmegaConfigLoader(
        str(SCHEMA.parents[1]),
        base_env="base",
        default_run_env="prod",
        config_patterns={"spark": ["spark*"]},
        custom_resolvers={"setting": setting},
    )
    prepare_session(loader["spark"])
    dataset = DeltaTableDataset(filepath=str(folder), table="gold_history")
    save: Callable[[pl.DataFrame], None] = dataset.save
    return save


def asked(folder: Path, bundle: Path, customers: int, requests: int) -> list[float]:
    """Milliseconds of each answer, for customers chosen at random."""
    dice = random.Random(2)  # noqa: S311 - no secret
    (ids,) = (rows["customer_id"] for rows in statements(customers, 1))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "customer_segmentation.serving", "serve"]
    options = {"port": port, "bundle": bundle, "history": folder, "job-workers": 0}
    given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    times = []
    with running([*command, *given], f"{url}/healthz", None):
        # Polars is imported at the first one.
        for key in dice.sample(ids.to_list(), min(requests, customers)):
            began = perf_counter()
            with urlopen(f"{url}/v1/history/{key}") as answer:  # noqa: S310 - loopback
                answer.read()
            times.append(1000.0 * (perf_counter() - began))
    return times


def main() -> None:
    """Write, measure, and hold against the targets."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--customers", type=int, default=TARGET_CUSTOMERS)
    parser.add_argument("--snapshots", type=int, default=TARGET_SNAPSHOTS)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--delta", action="store_true", help="as prod's Delta table; needs Java")
    given = parser.parse_args()
    declare_tables(read_schema(SCHEMA))
    with tempfile.TemporaryDirectory() as place:
        bundle, folder = write_bundle(Path(place) / "bundle"), Path(place) / "history"
        parts = HistoryPartsDataset(filepath=str(folder), table="gold_history", engine="polars")
        save = by_spark(folder) if given.delta else parts.save
        seconds = written(save, given.customers, given.snapshots)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        first, *others = asked(folder, bundle, given.customers, given.requests)
    numbers: dict[str, Any] = {
        "customers": given.customers,
        "snapshots": given.snapshots,
        "MB": size / 1e6,
        "bytes a row": size / given.customers / given.snapshots,
        "s a statement": float(np.median(seconds)),
        "first ms": first,
        "median ms": float(np.median(others)),
        "p99 ms": float(np.percentile(others, 99)),
    }
    table([numbers])
    is_target = (given.customers, given.snapshots) == (TARGET_CUSTOMERS, TARGET_SNAPSHOTS)
    if is_target:
        is_met = size <= MAX_BYTES and numbers["p99 ms"] <= MAX_MS
        print(f"{'Met' if is_met else 'Missed'}: {MAX_BYTES / 1e6:.0f} MB and {MAX_MS:.0f} ms")
    print(machine())
    write_json(given.json, numbers)


if __name__ == "__main__":
    main()
