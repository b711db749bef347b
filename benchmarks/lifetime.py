"""What customers are worth: the steps of `lifetime_value`, on a table of when they bought.

Customers as BG/NBD says, in whole days over two years, whose purchases bring what Gamma-Gamma says.
Both models are learned, and each customer gets a value. Target for 10^6 customers on 2 cores: 10 s.
The check on the last days, which learns once more, is timed beside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from report import arguments, machine, table, write_json

from customer_segmentation.customers.purchases import EARLIER, HELD_BACK
from customer_segmentation.lifetime.bg_nbd import Rates
from customer_segmentation.lifetime.gamma_gamma import Values
from customer_segmentation.pipelines.lifetime_value.nodes import learn_lifetime, value_customers
from customer_segmentation.pipelines.lifetime_value.summary import check_model
from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.schema import Schema
from tests.lifetime.simulation import simulate

SCHEMA = Path(__file__).parents[1] / "conf" / "schemas" / "online_retail.yml"
TARGET_CUSTOMERS, MAX_SECONDS = 1_000_000, 10.0
DAYS, HELD_BACK_DAYS = 640.0, 90
RATES, VALUES = Rates(r=0.6, alpha=30.0, a=0.8, b=2.5), Values(p=6.0, q=4.0, gamma=15.0)


def purchases(customers: int) -> pl.DataFrame:
    """Generated customers (seed 1), as they were `HELD_BACK_DAYS` before and are now."""
    made, later = simulate(RATES, customers, DAYS, float(HELD_BACK_DAYS), seed=1)
    draw = np.random.default_rng(2)
    worth = 1.0 / draw.gamma(VALUES.q, 1.0 / VALUES.gamma, customers)
    repeats = made.repeats
    spend = np.round(draw.gamma(VALUES.p * np.maximum(repeats, 1.0)) * worth * (repeats > 0), 2)
    state = {
        "purchases": repeats + 1.0,
        "recency_days": np.ceil(made.recency),
        "age_days": np.ceil(made.age),
        "repeat_spend": spend,
    }
    before = {f"{EARLIER}{name}": values for name, values in state.items()}
    then = {f"{HELD_BACK}purchases": later, f"{HELD_BACK}spend": later * VALUES.mean}
    keys = [f"{number:08}" for number in range(customers)]
    day = pl.lit("2011-12-09").str.to_datetime("%Y-%m-%d")
    return pl.DataFrame({"customer_id": keys} | state | before | then).with_columns(as_of=day)


def timed(step: Callable[[], Any]) -> tuple[Any, float, float]:
    """What a step gives, its seconds, and those of the processor."""
    start, work = perf_counter(), process_time()
    found = step()
    return found, perf_counter() - start, process_time() - work


def main() -> None:
    """Generate, learn, value, and check."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--customers", type=int, default=TARGET_CUSTOMERS)
    options = parser.parse_args()
    schema: Schema = read_schema(SCHEMA)
    rows = []
    for engine, convert in (("polars", pl.DataFrame), ("pandas", pl.DataFrame.to_pandas)):
        frame: Any = convert(purchases(options.customers))
        model, learning, work = timed(lambda frame=frame: learn_lifetime(frame, schema))
        assert model.purchases  # noqa: S101 - there are enough
        assert model.values  # noqa: S101 - as above
        _, valuing, more = timed(
            lambda frame=frame, model=model: value_customers(frame, model, schema)
        )
        lazy = nw.from_native(frame).lazy()
        _, checking, _ = timed(lambda lazy=lazy: check_model(lazy, HELD_BACK_DAYS))
        rows.append(
            {
                "engine": engine,
                "customers": f"{options.customers:,}",
                "learn s": learning,
                "value s": valuing,
                "both s": learning + valuing,
                "both, of a processor s": work + more,
                "check s": checking,
            }
        )
    table(rows)
    for planted, found in ((RATES, model.purchases.rates), (VALUES, model.values.values)):
        print(f"planted {astuple(planted)}, found {tuple(round(x, 3) for x in astuple(found))}")
    slowest = max(float(row["both s"]) for row in rows)
    print(f"target {MAX_SECONDS:g} s: {'kept' if slowest <= MAX_SECONDS else 'MISSED'}")
    print(machine())
    write_json(options.json, {"rows": rows})


if __name__ == "__main__":
    main()
