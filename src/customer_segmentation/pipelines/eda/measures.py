"""What the tables hold: relations, distributions, what was refused, cluster tendency."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from customer_segmentation.pipelines.eda.sample import EdaSample
from customer_segmentation.schema.schema import Schema

Array = NDArray[np.float64]

SPEARMAN = "spearman_"
INFORMATION = "mutual_information_"
_DIGITS = 4
_LEVELS = 10
# With fewer rows, neighbours and ranks say nothing.
_MIN_ROWS = 10
# The share of points that may be probed, so that probes stay nearly independent.
_PROBED_SHARE = 0.1


def made_of(schema: Schema, feature: str, target: str) -> bool:
    """Whether the two come from a common column, so that their relation is arithmetic."""
    return not {*schema.needed_inputs([feature])}.isdisjoint(schema.needed_inputs([target]))


def relate_features(sample: EdaSample) -> pd.DataFrame:
    """One row a feature: how it relates to each target, the most relevant feature first.

    Spearman correlation and mutual information are over the rows that have both; both are empty
    where the feature is made of the target. `relevance` is the mean over the other targets of the
    mutual information as a share of the largest found for that target.
    """
    names, numbers, schema = sample.names, sample.numbers, sample.schema
    columns: dict[str, list[float]] = {}
    for target in sample.targets:
        for prefix, measure in ((SPEARMAN, spearman), (INFORMATION, mutual_information)):
            columns[prefix + target] = [
                np.nan
                if made_of(schema, name, target)
                else round(measure(numbers[name], numbers[target]), _DIGITS)
                for name in names
            ]
    measured = pd.DataFrame(columns, index=range(len(names)), dtype="float64")
    information = measured.filter(like=INFORMATION)
    shares = information / information.max().replace(0.0, np.nan)
    stated = pd.DataFrame(
        {
            "feature": names,
            "description": [schema.describe(name)[0] for name in names],
            "unit": [schema.describe(name)[1] for name in names],
            "selected": [name in sample.selected for name in names],
            "relevance": shares.mean(axis="columns").round(_DIGITS),
            "made_of": [
                ", ".join(target for target in sample.targets if made_of(schema, name, target))
                for name in names
            ],
        }
    )
    table = pd.concat([stated, measured], axis="columns")
    return table.sort_values("relevance", ascending=False, kind="stable", ignore_index=True)


def findings(table: pd.DataFrame, target: str, maximum: int) -> pd.DataFrame:
    """The features that tell most about the target: `feature`, `spearman`, `mutual_information`."""
    columns = {SPEARMAN + target: "spearman", INFORMATION + target: "mutual_information"}
    known = table.rename(columns=columns)[["feature", *columns.values()]].dropna()
    return known.sort_values("mutual_information", ascending=False, kind="stable").head(maximum)


def spearman(left: pd.Series[float], right: pd.Series[float]) -> float:
    """Spearman's rank correlation over the rows that have both; NaN if either is constant."""
    return float(pd.concat([left, right], axis="columns").corr(method="spearman").to_numpy()[0, 1])


def mutual_information(left: pd.Series[float], right: pd.Series[float]) -> float:
    """What one says of the other, in nats: 0 where they are independent; NaN if one is constant.

    Each is cut into tenths of the customers (few levels stay as they are), over the rows that
    have both. The bias of the plain estimate, (levels - 1) (levels - 1) / (2 rows), is taken off
    (Miller: Note on the bias of information estimates, 1955).

    Estimates by nearest neighbours (`mutual_info_regression`) mislead here: customers who repeat
    another's every value have a neighbour at distance 0, and a share of few purchases gives its
    denominator away. On the published file they find 0.10 nats between recency and spend, 0.02
    without the repeated customers; tenths find 0.01 with them.
    """
    known = left.notna() & right.notna()
    first, second = _tenths(left[known]), _tenths(right[known])
    counts = np.zeros((first.max(initial=0) + 1, second.max(initial=0) + 1))
    np.add.at(counts, (first, second), 1.0)
    rows = counts.sum()
    if rows < _MIN_ROWS or min(counts.shape) <= 1:
        return np.nan
    joint = counts / rows
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    observed = joint > 0.0
    plain = np.sum(joint[observed] * np.log(joint[observed] / independent[observed]))
    bias = (counts.shape[0] - 1) * (counts.shape[1] - 1) / (2.0 * rows)
    return max(float(plain - bias), 0.0)


