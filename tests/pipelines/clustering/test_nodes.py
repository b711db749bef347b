"""Learning segments: what is refused, what is learned, and what is said of the choice of k."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.clustering.nodes import (
    ClusteringSample,
    MeasuredCandidates,
    _falling,
    build_checked_artifact,
    draw_sample,
    learn_segmenter,
    measure_candidates,
    refine_centroids,
    summarise_choice,
)
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.probe import check_answers
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.choice import nearest
from customer_segmentation.segmentation.far_outside import FarOutside
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.marketing import DECISIONS, SCHEMA, changed, with_segment_features
from tests.pipelines.calling import call
from tests.scoring.example import FEATURES, draw_customers

MEASURES = ("inertia", "silhouette", "calinski_harabasz", "davies_bouldin", "stability")
# Three customers on a line, whom the centroids below are nearest to one by one.
POINTS = np.array([[0.0], [10.0], [20.0]])
FAR = FarOutside("income", 2, 666_666.0, "9432")


def draw(gold: Any, clustering: ClusteringParameters, schema: Schema = SCHEMA) -> ClusteringSample:
    return call(draw_sample, gold_features=gold, schema=schema, clustering=clustering)


def learn(
    sample: ClusteringSample, candidates: MeasuredCandidates, clustering: ClusteringParameters
) -> Segmenter:
    return call(
        learn_segmenter,
        sample=sample,
        candidates=candidates,
        clustering=clustering,
    )


def test_a_small_base_is_its_own_sample(
    gold: pd.DataFrame, clustering: ClusteringParameters, frame_of: Callable[..., Any]
) -> None:
    sample = draw(frame_of(gold.to_dict("list")), clustering)
    assert (sample.customers, sample.as_of) == (300, "2014-06-30")
    assert sorted(sample.rows["customer_id"].to_list()) == gold["customer_id"].to_list()
    assert sample.weights.tolist() == [1.0] * 300
    np.testing.assert_allclose(sample.standardised().mean(axis=0), 0.0, atol=1e-9)


def test_a_sample_keeps_the_numbers_and_no_key_or_day(sample: ClusteringSample) -> None:
    assert {"customer_id", "as_of", "sample_key"}.isdisjoint(sample.numbers())
    assert {*FEATURES, "weight"} <= sample.numbers().keys()


def test_an_absent_feature_is_named_with_what_to_do(
    gold: pd.DataFrame, clustering: ClusteringParameters
) -> None:
    without = gold.drop(columns=["income", "age"])
    with pytest.raises(UserError, match=r"has no income, age.*--pipelines=preprocessing"):
        draw(without, clustering)


def test_fewer_than_three_customers_a_segment_are_too_few(
    gold: pd.DataFrame, clustering: ClusteringParameters
) -> None:
    with pytest.raises(
        UserError, match=r"8 customers are too few for 3 segments.*at least 9.*`clustering\.k\.min"
    ):
        draw(gold.head(8), clustering)
    assert draw(gold.head(9), clustering).customers == 9


@pytest.mark.parametrize(("customers", "largest"), [(11, 3), (14, 4), (30, 5)])
def test_few_customers_get_as_many_segments_as_they_allow(
    gold: pd.DataFrame, clustering: ClusteringParameters, customers: int, largest: int
) -> None:
    sample = draw(gold.head(customers), clustering)
    candidates = call(measure_candidates, sample=sample, clustering=clustering)
    assert candidates.measured[-1].k == largest
    why = f"there are {customers} customers, and a segment has 3 on average"
    assert candidates.bounded_by == ("" if largest == clustering.k.maximum else why)
    artifact = call(
        build_checked_artifact, segmenter=learn(sample, candidates, clustering), sample=sample
    )
    assert artifact.graph.output


def test_a_feature_of_one_value_is_named(
    gold: pd.DataFrame, clustering: ClusteringParameters
) -> None:
    with pytest.raises(UserError, match=r"`income` has one value for all customers"):
        draw(gold.assign(income=50_000.0), clustering)


def test_different_customers_are_counted(
    gold_of: Callable[..., pd.DataFrame], clustering: ClusteringParameters
) -> None:
    four, two = (pd.concat([draw_customers(n, seed=1)] * 20, ignore_index=True) for n in (4, 2))
    few = call(measure_candidates, sample=draw(gold_of(four), clustering), clustering=clustering)
    assert few.measured[-1].k == 4
    assert few.bounded_by.startswith("customers have 4 different values of income, ")
    sample = draw(gold_of(two), clustering)
    with pytest.raises(UserError, match=r"only 2 different values of income, .*minimum` is 3"):
        call(measure_candidates, sample=sample, clustering=clustering)


@pytest.fixture
def scaled() -> Schema:
    """Of a category, a logarithm, and a heavy feature that is not cut off."""
    block = changed(
        SCHEMA.model_dump(mode="json"),
        ("segment_features", ["income", "spend_total", "marital_status"]),
        (
            "scaling",
            {
                "income": {"cap": 1.0, "weight": 2.5},
                "spend_total": {"log": True},
                "marital_status": {"weight": 0.5},
            },
        ),
    )
    return Schema.model_validate(block)


def test_scaled_features_and_categories_are_scored_as_they_are_learned(
    gold_of: Callable[..., pd.DataFrame], clustering: ClusteringParameters, scaled: Schema
) -> None:
    codes = np.random.default_rng(0).integers(0, 3, 300).astype(np.float64)
    gold = gold_of(draw_customers(300).assign(marital_status=codes))
    sample = draw(gold, clustering, scaled)
    candidates = call(measure_candidates, sample=sample, clustering=clustering)
    refined = call(
        refine_centroids,
        gold_features=gold,
        sample=sample,
        candidates=candidates,
        clustering=clustering.model_copy(update={"refinement_passes": 2}),
    )
    segmenter = learn(sample, refined, clustering)
    scorer = Scorer(
        call(build_checked_artifact, segmenter=segmenter, sample=sample).SerializeToString(
            deterministic=True
        )
    )
    check_answers(scorer.score, scorer.metadata)
    labels = nearest(segmenter.projection.projected(sample.standardised()), segmenter.centroids)
    given = scorer.score(sample.rows.select(*scorer.columns).to_numpy())["segment"]
    np.testing.assert_array_equal(given, labels)
    shares = segmenter.influence
    assert [shares[name][0] for name in scaled.segment_features] == pytest.approx(
        [2.5 / 4.0, 1.0 / 4.0, 0.5 / 4.0]
    )
    assert sum(between for _, between in shares.values()) == pytest.approx(1.0)
    # No variance is lost: weighted features are what the segments are made of.
    assert sample.standardised().var(axis=0).sum() == pytest.approx(4.0)


def test_every_k_from_two_is_measured_and_one_of_them_chosen(
    candidates: MeasuredCandidates,
) -> None:
    assert [m.k for m in candidates.measured] == [2, 3, 4, 5]
    assert candidates.chosen in candidates.measured
    assert candidates.chosen.k >= 3
    assert candidates.elbow in (2, 3, 4, 5)


def test_ids_go_by_descending_spend() -> None:
    numbers = {"age": np.array([90.0, 30.0, 50.0]), "spend_total": np.array([5.0, 900.0, 70.0])}
    found = _falling(POINTS, POINTS, numbers["spend_total"], np.ones(3))
    assert found.ravel().tolist() == [10.0, 20.0, 0.0]


def test_ids_do_not_depend_on_the_order_that_centroids_were_found_in() -> None:
    numbers = {"spend_total": np.array([5.0, 900.0, 70.0])}
    found = _falling(POINTS[[2, 0, 1]], POINTS, numbers["spend_total"], np.ones(3))
    assert found.ravel().tolist() == [10.0, 20.0, 0.0]


def test_a_customer_that_stands_for_many_weighs_more_in_the_order_of_ids() -> None:
    points, centroids = np.array([[0.0], [1.0], [20.0]]), np.array([[0.5], [20.0]])
    numbers = {"spend_total": np.array([10.0, 100.0, 50.0])}
    even = _falling(centroids, points, numbers["spend_total"], np.ones(3))
    heavy = _falling(centroids, points, numbers["spend_total"], np.array([9.0, 1.0, 1.0]))
    assert even.ravel().tolist() == [0.5, 20.0]
    assert heavy.ravel().tolist() == [20.0, 0.5]


def test_without_spend_ids_go_by_the_first_feature(
    gold_of: Callable[..., pd.DataFrame], clustering: ClusteringParameters
) -> None:
    schema = with_segment_features("age", "income")
    sample = draw(gold_of(draw_customers(300).drop(columns="spend_wines")), clustering, schema)
    candidates = call(measure_candidates, sample=sample, clustering=clustering)
    segmenter = learn(sample, candidates, clustering)
    labels = nearest(segmenter.projection.projected(sample.standardised()), segmenter.centroids)
    ages = pd.Series(sample.numbers()["age"]).groupby(labels).mean()
    assert ages.is_monotonic_decreasing


@pytest.mark.parametrize(
    ("column", "value"), [("spend_wines", 2.5e6), ("income", 1e9), ("purchases_deals", 1e6)]
)
@pytest.mark.parametrize("rows", [1, 2])
def test_customers_far_outside_are_told_and_change_no_name_and_no_order(
    gold_of: Callable[..., pd.DataFrame],
    clustering: ClusteringParameters,
    column: str,
    value: float,
    rows: int,
) -> None:
    usual = draw_customers(300)
    odd = usual.copy()
    # Low spenders, whom it would make the best.
    odd.loc[usual["spend_wines"].nsmallest(rows).index, column] = value
    samples = [draw(gold_of(customers), clustering) for customers in (usual, odd)]
    measured = [call(measure_candidates, sample=s, clustering=clustering) for s in samples]
    same = replace(measured[1], chosen=measured[0].chosen, projection=measured[0].projection)
    before = learn(samples[0], measured[0], clustering)
    after = learn(samples[1], same, clustering)
    assert before.names == after.names
    np.testing.assert_array_equal(before.centroids, after.centroids)
    feature = "spend_total" if column == "spend_wines" else column
    (told,) = [far for far in samples[1].far_outside if far.column == feature]
    assert told.rows >= rows
    assert told.value >= value


def test_a_centroid_nobody_is_nearest_to_ranks_as_the_base() -> None:
    numbers = {"spend_total": np.array([5.0, 10.0, 900.0])}
    centroids = np.array([[0.0], [20.0], [99.0]])
    found = _falling(centroids, POINTS, numbers["spend_total"], np.ones(3))
    assert found.ravel().tolist() == [20.0, 99.0, 0.0]


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_names_are_unique_and_the_first_segment_spends_most(
    sample: ClusteringSample,
    candidates: MeasuredCandidates,
    clustering: ClusteringParameters,
    position: int,
) -> None:
    chosen = replace(candidates, chosen=candidates.measured[position])
    segmenter = learn(sample, chosen, clustering)
    count = position + 2
    assert len(segmenter.names) == len(segmenter.centroids) == count
    assert len({name.key for name in segmenter.names}) == count
    assert len({name.name for name in segmenter.names}) == count
    labels = nearest(segmenter.projection.projected(sample.standardised()), segmenter.centroids)
    spend = pd.Series(sample.numbers()["spend_total"]).groupby(labels).mean()
    assert spend.is_monotonic_decreasing


def test_the_segmenter_knows_where_it_came_from(
    sample: ClusteringSample, candidates: MeasuredCandidates, clustering: ClusteringParameters
) -> None:
    provenance = learn(sample, candidates, clustering).provenance
    assert provenance["as_of"] == "2014-06-30"
    assert provenance["customers"] == provenance["sample_rows"] == 300


def test_decisions_whose_columns_are_absent_are_left_out_and_told(
    gold_of: Callable[..., pd.DataFrame],
    clustering: ClusteringParameters,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sample = draw(gold_of(draw_customers(300).drop(columns="purchases_web")), clustering)
    candidates = call(measure_candidates, sample=sample, clustering=clustering)
    with caplog.at_level(logging.WARNING, logger="customer_segmentation"):
        learned = learn(sample, candidates, clustering)
    taken = {"affluence_tier", "expected_spend", "likely_to_spend", "product"}
    lost = {"waits_for_offers", "channel", "offer"}
    assert taken <= {*learned.decisions} <= DECISIONS.keys() - lost
    assert taken <= learned.learned.keys() <= {*learned.decisions}
    (said,) = (r.getMessage() for r in caplog.records if r.levelname == "WARNING")
    told = said.removeprefix("The source's columns do not allow: ").removesuffix(".")
    assert lost <= {*told.split(", ")}
    artifact = call(build_checked_artifact, segmenter=learned, sample=sample)
    outputs = {output.name for output in artifact.graph.output}
    assert {"segment", "product"} <= outputs
    assert outputs.isdisjoint(lost | {"expected_spend"})


def test_without_spend_what_a_household_may_spend_is_not_learned(
    gold_of: Callable[..., pd.DataFrame],
    clustering: ClusteringParameters,
    caplog: pytest.LogCaptureFixture,
) -> None:
    schema = with_segment_features("income", "age", "purchases_deals")
    sample = draw(gold_of(draw_customers(300).drop(columns="spend_wines")), clustering, schema)
    candidates = call(measure_candidates, sample=sample, clustering=clustering)
    learned = learn(sample, candidates, clustering)
    lost = {"expected_spend", "likely_to_spend", "product", "offer"}
    kept = {"affluence_tier", "waits_for_offers", "channel"}
    assert kept <= {*learned.decisions} <= DECISIONS.keys() - lost
    assert learned.expected_spend_r2 is None
    assert "do not allow: likely_to_spend, product, offer." in caplog.text
    assert len(set(learned.names)) == candidates.chosen.k


def test_with_all_columns_nothing_is_left_out_or_told(
    sample: ClusteringSample,
    candidates: MeasuredCandidates,
    clustering: ClusteringParameters,
    caplog: pytest.LogCaptureFixture,
) -> None:
    learned = learn(sample, candidates, clustering)
    assert {"waits_for_offers", "channel", "offer"} <= {*learned.decisions}
    assert not caplog.messages


def summarise(
    made_up: MeasuredCandidates, segmenter: Segmenter, clustering: ClusteringParameters
) -> tuple[pd.DataFrame, dict[str, Any], dict[str, Any]]:
    sample = ClusteringSample(None, SCHEMA, 300, "2014-06-30", segmenter.scaling, [FAR])
    return call(
        summarise_choice,
        sample=sample,
        candidates=made_up,
        segmenter=segmenter,
        clustering=clustering,
    )


def test_the_table_has_one_row_a_k_and_one_chosen(
    made_up: MeasuredCandidates, segmenter: Segmenter, clustering: ClusteringParameters
) -> None:
    table, _, _ = summarise(made_up, segmenter, clustering)
    assert list(table.columns) == ["k", *MEASURES, "chosen"]
    assert table["k"].tolist() == [2, 3, 4, 5]
    assert table["chosen"].tolist() == [False, True, False, False]
    assert table["silhouette"].tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 4, 1 / 5])


def test_the_summary_tells_that_elbow_and_silhouette_disagree(
    made_up: MeasuredCandidates, segmenter: Segmenter, clustering: ClusteringParameters
) -> None:
    _, summary, _ = summarise(made_up, segmenter, clustering)
    assert (summary["k"], summary["elbow_k"], summary["best_silhouette_k"]) == (3, 4, 2)
    assert summary["elbow_agrees"] is False
    assert summary["stability"] == 0.9
    assert summary["segments"] == ["Segment 0", "Segment 1", "Segment 2"]
    assert (summary["sample_rows"], summary["expected_spend_r2"]) == (2000, 0.75)
    assert summary["far_outside"] == [
        {"column": "income", "rows": 2, "value": 666_666.0, "customer_id": "9432"}
    ]
    assert summary["is_stable"] is True
    assert summary["structure"] == {
        "is_grouped": True,
        "k": 3,
        "silhouette": 0.4,
        "by_chance": 0.3,
    }
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_the_summary_tells_that_the_elbow_agrees(
    made_up: MeasuredCandidates, segmenter: Segmenter, clustering: ClusteringParameters
) -> None:
    _, summary, _ = summarise(replace(made_up, elbow=3), segmenter, clustering)
    assert summary["elbow_agrees"] is True


def test_the_rule_is_told_in_words(
    made_up: MeasuredCandidates, segmenter: Segmenter, clustering: ClusteringParameters
) -> None:
    _, summary, _ = summarise(made_up, segmenter, clustering)
    assert summary["rule"] == (
        "the best silhouette among k of at least 3 whose bootstrap ARI is at least 0.8"
    )


def test_that_no_k_is_stable_enough_is_told_in_words(
    made_up: MeasuredCandidates, segmenter: Segmenter, clustering: ClusteringParameters
) -> None:
    unstable = replace(made_up, chosen=replace(made_up.chosen, stability=0.79))
    _, summary, _ = summarise(unstable, segmenter, clustering)
    assert summary["rule"] == "the most stable: no k of at least 3 has an ARI of 0.8"


def test_the_tracked_history_has_a_step_a_k_and_the_chosen_numbers_once(
    made_up: MeasuredCandidates, segmenter: Segmenter, clustering: ClusteringParameters
) -> None:
    _, _, history = summarise(made_up, segmenter, clustering)
    assert {*history} == {*MEASURES, "chosen_k", "chosen_silhouette", "chosen_stability"}
    for name in MEASURES:
        assert [entry["step"] for entry in history[name]] == [2, 3, 4, 5]
    assert [entry["value"] for entry in history["inertia"]] == [500.0, 1000.0 / 3, 250.0, 200.0]
    assert history["chosen_k"] == [{"step": 0, "value": 3.0}]
    assert history["chosen_stability"] == [{"step": 0, "value": 0.9}]
