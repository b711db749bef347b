"""Who may be contacted: consent, rest, and what bars a customer, each told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from customer_segmentation.campaigns.consent import NEVER as FOR_EVER
from customer_segmentation.campaigns.consent import Statements
from customer_segmentation.campaigns.known import Known
from customer_segmentation.campaigns.listing import consented, list_candidates
from customer_segmentation.errors import UserError
from customer_segmentation.tables.campaign import WHY
from tests.campaigns.made import campaign, offer
from tests.marketing import SCHEMA

DAY = date(2014, 6, 30)
IDS = ["1", "2", "3", "4", "5", "6"]


def _known(**changes: Any) -> Known:
    number = len(IDS)
    known = Known(
        ids=np.array(IDS, dtype=object),
        segments=np.zeros(number, dtype=np.int64),
        keys=("affluent",),
        names=("Affluent",),
        p_response=np.full(number, 0.5),
        never=np.zeros(number, dtype=np.bool_),
        among=np.ones((number, 2), dtype=np.bool_),
        contacted_on=np.full(number, np.datetime64("NaT", "D")),
        as_of=DAY,
        engine="pandas",
    )
    return replace(known, **changes)


def _agreed(**purposes: list[str]) -> Statements:
    said = [(one, purpose) for purpose, ids in purposes.items() for one in ids]
    return Statements(
        np.array([one for one, _ in said], dtype=object),
        np.array([purpose for _, purpose in said], dtype=object),
        np.ones(len(said), dtype=np.bool_),
        np.full(len(said), np.datetime64("2014-01-01")),
        np.full(len(said), FOR_EVER),
    )


def _contacts(*rows: tuple[str, str, str, bool]) -> pa.Table:
    ids, names, days, held = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.table(
        {
            "customer_id": pa.array(ids, pa.string()),
            "campaign": pa.array(names, pa.string()),
            "day": pa.array(days, pa.string()),
            "in_hold_out": pa.array(held, pa.bool_()),
        }
    )


BOTH = campaign(
    quiet_days=14,
    offers={"mail": offer(purpose="e_mail"), "letter": offer(purpose="post")},
)


def test_an_offer_is_only_for_who_agreed_to_its_purpose() -> None:
    statements = _agreed(e_mail=["1", "2"], post=["2", "3", "stranger"])
    allowed = consented(_known(), statements, SCHEMA, BOTH, DAY)
    assert allowed.strangers == 1
    assert allowed.on_ground == 0
    of = list_candidates(_known(), allowed, _contacts(), BOTH, DAY)
    assert of.allowed[:4].tolist() == [[True, False], [True, True], [False, True], [False, False]]
    assert [WHY[code] for code in of.barred[3:]] == ["no consent"] * 3
    assert not of.barred[:3].any()


def test_the_first_reason_bars_a_customer() -> None:
    known = _known(
        segments=np.array([-1, 0, 0, 0, 0, 0]),
        never=np.array([True, True, False, False, False, False]),
        p_response=np.array([np.nan, 0.5, 0.5, np.nan, np.nan, 0.5]),
    )
    statements = _agreed(e_mail=["1", "2", "4", "5", "6"])
    allowed = consented(known, statements, SCHEMA, BOTH, DAY)
    contacts = _contacts(*((one, "winter", "2014-06-30", False) for one in ("1", "2", "3", "4")))
    of = list_candidates(known, allowed, contacts, BOTH, DAY)
    told = [WHY[code] if code else "" for code in of.barred]
    assert told == [
        *("not segmented", "never contacted", "no consent"),
        *("contacted recently", "response unknown", ""),
    ]


def test_rest_is_from_other_campaigns_within_the_quiet_days_and_not_for_who_was_held_out() -> None:
    allowed = consented(_known(), _agreed(e_mail=IDS), SCHEMA, BOTH, DAY)
    contacts = _contacts(
        ("1", "winter", "2014-06-16", False),
        ("2", "winter", "2014-06-15", False),
        ("3", "winter", "2014-06-20", True),
        ("4", "spring", "2014-06-29", False),
        ("5", "winter", "2014-07-02", False),
    )
    of = list_candidates(_known(), allowed, contacts, BOTH, DAY)
    rested = [one for one, code in zip(IDS, of.barred, strict=True) if code]
    assert rested == ["1", "5"]
    days = np.array(["2014-06-16", "2014-06-15", *["NaT"] * 4], dtype="datetime64[D]")
    of = list_candidates(_known(contacted_on=days), allowed, _contacts(), BOTH, DAY)
    assert (of.barred != 0).tolist() == [True, *[False] * 5]


def test_without_any_consent_there_is_no_campaign_but_on_a_stated_ground() -> None:
    with pytest.raises(UserError, match="SEGMENTATION_CONSENTS"):
        consented(_known(), Statements.none(), SCHEMA, BOTH, DAY)
    stated = BOTH.model_copy(update={"without_consent": "customers of ours"})
    allowed = consented(_known(), Statements.none(), SCHEMA, stated, DAY)
    assert allowed.may.all()
    assert allowed.on_ground == len(IDS)


def test_a_ground_is_not_for_who_said_anything() -> None:
    said = _agreed(e_mail=["1", "2"])
    withdrawn = replace(said, is_given=np.array([True, False]))
    stated = campaign(without_consent="customers of ours", offers={"a": offer(purpose="e_mail")})
    allowed = consented(_known(), withdrawn, SCHEMA, stated, DAY)
    assert allowed.may[:, 0].tolist() == [True, False, True, True, True, True]
    assert allowed.on_ground == 4


def test_an_offer_without_a_purpose_needs_no_consent() -> None:
    plain = campaign(offers={"counter": offer()})
    allowed = consented(_known(), Statements.none(), SCHEMA, plain, DAY)
    assert allowed.may.all()


def test_a_purpose_that_the_schema_does_not_declare_is_refused() -> None:
    wrong = campaign(offers={"a": offer(purpose="email")})
    with pytest.raises(UserError, match="did you mean e_mail"):
        consented(_known(), _agreed(e_mail=["1"]), SCHEMA, wrong, DAY)