def _tenths(column: pd.Series[float]) -> NDArray[np.intp]:
    values = column.to_numpy()
    levels = np.unique(values)
    if len(levels) > _LEVELS:
        levels = np.unique(np.quantile(values, np.arange(1, _LEVELS) / _LEVELS))
        return np.unique(np.searchsorted(levels, values), return_inverse=True)[1]
    return np.searchsorted(levels, values)


def describe_distributions(sample: EdaSample, cap_quantile: float) -> pd.DataFrame:
    """One row a feature: its spread, and how skewed it is before and after the cap."""
    numbers = sample.numbers
    caps = numbers.quantile(cap_quantile)
    columns = {
        "count": numbers.count(),
        "missing": numbers.isna().sum(),
        "mean": numbers.mean(),
        "sd": numbers.std(ddof=0),
        "min": numbers.min(),
        "q1": numbers.quantile(0.25),
        "median": numbers.median(),
        "q3": numbers.quantile(0.75),
        "cap": caps,
        "max": numbers.max(),
        "capped_share": (numbers > caps).sum() / numbers.count().replace(0, np.nan),
        "skewness": numbers.skew(),
        "skewness_capped": numbers.clip(upper=caps, axis="columns").skew(),
    }
    table = pd.DataFrame(columns).round(6)
    table.insert(0, "unit", [sample.schema.describe(name)[1] for name in sample.names])
    return table.rename_axis("feature").reset_index()


def list_missingness(accounting: dict[str, Any]) -> pd.DataFrame:
    """Where the rows that came in went, then each reason for quarantine, most frequent first.

    A row can have several reasons: their counts may add up to more than the quarantined rows.
    """
    names = ["customers", "quarantined", "repeats"]
    names += [name for name in ("replaced", "removed") if accounting.get(name)]
    ends = [("rows", end, accounting[end]) for end in names]
    reasons = []
    for text, rows in accounting["reasons"].items():
        column, _, reason = text.partition(": ")
        reasons.append((column, reason or column, rows))
    table = pd.DataFrame([*ends, *reasons], columns=["column", "what", "rows"])
    table["share_of_rows_in"] = (table["rows"] / max(accounting["rows_in"], 1)).round(6)
    return table


def hopkins(points: Array, probes: int, repeats: int, seed: int) -> float | None:
    """Cluster tendency: 0.5 for points spread evenly over their bounding box, towards 1 for heaps.

    H = sum(u) / (sum(u) + sum(w)): u are the distances from random places in the box to the
    nearest point, w those from randomly chosen points to the nearest other point. Points that
    coincide count once. The mean over the repeats; nothing where there are too few points.

    Source: Hopkins and Skellam: A new method for determining the type of distribution of plant
    individuals (Annals of Botany 18, 1954), with plain distances as in Lawson and Jurs: New index
    for clustering tendency and its application to chemical problems (J. Chem. Inf. Comput. Sci.
    30, 1990), who also give the threshold of 0.75.
    """
    from scipy.spatial import KDTree  # noqa: PLC0415 - slow to import, used only here

    distinct = np.unique(points, axis=0)
    rows, dimensions = distinct.shape
    if dimensions == 0 or rows < _MIN_ROWS:
        return None
    tree = KDTree(distinct)
    box = distinct.min(axis=0), distinct.max(axis=0)
    random = np.random.default_rng(seed)
    count = min(probes, max(1, int(rows * _PROBED_SHARE)))
    statistics = []
    for _ in range(repeats):
        places = random.uniform(*box, (count, dimensions))
        chosen = distinct[random.choice(rows, count, replace=False)]
        to_points = tree.query(places)[0].sum()
        # The nearest of all is the point itself.
        to_others = tree.query(chosen, k=2)[0][:, 1].sum()
        statistics.append(to_points / (to_points + to_others))
    return round(float(np.mean(statistics)), _DIGITS)


def shuffled(points: Array, seed: int) -> Array:
    """Each column in an order of its own: the same single features, nothing between them."""
    return np.random.default_rng(seed).permuted(points, axis=0)
