"""Outcomes are read as the customers' file is, and what cannot be read is refused with its row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from customer_segmentation.campaigns.assigned import customers_of, joined
from customer_segmentation.campaigns.outcomes import SentOutcomes, read_outcomes
from customer_segmentation.delivery.assignments import CONTACTS
from customer_segmentation.errors import UserError
from tests.marketing import SCHEMA

Source = Callable[..., Any]


@pytest.fixture
def read(source_of: Source, frame_of: Source) -> Callable[..., SentOutcomes]:
    def of(*rows: dict[str, str]) -> SentOutcomes:
        return read_outcomes(source_of([*rows], frame_of), "spring", SCHEMA)

    return of


def log(*rows: tuple[str, bool], campaign: str = "spring") -> pa.Table:
    return pa.table(
        {
            "customer_id": [key for key, _ in rows],
            "campaign": [campaign] * len(rows),
            "offer": ["voucher"] * len(rows),
            "channel": ["e_mail"] * len(rows),
            "segment": ["high_spend"] * len(rows),
            "day": ["2026-11-29"] * len(rows),
            "at": ["2026-11-29T00:00:00+00:00"] * len(rows),
            "in_hold_out": [is_held_out for _, is_held_out in rows],
            "cost": [3.0] * len(rows),
            "value": [11.0] * len(rows),
            "hold_out": [0.25] * len(rows),
            "currency": ["euros"] * len(rows),
        },
        CONTACTS,
    )


LOG = log(("1", False), ("2", False), ("3", False), ("4", True))


def test_headers_may_be_in_any_case_and_rows_of_a_customer_are_joined(
    read: Callable[..., SentOutcomes], records_of: Callable[..., Any]
) -> None:
    sent = read(
        {"Customer ID": " 1", "ANSWERED": "yes", "Amount": "3.5", "note": "x"},
        {"Customer ID": "2", "ANSWERED": "0", "Amount": "", "note": ""},
        {"Customer ID": "1", "ANSWERED": "", "Amount": "2", "note": ""},
    )
    assert records_of(sent.table.to_native()) == [
        {"customer_id": "1", "answered": 1.0, "amount": 5.5},
        {"customer_id": "2", "answered": 0.0, "amount": 0.0},
    ]
    assert (sent.rows, sent.several, sent.ignored) == (3, 1, ("note",))


def test_rows_of_another_campaign_are_counted_and_left_out(
    read: Callable[..., SentOutcomes],
) -> None:
    sent = read(
        {"ID": "1", "answered": "1", "campaign": "spring"},
        {"ID": "2", "answered": "1", "campaign": "winter"},
    )
    assert (len(sent.table), sent.other_campaigns) == (1, 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"ID": "1", "answered": "1"}, {"ID": "2", "answered": "2"}],
            "answered is neither 0 nor 1 in row 2",
        ),
        ([{"ID": "1", "answered": "perhaps"}], "answered is neither 0 nor 1 in row 1"),
        ([{"ID": "1", "amount": "ten"}], "amount is no number in row 1"),
        ([{"ID": "1", "amount": "inf"}], "amount is no number in row 1"),
        ([{"ID": "", "amount": "1"}], "ID is empty in row 1"),
        ([{"name": "1", "amount": "1"}], "none is customer_id"),
        ([{"ID": "1", "sales": "1"}], "none is answered or amount"),
        ([{"ID": "1", "customer_id": "1", "amount": "1"}], "both mean customer_id"),
        (
            [{"ID": "1", "amount": "1", "campaign": "winter"}],
            "is of winter, and the campaign measured is spring",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(
    read: Callable[..., SentOutcomes], rows: list[dict[str, str]], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read(*rows)


def test_every_row_and_customer_is_accounted_for(read: Callable[..., SentOutcomes]) -> None:
    sent = read({"ID": "1", "answered": "1"}, {"ID": "9", "answered": "1"})
    found = joined(customers_of(LOG, "spring"), sent, 1.0)
    account = found.account
    assert (account.found, account.without_row, account.not_in_campaign) == (1, 3, 1)
    (outcome,) = found.outcomes
    assert outcome.values.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert outcome.worth is not None
    assert outcome.worth.tolist() == [11.0, 0.0, 0.0, 0.0]
    assert found.assigned.costs.tolist() == [3.0, 3.0, 3.0, 0.0]
    assert found.assigned.held_out.tolist() == [False, False, False, True]


def test_amounts_are_worth_their_margin_and_answers_beside_them_nothing_more(
    read: Callable[..., SentOutcomes],
) -> None:
    sent = read({"ID": "1", "answered": "1", "amount": "40"})
    answered, amount = joined(customers_of(LOG, "spring"), sent, 0.25).outcomes
    assert answered.worth is None
    assert amount.worth is not None
    assert amount.worth.tolist() == [10.0, 0.0, 0.0, 0.0]


def test_a_file_that_leaves_the_held_out_out_is_told(read: Callable[..., SentOutcomes]) -> None:
    rows = [(str(number), number >= 100) for number in range(150)]
    sent = read(*({"ID": key, "answered": "1"} for key, is_held_out in rows if not is_held_out))
    account = joined(customers_of(log(*rows), "spring"), sent, 1.0).account
    assert account.only_contacted


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (log(), "nobody has been contacted in the campaign spring yet: run kedro campaign deliver"),
        (log(("1", True)), "nobody has been contacted in the campaign spring yet"),
        (log(("1", False), campaign="winter"), "set `campaign_planning.name` to one of winter"),
        (log(("1", False)), "the campaign spring has no hold-out"),
    ],
)
def test_a_campaign_that_cannot_be_measured_is_refused(assignments: pa.Table, message: str) -> None:
    with pytest.raises(UserError, match=message):
        customers_of(assignments, "spring")


def test_outcomes_of_strangers_are_refused(
    read: Callable[..., SentOutcomes],
) -> None:
    ours = customers_of(LOG, "spring")
    with pytest.raises(UserError, match="none of the 1 customers with outcomes is of the campaign"):
        joined(ours, read({"ID": "77", "answered": "1"}), 1.0)
