"""The response model's graph against NumPy, and what it says of rows that it cannot answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from customer_segmentation.scoring.artifact_file import WrongArtifactError
from customer_segmentation.scoring.metadata import P_RESPONSE
from customer_segmentation.scoring.response import build_no_response, build_response
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.scoring.verify import verified
from customer_segmentation.segmentation.response import Bends, ResponseModel
from tests.marketing import CAMPAIGNS, PRODUCTS, on_arrays
from tests.scoring.example import make_response


@pytest.fixture(scope="module")
def model() -> ResponseModel:
    return make_response("0123456789ab")


@pytest.fixture(scope="module")
def scorer(model: ResponseModel) -> Scorer:
    return Scorer(build_response(model).SerializeToString(deterministic=True))


def customers(scorer: Scorer, rows: int) -> np.ndarray:
    """Draw an input matrix in the order of the artifact's columns."""
    draw = np.random.default_rng(0)
    columns = {
        "income": draw.uniform(0, 200_000, rows).round(),
        "year_birth": draw.integers(1930, 1996, rows),
        "marital_status": draw.integers(0, 5, rows),
        "as_of_year": np.full(rows, 2014),
        "as_of_day": np.full(rows, 181),
        "enrolled_year": draw.integers(2012, 2014, rows),
        "enrolled_day": draw.integers(1, 181, rows),
        **{f"spend_{name}": draw.lognormal(4.0, 1.5, rows).round() for name in PRODUCTS},
        **{f"accepted_campaign_{name}": draw.integers(0, 2, rows) for name in CAMPAIGNS},
    }
    return np.column_stack([columns[name] for name in scorer.columns]).astype(float)


def by_hand(model: ResponseModel, matrix: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """The probabilities, each term as the docstrings say it."""
    regression = model.regression
    names, scaling = regression.scaling.features, regression.scaling
    values = on_arrays(names, dict(zip(columns, matrix.T, strict=True)))
    odds = np.full(len(matrix), regression.intercept)
    capped = zip(scaling.caps, scaling.means, scaling.deviations, strict=True)
    standardised = [
        (np.minimum(values[name], cap) - mean) / deviation
        for name, (cap, mean, deviation) in zip(names, capped, strict=True)
    ]
    for weight, term in zip(regression.weights, standardised, strict=False):
        odds += weight * term
    bends = zip(regression.bends.features, regression.bends.starts, strict=True)
    for weight, (place, start) in zip(regression.weights[len(names) :], bends, strict=True):
        odds += weight * np.maximum(standardised[place] - start, 0.0)
    return expit(odds)


def test_it_answers_what_its_numbers_say(scorer: Scorer, model: ResponseModel) -> None:
    matrix = customers(scorer, 5_000)
    answers = scorer.score(matrix)
    assert [*answers] == [P_RESPONSE] == [*scorer.outputs]
    expected = by_hand(model, matrix, scorer.columns)
    assert expected.std() > 0.1
    np.testing.assert_allclose(answers[P_RESPONSE], expected, rtol=0, atol=1e-12)


def test_without_bends_it_is_a_plain_regression(model: ResponseModel) -> None:
    plain = replace(model.regression, bends=Bends(), weights=model.regression.weights[:6])
    made = replace(model, regression=plain)
    scorer = Scorer(build_response(made).SerializeToString(deterministic=True))
    matrix = customers(scorer, 100)
    expected = by_hand(made, matrix, scorer.columns)
    np.testing.assert_allclose(scorer.score(matrix)[P_RESPONSE], expected, rtol=0, atol=1e-12)


def test_a_missing_or_impossible_input_gives_no_probability(scorer: Scorer) -> None:
    for column in range(len(scorer.columns)):
        for wrong in (np.nan, -1.0):
            matrix = customers(scorer, 3)
            matrix[1, column] = wrong
            missing = np.isnan(scorer.score(matrix)[P_RESPONSE])
            assert missing.tolist() == [False, True, False], scorer.columns[column]


def test_a_customer_gets_the_same_probability_alone_and_in_a_batch(scorer: Scorer) -> None:
    matrix = customers(scorer, 40)
    together = scorer.score(matrix)[P_RESPONSE]
    alone = [scorer.score(matrix[row : row + 1])[P_RESPONSE][0] for row in range(40)]
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-14)


def test_the_same_model_gives_the_same_bytes_and_another_one_another_version(
    model: ResponseModel,
) -> None:
    first, second = (build_response(model).SerializeToString(deterministic=True) for _ in "ab")
    assert first == second
    other = replace(model, calibration=model.calibration | {"slope": 0.98})
    changed = build_response(other).SerializeToString(deterministic=True)
    assert verified(changed)["version"] != verified(first)["version"]


def test_where_there_is_none_the_file_says_why_and_cannot_score() -> None:
    segmenter = {"version": "0123456789ab", "provenance": {"as_of": "2014-06-30"}}
    content = build_no_response("nobody was asked", segmenter).SerializeToString(deterministic=True)
    assert verified(content)["reason"] == "nobody was asked"
    with pytest.raises(WrongArtifactError, match="nobody was asked"):
        Scorer(content)


def test_a_model_that_looks_at_the_answer_itself_is_refused(model: ResponseModel) -> None:
    own = model.regression.scaling
    scaling = replace(own, features=("responded", *own.features[1:]))
    peeking = replace(model, regression=replace(model.regression, scaling=scaling))
    content = build_response(peeking).SerializeToString(deterministic=True)
    with pytest.raises(WrongArtifactError, match="not known before the contact"):
        verified(content)
