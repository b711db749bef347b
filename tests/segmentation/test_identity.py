"""Which segment carries on a name of the champion's, by centroids made up by hand."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from customer_segmentation.segmentation import identity
from customer_segmentation.segmentation.choice import nearest
from customer_segmentation.segmentation.identity import Champion, Identity
from customer_segmentation.segmentation.naming import SegmentName
from tests.marketing import SCHEMA, changed, with_segment_features
from tests.scoring.example import draw_customers, make_segmenter

Array = NDArray[np.float64]
NAMES = ("High-value", "Moderate", "Low-spend")
# The champion's, on a line: neighbours are 10 apart.
PLACES = (0.0, 10.0, 20.0)
SINCE = "2014-06-30"


def named(*names: str) -> tuple[SegmentName, ...]:
    return tuple(SegmentName.of(name) for name in names)


def champion(places: tuple[float, ...] = PLACES, names: tuple[str, ...] = NAMES) -> Champion:
    made = make_segmenter()
    return Champion(
        version="0123456789ab",
        schema=SCHEMA,
        scaling=made.scaling,
        components=made.projection.components,
        centroids=np.array(places)[:, None],
        names=named(*names),
    )


def keep(
    *places: float,
    usual: tuple[str, ...],
    within: float = 0.3,
    points: Array | None = None,
    against: Champion | None = None,
) -> Identity:
    """Segments whose customers stand where the places are, two to each unless given otherwise."""
    where = np.repeat(np.array(places), 2)[:, None] if points is None else points
    labels = nearest(np.nan_to_num(where), np.array(places)[:, None])
    weights = np.ones(len(where))
    return identity.keep_identity(
        named(*usual), against or champion(), where, labels, weights, within, SINCE
    )


def names(found: Identity) -> list[str]:
    return [one.name for one in found.segments]


def test_the_same_segments_in_another_order_keep_their_names_and_nobody_moves() -> None:
    found = keep(20.0, 0.0, 10.0, usual=("Low-spend", "High-value", "Moderate"))
    assert names(found) == ["Low-spend", "High-value", "Moderate"]
    assert [one.key for one in found.segments] == ["low_spend", "high_value", "moderate"]
    assert {one.distance for one in found.segments} == {0.0}
    assert (found.moved, found.gone, found.champion) == (0.0, (), "0123456789ab")


def test_a_segment_that_is_near_keeps_its_name_whatever_it_does_now() -> None:
    found = keep(0.0, 10.0, 23.0, usual=("High-value", "Price-sensitive", "Moderate"))
    assert names(found) == list(NAMES)
    assert [one.usual for one in found.segments] == ["High-value", "Price-sensitive", "Moderate"]
    assert found.segments[2].distance == 0.3


def test_a_segment_beyond_the_limit_gets_a_new_name_and_its_customers_move() -> None:
    found = keep(0.0, 10.0, 23.1, usual=("High-value", "Moderate", "Price-sensitive"))
    assert names(found) == ["High-value", "Moderate", "Price-sensitive"]
    last = found.segments[2]
    assert (last.is_carried, last.nearest, last.distance) == (False, "Low-spend", 0.31)
    assert found.gone == ("Low-spend",)
    assert found.moved == round(1 / 3, 4)


def test_a_new_segment_of_an_old_name_is_told_from_the_champions() -> None:
    found = keep(0.0, 10.0, 30.0, usual=("High-value", "Moderate", "Low-spend"))
    assert names(found) == ["High-value", "Moderate", "Low-spend, since 2014-06-30"]
    assert found.segments[2].key == "low_spend_since_2014_06_30"
    again = keep(
        *(0.0, 10.0, 40.0),
        usual=NAMES,
        against=champion((0.0, 10.0, 30.0, 90.0), (*names(found), "Low-spend")),
    )
    assert names(again)[2] == "Low-spend, since 2014-06-30, 2"


def test_a_long_name_that_is_told_apart_has_a_key_that_an_artifact_may_have() -> None:
    known = tuple(f"High number {n} of everything that a customer bought" * 2 for n in range(3))
    found = keep(0.0, 10.0, 40.0, usual=known, against=champion(names=known))
    assert found.segments[2].key.endswith("_since_2014_06_30")
    assert len(found.segments[2].key) <= 97


def test_a_new_segment_of_the_name_of_one_that_is_carried_is_told_from_it() -> None:
    found = keep(0.0, 10.0, 20.0, 30.0, usual=("Moderate", "Price-sensitive", "X", "High-value"))
    assert names(found) == [*NAMES, "High-value, since 2014-06-30"]


def test_of_a_segment_that_was_split_the_nearer_part_keeps_the_name() -> None:
    found = keep(0.0, 8.0, 11.0, 20.0, usual=("High-value", "A", "B", "Low-spend"))
    assert names(found) == ["High-value", "A", "Moderate", "Low-spend"]
    assert found.segments[1].distance == 0.2
    # Two of eight customers.
    assert found.moved == 0.25


def test_segments_that_were_joined_leave_a_name_behind() -> None:
    found = keep(0.0, 18.0, usual=("High-value", "B"))
    assert names(found) == ["High-value", "Low-spend"]
    assert found.gone == ("Moderate",)


def test_one_that_is_far_away_takes_no_name_from_one_that_is_near() -> None:
    """By the sum of all distances, 9 would be the first of the champion's, and 100 the second."""
    found = keep(9.0, 100.0, usual=("A", "B"), against=champion((0.0, 10.0), NAMES[:2]))
    assert names(found) == ["Moderate", "B"]


