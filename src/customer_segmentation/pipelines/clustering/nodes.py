"""Learn the segments on a bounded sample and turn them into one checked artifact."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import narwhals as nw
import numpy as np
import onnx
from narwhals.typing import IntoDataFrame, IntoFrame
from numpy.typing import NDArray
from pydantic_core import to_jsonable_python

from customer_segmentation import __version__
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.clustering.champion import read_champion
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.schema.decisions import (
    DECISION_NAMES,
    INTERMEDIATE,
    OF_EXPECTED_SPEND,
    available_decisions,
    unavailable_decisions,
)
from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.check import check_against_scikit_learn
from customer_segmentation.segmentation import choice
from customer_segmentation.segmentation.coreset import WEIGHT, draw_coreset
from customer_segmentation.segmentation.far_outside import (
    FarOutside,
    fences,
    find_far_outside,
    is_inside,
)
from customer_segmentation.segmentation.identity import Identity, keep_identity
from customer_segmentation.segmentation.learned_decisions import learn_decisions
from customer_segmentation.segmentation.mllib import fit_by_mllib
from customer_segmentation.segmentation.naming import SegmentName, name_segments
from customer_segmentation.segmentation.projection import Projection, learn_projection
from customer_segmentation.segmentation.refinement import refine
from customer_segmentation.segmentation.rounding import rounded, rounded_standardised
from customer_segmentation.segmentation.scaling import Scaling, learn_scaling, treatments
from customer_segmentation.segmentation.segmenter import Segmenter
from customer_segmentation.segmentation.structure import MAX_ROWS, Structure, find_structure

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]

# A k is not tried where segments would have fewer customers than this on average.
_FEWEST = 3


@dataclass(frozen=True)
class ClusteringSample:
    """The rows to learn from, and the scaling that was learned from all rows."""

    rows: nw.DataFrame[Any]
    schema: Schema
    customers: int
    as_of: str
    scaling: Scaling
    far_outside: list[FarOutside] = field(default_factory=list)

    @property
    def weights(self) -> Array:
        """How many customers each row stands for."""
        return self.rows[WEIGHT].to_numpy()

    def standardised(self) -> Array:
        """(rows x features), capped and standardised."""
        return self.scaling.standardised(self.rows.select(*self.scaling.features).to_numpy())

    def compared(self, seed: int) -> Array:
        """(rows x features) of some customers who stand for all, as they are."""
        rows = choice.representative_rows(self.weights, MAX_ROWS, seed)
        values = self.rows.select(*self.scaling.features).to_numpy().astype(np.float64)
        return np.ascontiguousarray(values[rows])

    def numbers(self) -> dict[str, Array]:
        """Every numeric column by name, missing as NaN; a blank column counts as none."""
        names = [name for name in self.rows.columns if name not in (KEY, AS_OF, SAMPLE_KEY)]
        columns = {name: self.rows[name].to_numpy().astype(np.float64) for name in names}
        return {name: values for name, values in columns.items() if not np.isnan(values).all()}


@dataclass(frozen=True)
class MeasuredCandidates:
    """The projection, every k in it, and the one that the rule picks.

    `bounded_by` says why fewer segments were tried than `clustering.k.maximum`, if so.
    """

    projection: Projection
    measured: list[choice.MeasuredK]
    chosen: choice.MeasuredK
    elbow: int
    structure: Structure
    bounded_by: str = ""


def draw_sample(
    gold_features: IntoFrame, schema: Schema, clustering: ClusteringParameters
) -> ClusteringSample:
    """Scaling from engine aggregates over all rows, then the coreset.

    Raises:
        UserError: A feature is not in the table or is constant, or customers are too few.
    """
    table = nw.from_native(gold_features).lazy()
    treated = treatments(schema, clustering.cap_quantile)
    absent = [n for n in treated if n not in table.collect_schema().names()]
    if absent:
        message = (
            f"gold_features has no {', '.join(absent)}, which `customers.segment_features` "
            "names: run kedro run --pipelines=preprocessing, or change the schema."
        )
        raise UserError(message)
    counted = table.select(nw.len().alias("rows"), nw.col(AS_OF).max()).collect()
    customers = int(counted["rows"][0])
    if customers < _FEWEST * clustering.k.minimum:
        message = (
            f"gold_features: {customers} customers are too few for {clustering.k.minimum} "
            f"segments, the fewest allowed. Give at least {_FEWEST * clustering.k.minimum}, or "
            "lower `clustering.k.minimum` (conf/base/parameters_clustering.yml; 2 at least)."
        )
        raise UserError(message)
    scaling = learn_scaling(table, treated)
    rows = draw_coreset(table, scaling, customers, clustering.coreset_rows, clustering.seed)
    sample = ClusteringSample(rows, schema, customers, f"{counted[AS_OF][0]:%Y-%m-%d}", scaling)
    numbers = sample.numbers()
    limits = fences(numbers, sample.weights, described(schema, numbers))
    return replace(sample, far_outside=find_far_outside(table, limits))


def described(schema: Schema, numbers: Collection[str]) -> list[str]:
    """The features that segments are made of and named by."""
    naming = [name for name in (schema.roles.spend, schema.roles.deals) if name in numbers]
    return list(dict.fromkeys([*schema.segment_numbers, *naming]))


def measure_candidates(
    sample: ClusteringSample, clustering: ClusteringParameters
) -> MeasuredCandidates:
    """Every k that the customers allow measured, and the k that the rule picks.

    Raises:
        UserError: They are not different enough for any.
    """
    standardised = sample.standardised()
    rule, bounded_by = _allowed(sample, standardised, clustering.k)
    weights = sample.weights
    projection = learn_projection(standardised, weights, clustering.variance)
    points = projection.projected(standardised)
    measured = choice.measure_all(points, standardised, weights, rule, clustering.seed)
    chosen = choice.choose(measured, rule)
    treated = treatments(sample.schema, clustering.cap_quantile)
    compared = sample.compared(clustering.seed)
    structure = find_structure(compared, [*treated.values()], clustering.seed)
    elbow = choice.elbow(measured)
    return MeasuredCandidates(projection, measured, chosen, elbow, structure, bounded_by)


def _allowed(
    sample: ClusteringSample, standardised: Array, rule: choice.ChoiceOfK
) -> tuple[choice.ChoiceOfK, str]:
    """The rule with no more segments than the customers allow, and why they are fewer."""
    distinct = len(np.unique(standardised, axis=0))
    features = ", ".join(sample.schema.segment_features)
    if distinct < rule.minimum:
        message = (
            f"gold_features: customers have only {distinct} different values of {features}, and "
            f"`clustering.k.minimum` is {rule.minimum}. Choose other features "
            "(`customers.segment_features`), or lower it (2 at least)."
        )
        raise UserError(message)
    most = min(distinct, sample.customers // _FEWEST)
    if most >= rule.maximum:
        return rule, ""
    why = f"there are {sample.customers} customers, and a segment has {_FEWEST} on average"
    if most == distinct:
        why = f"customers have {distinct} different values of {features}"
    return rule.model_copy(update={"maximum": most}), why


def refine_centroids(
    gold_features: IntoFrame,
    sample: ClusteringSample,
    candidates: MeasuredCandidates,
    clustering: ClusteringParameters,
) -> MeasuredCandidates:
    """The chosen segments, refitted on every customer if the parameters ask for it.

    Raises:
        UserError: The estimator is not one for this environment's tables.
    """
    table = nw.from_native(gold_features).lazy()
    chosen, projection, scaling = candidates.chosen, candidates.projection, sample.scaling
    centroids = chosen.centroids
    if clustering.estimator == "mllib":
        centroids = fit_by_mllib(table, scaling, projection, chosen.k, clustering.seed)
    if clustering.refinement_passes:
        centroids = refine(table, scaling, projection, centroids, clustering.refinement_passes)
    if centroids is chosen.centroids:
        return candidates
    standardised = sample.standardised()
    points = projection.projected(standardised)
    rule, seed = clustering.k, clustering.seed
    (refined,) = choice.measure([centroids], points, standardised, sample.weights, rule, seed)
    measured = [refined if m.k == chosen.k else m for m in candidates.measured]
    return replace(candidates, measured=measured, chosen=refined)


def learn_segmenter(
    sample: ClusteringSample,
    candidates: MeasuredCandidates,
    clustering: ClusteringParameters,
) -> Segmenter:
    """Order and name the segments, and learn what the decisions beside them need."""
    numbers, weights, schema = sample.numbers(), sample.weights, sample.schema
    points = candidates.projection.projected(sample.standardised())
    telling = described(schema, numbers)
    # One customer far outside names no segment.
    limits = fences(numbers, weights, telling)
    counted = weights * is_inside(numbers, limits)
    spend = schema.roles.spend
    leading = spend if spend in telling else telling[0]
    centroids = _falling(candidates.chosen.centroids, points, numbers[leading], counted)
    labels = choice.nearest(points, centroids)
    means = [
        _means(numbers, counted * (labels == segment), telling) for segment in range(len(centroids))
    ]
    deviations = _deviations(sample.scaling, numbers, weights)
    allowed, left_out = _allowed_decisions(schema, numbers)
    if left_out:
        logger.warning("The source's columns do not allow: %s.", ", ".join(left_out))
    learned = learn_decisions(
        schema, numbers, weights, allowed, clustering.decisions, clustering.cap_quantile
    )
    left_out |= {n: why for n, why in learned.unexplained.items() if n not in INTERMEDIATE}
    usual_spend = limits.get(schema.roles.spend, (-np.inf, np.inf))
    minimum, maximum = (float(rounded(n)) if np.isfinite(n) else None for n in usual_spend)
    return Segmenter(
        scaling=sample.scaling,
        projection=candidates.projection,
        centroids=centroids,
        names=tuple(name_segments(schema, means, _means(numbers, counted, telling), deviations)),
        decisions=tuple(name for name in allowed if name not in learned.unexplained),
        learned=learned.numbers,
        schema=schema,
        provenance={
            "as_of": sample.as_of,
            "customers": sample.customers,
            "sample_rows": len(sample.rows),
            "project_version": __version__,
        },
        usual_spend=(minimum, maximum),
        expected_spend_r2=learned.expected_spend_r2,
        left_out=left_out,
        influence=_influence(sample, labels),
    )


def _deviations(scaling: Scaling, numbers: dict[str, Array], weights: Array) -> dict[str, float]:
    """The deviation of each feature as people know it: without weight, and without logarithm."""
    own = scaling.deviations * np.sqrt(scaling.variances)
    found = dict(zip(scaling.features, own.tolist(), strict=True))
    for name, cap in zip(scaling.features, scaling.caps.tolist(), strict=True):
        if name in scaling.logs:
            capped = np.minimum(numbers[name], cap)
            offsets = capped - np.average(capped, weights=weights)
            found[name] = float(np.sqrt(np.average(offsets * offsets, weights=weights)))
    return found


def _influence(sample: ClusteringSample, labels: NDArray[np.int64]) -> dict[str, list[float]]:
    """Each feature's share of all squared distances, and of those between segments."""
    standardised, weights = sample.standardised(), sample.weights
    whole, between = np.array(sample.scaling.variances), np.zeros(standardised.shape[1])
    for segment in np.unique(labels):
        own = weights * (labels == segment)
        between += own.sum() * np.average(standardised, axis=0, weights=own) ** 2
    features = sample.schema.segment_numbers
    shares = np.stack([whole / whole.sum(), between / between.sum()])
    of = np.array([features[number] for number in sample.scaling.features])
    return {n: rounded(shares[:, of == n].sum(axis=1)).tolist() for n in features.values()}


