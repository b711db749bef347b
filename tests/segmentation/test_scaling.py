"""Caps, means and deviations: NumPy's, on every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.segmentation.scaling import Scaling, Treatment, learn_scaling

NAMES = ["income", "age"]


def values(rows: int = 997) -> np.ndarray:
    random = np.random.default_rng(0)
    return np.column_stack([random.lognormal(10, 1, rows), random.normal(50, 10, rows)])


def learned(frame_of: Callable[..., Any], table: np.ndarray) -> Scaling:
    frame = frame_of(dict(zip(NAMES, table.T, strict=True)))
    return learn_scaling(nw.from_native(frame).lazy(), dict.fromkeys(NAMES, Treatment(0.95)))


def test_scaling_equals_numpys(frame_of: Callable[..., Any]) -> None:
    scaling = learned(frame_of, values())
    caps = np.quantile(values(), 0.95, axis=0, method="linear")
    capped = np.minimum(values(), caps)
    assert scaling.caps == pytest.approx(caps, rel=1e-9)
    assert scaling.means == pytest.approx(capped.mean(axis=0), rel=1e-9)
    assert scaling.deviations == pytest.approx(capped.std(axis=0, ddof=0), rel=1e-9)


def test_the_order_of_rows_changes_no_digit(frame_of: Callable[..., Any]) -> None:
    here, there = learned(frame_of, values()), learned(frame_of, values()[::-1])
    for name in ("caps", "means", "deviations"):
        assert (getattr(here, name) == getattr(there, name)).all()


def test_capped_values_have_mean_0_and_deviation_1(frame_of: Callable[..., Any]) -> None:
    standardised = learned(frame_of, values()).standardised(values())
    assert standardised.mean(axis=0) == pytest.approx(0.0, abs=1e-9)
    assert standardised.std(axis=0) == pytest.approx(1.0, abs=1e-9)


def test_expressions_give_what_arrays_give(frame_of: Callable[..., Any]) -> None:
    scaling = learned(frame_of, values())
    frame = nw.from_native(frame_of(dict(zip(NAMES, values().T, strict=True))))
    on_frame = frame.select(**scaling.standardised_columns()).to_numpy()
    assert on_frame == pytest.approx(scaling.standardised(values()), rel=1e-14, abs=1e-14)


def test_engines_agree_on_expressions_to_the_last_bit(frame_of: Callable[..., Any]) -> None:
    scaling = learned(frame_of, values())
    frame = nw.from_native(frame_of(dict(zip(NAMES, values().T, strict=True))))
    on_frame = frame.select(**scaling.standardised_columns()).to_numpy()
    by_hand = (np.minimum(values(), scaling.caps) - scaling.means) * (1.0 / scaling.deviations)
    assert (on_frame == by_hand).all()


@pytest.mark.parametrize("constant", [0.0, 0.1, 2014.0])
def test_a_constant_feature_is_refused_by_name(
    frame_of: Callable[..., Any], constant: float
) -> None:
    table = values()
    table[:, 1] = constant
    with pytest.raises(UserError, match=r"`age` has one value.*customers\.segment_features"):
        learned(frame_of, table)