def test_customers_who_lack_a_feature_of_the_champions_are_left_aside() -> None:
    points = np.array([[0.0], [np.nan], [10.0], [20.0]])
    found = keep(*PLACES, usual=("A", "B", "C"), points=points)
    assert names(found) == list(NAMES)
    assert found.moved == 0.0
    nobody = keep(*PLACES, usual=("A", "B", "C"), points=np.full((4, 1), np.nan))
    assert names(nobody) == ["A", "B", "C"]
    assert (nobody.moved, nobody.gone) == (None, NAMES)


def test_a_segment_without_customers_is_called_as_it_was_by_the_same_data() -> None:
    points = np.array([[0.0], [10.0]])
    found = keep(0.0, 10.0, 10.0, usual=("High-value", "Moderate", "Low-spend"), points=points)
    assert names(found) == ["High-value", "Moderate", "Low-spend"]
    assert not found.segments[2].is_carried
    assert found.segments[2].distance is None


def test_of_two_of_the_champions_in_one_place_the_next_elsewhere_is_the_neighbour() -> None:
    found = keep(0.0, 10.0, usual=("A", "B"), against=champion((0.0, 10.0, 10.0)))
    assert names(found) == ["High-value", "Moderate"]


spots = st.lists(st.integers(-50, 50), min_size=2, max_size=6, unique=True)


@given(spots, spots)
def test_names_and_keys_are_unique_and_no_new_one_is_the_champions(
    before: list[int], now: list[int]
) -> None:
    known = tuple(f"Name {n}" for n in range(len(before)))
    usual = tuple(f"Name {n}" for n in reversed(range(len(now))))
    found = keep(*now, usual=usual, against=champion(tuple(before), known))
    keys = [one.key for one in found.segments]
    assert len({*keys}) == len({*names(found)}) == len(now)
    for one in found.segments:
        assert one.is_carried == (one.name in known) or one.distance is None
        assert not one.is_carried or one.distance <= 0.3


@pytest.fixture(scope="module", params=["pandas", "polars", "pyarrow"])
def rows(request: pytest.FixtureRequest) -> nw.DataFrame:
    """As pandas and Polars hold them, and as they come from Spark."""
    columns = draw_customers(50).to_dict("list")
    return nw.from_dict(columns, backend=request.param)


def test_customers_stand_where_the_champions_own_arithmetic_puts_them(rows: nw.DataFrame) -> None:
    made = make_segmenter()
    features = rows.with_columns(
        age=nw.col("as_of_year") - nw.col("year_birth"),
        spend_total=nw.sum_horizontal(*[n for n in rows.columns if n.startswith("spend_")]),
    ).select(*made.scaling.features)
    expected = made.projection.projected(made.scaling.standardised(features.to_numpy()))
    # A column of the name of a feature is not taken for it: it may be computed otherwise.
    misled = rows.with_columns(age=nw.lit(1.0))
    np.testing.assert_allclose(champion().points(misled), expected, atol=1e-9)


def test_other_features_of_the_same_columns_can_be_compared(rows: nw.DataFrame) -> None:
    assert not champion().unlike(with_segment_features("income", "recency_days"), rows.columns)


@pytest.mark.parametrize(
    ("features", "changes", "lost", "told"),
    [
        (("income", "age"), (), ["income"], ["income"]),
        (("education", "age"), (("columns.education.categories.other", []),), [], ["education"]),
        (("income", "marital_status"), (), ["marital_status"], ["marital_status"]),
    ],
    ids=["absent", "of other categories", "a category absent"],
)
def test_columns_that_are_not_what_the_champion_knows_are_named(
    features: tuple[str, ...],
    changes: tuple[tuple[str, object], ...],
    lost: list[str],
    told: list[str],
) -> None:
    known = with_segment_features(*features)
    one = replace(
        champion(),
        schema=known,
        scaling=replace(champion().scaling, features=tuple(known.segment_numbers)),
    )
    now = type(SCHEMA).model_validate(changed(SCHEMA.model_dump(mode="json"), *changes))
    numbers = [name for name in known.numeric_columns(known.columns) if name not in lost]
    assert one.unlike(now, [*numbers, "as_of_year", "as_of_day"]) == told