def _allowed_decisions(
    schema: Schema, columns: Collection[str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The decisions that these columns allow, and why they do not allow the others."""
    allowed = available_decisions(schema, columns)
    left_out = unavailable_decisions(schema, columns)
    if schema.roles.spend not in columns:
        # What a household is expected to spend can be used without its spend, but not learned.
        lost = [name for name in OF_EXPECTED_SPEND if name in allowed]
        allowed = tuple(name for name in allowed if name not in lost)
        why = "the source has no spend on all products to learn it from"
        left_out |= {name: why for name in lost if name not in INTERMEDIATE}
    return allowed, {name: left_out[name] for name in DECISION_NAMES if name in left_out}


def keep_names(
    segmenter: Segmenter,
    sample: ClusteringSample,
    bundles: BundleStore | None,
    clustering: ClusteringParameters,
) -> tuple[Segmenter, Identity]:
    """The segmenter with the names of the champion's segments that it still has; and what became.

    Only names come from the champion: the same segments give the same artifact once more. One that
    cannot be read does not stop a run, or no run could replace it.
    """
    identity = _matched(segmenter, sample, bundles, clustering.keep_names_within)
    if identity.unmatched:
        logger.warning("Names start anew: %s.", identity.unmatched)
    names = tuple(SegmentName(one.key, one.name) for one in identity.segments)
    return replace(segmenter, names=names or segmenter.names), identity


def _matched(
    segmenter: Segmenter, sample: ClusteringSample, bundles: BundleStore | None, within: float
) -> Identity:
    try:
        champion = read_champion(bundles) if within else None
    except UserError as error:
        return Identity(unmatched=f"the champion cannot be read: {error}")
    if not champion:
        return Identity()
    if unlike := champion.unlike(sample.schema, sample.numbers()):
        why = (
            f"the champion {champion.version} is made of {', '.join(unlike)}, which this run's "
            "customers lack or code otherwise"
        )
        return Identity(champion.version, unmatched=why)
    own = segmenter.projection.projected(sample.standardised())
    return keep_identity(
        segmenter.names,
        champion,
        champion.points(sample.rows),
        choice.nearest(own, segmenter.centroids),
        sample.weights,
        within,
        sample.as_of,
    )


def build_checked_artifact(segmenter: Segmenter, sample: ClusteringSample) -> onnx.ModelProto:
    """The candidate artifact, whose labels equal scikit-learn's on every row of the sample.

    Raises:
        RuntimeError: They differ.
    """
    from customer_segmentation.scoring.graph import (  # noqa: PLC0415 - a second of imports
        build_segmenter,
    )

    model = build_segmenter(segmenter)
    check_against_scikit_learn(model, segmenter, sample.rows)
    return model


def summarise_choice(
    _candidate: onnx.ModelProto,
    sample: ClusteringSample,
    candidates: MeasuredCandidates,
    segmenter: Segmenter,
    clustering: ClusteringParameters,
) -> tuple[IntoDataFrame, dict[str, Any], dict[str, list[dict[str, float]]]]:
    """One row a k; what was chosen and why; and the same for MLflow, a step a k.

    The candidate is an input only so that nothing is saved before it is checked.
    """
    names = ["inertia", "silhouette", "calinski_harabasz", "davies_bouldin", "stability"]
    measured, chosen = candidates.measured, candidates.chosen
    table = {
        "k": [m.k for m in measured],
        **{name: rounded([getattr(m, name) for m in measured]) for name in names},
        "chosen": [m.k == chosen.k for m in measured],
    }
    summary = {
        "k": chosen.k,
        "silhouette": float(rounded(chosen.silhouette)),
        "stability": float(rounded(chosen.stability)),
        "is_stable": chosen.stability >= clustering.k.min_stability,
        "structure": {
            "is_grouped": candidates.structure.is_grouped,
            "k": candidates.structure.k,
            "silhouette": float(rounded(candidates.structure.silhouette)),
            "by_chance": float(rounded(candidates.structure.by_chance)),
        },
        "elbow_k": candidates.elbow,
        "best_silhouette_k": max(measured, key=lambda m: m.silhouette).k,
        "elbow_agrees": candidates.elbow == chosen.k,
        "rule": _rule_in_words(chosen, clustering),
        "k_bounded_by": candidates.bounded_by,
        "k_maximum": clustering.k.maximum,
        "features": list(sample.schema.segment_features),
        "influence": [
            {"feature": name, "of_distances": shares[0], "between_segments": shares[1]}
            for name, shares in segmenter.influence.items()
        ],
        "uncapped": list(sample.scaling.uncapped),
        "components": candidates.projection.components.shape[1],
        "variance_explained": float(rounded(candidates.projection.explained.sum())),
        "sample_rows": segmenter.provenance["sample_rows"],
        "expected_spend_r2": segmenter.expected_spend_r2,
        "left_out": dict(segmenter.left_out),
        "far_outside": [asdict(far) for far in sample.far_outside],
        "segments": [name.name for name in segmenter.names],
    }
    history = {
        name: [{"step": m.k, "value": float(getattr(m, name))} for m in measured] for name in names
    }
    for name in ("k", "silhouette", "stability"):
        history[f"chosen_{name}"] = [{"step": 0, "value": float(getattr(chosen, name))}]
    return nw.from_dict(table, backend="pandas").to_native(), summary, history


def summarise_identity(_candidate: onnx.ModelProto, identity: Identity) -> dict[str, Any]:
    """What became of each segment's name, once there is an artifact that has it."""
    summary: dict[str, Any] = to_jsonable_python(identity)
    return summary


def track_identity(summary: dict[str, Any]) -> dict[str, list[dict[str, float]]]:
    """How many segments carry a name on, and the share of customers who move, for MLflow."""
    if summary["moved"] is None:
        return {}
    carried = sum(one["is_carried"] for one in summary["segments"])
    tracked = {"carried_segments": float(carried), "moved_customers": summary["moved"]}
    return {name: [{"step": 0, "value": value}] for name, value in tracked.items()}


def _rule_in_words(chosen: choice.MeasuredK, clustering: ClusteringParameters) -> str:
    k = clustering.k
    if chosen.stability < k.min_stability:
        return f"the most stable: no k of at least {k.minimum} has an ARI of {k.min_stability}"
    return (
        f"the best silhouette among k of at least {k.minimum} whose bootstrap ARI is at least "
        f"{k.min_stability}"
    )


def _falling(centroids: Array, points: Array, leading: Array, weights: Array) -> Array:
    """The centroids by the falling mean of a feature, so that ids do not depend on a seed."""
    labels = choice.nearest(points, centroids)
    means = [
        _means({"": leading}, weights * (labels == segment), [""])[""]
        for segment in range(len(centroids))
    ]
    return rounded_standardised(centroids[np.argsort(means, kind="stable")[::-1]])


def _means(numbers: dict[str, Array], weights: Array, names: list[str]) -> dict[str, float]:
    # Nobody is nearest to a centroid that coincides with another: its means are the base's.
    used, means = weights if weights.sum() > 0.0 else np.ones_like(weights), {}
    for name in names:
        known = ~np.isnan(numbers[name]) & (used > 0.0)
        mean = np.average(numbers[name][known], weights=used[known]) if known.any() else 0.0
        means[name] = float(mean)
    return means
