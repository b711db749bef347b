"""How many customers went from which segment to which, and what those who moved have in common."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import sqrt
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.pipelines.history.nodes import States, nothing_of, segments_of
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.profiles import weighted_means
from customer_segmentation.segmentation.rounding import rounded
from customer_segmentation.tables.schemas import CAUSE, CAUSES

_FORMER, _SQUARED, _MOVED, _ONE = "former__", "squared__", "moved__", "one__"
MARGIN = "margin"
# Of the standard deviation (Cohen's small effect): less is not told.
_LEAST_DIFFERENCE = 0.2
_MOST_TOLD = 5


def summarise_flow(
    gold_segments: IntoFrame,
    gold_movers: IntoFrame,
    gold_features: IntoFrame,
    states: States,
    customers: Schema,
) -> tuple[dict[str, Any], dict[str, list[dict[str, float]]]]:
    """The two states in numbers, and the same for MLflow.

    Beside the days and models of both: each pair of segments with its customers and causes (of
    equal ones, who stayed), who entered and left, and the features whose means differ most between
    those who moved and those who stayed.
    """
    rows = _pairs(gold_segments, states)
    causes = _causes(gold_movers)
    both = [row for row in rows if row["from"] and row["to"]]
    moved = sum(row["customers"] for row in both if row["from"] != row["to"])
    stayed = sum(row["customers"] for row in both) - moved
    by_cause = {cause: sum(told[cause] for told in causes.values()) for cause in CAUSES}
    summary = {
        "as_of": str(states.as_of),
        "artifact_version": states.artifact_version,
        "before": _told(states),
        "segments": _names(rows),
        "flows": [
            {name: row[name] for name in ("from", "to", "customers")}
            | {cause: causes[row["from"], row["to"]][cause] for cause in CAUSES}
            for row in both
        ],
        "entered": {row["to"]: row["customers"] for row in rows if not row["from"]},
        "left": {row["from"]: row["customers"] for row in rows if not row["to"]},
        "moved": moved,
        "stayed": stayed,
        "causes": by_cause,
        "in_common": _in_common(gold_movers, gold_features, states, customers) if moved else [],
    }
    if not states.before:
        return summary | {"entered": {}}, {}
    told = {"moved": moved} | by_cause
    shares = {f"share_{name}": count / max(moved + stayed, 1) for name, count in told.items()}
    return summary, {name: [{"step": 0, "value": share}] for name, share in shares.items()}


def _told(states: States) -> dict[str, str] | None:
    if not (before := states.before):
        return None
    statement = before.statement
    return {
        "as_of": str(statement.as_of),
        "artifact_version": before.artifact_version,
        "recorded_at": statement.recorded_at,
    }


def _pairs(gold_segments: IntoFrame, states: States) -> list[dict[str, Any]]:
    """One row a pair of segments; '' for who was or is not there."""
    now = segments_of(gold_segments)
    ids: nw.LazyFrame[Any] = nw.from_native(gold_segments).lazy()
    before = segments_of(states.before.rows) if states.before else nothing_of(now)
    names = {"segment": "to", "segment_name": "to_name"}
    latter = ids.select(KEY, *names, "segment_id").rename(names)
    former = {KEY: f"{_FORMER}{KEY}", "segment": "from", "segment_name": "from_name"}
    pairs = before.select(*former).rename(former)
    joined = pairs.join(latter, left_on=former[KEY], right_on=KEY, how="full")
    texts = [nw.col(name).fill_null("") for name in ("from", "from_name", "to", "to_name")]
    joined = joined.select(*texts, nw.col("segment_id").cast(nw.Float64).fill_null(-1.0))
    by = ["from", "from_name", "to", "to_name"]
    counted = joined.group_by(*by).agg(
        nw.len().alias("customers"), nw.col("segment_id").max().alias("id")
    )
    rows = [
        {name: nw.to_py_scalar(value) for name, value in row.items()}
        for row in counted.collect().iter_rows(named=True)
    ]
    return sorted(rows, key=lambda row: (row["from"], row["id"], row["to"]))


def _names(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Key -> name of every segment: those of now in the order of their ids, then former ones."""
    now = sorted((row["id"], row["to"], row["to_name"]) for row in rows if row["to"])
    names = {key: name for _, key, name in now}
    former = sorted((row["from"], row["from_name"]) for row in rows if row["from"])
    return names | {key: name for key, name in former if key not in names}


def _causes(gold_movers: IntoFrame) -> defaultdict[tuple[str, str], Counter[str]]:
    movers: nw.LazyFrame[Any] = nw.from_native(gold_movers).lazy()
    by = ("from_segment", "to_segment", CAUSE)
    causes: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for former, latter, cause, count in movers.group_by(*by).agg(nw.len()).collect().rows():
        causes[former, latter][cause] += int(nw.to_py_scalar(count))
    return causes


def _in_common(
    gold_movers: IntoFrame, gold_features: IntoFrame, states: States, schema: Schema
) -> list[dict[str, Any]]:
    """What differs most between the two, in standard deviations; the margin before comes first."""
    features: nw.LazyFrame[Any] = nw.from_native(gold_features).lazy()
    movers: nw.LazyFrame[Any] = nw.from_native(gold_movers).lazy()
    assert states.before is not None  # noqa: S101 - nobody moves from no state
    margins = segments_of(states.before.rows).select(KEY, nw.col("margin").alias(MARGIN))
    present = features.collect_schema().names()
    flags = {name for name, feature in schema.features.items() if feature.of_category}
    names = [name for name in present if schema.is_quantity(name) and name not in flags]
    known = features.select(KEY, *names).join(margins, on=KEY, how="inner")
    moved = movers.select(KEY, nw.lit(1.0).alias(_MOVED))
    table = known.join(moved, on=KEY, how="left").with_columns(nw.col(_MOVED).fill_null(0.0))
    names.append(MARGIN)
    values = [nw.col(name).cast(nw.Float64) for name in names]
    squares = [(value * value).name.prefix(_SQUARED) for value in values]
    table = table.select(_MOVED, *values, *squares, nw.lit(1.0).alias(_ONE))
    means = weighted_means(table, [_MOVED], [*names, *(_SQUARED + n for n in names)], _ONE)
    groups = {bool(row[_MOVED]): row for row in means.iter_rows(named=True)}
    if len(groups) < 2:  # noqa: PLR2004 - nobody stayed
        return []
    told: list[dict[str, Any]] = [
        {
            "feature": name,
            "moved": _plain(groups[True][name]),
            "stayed": _plain(groups[False][name]),
            "difference": _difference(name, groups),
        }
        for name in names
        if all(group[name] is not None for group in groups.values())
    ]
    far = [one for one in told if abs(one["difference"]) >= _LEAST_DIFFERENCE]
    far.sort(key=lambda one: (one["feature"] != MARGIN, -abs(one["difference"]), one["feature"]))
    return far[:_MOST_TOLD]


def _difference(name: str, groups: dict[bool, dict[str, Any]]) -> float:
    """Of the means, over the standard deviation of all."""
    weights = {moved: group[_ONE] for moved, group in groups.items()}
    whole = sum(weights.values())

    def mean(column: str) -> float:
        return sum(weights[moved] * group[column] for moved, group in groups.items()) / whole

    spread = sqrt(max(mean(_SQUARED + name) - mean(name) ** 2, 0.0))
    return _plain((groups[True][name] - groups[False][name]) / spread) if spread else 0.0


def _plain(value: float) -> float:
    return float(rounded(value))
