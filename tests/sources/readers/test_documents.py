"""Nested documents become rows of text: by the paths asked for, and never silently otherwise."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import CHANGE, REMOVED
from customer_segmentation.sources.limits import MAX_ROWS
from customer_segmentation.sources.readers.document_cells import cell, escaped, parsed_path
from customer_segmentation.sources.readers.documents import Flattening, table, tables

DOCUMENT = {
    "id": 7,
    "address": {"city": "Bonn", "geo": {"lat": 50.5}},
    "orders": [{"total": Decimal("12.50")}, {"total": 3}],
    "web.visits": 4,
    "gone": None,
}


def cells(document: Any = DOCUMENT, **options: Any) -> dict[str, str]:
    return Flattening(**options).cells(document, "id=7")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("id", "7"),
        ("address.city", "Bonn"),
        ("address.geo.lat", "50.5"),
        ("orders[0].total", "12.50"),
        ("orders[1].total", "3"),
        (r"web\.visits", "4"),
        ("gone", ""),
        ("gone.below", ""),
    ],
)
def test_a_path_leads_to_its_cell(path: str, text: str) -> None:
    assert cells(columns=[path]) == {path: text}


@pytest.mark.parametrize("path", ["street", "address.street", "orders[2].total", "web.visits"])
def test_a_path_to_nothing_gives_no_cell(path: str) -> None:
    assert cells(columns=[path]) == {}


def test_without_columns_every_single_value_has_its_path() -> None:
    flat = cells({k: v for k, v in DOCUMENT.items() if k != "orders"})

    assert flat == {
        "id": "7",
        "address.city": "Bonn",
        "address.geo.lat": "50.5",
        r"web\.visits": "4",
        "gone": "",
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "'orders' holds a list or an object"),
        ({"columns": ["address"]}, "'address' holds a list or an object"),
        ({"columns": ["orders[0]"]}, r"'orders[0]' holds a list or an object"),
        ({"columns": ["id.part"]}, "'part' is read of what is no object"),
        ({"columns": ["address[0]"]}, "[0] is read of what is no list"),
    ],
)
def test_what_is_no_single_value_is_refused_with_the_documents_key(
    options: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError) as refused:
        cells(**options)

    assert str(refused.value.message).startswith("document id=7: ")
    assert told in refused.value.message


def test_a_list_is_kept_as_json_where_that_is_said() -> None:
    flat = cells(columns=["id", "orders", "address"], as_json=["orders", "address"])

    assert flat["orders"] == '[{"total":12.50},{"total":3}]'
    assert json.loads(flat["address"]) == DOCUMENT["address"]


def test_a_path_may_have_a_header_of_its_own() -> None:
    columns = {"city": "address.city", "all": "orders", "gone": "address.street"}

    assert cells(columns=columns, as_json=["all"]) == {
        "city": "Bonn",
        "all": '[{"total":12.50},{"total":3}]',
    }


def test_a_set_is_written_in_one_order() -> None:
    assert cells({"tags": frozenset("cab")}, as_json=["tags"]) == {"tags": '["a","b","c"]'}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "1"),
        (False, "0"),
        (None, ""),
        (7.0, "7"),
        (0.1, "0.1"),
        (10**30, "1" + "0" * 30),
        (Decimal("7.00"), "7"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.10"), "0.10"),
        (datetime(2013, 2, 3), "2013-02-03"),  # noqa: DTZ001 - as the clients give them
        (datetime(2013, 2, 3, 4, 5, 6), "2013-02-03 04:05:06"),  # noqa: DTZ001
        (date(2013, 2, 3), "2013-02-03"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"\x01\x02", "AQI="),
    ],
)
def test_values_are_written_as_in_a_text_file(value: object, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize("value", [object(), "a\0b", 1j])
def test_values_that_are_no_cell_are_refused(value: object) -> None:
    with pytest.raises(UserError, match="document id=7: 'x' holds a"):
        cells({"x": value})


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a[x]", "a[0", "[0]", "a[0]b", "a]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(UserError, match="is no path"):
        parsed_path(path)


names = st.text(min_size=1)


@settings(max_examples=30)
@given(st.lists(names, min_size=1))
def test_any_names_make_a_path_that_leads_back_to_them(steps: list[str]) -> None:
    assert parsed_path(".".join(map(escaped, steps))) == tuple(steps)


odd = st.text("ab.[]\\7", min_size=1)
objects = st.recursive(
    st.dictionaries(odd, st.integers(), min_size=1),
    lambda inner: st.dictionaries(odd, inner, min_size=1),
    max_leaves=10,
)


@settings(max_examples=30)
@given(objects)
def test_every_path_that_is_given_leads_to_its_own_cell(document: dict[str, Any]) -> None:
    flat = cells(document)

    assert cells(document, columns=list(flat)) == flat


@pytest.mark.parametrize(
    "options",
    [
        {"columns": "id"},
        {"columns": ["id", "id"]},
        {"columns": ["id"], "as_json": ["tags"]},
        {"columns": [CHANGE]},
        {"columns": ["row_number"]},
        {"deleted": "a."},
        {"columns": [7]},
        {"columns": {"city": 7}},
        {"columns": {"city": "a..b"}},
        {"columns": {"row_number": "id"}},
    ],
)
def test_columns_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"columns|as_json|is no path"):
        Flattening(**options)


@pytest.mark.parametrize(
    ("deleted", "changed"),
    [
        ({"deleted": True}, {CHANGE: REMOVED}),
        ({"deleted": "2026-01-02"}, {CHANGE: REMOVED}),
        ({"deleted": False}, {}),
        ({"deleted": "false"}, {}),
        ({"deleted": None}, {}),
        ({}, {}),
    ],
)
def test_a_soft_deletion_removes_the_row(deleted: dict[str, Any], changed: dict[str, str]) -> None:
    flat = cells({"id": 1} | deleted, columns=["id"], deleted="deleted")

    assert flat == {"id": "1"} | changed


def test_a_document_cannot_remove_rows_by_a_name_of_ours() -> None:
    with pytest.raises(UserError, match="ingestion adds"):
        cells({CHANGE: REMOVED})


def test_an_object_that_is_missing_here_and_there_is_no_column() -> None:
    made = table([cells({"id": 1, "address": None}), cells({"id": 2, "address": {"city": "Ulm"}})])

    assert made.to_pydict() == {"id": ["1", "2"], "address.city": ["", "Ulm"]}


def test_tables_are_bounded_and_say_their_last_row() -> None:
    rows = ((number, {"id": str(number)}) for number in range(MAX_ROWS + 2))

    assert [(mark, len(made)) for mark, made in tables(rows)] == [
        (MAX_ROWS - 1, MAX_ROWS),
        (MAX_ROWS + 1, 2),
    ]
