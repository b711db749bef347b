"""What customers are worth in numbers, by segment, and how right the model was before."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame

from customer_segmentation.customers.purchases import (
    AGE,
    EARLIER,
    HELD_BACK,
    PURCHASES,
    RECENCY,
)
from customer_segmentation.lifetime.bg_nbd import Histories, expected_purchases
from customer_segmentation.lifetime.worth import LifetimeModel
from customer_segmentation.pipelines.lifetime_value.nodes import (
    columns_of,
    learned_from,
    value_per_purchase,
)
from customer_segmentation.schema.lifetime import (
    EXPECTED_PURCHASES,
    LIFETIME_VALUE,
    PROBABILITY_ALIVE,
    VALUE_PER_PURCHASE,
)
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema

# Repeat purchases from which on customers are counted together when the model is checked.
_CLASSES = (0.0, 1.0, 2.0, 3.0, 4.0, 7.0)
_MEANS = (PROBABILITY_ALIVE, EXPECTED_PURCHASES, VALUE_PER_PURCHASE, LIFETIME_VALUE)
Metrics = dict[str, list[dict[str, float]]]


def summarise_lifetime(  # noqa: PLR0913, PLR0917 - all that a summary is of
    silver_purchases: IntoFrame,
    gold_lifetime_value: IntoFrame,
    gold_segments: IntoFrame,
    accounting: dict[str, Any],
    model: LifetimeModel,
    customers: Schema,
) -> tuple[dict[str, Any], Metrics]:
    """Parameters, the sum over segments and the check, and some of it for MLflow.

    Empty where the schema declares no purchases; the reason alone where nothing could be learned.
    """
    lifetime = customers.lifetime
    if not lifetime:
        return {}, {}
    if not (model.purchases and model.values):
        return {"left_out": model.left_out}, {}
    rows: nw.LazyFrame[Any] = nw.from_native(silver_purchases).lazy()
    segments = _by_segment(gold_lifetime_value, gold_segments)
    total = sum(one["total"] for one in segments)
    without = int(nw.to_py_scalar(rows.select(nw.len()).collect().item())) - model.customers
    fitted = {"purchases": asdict(model.purchases), "values": asdict(model.values)}
    summary = {
        "left_out": "",
        **lifetime.model_dump(),
        **{name: _rounded(one) for name, one in fitted.items()},
        "correlation": _plain(model.correlation),
        "customers": model.customers,
        "repeat_customers": model.repeat_customers,
        "without_purchase": without,
        "outside_window": accounting.get("outside_window", 0),
        "value_of_all": _plain(model.values.values.mean),
        "total": _plain(total),
        "segments": segments,
        "check": check_model(rows, lifetime.held_back_days),
    }
    return summary, _metrics(summary)


def check_model(rows: nw.LazyFrame[Any], days: int) -> dict[str, Any]:
    """Learn from what was before the last days, and hold them against what was expected of them.

    Gives the reason alone, as `left_out`, where too little was before.
    """
    model = learned_from(rows, EARLIER)
    if not (model.purchases and model.values):
        return {"days": days, "left_out": model.left_out}
    names = [EARLIER + name for name in (PURCHASES, RECENCY, AGE)]
    value = value_per_purchase(model.values.values, EARLIER).alias("value")
    sums = {"value": "value", "bought": HELD_BACK + PURCHASES, "spent": f"{HELD_BACK}spend"}
    counted = (
        rows.filter(nw.col(names[0]) > 0.0)
        .with_columns(value)
        .group_by(*names)
        .agg(
            nw.len().alias("customers"),
            **{name: nw.col(column).sum() for name, column in sums.items()},
        )
        .sort(*names)
    )
    purchases, recency, age, customers, values, bought, spent = columns_of(
        counted, [*names, "customers", *sums]
    )
    histories = Histories(purchases - 1.0, recency, age, customers)
    if age.max() < days:
        return {"days": days, "left_out": f"the lines before the last {days} days are of fewer"}
    each = expected_purchases(model.purchases.rates, histories, days)
    place = np.searchsorted(_CLASSES, histories.repeats, side="right") - 1
    classes = [
        {
            "repeats": int(least),
            "customers": int(customers[place == number].sum()),
            "expected": _plain(float(each[place == number] @ customers[place == number])),
            "bought": int(bought[place == number].sum()),
        }
        for number, least in enumerate(_CLASSES)
        if np.any(place == number)
    ]
    return {
        "days": days,
        "left_out": "",
        "customers": model.customers,
        "expected": _plain(float(each @ customers)),
        "bought": int(bought.sum()),
        "expected_spend": _plain(float(each @ values)),
        "spent": _plain(float(spent.sum())),
        "classes": classes,
    }


def _by_segment(lifetime_value: IntoFrame, gold_segments: IntoFrame) -> list[dict[str, Any]]:
    """Of each segment's customers with a value: how many, their means, and their sum."""
    values: nw.LazyFrame[Any] = nw.from_native(lifetime_value).lazy()
    names = ["segment", "segment_name", "segment_id"]
    segments: nw.LazyFrame[Any] = nw.from_native(gold_segments).lazy().select(KEY, *names)
    told = values.filter(~nw.col(LIFETIME_VALUE).is_null()).join(segments, on=KEY, how="inner")
    table = told.group_by(*names).agg(
        nw.len().alias("customers"),
        nw.col(LIFETIME_VALUE).sum().alias("total"),
        **{f"mean_{name}": nw.col(name).mean() for name in _MEANS},
    )
    found = []
    for row in table.collect().sort("segment_id", "segment").iter_rows(named=True):
        plain = {name: nw.to_py_scalar(value) for name, value in row.items()}
        numbers = {n: _plain(v) for n, v in plain.items() if n.startswith(("mean_", "total"))}
        kept = {name: plain[name] for name in ("segment", "segment_name", "customers")}
        found.append({**kept, **numbers})
    return found


def _metrics(summary: dict[str, Any]) -> Metrics:
    told = {
        "total": summary["total"],
        "repeat_share": summary["repeat_customers"] / summary["customers"],
        "correlation": summary["correlation"],
        **summary["purchases"]["rates"],
        **summary["values"]["values"],
    }
    check = summary["check"]
    if not check["left_out"] and check["bought"]:
        told["check_expected_over_bought"] = check["expected"] / check["bought"]
    return {name: [{"step": 0, "value": value}] for name, value in told.items()}


def _rounded(fitted: dict[str, Any]) -> dict[str, Any]:
    """The parameters and their errors without digits that say nothing; NaN is null in JSON."""

    def plain(value: Any) -> Any:  # noqa: ANN401 - of a tree
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        if isinstance(value, tuple):
            return [plain(each) for each in value]
        if isinstance(value, bool):
            return value
        return _plain(value) if np.isfinite(value) else None

    return {name: plain(value) for name, value in fitted.items()}


def _plain(value: float) -> float:
    """Six significant digits: the engines' sums differ in the last ones."""
    return float(f"{value:.6g}")
