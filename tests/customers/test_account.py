"""The account of a source in words, and when it stops a run."""

from __future__ import annotations

from typing import Any

import pytest

from customer_segmentation.customers.account import account_lines, percent, refuse_losses
from customer_segmentation.errors import UserError

LINES_OF_A_WHOLE_SOURCE = [
    "export.csv: 1,000 rows, 1,000 customers kept (100 %), 0 left out, 0 repeats removed",
    "As of 2014-06-30 (customers.as_of); newest enrolled_on 2014-06-29, read as %d-%m-%Y",
    "Columns read: 1 of 1",
]


def account(**changes: Any) -> dict[str, Any]:
    """A source of 1,000 rows, all customers, but for the changes."""
    whole: dict[str, Any] = {
        "source_name": "export.csv",
        "rows_in": 1000,
        "customers": 1000,
        "quarantined": 0,
        "repeats": 0,
        "reasons": {},
        "lost_values": {},
        "shared_keys": 0,
        "outside_window": 0,
        "as_of": "2014-06-30",
        "newest_dates": {"enrolled_on": "2014-06-29"},
        "date_formats": {"enrolled_on": "%d-%m-%Y"},
        "columns": {"customer_id": "ID"},
        "ignored": [],
        "absent": [],
        "nearest": "",
        "warnings": [],
    }
    return whole | changes


def test_a_whole_source_is_told_in_three_lines() -> None:
    assert account_lines(account()) == LINES_OF_A_WHOLE_SOURCE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {
                "quarantined": 9,
                "reasons": {"a: missing": 4, "b: negative": 3, "c: x": 2, "d: y": 1},
            },
            "Left out most often for: a: missing (4); b: negative (3); c: x (2); 1 more",
        ),
        (
            {"lost_values": {"a: w": 4}},
            "Kept, with an unusable optional value dropped: a: w (4)",
        ),
        ({"newest_dates": {}}, "no date in the file says so; if the file is of another day, set"),
        (
            {"newest_dates": {"enrolled_on": "2013-06-01"}},
            "2013-06-01, read as %d-%m-%Y, more than a year before: if the file is of another day",
        ),
        (
            {"reasons": {"year_birth: age outside 18 to 100": 11}},
            "Warning: 11 rows have year_birth: age outside 18 to 100: if the file is of another",
        ),
        (
            {"reasons": {"enrolled_on: outside 2000-01-01 to 2014-06-30": 11}},
            "Warning: 11 rows have enrolled_on: outside 2000-01-01 to 2014-06-30: if the file",
        ),
        ({"ignored": ["A", "B\x1b[2J\n"]}, "Columns read: 1 of 3; ignored: A, B [2J"),
        ({"ignored": [f"C{n}" for n in range(14)]}, "C10, C11 and 2 more"),
        ({"absent": ["income"]}, "Not in the file: income"),
        (
            {"nearest": 'income: "X"'},
            'add to their headers in conf/schemas/marketing_campaign.yml: income: "X"',
        ),
        ({"warnings": ["look at income"]}, "Warning: look at income"),
    ],
)
def test_what_a_person_should_know_is_said(changes: dict[str, Any], words: str) -> None:
    assert words not in "\n".join(LINES_OF_A_WHOLE_SOURCE)
    assert words in "\n".join(account_lines(account(**changes)))


def test_every_column_is_named_where_asked_for() -> None:
    assert account_lines(account(), is_whole=True)[-1] == "  customer_id  ID"


@pytest.mark.parametrize(("left_out", "stops"), [(50, False), (51, True), (1000, True)])
def test_a_run_stops_where_more_rows_than_the_share_are_left_out(
    left_out: int, *, stops: bool
) -> None:
    found = account(customers=1000 - left_out, quarantined=left_out, reasons={"a: x": left_out})
    if not stops:
        refuse_losses(found, 0.05)
        return
    with pytest.raises(UserError, match=rf"{left_out:,} of 1,000 rows .* a: x \({left_out:,}\)"):
        refuse_losses(found, 0.05)


def test_a_source_without_a_customer_stops_whatever_the_share() -> None:
    found = account(customers=0, quarantined=1000, reasons={"a: x": 1000})
    with pytest.raises(UserError) as caught:
        refuse_losses(found, 1.0)
    assert "raise `preprocessing.max_left_out`" not in str(caught.value)


def test_lines_outside_the_window_are_no_losses_unless_no_line_is_left() -> None:
    window = {"day: outside 2014-01-01 to 2014-06-30": 900}
    some = account(customers=100, quarantined=900, outside_window=900, reasons=window)
    refuse_losses(some, max_left_out=0.05)
    told, *_ = account_lines(some | {"lines": 100, "customers": 9})
    assert "100 used as order lines of 9 customers" in told
    assert "900 left out (900 of them outside the window)" in told
    none = {"customers": 0, "quarantined": 1000, "outside_window": 1000}
    with pytest.raises(UserError, match=r"1,000 of 1,000 rows .* set `customers\.as_of` to it"):
        refuse_losses(some | none, max_left_out=0.05)


def test_keys_on_different_rows_stop_as_order_lines_above_one_in_a_hundred() -> None:
    reasons = {"customer_id: appears with different values": 11}
    refuse_losses(account(shared_keys=10, quarantined=10, reasons=reasons), 0.05)
    with pytest.raises(UserError, match="looks like order lines"):
        refuse_losses(account(shared_keys=11, quarantined=11, reasons=reasons), 0.05)


def test_another_day_is_offered_where_it_would_keep_the_rows() -> None:
    reasons = {"year_birth: age outside 18 to 100": 400}
    with pytest.raises(UserError, match=r"400 rows have year_birth: age .* set `customers\.as_of`"):
        refuse_losses(account(customers=600, quarantined=400, reasons=reasons), 0.05)


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (0.001, "under 1 %"), (0.05, "5 %"), (0.999, "over 99 %"), (1.0, "100 %")],
)
def test_a_share_that_is_not_quite_none_or_all_is_not_said_to_be(share: float, words: str) -> None:
    assert percent(share) == words


def test_rows_that_all_take_something_back_are_told_as_that() -> None:
    found = account(rows_in=4, customers=0, quarantined=0, reasons={}) | {"removed": 4}
    with pytest.raises(UserError, match="none of its 4 rows stands: each takes something back"):
        refuse_losses(found, 0.05)
