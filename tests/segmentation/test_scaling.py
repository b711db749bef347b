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


TOWNS = {f"town_{n}": Treatment(0.95, weight=2.0, category="town") for n in ("a", "b", "c")}


def test_a_cap_a_logarithm_and_a_weight_of_its_own(frame_of: Callable[..., Any]) -> None:
    treated = {"income": Treatment(1.0, is_log=True, weight=3.0), "age": Treatment(0.5)}
    frame = nw.from_native(frame_of(dict(zip(NAMES, values().T, strict=True))))
    scaling = learn_scaling(frame.lazy(), treated)
    income, age = values().T
    logarithms = np.log1p(income)
    by_hand = [
        (logarithms - logarithms.mean()) / logarithms.std() * np.sqrt(3.0),
        (np.minimum(age, np.median(age)) - scaling.means[1]) / scaling.deviations[1],
    ]
    standardised = scaling.standardised(values())
    assert standardised == pytest.approx(np.column_stack(by_hand), rel=1e-8, abs=1e-8)
    assert standardised.var(axis=0) == pytest.approx([3.0, 1.0])
    on_frame = frame.select(**scaling.standardised_columns()).to_numpy()
    assert on_frame == pytest.approx(standardised, rel=1e-12, abs=1e-12)
    restored = scaling.restored(standardised)
    assert restored[:, 0] == pytest.approx(income, rel=1e-8)
    assert restored[:, 1] == pytest.approx(np.minimum(age, np.median(age)), rel=1e-8)


def test_a_category_counts_as_one_number_times_its_weight(frame_of: Callable[..., Any]) -> None:
    codes = np.random.default_rng(0).choice(2, 500, p=[0.9, 0.1])
    # Nobody lives in the third town.
    flags = np.eye(3)[codes]
    frame = nw.from_native(frame_of(dict(zip(TOWNS, flags.T, strict=True)))).lazy()
    scaling = learn_scaling(frame, TOWNS)
    standardised = scaling.standardised(flags)
    assert standardised.var(axis=0).sum() == pytest.approx(2.0)
    assert sum(scaling.variances) == pytest.approx(2.0)
    assert scaling.caps.tolist() == [1.0, 1.0, 1.0]
    # Whoever moves to the third is as far from the first as from the second.
    a, b, c = scaling.standardised(np.eye(3))
    assert np.square(a - c).sum() == pytest.approx(np.square(b - c).sum())


def test_a_category_of_one_value_is_refused_by_its_name(frame_of: Callable[..., Any]) -> None:
    table = {name: np.full(20, float(name == "town_b")) for name in TOWNS}
    frame = nw.from_native(frame_of(table)).lazy()
    with pytest.raises(UserError, match="`town` has one value for all customers"):
        learn_scaling(frame, TOWNS)


def test_a_cap_that_would_leave_one_value_is_left_out(frame_of: Callable[..., Any]) -> None:
    table = values()
    table[:, 0] = np.where(np.arange(len(table)) % 100 == 3, table[:, 0], 0.0)
    scaling = learned(frame_of, table)
    assert scaling.uncapped == ("income",)
    assert scaling.caps[0] == pytest.approx(table[:, 0].max(), rel=1e-9)
    assert scaling.standardised(table).std(axis=0) == pytest.approx(1.0, abs=1e-9)
