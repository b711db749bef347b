"""Order lines to customers on Polars: the steps of ingestion and preprocessing, from landed lines.

Lines as in `conf/schemas/online_retail.yml`, twenty a customer, of a year and a month; one in a
hundred is sent back, and one in a thousand has no customer. Each step saves its table as in
`staging`, but into a local folder. Target for 10^7 lines on 2 cores: 60 s. Before that, the lines
are landed alone and with a file of their customers beside them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter, process_time
from typing import Any

import numpy as np
import polars as pl
from report import arguments, machine, table, write_json

from customer_segmentation.datasets.polars_table import PolarsTableDataset
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing import nodes
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.schema.file import read_schema
from customer_segmentation.sources.dataset import SourceDataset

SCHEMA = Path(__file__).parents[1] / "conf" / "schemas" / "online_retail.yml"
TARGET_LINES, MAX_SECONDS = 10_000_000, 60.0
LINES_A_CUSTOMER, LINES_AN_ORDER = 20, 4
SENT_BACK, WITHOUT_CUSTOMER = 0.01, 0.001
FIRST_DAY, DAYS = np.datetime64("2010-11-09"), 396


def write_lines(path: Path, lines: int) -> None:
    """Generated lines (seed 1) as CSV."""
    random = np.random.default_rng(1)
    orders = lines // LINES_AN_ORDER + 1
    order = np.sort(random.integers(0, orders, lines))
    customer = random.integers(0, lines // LINES_A_CUSTOMER + 1, orders)[order]
    day = FIRST_DAY + random.integers(0, DAYS, orders)[order]
    quantity = random.integers(1, 25, lines) * np.where(random.random(lines) < SENT_BACK, -1, 1)
    nobody = pl.Series(random.random(lines) < WITHOUT_CUSTOMER)
    made = pl.DataFrame(
        {
            "InvoiceNo": 500_000 + order,
            "StockCode": random.integers(10_000, 14_000, lines),
            "Quantity": quantity,
            "InvoiceDate": pl.Series(day).cast(pl.Datetime("ms")).dt.offset_by("10h"),
            "UnitPrice": random.integers(10, 2_000, lines) / 100.0,
            "CustomerID": pl.Series(customer).set(nobody, None),
            "Country": "United Kingdom",
        }
    )
    made.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")


def write_customers(path: Path, lines: int) -> None:
    """A row for each customer that the lines may have, as CSV."""
    numbers = np.arange(lines // LINES_A_CUSTOMER + 1)
    day = FIRST_DAY - numbers % 2_000
    made = {"CustomerID": numbers, "income": 10_000 + numbers % 90_000, "joined": day}
    pl.DataFrame(made).with_columns(region=pl.lit("north")).write_csv(path)


def main() -> None:
    """Generate, land, and time each step."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--lines", type=int, default=1_000_000, help="default 1,000,000")
    options = parser.parse_args()
    customers = read_schema(SCHEMA)
    allowed = PreprocessingParameters(max_left_out=0.05)
    rows: list[dict[str, Any]] = []

    def timed(name: str, step: Callable[..., Any], *inputs: Any) -> Any:  # noqa: ANN401 - any
        started, used = perf_counter(), process_time()
        made = step(*inputs)
        if isinstance(made, pl.LazyFrame):
            saved = PolarsTableDataset(filepath=str(Path(folder) / f"{name}.parquet"))
            saved.save(made)
            made = saved.load()
        rows.append({"step": name, "s": perf_counter() - started, "CPU s": process_time() - used})
        return made

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lines.csv"
        write_lines(file, options.lines)
        members = Path(folder) / "customers.csv"
        write_customers(members, options.lines)
        for name, beside in (("land", None), ("land with customers", str(members))):
            timed(name, SourceDataset(filepath=str(file), customers=beside).look)
        source = SourceDataset(
            filepath=str(file), engine="polars", landing=str(Path(folder) / "landed.parquet")
        )
        landed = timed("landed", source.load)
        first = len(rows)
        bronze = timed("bronze", ingest_source, landed, customers)
        reading = timed("reading", nodes.settle_reading, bronze, customers)
        checked = timed("checked", nodes.check_rows, bronze, reading, customers)
        left_out = timed("quarantine", nodes.quarantine_rows, checked, reading, customers)
        counts = timed(
            "account", nodes.account_for_rows, bronze, checked, left_out, reading, customers
        )
        kept = timed("aggregated", nodes.keep_customers, checked, counts, customers, allowed)
        silver = timed("customers", lambda: kept[0])
        gold = timed("features", nodes.compute_features, silver, customers)
        made = gold.select(pl.len()).collect().item()
    seconds = sum(row["s"] for row in rows[first:])
    print(f"{options.lines:,} generated lines (seed 1) of {made:,} customers")
    print(machine())
    table(rows)
    print(f"from landed lines to features: {seconds:.1f} s, {options.lines / seconds:,.0f} lines/s")
    print(f"most memory: {getrusage(RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB")
    if options.lines == TARGET_LINES:
        print(f"target: {'met' if seconds <= MAX_SECONDS else 'missed'}")
    write_json(options.json, {"order_lines": rows, "lines": options.lines})


if __name__ == "__main__":
    main()
