from __future__ import annotations

import pyarrow as pa
import pytest

from customer_segmentation.retention.search import records
from customer_segmentation.retention.sought import Sought
from tests.marketing import SCHEMA

NUMBER, NAME = Sought.of("48", SCHEMA), Sought.of("AB-48/7 & sons", SCHEMA)


def test_headers_that_the_schema_reads_as_the_key_hold_ids_in_every_layer() -> None:
    names = ["ID", "customer_id", "sent_ID", " ID", "Income"]
    assert NUMBER.keys(names) == ["ID", "customer_id", "sent_ID", " ID"]


def test_rows_are_found_by_the_id_as_a_run_reads_it() -> None:
    table = pa.table({"ID": [" 48", "48", "148", "48.0", None], "Income": ["48"] * 5})
    found = NUMBER.rows(table)
    assert found is not None
    assert found.to_pylist() == [True, True, False, False, False]
    as_float = Sought("48", frozenset({"ID"}), from_float=True).rows(table)
    assert as_float is not None
    assert as_float.to_pylist() == [True, True, False, True, False]


@pytest.mark.parametrize("ids", [[47, 48], [47.0, 48.0]])
def test_ids_that_a_file_holds_as_numbers_are_found(ids: list[float]) -> None:
    found = NUMBER.rows(pa.table({"ID": ids}))
    assert found is not None
    assert found.to_pylist() == [False, True]


def test_a_source_without_ids_is_known_by_the_numbers_of_its_rows() -> None:
    by_row = Sought("2", frozenset({"customer_id"}), from_row=True)
    found = by_row.rows(pa.table({"row_number": [1, 2]}))
    assert found is not None
    assert found.to_pylist() == [False, True]
    assert NUMBER.rows(pa.table({"row_number": [1, 48]})) is None


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("48 rows, 48 % of customers", None),
        ("of customer 48 (666,666)", "of customer [erased] (666,666)"),
        ("3 customers, such as 48 (7)", "3 customers, such as [erased] (7)"),
        ("such as '48' and '048': they", "such as '[erased]' and '048': they"),
        (
            "such as &#39;048&#39; and &#39;48&#39;: they",
            "such as &#39;048&#39; and &#39;[erased]&#39;: they",
        ),
        ('{"customer_id": "48", "rows": 48}', '{"customer_id": "[erased]", "rows": 48}'),
        ("DEFAULT '48' NOT NULL", None),
        ("customer 148 (1), customer 48 of", None),
    ],
)
def test_an_id_of_digits_is_only_erased_where_a_text_names_a_customer(
    text: str, redacted: str | None
) -> None:
    assert NUMBER.in_text(text.encode()) == int(redacted is not None)
    assert NUMBER.redacted(text.encode()).decode() == (redacted or text)


@pytest.mark.parametrize(
    "text",
    ["{}", "see {}.", "AB-48/7 & sons' {}", "<td>AB-48/7 &amp; sons</td>", '["AB-48/7 & sons"]'],
)
def test_any_other_id_is_erased_wherever_it_stands_alone(text: str) -> None:
    redacted = NAME.redacted(text.format(NAME.id).encode())
    assert NAME.in_text(redacted) == 0
    assert b"sons" not in redacted
    assert NAME.in_text(b"xAB-48/7 & sons") == 0


def test_the_log_of_delta_names_customers_in_statistics_and_predicates() -> None:
    stats = '{"numRecords":2,"minValues":{"customer_id":"48","income":1},"maxValues":{"ID":"9"}}'
    assert NUMBER.in_log({"add": {"path": "part-48.parquet", "stats": stats}}) == 1
    assert (
        NUMBER.in_log({"commitInfo": {"predicate": '["(customer_id = 48)"]', "version": 48}}) == 1
    )
    assert NUMBER.in_log({"commitInfo": {"predicate": '["(customer_id = 148)"]'}}) == 0


def test_the_log_cuts_long_ids() -> None:
    long = Sought.of("0123456789abcdef0123456789abcdef-0001", SCHEMA)
    assert long.in_log({"minValues": {"customer_id": long.id[:32]}}) == 1
    assert long.in_log({"minValues": {"customer_id": long.id[:31]}}) == 0


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b'"customer_id","x"\n"48",1\n"49","a\nb"\n', b'"customer_id","x"\n"49","a\nb"\n'),
        (b"x;ID\r\n1;48\r\n48;49\r\n", b"x;ID\r\n48;49\r\n"),
        (b'{"ID": 48, "x": 1}\n{"ID": "49"}\n', b'{"ID": "49"}\n'),
    ],
)
def test_a_table_of_text_keeps_every_other_byte(content: bytes, kept: bytes) -> None:
    found = list(records(content.splitlines(keepends=True), NUMBER))
    assert b"".join(raw for raw, _ in found) == content
    assert b"".join(raw for raw, theirs in found if not theirs) == kept


@pytest.mark.parametrize("content", [b"", b"Income,x\n48,48\n", b"48 customers\n"])
def test_a_text_without_ids_is_no_table(content: bytes) -> None:
    assert not any(theirs for _, theirs in records(content.splitlines(keepends=True), NUMBER))
