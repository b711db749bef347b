"""Whole loads: all of a source or nothing, and nothing that is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Arrival, Parts, Position, land_arrivals
from customer_segmentation.sources.limits import MAX_ROWS
from customer_segmentation.sources.readers.documents import Cells, Flattening
from customer_segmentation.sources.readers.whole_loads import whole_load

ROWS = [{"id": "1", "city": "Bonn"}, {"id": "2", "city": "Ulm"}, {"id": "3", "city": ""}]


def load(rows: Any, since: Position | None = None, **options: Any) -> list[Arrival]:
    return list(whole_load("shop", rows, Flattening(**options), since))


def test_the_same_rows_in_any_order_are_landed_once() -> None:
    (first,) = load(ROWS)

    assert load(ROWS[::-1], first.position) == []


@settings(max_examples=30)
@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=4, unique=True))
def test_any_other_rows_are_landed(cells: list[tuple[str, str]]) -> None:
    rows = [{"id": one, "city": two} for one, two in cells]
    (first,) = load(rows)

    for other in (
        rows[1:],
        [*rows, rows[0]],
        [{**rows[0], "city": rows[0]["city"] + "x"}, *rows[1:]],
    ):
        if other:
            assert load(other, first.position)


def test_other_columns_of_the_same_rows_are_landed() -> None:
    (first,) = load([{"id": "1", "city": ""}], columns=["id", "city"])

    assert load([{"id": "1"}], first.position, columns=["id"])


def test_all_pieces_have_the_columns_of_the_load() -> None:
    rows = [{"id": str(number)} for number in range(MAX_ROWS)] + [{"id": "x", "late": "1"}]

    first, last = load(rows)

    assert first.rows.column_names == last.rows.column_names == ["id", "late"]
    assert (first.is_whole, first.is_last, last.is_whole, last.is_last) == (True, False, True, True)


def test_a_source_that_breaks_off_lands_nothing(tmp_path: Path) -> None:
    class Breaks:
        name = "shop"

        def read(self, since: Position | None) -> Iterator[Arrival]:
            def rows() -> Iterator[Cells]:
                yield from ({"id": str(number)} for number in range(2 * MAX_ROWS))
                raise UserError("shop: gone")

            return whole_load(self.name, rows(), Flattening(), since)

    with pytest.raises(UserError, match="gone"):
        land_arrivals(Breaks(), Parts(str(tmp_path)))

    assert Parts(str(tmp_path)).all() == []


def test_a_full_disk_is_told_and_lands_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", full)

    with pytest.raises(UserError, match=r"No space left on device.*set TMPDIR"):
        load(ROWS)


def test_a_source_without_a_row_is_refused() -> None:
    with pytest.raises(UserError, match="shop: it holds no row"):
        load([])


def test_a_column_that_no_row_has_is_refused() -> None:
    with pytest.raises(UserError, match=r"shop: no row has \['street'\]"):
        load(({"id": "1"} for _ in range(3)), columns=["id", "street"])
