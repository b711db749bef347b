"""What customers are worth: the same on each engine, and left out where it cannot be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import yaml

from customer_segmentation.customers.purchases import COLUMNS
from customer_segmentation.lifetime.bg_nbd import Rates
from customer_segmentation.pipelines.lifetime_value.nodes import learn_lifetime, value_customers
from customer_segmentation.pipelines.lifetime_value.summary import summarise_lifetime
from customer_segmentation.schema.lifetime import VALUES
from customer_segmentation.schema.schema import Schema
from tests.lifetime.simulation import simulate
from tests.marketing import FOLDER
from tests.marketing import SCHEMA as MARKETING

BLOCK = yaml.safe_load((FOLDER / "online_retail.yml").read_text())
RATES = Rates(r=0.8, alpha=40.0, a=0.7, b=2.5)
DAY = pd.Timestamp("2011-12-09")
CUSTOMERS = 3_000


def schema_of(**lifetime: Any) -> Schema:
    orders = BLOCK["orders"] | {"lifetime": {"purchase": "bought", "spend": "amount"} | lifetime}
    return Schema.model_validate(BLOCK | {"orders": orders})


def purchases(customers: int = CUSTOMERS) -> pd.DataFrame:
    """Customers whose purchases bring 20 each on average; the last three bought nothing."""
    made, later = simulate(RATES, customers, 275.0, 90.0, seed=8)
    draw = np.random.default_rng(9)
    mean = 60.0 / draw.gamma(4.0, 1.0, customers)
    spend = np.round(draw.gamma(2.0, 0.5, customers) * mean * made.repeats, 2)
    state = {
        "purchases": made.repeats + 1.0,
        "recency_days": np.floor(made.recency),
        "age_days": np.floor(made.age),
        "repeat_spend": spend,
    }
    table = pd.DataFrame(
        {"customer_id": [f"c{row:04}" for row in range(customers)], "as_of": DAY}
        | state
        | {f"earlier_{name}": values for name, values in state.items()}
        | {"held_back_purchases": later, "held_back_spend": 20.0 * later}
    )
    table[["customer_id", "as_of", *COLUMNS]]
    times = [name for name in COLUMNS if name.endswith("_days")]
    counts = [name for name in COLUMNS if name not in times]
    table.loc[customers - 3 :, times] = np.nan
    table.loc[customers - 3 :, counts] = 0.0
    return table


def segments(table: pd.DataFrame) -> pd.DataFrame:
    is_even = np.arange(len(table)) % 2 == 0
    return table[["customer_id"]].assign(
        segment=np.where(is_even, "loyal", "other"),
        segment_name=np.where(is_even, "Loyal", "Other"),
        segment_id=np.where(is_even, 0, 1),
    )


def run(
    schema: Schema, engine: Callable[..., Any] = pd.DataFrame, customers: int = CUSTOMERS
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The table, the summary, and what MLflow is told."""
    table = purchases(customers)
    of_engine = engine(table.to_dict("list"))
    model = learn_lifetime(of_engine, schema)
    values = value_customers(of_engine, model, schema)
    accounting = {"outside_window": 4}
    by_segment = engine(segments(table).to_dict("list"))
    return values, *summarise_lifetime(of_engine, values, by_segment, accounting, model, schema)


@pytest.fixture(scope="module")
def found() -> tuple[pd.DataFrame, dict[str, Any], dict[str, Any]]:
    return run(schema_of())


def test_every_customer_has_a_row_and_who_bought_has_a_value(
    found: tuple[pd.DataFrame, dict[str, Any], dict[str, Any]],
) -> None:
    values, summary, _ = found
    assert [*values.columns] == ["customer_id", "as_of", *VALUES]
    assert len(values) == CUSTOMERS
    assert values.iloc[:-3].notna().all(axis=None)
    assert values.iloc[-3:][[*VALUES]].isna().all(axis=None)
    assert values["probability_alive"].dropna().between(0.0, 1.0).all()
    once = purchases()["purchases"] == 1.0
    mean = summary["value_of_all"]
    assert values.loc[once, "value_per_purchase"].to_numpy() == pytest.approx(mean, rel=1e-5)
    assert mean == pytest.approx(20.0, rel=0.15)
    assert (summary["customers"], summary["without_purchase"]) == (CUSTOMERS - 3, 3)


def test_polars_gives_the_same(found: tuple[pd.DataFrame, dict[str, Any], dict[str, Any]]) -> None:
    values, summary, metrics = run(schema_of(), pl.LazyFrame)
    as_pandas = values.collect().to_pandas()
    pd.testing.assert_frame_equal(as_pandas, found[0], check_dtype=False, rtol=1e-12)
    assert (summary, metrics) == found[1:]


