"""What the parts of a source come to: the last row of each key, in the order of their arrival."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.current import write_current
from customer_segmentation.sources.arrivals.parts import (
    CHANGE,
    PUT,
    REMOVED,
    Arrival,
    Parts,
    text_table,
)
from customer_segmentation.sources.landed import METADATA
from tests.sources.readers.tables import standing


def landed(parts: Parts, *tables: dict[str, Sequence[str]]) -> Parts:
    for table in tables:
        parts.append("shop", Arrival(text_table(table), {}))
    return parts


def test_without_a_key_all_rows_stand(tmp_path: Path) -> None:
    parts = landed(Parts(str(tmp_path)), {"id": ["1", "1"]}, {"id": ["1", "2"]})
    assert standing(parts, ()) == [("1",), ("1",), ("1",), ("2",)]


def test_a_later_row_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    parts = landed(
        Parts(str(tmp_path)),
        {"id": ["1", "2", "1"], "name": ["a", "b", "c"]},
        {"id": ["3", "2"], "name": ["d", "e"]},
    )
    assert standing(parts, ["id"]) == [("1", "c"), ("3", "d"), ("2", "e")]
    assert standing(parts, ["id", "name"]) == [
        *[("1", "a"), ("2", "b"), ("1", "c")],
        *[("3", "d"), ("2", "e")],
    ]


def test_rows_without_a_key_do_not_take_each_others_place(tmp_path: Path) -> None:
    parts = landed(
        Parts(str(tmp_path)),
        {"id": ["", "1", ""], "shop": ["", "", ""], "name": ["a", "b", "c"]},
        {"id": ["1"], "shop": [""], "name": ["d"]},
    )
    assert standing(parts, ["id", "shop"]) == [("", "", "a"), ("", "", "c"), ("1", "", "d")]


def test_removed_rows_are_gone_until_they_come_again(tmp_path: Path) -> None:
    parts = landed(
        Parts(str(tmp_path)),
        {"id": ["1", "2", "3"], "name": ["a", "b", "c"]},
        {"id": ["1", "2"], CHANGE: [REMOVED, REMOVED]},
        {"id": ["2"], "name": ["new"], CHANGE: [PUT]},
    )
    assert standing(parts, ["id"]) == [("3", "c"), ("2", "new")]
    landed(parts, {"id": ["2", "3"], CHANGE: [REMOVED] * 2})
    with pytest.raises(UserError, match="all that arrived from it was removed again"):
        standing(parts, ["id"])


def test_removed_rows_without_a_key_are_refused(tmp_path: Path) -> None:
    parts = landed(Parts(str(tmp_path)), {"id": ["1"]}, {"id": ["1"], CHANGE: [REMOVED]})
    with pytest.raises(UserError, match=r"00000002.parquet: it removes rows, and without a key"):
        standing(parts, ())


def test_a_part_without_the_key_is_refused(tmp_path: Path) -> None:
    parts = landed(Parts(str(tmp_path)), {"id": ["1"]}, {"name": ["a"]})
    with pytest.raises(UserError, match=r"00000002.parquet: it has no column 'id', the key"):
        standing(parts, ["id"])


def test_nothing_landed_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="shop: nothing has arrived from it yet"):
        standing(Parts(str(tmp_path)), ())


def test_headers_may_change_and_a_person_is_told(tmp_path: Path) -> None:
    parts = landed(
        Parts(str(tmp_path / "parts")),
        {"id": ["1"], "old": ["a"]},
        {"new": ["b"], "id": ["2"]},
    )
    file = tmp_path / "current.parquet"
    current = write_current(parts, file, ["id"], "shop")
    assert current.headers == ("id", "old", "new")
    assert current.notes == (
        "column 'old' is empty in 1 rows that were sent without it",
        "column 'new' is empty in 1 rows that were sent without it",
    )
    assert standing(parts, ["id"]) == [("1", "a", ""), ("2", "", "b")]
    told = pq.read_metadata(file).metadata[METADATA.encode()]
    assert current.sha256.encode() in told


def test_the_hash_is_of_what_stands(tmp_path: Path) -> None:
    parts = landed(Parts(str(tmp_path / "parts")), {"id": ["1"]})
    first = write_current(parts, tmp_path / "file", (), "shop").sha256
    assert write_current(parts, tmp_path / "file", (), "shop").sha256 == first
    landed(parts, {"id": ["2"]})
    assert write_current(parts, tmp_path / "file", (), "shop").sha256 != first


CHANGES = st.lists(
    st.lists(st.tuples(st.sampled_from("abcd"), st.text(max_size=2), st.booleans()), max_size=5),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25)
@given(CHANGES)
def test_it_equals_a_dictionary_that_is_changed_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, changes: list[list[tuple[str, str, bool]]]
) -> None:
    parts, expected = Parts(str(tmp_path_factory.mktemp("parts"))), dict[str, str]()
    for rows in changes:
        table: dict[str, Any] = {
            "id": [key for key, _, _ in rows],
            "name": [name for _, name, _ in rows],
            CHANGE: [PUT if stays else REMOVED for _, _, stays in rows],
        }
        landed(parts, table)
        for key, name, stays in rows:
            expected.pop(key, None)
            if stays:
                expected[key] = name
    if expected:
        assert standing(parts, ["id"]) == list(expected.items())
    else:
        with pytest.raises(UserError):
            standing(parts, ["id"])
