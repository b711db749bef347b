"""How many customers went from which segment to which, and what those who moved have in common."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import sqrt
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.pipelines.history.nodes import States, segments_of
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.history import nothing_of
from customer_segmentation.tables.schemas import CAUSE, CAUSES

MARGIN = "margin"
_FORMER = "former__"
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
    """What differs most between who moved and who stayed; the margin before comes first."""
    features: nw.LazyFrame[Any] = nw.from_native(gold_features).lazy()
    assert states.before is not None  # noqa: S101 - nobody moves from no state
    before = segments_of(states.before.rows).select(KEY, MARGIN)
    moved = nw.from_native(gold_movers).lazy().select(KEY)
    present = features.collect_schema().names()
    flags = {name for name, feature in schema.features.items() if feature.of_category}
    names = [name for name in present if schema.is_quantity(name) and name not in flags]
    told = [
        *_contrast(before, features, moved, [MARGIN]),
        *_contrast(features, before, moved, names),
    ]
    far = [one for one in told if abs(one["difference"]) >= _LEAST_DIFFERENCE]
    far.sort(key=lambda one: (one["feature"] != MARGIN, -abs(one["difference"]), one["feature"]))
    return far[:_MOST_TOLD]


def _contrast(
    table: nw.LazyFrame[Any],
    other: nw.LazyFrame[Any],
    moved: nw.LazyFrame[Any],
    names: list[str],
) -> list[dict[str, Any]]:
    """Of each column the mean of who moved and who stayed, and how far apart they are.

    Who stayed is what remains of all without who moved and who is not in the other table: a join
    of all with all their columns would take ten times as long on pandas.

    Args:
        table: Customers with the columns.
        other: Customers of the other state.
        moved: Of both.
        names: The columns.
    """
    alone = table.select(KEY).join(other.select(KEY), on=KEY, how="anti")
    parts = (table, *(table.join(keys, on=KEY, how="semi") for keys in (moved, alone)))
    every, movers, others = (_sums(part, names) for part in parts)
    told = []
    for name in names:
        stayers = [
            a - b - c for a, b, c in zip(every[name], movers[name], others[name], strict=True)
        ]
        both = [a + b for a, b in zip(movers[name], stayers, strict=True)]
        if not (movers[name][0] and stayers[0]):
            continue
        here, there, mean = (total / count for count, total, _ in (movers[name], stayers, both))
        spread = sqrt(max(both[2] / both[0] - mean * mean, 0.0))
        difference = (here - there) / spread if spread else 0.0
        means = {"moved": _plain(here), "stayed": _plain(there)}
        told.append({"feature": name, **means, "difference": _plain(difference)})
    return told


def _sums(table: nw.LazyFrame[Any], names: list[str]) -> dict[str, tuple[float, float, float]]:
    """Of each column how many values are known, their sum, and that of their squares."""
    parts: dict[str, nw.Expr] = {}
    for number, name in enumerate(names):
        value = nw.col(name).cast(nw.Float64)
        # Not every engine takes every name of a column for that of a sum.
        parts |= {
            f"count_{number}": value.count(),
            f"sum_{number}": value.sum(),
            f"squares_{number}": (value * value).sum(),
        }
    row = table.select(**parts).collect().row(0)
    values = [float(nw.to_py_scalar(value) or 0.0) for value in row]
    return {name: tuple(values[3 * n : 3 * n + 3]) for n, name in enumerate(names)}  # type: ignore[misc]


def _plain(value: float) -> float:
    """Six significant digits: the engines' sums differ in the last ones."""
    return float(f"{value:.6g}")