@pytest.mark.spark
def test_spark_gives_the_same(
    found: tuple[pd.DataFrame, dict[str, Any], dict[str, Any]], spark: Any
) -> None:
    def as_spark(columns: dict[str, list[Any]]) -> Any:
        table = pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False)
        return spark.createDataFrame(table)

    values, summary, metrics = run(schema_of(), as_spark)
    as_pandas = values.toArrow().to_pandas().sort_values("customer_id", ignore_index=True)
    numbers = ["customer_id", *VALUES]
    pd.testing.assert_frame_equal(as_pandas[numbers], found[0][numbers], rtol=1e-12)
    assert (summary, metrics) == found[1:]


def test_segments_add_up_to_the_whole(
    found: tuple[pd.DataFrame, dict[str, Any], dict[str, Any]],
) -> None:
    values, summary, _ = found
    assert [one["segment"] for one in summary["segments"]] == ["loyal", "other"]
    assert sum(one["customers"] for one in summary["segments"]) == CUSTOMERS - 3
    total = values["lifetime_value"].sum()
    assert summary["total"] == pytest.approx(total, rel=1e-5)
    assert sum(one["total"] for one in summary["segments"]) == pytest.approx(total, rel=1e-5)


def test_a_right_model_passes_the_check_in_each_class_of_customers(
    found: tuple[pd.DataFrame, dict[str, Any], dict[str, Any]],
) -> None:
    check = found[1]["check"]
    assert check["customers"] == CUSTOMERS - 3
    assert check["bought"] == purchases()["held_back_purchases"].sum()
    assert check["expected"] == pytest.approx(check["bought"], rel=0.1)
    assert [one["repeats"] for one in check["classes"]] == [0, 1, 2, 3, 4, 7]
    for key in ("customers", "bought", "expected"):
        total = sum(one[key] for one in check["classes"])
        assert total == pytest.approx(check[key], rel=1e-5)
    for one in check["classes"]:
        # Four deviations of as many Poisson numbers, and more for what customers differ.
        assert abs(one["expected"] - one["bought"]) < 6.0 * one["bought"] ** 0.5


def test_the_worth_is_discounted_over_the_horizon_and_only_the_margin_counts(
    found: tuple[pd.DataFrame, dict[str, Any], dict[str, Any]],
) -> None:
    plain = run(schema_of(yearly_discount=0.0))[0]
    expected = plain["expected_purchases"] * plain["value_per_purchase"]
    pd.testing.assert_series_equal(plain["lifetime_value"], expected, check_names=False)
    share = found[0]["lifetime_value"] / plain["lifetime_value"]
    # Purchases of a year, on average not later than in its middle.
    assert share.dropna().between(1.1**-0.5 - 1e-3, 1.0).all()
    quarter = run(schema_of(margin=0.25))[0]["lifetime_value"]
    pd.testing.assert_series_equal(quarter, 0.25 * found[0]["lifetime_value"])
    longer = run(schema_of(horizon_days=730))[0]["lifetime_value"]
    assert (longer.dropna() > found[0]["lifetime_value"].dropna()).all()


def test_too_few_who_bought_again_are_told_and_have_no_value() -> None:
    values, summary, metrics = run(schema_of(), customers=40)
    assert len(values) == 40
    assert values[[*VALUES]].isna().all(axis=None)
    assert [*summary] == ["left_out"]
    assert summary["left_out"].endswith("and 50 are needed to learn from")
    assert metrics == {}


def test_where_the_lines_before_are_too_few_the_values_stand_unchecked() -> None:
    schema = schema_of(held_back_days=300)
    table = purchases()
    model = learn_lifetime(table, schema)
    values = value_customers(table, model, schema)
    given = (values, segments(table), {}, model, schema)
    summary, metrics = summarise_lifetime(table, *given)
    assert summary["check"]["left_out"] == "the lines before the last 300 days are of fewer"
    assert "check_expected_over_bought" not in metrics
    nothing = {name: 0.0 for name in table if name.startswith("earlier_")}
    summary, _ = summarise_lifetime(table.assign(**nothing), *given)
    assert "0 customers bought something on two days" in summary["check"]["left_out"]


def test_a_schema_without_purchases_gets_nothing() -> None:
    table = purchases(5)[:0]
    model = learn_lifetime(table, MARKETING)
    values = value_customers(table, model, MARKETING)
    assert [*values.columns] == ["customer_id", "as_of", *VALUES]
    given = (table, values, segments(table), {}, model, MARKETING)
    assert summarise_lifetime(*given) == ({}, {})
