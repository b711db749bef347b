"""A quantised layer is nearly the one it was made from, and holds no more than int8."""

import numpy as np
import pytest

from customer_segmentation.segmentation.quantised import MAX_LEVEL, Layer, quantise, scores

LOWS, HIGHS = np.array([0.0, -3.0, 18.0]), np.array([90_000.0, 4.0, 80.0])


@pytest.fixture
def weights() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, 5)) / (HIGHS - LOWS)[:, None]


@pytest.fixture
def offsets() -> np.ndarray:
    return np.random.default_rng(1).normal(size=5)


@pytest.fixture
def layer(weights, offsets) -> Layer:
    return quantise(weights, offsets, LOWS, HIGHS)


def test_it_answers_within_half_a_step_of_each_input_and_weight(layer, weights, offsets) -> None:
    values = np.random.default_rng(2).uniform(LOWS, HIGHS, (1_000, 3))
    expected = (values - LOWS) @ weights + offsets
    of_inputs = np.abs(weights).T @ (layer.steps / 2)
    of_weights = layer.scales / 2 * MAX_LEVEL * len(LOWS)
    assert (np.abs(layer.outputs(values) - expected) <= 1.01 * (of_inputs + of_weights)).all()


def test_weights_are_int8_and_the_largest_of_each_output_uses_all_of_it(layer) -> None:
    assert layer.weights.dtype == np.int8
    assert np.abs(layer.weights.astype(int)).max(axis=0).tolist() == [MAX_LEVEL] * 5


def test_inputs_are_cut_off_at_both_ends(layer) -> None:
    ends = layer.outputs(np.array([LOWS, HIGHS]))
    beyond = layer.outputs(np.array([LOWS - 1e9, HIGHS + 1e9]))
    np.testing.assert_array_equal(ends, beyond)


def test_a_low_of_0_is_a_rectifier() -> None:
    rectified = quantise(np.eye(1), np.zeros(1), np.zeros(1), np.array([2.0]))
    given = np.array([[-1.0], [0.0], [1.0]])
    assert rectified.outputs(given).ravel() == pytest.approx([0.0, 0.0, 1.0], abs=0.01)


def test_what_never_differs_and_what_has_no_weight_are_harmless() -> None:
    layer = quantise(np.array([[0.0], [0.0]]), np.array([0.5]), np.zeros(2), np.array([0.0, 1.0]))
    assert layer.outputs(np.array([[0.0, 1.0], [5.0, 0.0]])).tolist() == [[0.5], [0.5]]


def test_layers_follow_each_other(layer) -> None:
    last = quantise(np.ones((5, 2)), np.zeros(2), np.zeros(5), np.ones(5))
    values = np.array([HIGHS])
    np.testing.assert_array_equal(
        scores([layer, last], values), last.outputs(layer.outputs(values))
    )
