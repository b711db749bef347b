"""Folds keep repeats together; metrics are what scikit-learn calls by their names."""

import numpy as np
import pytest
from sklearn import metrics as reference

from customer_segmentation.pipelines.supervised_training.metrics import (
    calibration_curve,
    confusion,
    measure,
)
from customer_segmentation.segmentation.capping import UpperCap
from customer_segmentation.segmentation.fitting import assign_folds
from customer_segmentation.segmentation.labelled import LabelledCustomers
from customer_segmentation.segmentation.naming import SegmentName
from tests.marketing import SCHEMA

SEGMENTS = (SegmentName("a", "A"), SegmentName("b", "B"))


def customers(names: tuple[str, ...], values: list[list[float]]) -> LabelledCustomers:
    """Give customers without labels that matter."""
    labels = np.zeros(len(values), dtype=np.int64)
    return LabelledCustomers(SCHEMA, names, np.array(values), labels, SEGMENTS, len(values))


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, 200)
    probabilities = draw.dirichlet([1.0, 1.0, 1.0], 200)
    return labels, probabilities


def test_repeats_never_straddle_folds() -> None:
    draw = np.random.default_rng(1)
    groups = draw.integers(0, 60, 300)
    labels = groups % 3
    folds = assign_folds(labels, groups, 5, seed=0)
    assert all(len({*folds[groups == group]}) == 1 for group in groups)


def test_every_fold_has_its_share_of_every_segment() -> None:
    labels = np.repeat([0, 1, 2], [100, 45, 5])
    folds = assign_folds(labels, np.arange(150), 5, seed=0)
    assert [np.bincount(folds[labels == label]).tolist() for label in range(3)] == [
        [20] * 5,
        [9] * 5,
        [1] * 5,
    ]


def test_another_seed_gives_other_folds() -> None:
    labels, groups = np.zeros(50, dtype=np.int64), np.arange(50)
    first, second = (assign_folds(labels, groups, 5, seed) for seed in (0, 1))
    assert (first != second).any()


def test_customers_equal_in_all_but_campaign_answers_and_features_are_repeats() -> None:
    names = ("income", "kids_home", "responded", "age")
    rows = [[1.0, 0.0, 0.0, 30.0], [2.0, 0.0, 0.0, 30.0], [1.0, 0.0, 1.0, 31.0]]
    first, other, repeat = customers(names, rows).repeats()
    assert first == repeat != other


def test_customers_that_lack_the_same_value_are_repeats() -> None:
    first, repeat, other = customers(
        ("income", "kids_home"), [[np.nan, 1.0], [np.nan, 1.0], [5.0, 1.0]]
    ).repeats()
    assert first == repeat != other


def test_metrics_agree_with_scikit_learn(answers) -> None:
    labels, probabilities = answers
    predicted = probabilities.argmax(axis=1)
    found = measure(labels, probabilities, 10)
    assert found["balanced_accuracy"] == pytest.approx(
        reference.balanced_accuracy_score(labels, predicted)
    )
    assert found["macro_f1"] == pytest.approx(
        reference.f1_score(labels, predicted, average="macro")
    )
    assert found["log_loss"] == pytest.approx(reference.log_loss(labels, probabilities))
    assert found["brier_score"] == pytest.approx(
        reference.brier_score_loss(labels, probabilities, scale_by_half=False)
    )
    np.testing.assert_array_equal(
        confusion(labels, probabilities), reference.confusion_matrix(labels, predicted)
    )


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    probabilities = np.array([[0.8, 0.2]] * 4 + [[0.0, 1.0]])
    # 4 customers: 80 % sure, right 3 times of 4; 1 customer: sure and right.
    assert measure(labels, probabilities, 10)["expected_calibration_error"] == pytest.approx(0.04)


def test_an_impossible_answer_costs_much_and_not_infinitely() -> None:
    found = measure(np.array([1]), np.array([[1.0, 0.0]]), 10)
    assert 30.0 < found["log_loss"] < 40.0


def test_the_calibration_curve_has_equally_many_customers_a_point() -> None:
    probability = np.linspace(0.0, 0.9, 10)
    curve = calibration_curve(probability > 0.5, probability, 5)
    assert [members for _, _, members in curve] == [2] * 5
    assert curve[0] == (pytest.approx(0.05), 0.0, 2)


def test_a_cap_cuts_off_what_is_rare_and_keeps_rare_flags() -> None:
    income, flag = np.append(np.arange(199.0), 1e6), np.append(np.zeros(199), 1.0)
    capped = UpperCap(0.99).fit_transform(np.column_stack([income, flag]))
    assert capped[:, 0].max() == 198.0
    assert capped[:, 1].max() == 1.0
