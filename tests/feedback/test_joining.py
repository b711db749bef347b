"""Outcomes are joined to the contacts that they followed: each once, and none is lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest

from customer_segmentation.delivery.assignments import CONTACTS
from customer_segmentation.feedback.arrived import Arrived, read_arrived
from customer_segmentation.feedback.cells import moment
from customer_segmentation.feedback.joining import (
    BEFORE_CONTACT,
    NO_CAMPAIGN,
    NOT_IN_CAMPAIGN,
    OTHER_CONTENT,
    Joined,
    join_contacts,
)
from tests.feedback.test_training import plan
from tests.marketing import SCHEMA


def sent(*customers: str, held_out: str = "", day: str = "2026-03-02") -> pa.Table:
    row = {
        "campaign": "spring",
        "day": day,
        "at": f"{day}T10:00:00+00:00",
        "offer": "voucher",
        "channel": "e_mail",
        "segment": "high_spend",
        "cost": 3.0,
        "value": 11.0,
        "hold_out": 0.1,
        "currency": "euros",
    }
    rows = [
        row | {"customer_id": key, "in_hold_out": key == held_out}
        for key in filter(None, (*customers, held_out))
    ]
    return pa.Table.from_pylist(rows, CONTACTS)


def row(outcome: str, customer: str, **cells: str) -> dict[str, str]:
    told = {"outcome_id": outcome, "customer_id": customer, "campaign": "spring"}
    return told | {"answered": "1", "happened_at": "2026-03-05"} | cells


def arrived(*rows: dict[str, str], name: str = "inbox", before: int = 0) -> Arrived:
    headers = dict.fromkeys(header for each in rows for header in each)
    cells = {header: [each.get(header, "") for each in rows] for header in headers}
    return Arrived(name, before, "2026-03-06T00:00:00.000+00:00", pa.table(cells))


def join(*parts: Arrived, recorded: Any = None, log: Any = None, plans: Any = None) -> Joined:
    read = read_arrived(parts, SCHEMA)
    return join_contacts(read, recorded, log or sent("1", "2", held_out="3"), plans)


def reasons(joined: Joined) -> list[tuple[str, str]]:
    return [(one["outcome_id"], one["reason"]) for one in joined.apart.to_pylist()]


def test_an_outcome_stands_beside_what_was_sent_and_predicted() -> None:
    plans = pa.Table.from_pylist([plan("1", 1.0, p_response=0.25)])
    found = join(arrived(row("a", "1"), row("b", "3", answered="no")), plans=plans)
    first, held_out = found.new.to_pylist()
    assert first["sent_on"] == "2026-03-02"
    assert (first["segment"], first["offer"]) == ("high_spend", "voucher")
    assert (first["cost"], first["value"], first["in_hold_out"]) == (3.0, 11.0, 0)
    assert (first["p_response"], first["response_version"]) == (0.25, "a" * 12)
    assert (held_out["answered"], held_out["in_hold_out"], held_out["p_response"]) == (0.0, 1, None)
    assert found.without_plan == 1


def test_senders_may_spell_headers_differently_in_what_arrives_together() -> None:
    other = {"Outcome_ID": "b", "ID": "2", "CAMPAIGN": "spring", "answered": "1"}
    both = row("c", "1") | {"Outcome_ID": "d"}
    found = join(arrived(row("a", "1"), other | {"happened_at": "2026-03-05"}, both))
    assert [one["outcome_id"] for one in found.new.to_pylist()] == ["a", "b"]
    assert reasons(found) == [
        ("c", "outcome_id and Outcome_ID both mean outcome_id, and have a cell")
    ]


def test_the_same_outcome_by_two_ways_counts_once() -> None:
    by_api, by_folder = arrived(row("a", "1")), arrived(row("a", "1"), name="folder")
    found = join(by_api, by_folder)
    assert (len(found.new), found.repeats, len(found.apart)) == (1, 1, 0)
    again = join(by_api, by_folder, recorded=found.new)
    assert (len(again.new), again.repeats, len(again.apart)) == (0, 2, 0)


def test_a_correction_is_another_revision_and_a_late_one_counts_too() -> None:
    first = join(arrived(row("a", "1")))
    late = row("a", "1", revision="2", answered="0", happened_at="2031-01-01T00:00:00Z")
    found = join(arrived(row("a", "1"), late), recorded=first.new)
    assert [(one["revision"], one["answered"]) for one in found.new.to_pylist()] == [(2, 0.0)]


def test_other_content_under_the_same_revision_is_kept_apart() -> None:
    found = join(arrived(row("a", "1"), row("a", "1", answered="0")))
    assert found.new.to_pylist()[0]["answered"] == 1.0
    assert reasons(found) == [("a", OTHER_CONTENT)]
    again = join(arrived(row("a", "1", answered="0")), recorded=found.new)
    assert (len(again.new), reasons(again)) == (0, [("a", OTHER_CONTENT)])


def test_what_was_not_sent_or_happened_before_is_kept_apart_and_told() -> None:
    found = join(
        arrived(
            row("a", "1", campaign="autumn"),
            row("b", "stranger"),
            row("c", "2", happened_at="2026-03-01T23:59:59Z"),
            row("d", "2", happened_at="2026-03-02"),
        )
    )
    assert reasons(found) == [("a", NO_CAMPAIGN), ("b", NOT_IN_CAMPAIGN), ("c", BEFORE_CONTACT)]
    assert found.new["outcome_id"].to_pylist() == ["d"]


def test_what_is_apart_counts_once_the_log_knows_of_it_and_is_gone_once_corrected() -> None:
    parts = arrived(row("a", "9"), row("b", "1", answered="perhaps"), row("b", "1", revision="1"))
    before = join(parts)
    assert reasons(before) == [("a", NOT_IN_CAMPAIGN)]
    after = join(parts, log=sent("1", "9"), recorded=before.new)
    assert after.new["outcome_id"].to_pylist() == ["a"]
    assert reasons(after) == []


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"outcome_id": ""}, "no outcome_id"),
        ({"customer_id": " "}, "no customer_id"),
        ({"campaign": ""}, "no campaign"),
        ({"answered": "2"}, "neither 0 nor 1"),
        ({"amount": "much"}, "amount is no number"),
        ({"answered": "", "amount": ""}, "neither answered nor amount"),
        ({"happened_at": "yesterday"}, "no day or moment"),
        ({"happened_at": "0001-01-01T00:00:00+14:00"}, "no day or moment"),
        ({"revision": "1.5"}, "no whole number"),
        ({"revision": "-1"}, "no whole number"),
    ],
)
def test_an_outcome_that_cannot_be_read_says_why(cells: dict[str, str], told: str) -> None:
    found = join(arrived(row("a", "1") | cells, row("z", "2")))
    [(_, reason)] = reasons(found)
    assert told in reason
    assert found.new["outcome_id"].to_pylist() == ["z"]


def test_outcomes_without_a_column_or_with_one_twice_are_kept_apart() -> None:
    lacking = Arrived("inbox", 0, "2026-03-06", pa.table({"customer_id": ["1", "2"]}))
    twice = Arrived("inbox", 2, "2026-03-06", pa.table({"Outcome_ID": ["1"], "outcome id": ["1"]}))
    found = join(lacking, twice)
    told = Counter(reason for _, reason in reasons(found))
    assert told["it has no outcome_id"] == 2
    assert any("both mean outcome_id" in reason for reason in told)
    assert len({one["row_number"] for one in found.apart.to_pylist()}) == 3


def test_moments_are_of_utc_and_sort_as_text() -> None:
    assert moment("2026-03-05") == "2026-03-05T00:00:00.000000Z"
    assert moment("2026-03-05T01:30:00+02:00") == "2026-03-04T23:30:00.000000Z"
    assert moment("5.3.2026") is None


def test_nothing_arrived_is_nothing() -> None:
    found = join()
    assert (len(found.new), len(found.apart), found.repeats) == (0, 0, 0)
