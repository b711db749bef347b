"""Learn how customers buy, and tell what is expected of each."""

from __future__ import annotations

import logging
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame

from customer_segmentation.customers.purchases import AGE, PURCHASES, RECENCY, REPEAT_SPEND
from customer_segmentation.lifetime.bg_nbd import Histories
from customer_segmentation.lifetime.gamma_gamma import Values
from customer_segmentation.lifetime.maximum import Numbers
from customer_segmentation.lifetime.worth import LifetimeModel, fit_lifetime, prospects
from customer_segmentation.schema.lifetime import (
    EXPECTED_PURCHASES,
    LIFETIME_VALUE,
    PROBABILITY_ALIVE,
    VALUE_PER_PURCHASE,
    VALUES,
)
from customer_segmentation.schema.operations import where
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema

logger = logging.getLogger(__name__)

_CUSTOMERS, _DISCOUNTED = "customers__of_history", "discounted__purchases"


def learn_lifetime(silver_purchases: IntoFrame, customers: Schema) -> LifetimeModel:
    """Both models, or why there are none; an empty one where the schema declares no purchases."""
    if not customers.lifetime:
        return LifetimeModel()
    model = learned_from(nw.from_native(silver_purchases).lazy())
    if model.left_out:
        logger.warning("What customers are worth is left out: %s.", model.left_out)
    return model


def value_customers(
    silver_purchases: IntoFrame, model: LifetimeModel, customers: Schema
) -> IntoFrame:
    """One row a customer of `silver_purchases`: key, `as_of` and what is expected of them.

    All is missing of who bought nothing, and of everybody where the models were left out.
    """
    rows: nw.LazyFrame[Any] = nw.from_native(silver_purchases).lazy()
    lifetime = customers.lifetime
    if not (lifetime and model.purchases and model.values):
        nothing = {name: nw.lit(None).cast(nw.Float64) for name in VALUES}
        return rows.sort(KEY).select(KEY, AS_OF, **nothing).to_native()
    histories = collect_histories(rows)
    told = prospects(
        model.purchases.rates, histories, lifetime.horizon_days, lifetime.yearly_discount
    )
    found = {
        PURCHASES: histories.repeats + 1.0,
        RECENCY: histories.recency,
        AGE: histories.age,
        PROBABILITY_ALIVE: told.probability_alive,
        EXPECTED_PURCHASES: told.purchases,
        _DISCOUNTED: told.discounted_purchases,
    }
    value = value_per_purchase(model.values.values)
    joined = rows.join(beside(rows, found), on=[PURCHASES, RECENCY, AGE], how="left")
    valued = joined.with_columns(value.alias(VALUE_PER_PURCHASE)).with_columns(
        (nw.col(_DISCOUNTED) * nw.col(VALUE_PER_PURCHASE) * lifetime.margin).alias(LIFETIME_VALUE)
    )
    return valued.sort(KEY).select(KEY, AS_OF, *VALUES).to_native()


def learned_from(rows: nw.LazyFrame[Any], prefix: str = "") -> LifetimeModel:
    """Both models from customers' purchases, as they are or as they were (`EARLIER`)."""
    histories = collect_histories(rows, prefix)
    repeats, spend = nw.col(prefix + PURCHASES) - 1.0, nw.col(prefix + REPEAT_SPEND)
    paid = rows.filter(repeats > 0.0, spend > 0.0).select(repeats=repeats, spend=spend)
    counts, spends = columns_of(paid, ["repeats", "spend"])
    return fit_lifetime(histories, counts, spends)


def collect_histories(rows: nw.LazyFrame[Any], prefix: str = "") -> Histories:
    """The different histories of who bought, counted in the engine."""
    names = [prefix + name for name in (PURCHASES, RECENCY, AGE)]
    bought = rows.filter(nw.col(names[0]) > 0.0)
    counted = bought.group_by(*names).agg(nw.len().alias(_CUSTOMERS))
    purchases, recency, age, customers = columns_of(counted.sort(*names), [*names, _CUSTOMERS])
    return Histories(purchases - 1.0, recency, age, customers)


def value_per_purchase(values: Values, prefix: str = "") -> nw.Expr:
    """What a purchase is expected to bring, as `expected_value`; missing of who bought nothing."""
    repeats = nw.col(prefix + PURCHASES) - 1.0
    spend = nw.col(prefix + REPEAT_SPEND)
    counted = where((repeats > 0.0) & (spend > 0.0), spend, 0.0)
    value = values.p * (values.gamma + counted) / (values.p * repeats + values.q - 1.0)
    return where(repeats >= 0.0, value, None)


def columns_of(table: nw.LazyFrame[Any], names: list[str]) -> list[Numbers]:
    """Columns of a table of any engine, here."""
    collected = table.select(*names).collect()
    return [np.asarray(collected[name].to_numpy(), dtype=np.float64) for name in names]


def beside(rows: nw.LazyFrame[Any], columns: dict[str, Numbers]) -> nw.LazyFrame[Any]:
    """A table of what is here, of the engine of another table."""
    native = nw.to_native(rows)
    if rows.implementation.is_spark_like():
        import pyarrow as pa  # noqa: PLC0415 - only where the catalog chose Spark

        return nw.from_native(native.sparkSession.createDataFrame(pa.table(columns)))
    return nw.from_dict(columns, backend=rows.implementation).lazy()
