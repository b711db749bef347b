"""Who answers a campaign: what is learned, from what, and what of it is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from customer_segmentation.pipelines.supervised_training import policies, response
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation import answers, regression
from customer_segmentation.segmentation.fitting import assign_folds
from customer_segmentation.segmentation.labelled import LabelledCustomers, LeftOut
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.regression import calibrate
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from tests.marketing import SCHEMA, changed

NAMES = ("income", "spend_wines", "recency_days", "complained", "accepted_campaign_1", "responded")


def customers(rows: int = 600, *, seed: int = 0, strength: float = 1.5) -> LabelledCustomers:
    """Customers of whom those with more spend answer more often; one in ten comes twice."""
    draw = np.random.default_rng(seed)
    spend = draw.lognormal(5.0, 1.0, rows)
    accepted = draw.integers(0, 2, rows)
    odds = strength * (np.log(spend) - 5.0) + strength * accepted - 1.5
    values = np.column_stack(
        [
            draw.uniform(20_000, 90_000, rows),
            spend,
            draw.integers(0, 100, rows),
            draw.integers(0, 2, rows),
            accepted,
            draw.uniform(size=rows) < expit(odds),
        ]
    ).astype(float)
    values = np.concatenate([values, values[: rows // 10]])
    segments = tuple(SegmentName(f"s{n}", f"Segment {n}") for n in range(2))
    labels = (values[:, 1] > 150.0).astype(np.int64)
    return LabelledCustomers(SCHEMA, NAMES, values, labels, segments, len(values))


def validated(given: LabelledCustomers, parameters: TrainingParameters) -> Any:
    found = response.validate_response(given, parameters)
    assert isinstance(found, answers.LearnedAnswers), found
    return found


def test_it_looks_at_all_that_is_known_before_the_contact_and_at_no_answer_to_it(
    parameters: TrainingParameters,
) -> None:
    found = validated(customers(), parameters)
    assert found.example.names == NAMES[:-1]


def test_an_earlier_answer_is_looked_at_only_where_the_schema_says_it_was_known(
    parameters: TrainingParameters,
) -> None:
    block = SCHEMA.model_dump(mode="json")
    block = changed(block, ("campaigns", block["campaigns"] | {"known_before": []}))
    given = replace(customers(), schema=type(SCHEMA).model_validate(block))
    example, _ = answers.examples(given, parameters)
    assert "accepted_campaign_1" not in example.names


def test_customers_who_repeat_each_other_are_in_one_fold(parameters: TrainingParameters) -> None:
    found = validated(customers(), parameters)
    first, twice = found.folds[:60], found.folds[600:]
    np.testing.assert_array_equal(first, twice)


def test_nothing_of_a_fold_reaches_what_is_predicted_of_it(parameters: TrainingParameters) -> None:
    """Turned answers within a fold change no prediction of that fold, and those of the others."""
    example, _ = answers.examples(customers(), parameters)
    folds = assign_folds(example.answers, example.groups, 3, seed=1)
    before = regression.out_of_fold(example, folds, parameters)
    turned = np.where(folds == 0, 1 - example.answers, example.answers)
    after = regression.out_of_fold(replace(example, answers=turned), folds, parameters)
    np.testing.assert_array_equal(after[folds == 0], before[folds == 0])
    assert np.abs(after[folds != 0] - before[folds != 0]).max() > 0.1


def test_inner_folds_choose_the_penalty_that_suits_the_data(parameters: TrainingParameters) -> None:
    wide = {"inverse_penalties": [1e-6, 1.0], "bends": [0]}
    changed_to = parameters.model_copy(
        update={"response": type(parameters.response).model_validate(wide)}
    )
    example, _ = answers.examples(customers(), changed_to)
    _, shape = regression.learn(example, changed_to)
    assert shape.inverse_penalty == 1.0


def test_probabilities_are_those_that_are_seen(parameters: TrainingParameters) -> None:
    found = validated(customers(3_000), parameters)
    calibration = found.calibration
    errors = np.sqrt(np.diag(calibration.covariance))
    assert abs(calibration.intercept) < 3 * errors[0]
    assert abs(calibration.slope - 1.0) < 3 * errors[1]
    assert 0.0 < errors[1] < 0.15


def test_a_calibration_finds_the_numbers_that_answers_were_drawn_with() -> None:
    draw = np.random.default_rng(1)
    odds = draw.normal(-1.0, 1.5, 20_000)
    answers = (draw.uniform(size=20_000) < expit(0.4 + 0.7 * odds)).astype(np.int64)
    once = calibrate(odds, answers, np.arange(20_000))
    assert (once.intercept, once.slope) == (
        pytest.approx(0.4, abs=0.1),
        pytest.approx(0.7, abs=0.05),
    )
    # Everybody twice is not more knowledge.
    groups = np.concatenate([np.arange(20_000)] * 2)
    twice = calibrate(np.tile(odds, 2), np.tile(answers, 2), groups)
    np.testing.assert_allclose(twice.covariance, once.covariance, rtol=1e-6)


def test_noise_is_no_model_and_the_file_says_so(
    parameters: TrainingParameters, segmenter_of: Any
) -> None:
    found = response.validate_response(customers(seed=3, strength=0.0), parameters)
    assert isinstance(found, LeftOut)
    assert "no better than the share of those who answered" in found.reason
    told = metadata_of(response.build_response(found, segmenter_of(2)))
    assert (told["kind"], told["reason"]) == ("no_response", found.reason)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (np.nan, "0 different customers did not answer, of at least 20"),
        (1.0, "0 different customers did not answer, of at least 20"),
        (7.0, "responded is no answer of yes or no"),
    ],
)
def test_without_both_answers_there_is_nothing_to_learn(
    parameters: TrainingParameters, answers: float, reason: str
) -> None:
    given = customers()
    given.values[:, -1] = answers
    found = response.validate_response(given, parameters)
    assert isinstance(found, LeftOut)
    assert reason in found.reason


def test_a_schema_or_source_without_answers_is_told(parameters: TrainingParameters) -> None:
    given = customers()
    block = changed(SCHEMA.model_dump(mode="json"), ("roles", {}), ("campaigns", {}))
    without = replace(given, schema=type(SCHEMA).model_validate(block))
    absent = replace(given, names=(*NAMES[:-1], "web_visits_month"))
    for one, reason in ((without, "names no answer"), (absent, "no column responded")):
        found = response.validate_response(one, parameters)
        assert isinstance(found, LeftOut)
        assert reason in found.reason


def test_who_lacks_an_input_is_left_out_of_what_is_learned(parameters: TrainingParameters) -> None:
    given = customers()
    given.values[5, 0] = np.nan
    given.values[7, -1] = np.nan
    found = validated(given, parameters)
    assert (found.left_out, len(found.example.answers)) == (2, 658)


def test_the_artifact_answers_what_was_learned(parameters: TrainingParameters) -> None:
    found = validated(customers(), parameters)
    segmenter = {"version": "0123456789ab", "provenance": {"customers": 660}}
    artifact = response.build_response(found, _with_metadata(segmenter))
    told = metadata_of(artifact)
    assert told["metrics"]["rows"] == 660
    assert told["calibration"] == found.calibration.told()
    scorer = Scorer(artifact.SerializeToString(deterministic=True))
    chances = scorer.score(found.customers.columns(scorer.columns))["p_response"]
    odds = regression.predict(found.learned, found.example)
    np.testing.assert_allclose(chances, expit(odds), rtol=0, atol=1e-12)


def _with_metadata(metadata: dict[str, Any]) -> Any:
    import json  # noqa: PLC0415 - of this function alone

    import onnx  # noqa: PLC0415 - as above

    model = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    told = {f"customer_segmentation.{name}": json.dumps(v) for name, v in metadata.items()}
    onnx.helper.set_model_props(model, told)
    return model


# Two folds, two segments: of the first segment nobody but one answers.
TEN = policies.Answered(
    answers=np.array([1, 0, 0, 0, 0, 1, 1, 0, 1, 1]),
    chances=np.array([0.9, 0.1, 0.1, 0.1, 0.4, 0.8, 0.2, 0.4, 0.7, 0.6]),
    segments=np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]),
    folds=np.array([0, 1, 0, 1, 0, 0, 1, 1, 0, 1]),
    groups=np.arange(10),
)


def test_policies_bring_what_can_be_counted_by_hand() -> None:
    found = policies.profits(TEN, cost=3.0, value=10.0)
    # Above 0.3: six customers, of whom four answer.
    assert found["model"] == 4 * 10 - 6 * 3
    assert found["everybody"] == 5 * 10 - 10 * 3
    assert found["nobody"] == 0
    assert found["random"] == pytest.approx(0.6 * 20)
    # One in three answers in fold 0 of segment 0, which fold 1 hears of, and none the other way.
    assert found["segments"] == (0 - 2 * 3) + (4 * 10 - 5 * 3)
    assert found["perfect"] == 5 * 7


def test_a_contact_that_costs_more_than_an_answer_brings_is_never_made() -> None:
    found = policies.profits(TEN, cost=10.0, value=10.0)
    assert found["model"] == found["segments"] == found["perfect"] == 0.0
    rows = policies.told(TEN, 10.0, 10.0)
    assert [row["contacted"] for row in rows] == [1, 0, 0]


def test_the_interval_of_a_profit_holds_repeated_customers_together() -> None:
    chosen = np.ones(10, dtype=bool)
    least, most = policies.interval(TEN, chosen, 3.0, 10.0)
    assert (least + most) / 2 == pytest.approx(20.0)
    twice = replace(
        TEN,
        answers=np.tile(TEN.answers, 2),
        groups=np.tile(TEN.groups, 2),
    )
    wider = policies.interval(twice, np.ones(20, dtype=bool), 3.0, 10.0)
    # Twice the money, and no more customers to be sure by.
    assert wider[1] - wider[0] == pytest.approx(2 * (most - least))
