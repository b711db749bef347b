"""What a response model learns from is what was known before each contact, and what came of it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from customer_segmentation.feedback.training import in_force, training_set

UNTIL = "2026-03-31"


def table(*rows: dict[str, Any], **same: Any) -> pa.Table:
    return pa.Table.from_pylist([same | row for row in rows])


def outcome(number: str, customer: str, **other: Any) -> dict[str, Any]:
    return {
        "outcome_id": number,
        "revision": 0,
        "customer_id": customer,
        "campaign": "spring",
        "answered": 1.0,
        "happened_at": "2026-03-05T00:00:00.000000Z",
        **other,
    }


def sent(customer: str, **other: Any) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "campaign": "spring",
        "day": "2026-03-02",
        "at": "2026-03-02T10:00:00+00:00",
        "offer": "voucher",
        "in_hold_out": False,
        **other,
    }


def plan(customer: str, income: float | None, **other: Any) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "campaign": "spring",
        "offer": "voucher",
        "answer_factor": 1.0,
        "chance": 1.0,
        "p_response": 0.4,
        "response_version": "a" * 12,
        "recorded_at": "2026-03-01T08:00:00.000000Z",
        "input_income": income,
        **other,
    }


def rows_of(*arguments: Any, **named: Any) -> list[dict[str, Any]]:
    return training_set(*arguments, **named).to_pylist()


def test_a_contact_has_what_was_known_by_the_last_plan_before_it() -> None:
    plans = table(
        plan("1", 10.0),
        plan("1", 20.0, recorded_at="2026-03-02T09:59:59.500000Z"),
        # Of the customer as they became after the contact.
        plan("1", 99.0, recorded_at="2026-03-02T10:00:01.000000Z"),
        plan("1", 77.0, campaign="autumn", recorded_at="2026-03-02T09:59:59.900000Z"),
    )
    [row] = rows_of(table(outcome("o", "1")), table(sent("1")), plans, UNTIL)
    assert row["income"] == 20.0
    assert row["answered"] == 1.0


def test_who_has_no_outcome_did_not_answer_and_a_correction_counts() -> None:
    outcomes = table(
        outcome("a", "1"),
        outcome("b", "2", answered=0.0, revision=3),
        outcome("b", "2", answered=1.0, revision=2),
        outcome("c", "3", happened_at="2026-04-01T00:00:00.000000Z"),
    )
    contacts = table(*(sent(key) for key in "1234"))
    plans = table(*(plan(key, float(key)) for key in "1234"))
    answered = {
        row["customer_id"]: row["answered"] for row in rows_of(outcomes, contacts, plans, UNTIL)
    }
    assert answered == {"1": 1.0, "2": 0.0, "3": 0.0, "4": 0.0}
    assert len(in_force(outcomes)) == 3


def test_a_contact_weighs_the_inverse_of_its_chance() -> None:
    plans = table(plan("1", 1.0), plan("2", None, chance=0.05))
    found = rows_of(table(outcome("o", "1")), table(sent("1"), sent("2")), plans, UNTIL)
    assert [(row["weight"], row["income"]) for row in found] == [(1.0, 1.0), (20.0, None)]


def test_nothing_is_learned_of_the_held_out_of_other_offers_and_of_campaigns_without_answers() -> (
    None
):
    contacts = table(
        sent("1", in_hold_out=True),
        sent("2"),
        sent("3", day="2026-04-01"),
        sent("4", campaign="autumn"),
        sent("5", campaign="bought"),
        sent("6", day="2026-02-01"),
        sent("7"),
    )
    plans = table(
        *(plan(key, 1.0) for key in "136"),
        plan("2", 1.0, answer_factor=1.5),
        plan("4", 1.0, campaign="autumn"),
        plan("5", 1.0, campaign="bought"),
    )
    outcomes = table(outcome("o", "1"), outcome("p", "5", campaign="bought", answered=None))
    assert rows_of(outcomes, contacts, plans, UNTIL, since="2026-03-01") == []


def test_tables_of_any_engine_are_taken() -> None:
    tables = (table(outcome("o", "1")), table(sent("1")), table(plan("1", 5.0)))
    as_pandas = [pd.DataFrame(each.to_pylist()) for each in tables]
    assert rows_of(*as_pandas, UNTIL) == rows_of(*tables, UNTIL)
    in_polars = [pl.from_arrow(each) for each in tables]
    assert rows_of(in_polars[0], tables[1], in_polars[2], UNTIL) == rows_of(*tables, UNTIL)
