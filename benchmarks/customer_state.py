"""How fast events become customers: microseconds an event for batches of 1, 100 and 10,000.

Order lines of the shipped shop drawn at random: 100,000 customers with 20 lines each. Each batch
has new lines of customers drawn at random; it is read, checked, added up and kept, without answers.
Beside the time that passed stands that of the processor, which other processes do not lengthen.

    python -m benchmarks.customer_state [customers]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.rebuilding import rebuild
from customer_segmentation.streaming.state import CustomerState

LINES = 20
_PIECE = 100_000


def order_lines(count: int, customers: int, schema: Schema, seed: int) -> pl.DataFrame:
    """Lines drawn at random, as text."""
    random = np.random.default_rng(seed)
    days = random.integers(0, schema.orders.window_days if schema.orders else 1, count)
    known = [(schema.as_of - timedelta(days=n)).isoformat() for n in range(int(days.max()) + 1)]
    return pl.DataFrame(
        {
            "CustomerID": pl.Series(random.integers(10**6, 10**6 + customers, count)).cast(
                pl.String
            ),
            "InvoiceNo": pl.Series(random.integers(5 * 10**5, 6 * 10**5, count)).cast(pl.String),
            "InvoiceDate": pl.Series(known).gather(days),
            "Quantity": pl.Series(random.integers(-2, 12, count)).cast(pl.String),
            "UnitPrice": pl.Series(random.integers(1, 5_000, count) / 100).cast(pl.String),
        }
    )


def _pieces(customers: int, schema: Schema) -> Iterator[pl.DataFrame]:
    for seed in range(customers * LINES // _PIECE):
        yield order_lines(_PIECE, customers, schema, seed)


def main() -> None:
    """Print the comparison."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    schema = read_schema(Path("conf/schemas/online_retail.yml"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "state.db"
        began = time.perf_counter()
        events, found = rebuild(place, schema, _pieces(customers, schema), {})
        took = time.perf_counter() - began
        print(f"rebuilt from {events:,} lines: {events / took:,.0f} events a second")
        print(f"{found:,} customers, {place.stat().st_size / found:,.0f} bytes each on disk")
        with CustomerState(place, schema) as state:
            seed = 10**6
            for size, times in ((1, 100), (100, 30), (10_000, 8)):
                spent, used = [], []
                for _ in range(times):
                    seed += 1
                    batch = order_lines(size, customers, schema, seed)
                    began, used_before = time.perf_counter(), time.process_time()
                    state.apply(batch, {"events-0": seed})
                    spent.append(time.perf_counter() - began)
                    used.append(time.process_time() - used_before)
                middle, worked = float(np.median(spent)), float(np.median(used))
                print(
                    f"batches of {size:,}: {1e6 * middle / size:,.1f} µs an event "
                    f"({1e6 * worked / size:,.1f} of the processor), {1e3 * middle:.1f} ms a batch "
                    f"(p95 {1e3 * np.quantile(spent, 0.95):.1f} ms)"
                )


if __name__ == "__main__":
    main()
