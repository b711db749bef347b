"""Which of the models that were compared is exported."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import softmax

from customer_segmentation.pipelines.supervised_training import comparison, metrics, models
from customer_segmentation.pipelines.supervised_training.folds import Validation
from customer_segmentation.segmentation.labelled import LabelledCustomers
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from tests.marketing import SCHEMA

ROWS, FOLDS = 300, 3
SEGMENTS = tuple(SegmentName(key, key.upper()) for key in "abc")
SMALL_FIRST = {"logistic_regression": 10, "quantised_network": 20, "gradient_boosting": 90}
SMALL_LAST = {"logistic_regression": 20, "quantised_network": 10, "gradient_boosting": 90}


def validation(**sureness: float | list[float]) -> Validation:
    """How surely each model gives the right segment, in each fold; 0 is the baseline's guess."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, ROWS)
    noise = draw.normal(size=(ROWS, 3))
    right = np.eye(3)[labels]
    folds = np.arange(ROWS) % FOLDS
    probabilities = {}
    for name, much in (dict.fromkeys(models.COMPARED, 1.0) | sureness).items():
        each = np.broadcast_to(much, FOLDS)[folds][:, None]
        probabilities[name] = softmax(each * (2.0 * right + noise), axis=1)
    probabilities[models.BASELINE] = np.full((ROWS, 3), 1.0 / 3.0)
    customers = LabelledCustomers(
        SCHEMA, ("age",), np.zeros((ROWS, 1)), labels, SEGMENTS, drawn_from=ROWS
    )
    return Validation(("age",), customers, 0, ROWS, folds, probabilities)


def chosen(found: Validation, sizes: dict[str, int], exported: str = "auto") -> str:
    return comparison.choose(found, metrics.summarise(found, 5), sizes, exported)


@pytest.mark.parametrize("sizes", [SMALL_FIRST, SMALL_LAST])
def test_of_models_as_good_as_the_best_the_smallest_file_is_chosen(sizes: dict[str, int]) -> None:
    found = validation(logistic_regression=1.0, quantised_network=1.01)
    assert chosen(found, sizes) == min(models.LIGHT, key=lambda name: sizes[name])


def test_a_smaller_model_beyond_one_standard_error_is_not_chosen() -> None:
    found = validation(logistic_regression=0.3)
    summary = metrics.summarise(found, 5)
    best = summary["quantised_network"]["log_loss"]
    worse = summary["logistic_regression"]["log_loss"]["mean"]
    assert worse > best["mean"] + best["sd"] / np.sqrt(FOLDS)
    assert chosen(found, SMALL_FIRST) == "quantised_network"


def test_where_only_trees_are_good_enough_the_better_light_model_is_chosen_and_it_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = validation(logistic_regression=0.2, quantised_network=0.3)
    assert chosen(found, SMALL_FIRST) == "quantised_network"
    assert "which is not exported, is" in caplog.text
    assert "lower by more than one standard error" in caplog.text


def test_a_model_that_is_named_is_taken() -> None:
    found = validation(logistic_regression=0.3)
    assert chosen(found, SMALL_FIRST, "logistic_regression") == "logistic_regression"


def test_a_model_that_may_tell_no_more_than_sizes_is_not_chosen_however_small() -> None:
    weak = dict.fromkeys(models.TREES, 0.02)
    uneven = [0.5, 0.5, -0.2]
    found = validation(logistic_regression=uneven, quantised_network=[1.0, 1.0, -0.05], **weak)
    gained, error = comparison.gains(found, "auto")["logistic_regression"]
    assert 0.0 < gained < error
    summary = metrics.summarise(found, 5)
    best = summary["quantised_network"]["log_loss"]
    worse = summary["logistic_regression"]["log_loss"]["mean"]
    assert worse < best["mean"] + best["sd"] / np.sqrt(FOLDS)
    assert chosen(found, SMALL_FIRST) == "quantised_network"


@pytest.mark.parametrize("other", ["trees", "random_forest", "AUTO", ""])
def test_only_a_light_model_can_be_named(parameters: TrainingParameters, other: str) -> None:
    with pytest.raises(ValidationError, match="exported"):
        TrainingParameters(**parameters.model_dump() | {"exported": other})
