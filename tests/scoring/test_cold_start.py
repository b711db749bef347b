"""The cold-start graph against scikit-learn, and what it says of rows it cannot answer."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from customer_segmentation.scoring.cold_start import build_cold_start
from customer_segmentation.scoring.metadata import VERSION
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.cold_start import ColdStartModel
from customer_segmentation.segmentation.naming import SegmentName
from tests.marketing import SCHEMA

NAMES = (SegmentName("low", "Low"), SegmentName("middle", "Middle"), SegmentName("high", "High"))
OUTPUTS = ["probability_low", "probability_middle", "probability_high"]
# In the order of the artifact's columns.
COLUMNS = ("income", "as_of_year", "year_birth", "marital_status")


@pytest.fixture(scope="module")
def model() -> ColdStartModel:
    return ColdStartModel(
        features=("income", "age", "partnered"),
        caps=np.array([90_000.0, 80.0, 1.0]),
        means=np.array([50_000.0, 45.0, 0.6]),
        deviations=np.array([20_000.0, 12.0, 0.5]),
        weights=np.array([[-2.0, 0.3, 0.1], [0.1, -0.4, 0.2], [1.9, 0.1, -0.3]]),
        intercepts=np.array([0.2, 0.1, -0.3]),
        names=NAMES,
        segmenter_version="0123456789ab",
        schema=SCHEMA,
        provenance={"source": "test"},
        metrics={"model": {"log_loss": {"mean": 0.5, "sd": 0.1}}},
    )


@pytest.fixture(scope="module")
def scorer(model) -> Scorer:
    return Scorer(build_cold_start(model).SerializeToString(deterministic=True))


@pytest.fixture(scope="module")
def regression(model) -> LogisticRegression:
    fitted = LogisticRegression()
    fitted.classes_ = np.arange(3)
    fitted.coef_, fitted.intercept_ = model.weights, model.intercepts
    return fitted


def customers(rows: int) -> np.ndarray:
    """Draw an input matrix."""
    draw = np.random.default_rng(0)
    income = draw.uniform(0, 200_000, rows).round()
    birth, marital = draw.integers(1930, 1996, rows), draw.integers(0, 5, rows)
    return np.column_stack([income, np.full(rows, 2014.0), birth, marital])


def standardised(matrix: np.ndarray, model: ColdStartModel) -> np.ndarray:
    """Compute the model's features by hand."""
    income, year, birth, marital = matrix.T
    features = np.column_stack([income, year - birth, np.isin(marital, [1, 2])])
    return (np.minimum(features, model.caps) - model.means) / model.deviations


def probabilities(answers: dict[str, np.ndarray]) -> np.ndarray:
    """Give (rows x segments)."""
    return np.stack([answers[name] for name in OUTPUTS], axis=1)


def test_inputs_and_outputs_are_in_the_order_of_the_metadata(scorer) -> None:
    assert scorer.columns == COLUMNS
    assert [*scorer.outputs] == scorer.metadata["outputs"] == ["segment", *OUTPUTS]


def test_it_answers_as_scikit_learn_does(scorer, model, regression) -> None:
    matrix = customers(20_000)
    answers, values = scorer.score(matrix), standardised(matrix, model)
    assert answers["segment"].dtype == np.int64
    np.testing.assert_array_equal(answers["segment"], regression.predict(values))
    expected = regression.predict_proba(values)
    np.testing.assert_allclose(probabilities(answers), expected, rtol=0, atol=1e-12)


def test_it_agrees_with_scikit_learn_within_cents_of_the_border(scorer, model, regression) -> None:
    # The income at which low and middle are as likely, for one age and status.
    gap, offset = model.weights[1] - model.weights[0], model.intercepts[1] - model.intercepts[0]
    rest = (np.array([45.0, 1.0]) - model.means[1:]) / model.deviations[1:]
    border = -(offset + gap[1:] @ rest) / gap[0] * model.deviations[0] + model.means[0]
    steps = np.array([-1e-2, -1e-4, -1e-6, 1e-6, 1e-4, 1e-2])
    matrix = np.array([[border + step, 2014.0, 1969.0, 2.0] for step in steps])
    answers = scorer.score(matrix)
    expected = regression.predict(standardised(matrix, model))
    assert expected.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(answers["segment"], expected)


def test_probabilities_sum_to_one(scorer) -> None:
    answers = scorer.score(customers(1000))
    np.testing.assert_allclose(probabilities(answers).sum(axis=1), 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("column", range(len(COLUMNS)))
def test_a_missing_input_gives_no_segment_and_no_probability(scorer, column) -> None:
    matrix = customers(3)
    matrix[1, column] = np.nan
    answers = scorer.score(matrix)
    assert answers["segment"][1] == -1
    assert np.isnan(probabilities(answers)[1]).all()
    assert (answers["segment"][[0, 2]] >= 0).all()
    assert not np.isnan(probabilities(answers)[[0, 2]]).any()


def test_a_customer_gets_the_same_answer_alone_and_in_a_batch(scorer) -> None:
    matrix = customers(50)
    together = scorer.score(matrix)
    for row in range(50):
        alone = scorer.score(matrix[row : row + 1])
        assert alone["segment"][0] == together["segment"][row]
        np.testing.assert_allclose(
            probabilities(alone)[0], probabilities(together)[row], atol=1e-14
        )


def test_no_customers_give_no_answers(scorer) -> None:
    assert all(len(values) == 0 for values in scorer.score(np.empty((0, 4))).values())


def test_of_equally_likely_segments_the_lowest_is_given(model) -> None:
    undecided = ColdStartModel(
        **{**vars(model), "weights": np.zeros((3, 3)), "intercepts": np.zeros(3)}
    )
    answers = Scorer(build_cold_start(undecided).SerializeToString()).score(customers(5))
    assert answers["segment"].tolist() == [0] * 5


def test_the_metadata_say_what_it_is(scorer, model) -> None:
    said = scorer.metadata
    assert said["kind"] == "cold_start"
    assert said["segments"][2] == {"key": "high", "name": "High"}
    assert said["segmenter_version"] == "0123456789ab"
    assert said["metrics"]["model"]["log_loss"]["mean"] == 0.5
    assert said["customers"] == model.schema.model_dump(mode="json")


def test_the_same_model_gives_the_same_bytes_and_another_one_another_version(model) -> None:
    first, second = (build_cold_start(model).SerializeToString(deterministic=True) for _ in "ab")
    assert first == second
    other = ColdStartModel(**{**vars(model), "intercepts": model.intercepts + 1e-6})
    changed = Scorer(build_cold_start(other).SerializeToString())
    assert changed.metadata[VERSION] != Scorer(first).metadata[VERSION]
