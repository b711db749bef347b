"""How a body becomes customers: each problem once, and two ways of reading that agree."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segmentation.schema.cells import _SPACE
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.serving.openapi.customer import field_schema
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.records import FastReader, Reader
from customer_segmentation.serving.validation import Contract, Problem, ReadCustomer, matrix_of
from tests.marketing import COLUMNS
from tests.serving.example import a_customer, a_new_customer
from tests.serving.sent_customers import SentCustomer, sent_customers, with_headers

LONG = "x" * 257
MAX = 1_000


@pytest.fixture(scope="module")
def metadata(bundle: Path) -> list[dict[str, Any]]:
    return [Scorer(bundle / f"{kind}.onnx").metadata for kind in ("segmenter", "cold_start")]


@pytest.fixture(scope="module")
def reader(metadata: list[dict[str, Any]]) -> Reader:
    return Reader(Contract(*metadata))


def changed(**changes: Any) -> bytes:
    return msgspec.json.encode(a_customer() | changes)


def problems(reader: Reader, body: bytes) -> list[Problem]:
    """The problems of a body of one customer, which the fast way has left alone."""
    assert reader.fast(body, is_list=False) is None
    (read,) = reader.careful(body, MAX)
    assert isinstance(read, list)
    return read


def numbers(reader: Reader, body: bytes) -> dict[str, float]:
    (read,) = reader.careful(body, MAX)
    assert isinstance(read, ReadCustomer), read
    return read.numbers


@pytest.mark.parametrize("sent", ["12345.0", "12345.00", "12345", 12345, 12345.0])
def test_a_key_that_was_written_as_a_float_is_read_as_in_batch(
    metadata: list[dict[str, Any]], sent: object
) -> None:
    of_floats = json.loads(json.dumps(metadata))
    for each in of_floats:
        each["customers"]["columns"]["customer_id"]["from_float"] = True
    body = changed(customer_id=sent)
    own = Reader(Contract(*of_floats))
    assert (own.fast(body, is_list=False) is None) is ("." in str(sent))
    (read,) = own.careful(body, MAX)
    assert isinstance(read, ReadCustomer)
    assert read.customer_id == "12345"


@pytest.mark.parametrize(
    ("changes", "path", "problem", "accepted"),
    [
        ({"income": "58138"}, "$.income", "not a number", "a number from 0 to 1000000000000"),
        ({"income": True}, "$.income", "not a number", "a number from 0 to 1000000000000"),
        ({"income": [1]}, "$.income", "not a number", "a number from 0 to 1000000000000"),
        ({"income": -0.01}, "$.income", "negative", "a number from 0 to 1000000000000"),
        (
            {"income": 1.01e12},
            "$.income",
            "above 1000000000000",
            "a number from 0 to 1000000000000",
        ),
        ({"income": 10**400}, "$.income", "not finite", "a number from 0 to 1000000000000"),
        ({"income": ""}, "$.income", "missing", "a number from 0 to 1000000000000"),
        ({"income": None}, "$.income", "missing", "a number from 0 to 1000000000000"),
        (
            {"kids_home": 1.5},
            "$.kids_home",
            "not a whole number",
            "a whole number from 0 to 1000000",
        ),
        (
            {"year_birth": 1913},
            "$.year_birth",
            "age outside 18 to 100",
            "a whole number from 1914 to 1996",
        ),
        (
            {"year_birth": 1997},
            "$.year_birth",
            "age outside 18 to 100",
            "a whole number from 1914 to 1996",
        ),
        ({"complained": 2}, "$.complained", "above 1", "a whole number from 0 to 1"),
        (
            {"education": "Yolo"},
            "$.education",
            "unknown category",
            "one of basic, graduation, second_cycle, master, phd",
        ),
        (
            {"education": 3},
            "$.education",
            "unknown category",
            "one of basic, graduation, second_cycle, master, phd",
        ),
        (
            {"enrolled_on": "31-02-2012"},
            "$.enrolled_on",
            "not a date",
            "a day from 2000-01-01 to 2014-06-30",
        ),
        (
            {"enrolled_on": "2014-07-01"},
            "$.enrolled_on",
            "outside 2000-01-01 to the snapshot's day",
            "a day from 2000-01-01 to 2014-06-30",
        ),
        ({"as_of": 2014}, "$.as_of", "not a date", "a day, as 2014-06-30"),
        (
            {"customer_id": 1.5},
            "$.customer_id",
            "not text",
            "text of 1 to 256 characters, or a whole number",
        ),
        (
            {"customer_id": " NA "},
            "$.customer_id",
            "missing",
            "text of 1 to 256 characters, or a whole number",
        ),
        (
            {"customer_id": LONG},
            "$.customer_id",
            "too long",
            "text of 1 to 256 characters, or a whole number",
        ),
        ({"incme": 1}, "$.incme", "unknown field", "did you mean income?"),
        ({LONG: 1}, f"$.{LONG[:60]}...", "unknown field", "a canonical column or an alias"),
        ({"Income": 1}, "$.Income", "given twice", "this or income, which is the same column"),
    ],
)
def test_each_problem_is_named_with_its_place_and_what_is_accepted(
    reader: Reader, changes: dict[str, Any], path: str, problem: str, accepted: str
) -> None:
    # json, since msgspec writes no number this long.
    body = json.dumps(a_customer() | changes).encode()
    assert problems(reader, body) == [Problem(path, problem, accepted)]


def test_all_problems_of_a_record_are_named_at_once(reader: Reader) -> None:
    found = problems(reader, changed(income=-1, kids_home="none", wealth=1, purchases_web=None))
    assert {p.path: p.problem for p in found} == {
        "$.income": "negative",
        "$.kids_home": "not a number",
        "$.wealth": "unknown field",
        "$.purchases_web": "missing",
    }


@pytest.mark.parametrize("body", [b"null", b"5", b'"text"', b"[[]]"])
def test_what_is_no_object_is_no_customer(reader: Reader, body: bytes) -> None:
    (found,) = problems(reader, body)
    assert (found.problem, found.accepted) == ("not an object", "an object of canonical columns")


def test_who_has_bought_nothing_yet_is_read_for_the_cold_start_model(reader: Reader) -> None:
    (read,) = reader.careful(msgspec.json.encode(a_new_customer()), MAX)
    assert isinstance(read, ReadCustomer)
    assert read.is_cold
    assert tuple(read.numbers) == reader.contract.cold_columns


def test_a_day_of_the_customer_s_own_moves_what_is_accepted(reader: Reader) -> None:
    found = numbers(reader, changed(as_of="2044-01-31", year_birth=2026))
    assert (found["as_of_year"], found["year_birth"]) == (2044.0, 2026.0)
    (problem,) = problems(reader, changed(as_of="2044-01-31", year_birth=2027))
    assert problem.accepted == "a whole number from 1944 to 2026"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"income": NaN}',
        b'{"income": Infinity}',
        b'{"income": 1e999}',
        b'{"customer_id": "\xff"}',
        b'{"customer_id": "\\ud800"}',
        b"[" * 100_000,
        b'{"income": ' + b"[" * 100_000,
        b"{} {}",
    ],
)
def test_what_is_no_json_is_told_apart_from_wrong_customers(reader: Reader, body: bytes) -> None:
    for is_list in (False, True):
        assert reader.fast(body, is_list=is_list) is None
    with pytest.raises(RefusedError, match="not JSON"):
        reader.careful(body, MAX)


def test_of_a_name_that_is_repeated_the_last_counts(reader: Reader) -> None:
    body = changed(income=1)
    last_is_right = body.replace(b'"income":1,', b'"income":-1,"income":1,')
    assert numbers(reader, last_is_right)["income"] == 1.0
    last_is_wrong = body.replace(b'"income":1,', b'"income":1,"income":-1,')
    assert [p.problem for p in problems(reader, last_is_wrong)] == ["negative"]


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("a", "a"),
        (" a b ", "a b"),
        ("a\n", "a"),
        ("\u2003a\x1f", "a"),
        ("x" * 256, "x" * 256),
        (5, "5"),
        (-(2**63), str(-(2**63))),
        (2**70, str(2**70)),
        (None, None),
    ],
)
def test_a_key_is_text_without_white_space_around_it(
    reader: Reader, sent: str | int | None, key: str | None
) -> None:
    body = json.dumps(a_customer() | {"customer_id": sent}).encode()
    (read,) = reader.careful(body, MAX)
    assert isinstance(read, ReadCustomer)
    assert read.customer_id == key
    if fast := reader.fast(body, is_list=False):
        assert fast[0].ids(fast[1]) == [key]


@pytest.mark.parametrize("space", _SPACE)
def test_every_white_space_of_a_batch_is_one_of_a_request(reader: Reader, space: str) -> None:
    spaced = msgspec.json.encode(a_customer() | {"customer_id": f"{space}a{space}"})
    assert reader.fast(spaced, is_list=False) is None
    (read,) = reader.careful(spaced, MAX)
    assert isinstance(read, ReadCustomer)
    assert read.customer_id == "a"


def canonical(sent: SentCustomer, contract: Contract) -> dict[str, Any]:
    """The record as the fast way wants it: categories and days in their one spelling."""
    record = dict(sent.record)
    for name, column in COLUMNS.items():
        if column.kind == "category":
            folded = record[name].strip().lower().replace(" ", "_")
            record[name] = {"2n_cycle": "second_cycle", "alone": "single"}.get(folded, folded)
        elif column.kind == "date":
            record[name] = contract.day(record[name]).isoformat()  # type: ignore[union-attr]
    return record


@given(sent=sent_customers(5))
def test_right_records_are_read_fast_and_as_with_care(
    reader: Reader, sent: list[SentCustomer]
) -> None:
    records = [canonical(one, reader.contract) for one in sent]
    for named in (records, [with_headers(record) for record in records]):
        body = msgspec.json.encode(named)
        fast = reader.fast(body, is_list=True)
        assert fast is not None
        assert_same(fast, reader.careful(body, MAX))


@given(sent=sent_customers(1, odd=2), value=st.sampled_from([None, True, [], {}, 0.5, 1e6, "", 1]))
def test_nothing_is_read_fast_that_would_be_refused_with_care(
    reader: Reader, sent: list[SentCustomer], value: Any
) -> None:
    record = canonical_where_it_can_be(sent[0], reader.contract)
    for name in ("income", "kids_home", "customer_id", "enrolled_on"):
        body = msgspec.json.encode([record | {name: value}])
        if (fast := reader.fast(body, is_list=True)) is not None:
            assert_same(fast, reader.careful(body, MAX))


def canonical_where_it_can_be(sent: SentCustomer, contract: Contract) -> dict[str, Any]:
    day = contract.day(sent.record["enrolled_on"])
    return sent.record | ({"enrolled_on": day.isoformat()} if day else {})


def assert_same(
    fast: tuple[FastReader, list[Any]], careful: list[ReadCustomer | list[Problem]]
) -> None:
    reader, read = fast
    customers = [one for one in careful if isinstance(one, ReadCustomer)]
    assert len(customers) == len(careful)
    assert reader.ids(read) == [one.customer_id for one in customers]
    np.testing.assert_array_equal(reader.matrix(read), matrix_of(customers))


def test_a_contract_whose_days_are_not_iso_s_is_read_with_care(
    metadata: list[dict[str, Any]],
) -> None:
    segmenter, cold_start = metadata
    reading = segmenter["customers"] | {"date_formats": ["%Y-%d-%m"]}
    odd = Reader(Contract(segmenter | {"customers": reading}, cold_start))
    body = changed(enrolled_on="2012-09-04")
    assert odd.fast(body, is_list=False) is None
    # The 4th of September, or the 9th of April.
    (problem,) = odd.careful(body, MAX)[0]
    assert (problem.path, problem.problem) == ("$.enrolled_on", "not a date")
    assert isinstance(odd.careful(changed(enrolled_on="2012-09-24"), MAX)[0], ReadCustomer)


def test_a_spelling_that_is_not_listed_counts_as_the_other_category(
    metadata: list[dict[str, Any]],
) -> None:
    segmenter, cold_start = deepcopy(metadata)
    segmenter["customers"]["columns"]["education"]["other"] = "basic"
    segmenter["columns"] += ["education"]
    contract = Contract(segmenter, cold_start)
    reader = Reader(contract)
    words = ("basic", "Night school", "PhD")
    codes = [numbers(reader, changed(education=word))["education"] for word in words]
    assert codes == [0.0, 0.0, 4.0]
    (missing,) = problems(reader, changed(education="unknown"))
    said = "one of basic, graduation, second_cycle, master, phd; anything else counts as basic"
    assert (missing.problem, missing.accepted) == ("missing", said)
    (wrong,) = problems(reader, changed(education=3))
    assert wrong.problem == "unknown category"
    assert "enum" not in field_schema(contract, "education")
