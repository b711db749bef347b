"""Learned numbers without the digits that the order of a sum decides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segmentation.segmentation.rounding import SUMMED, rounded, rounded_standardised

FINITE = st.floats(-1e300, 1e300, allow_subnormal=False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0 / 3.0, 0.333333333333),
        (123456789.123456789, 123456789.123),
        (-1e-9 / 3.0, -3.33333333333e-10),
        (0.1 + 0.2, 0.3),
        (42.0, 42.0),
    ],
)
def test_twelve_significant_digits_are_kept(value: float, expected: float) -> None:
    assert rounded([value])[0] == expected


def test_the_shape_is_kept() -> None:
    assert rounded(np.ones((2, 3))).shape == (2, 3)
    assert rounded(1.5).shape == ()


def test_a_negative_zero_becomes_a_plain_one() -> None:
    assert not np.signbit(rounded([-0.0]))[0]


@given(FINITE)
def test_rounding_twice_changes_nothing_more(value: float) -> None:
    once = rounded([value])
    assert rounded(once)[0] == once[0]
    assert once[0] == pytest.approx(value, rel=1e-11)


def test_a_small_sum_of_terms_around_1_has_no_digits_of_their_rounding() -> None:
    # As pandas and Spark gave them for the same customers.
    pandas, spark = 0.000423311629991, 0.000423311629997
    assert rounded(pandas) != rounded(spark)
    assert rounded_standardised(pandas) == rounded_standardised(spark) == 0.0004233116
    assert str(rounded_standardised(-1e-12)) == "0.0"


def test_the_means_of_two_engines_are_rounded_alike() -> None:
    # Of the same spends, by pandas and by Spark.
    pandas, spark = 541.2011184544999, 541.2011184545001
    assert rounded(pandas) != rounded(spark)
    assert rounded(pandas, SUMMED) == rounded(spark, SUMMED) == 541.2011185
