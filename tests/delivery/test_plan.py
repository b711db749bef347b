"""What the tables say of a planned campaign is the same on every engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.delivery.eligible import EligibleCustomers
from customer_segmentation.delivery.plan import planned, standing, with_emails
from customer_segmentation.errors import UserError
from customer_segmentation.schema.schema import Schema

PARAMETERS = CampaignParameters.model_validate(
    {
        "name": "spring",
        "hold_out": 0.1,
        "quiet_days": 0,
        "offers": {
            "voucher": {"channel": "e_mail", "purpose": "e_mail", "cost": 1.0, "value": 5.0},
            "shelf": {"channel": "store", "cost": 1.0, "value": 5.0},
        },
    }
)
AS_OF = datetime(2014, 6, 30)  # noqa: DTZ001 - a day
GOLD = {
    "customer_id": ["1", "2", "3", "4"],
    "as_of": [AS_OF] * 4,
    "campaign": ["spring"] * 4,
    "segment": ["a", "a", "b", "b"],
    "offer": ["voucher", "shelf", "voucher", ""],
    "channel": ["e_mail", "store", "e_mail", ""],
    "is_contacted": [1, 1, 0, 0],
    "in_hold_out": [0, 0, 1, 0],
}
SILVER = {
    "customer_id": ["1", "2", "5", "6"],
    "as_of": [AS_OF] * 4,
    "complained": [0.0, 1.0, None, 0.0],
    "email": ["a" * 64, None, "b" * 64, None],
}


@pytest.fixture(scope="module")
def schema(customers_block: dict[str, Any]) -> Schema:
    columns = customers_block["columns"] | {"email": {"kind": "email"}}
    return Schema.model_validate(customers_block | {"columns": columns})


def require_read(engine: Callable[..., Any], schema: Schema) -> None:
    plan = planned(engine(GOLD), PARAMETERS)
    assert (plan.campaign, plan.as_of) == ("spring", date(2014, 6, 30))
    customers = standing(engine(SILVER), schema)
    members = with_emails(plan.members, customers).to_pylist()
    told = [(m["customer_id"], m["offer"], m["purpose"], m["email_sha256"]) for m in members]
    assert told == [("1", "voucher", "e_mail", "a" * 64), ("2", "shelf", "", None)]
    (held_out,) = plan.held_out.to_pylist()
    assert (held_out["customer_id"], held_out["offer"]) == ("3", "voucher")
    assert customers.as_of == date(2014, 6, 30)
    assert customers.rows["never"].to_pylist() == [False, True, False, False]


def test_a_plan_and_the_customers_of_today_are_read(
    frame_of: Callable[..., Any], schema: Schema
) -> None:
    require_read(frame_of, schema)


@pytest.mark.spark
def test_spark_reads_the_same(spark: Any, schema: Schema) -> None:
    require_read(lambda columns: spark.createDataFrame(pa.table(columns)), schema)


def test_who_may_not_be_contacted_is_told_by_the_first_reason(
    frame_of: Callable[..., Any], schema: Schema
) -> None:
    customers = standing(frame_of(SILVER), schema)
    agreed = {"e_mail": pa.array(["1", "2"])}
    eligible = EligibleCustomers.of(customers, agreed, {"e_mail": "offers by e-mail"})
    rows = pa.table(
        {"customer_id": ["1", "2", "3", "5", "6"], "purpose": ["e_mail", "", "", "e_mail", ""]}
    )
    assert eligible.kept(rows)["customer_id"].to_pylist() == ["1", "6"]
    assert eligible.reasons(rows) == {
        "no customers any more": 1,
        "never contacted": 1,
        "without consent to offers by e-mail": 1,
    }


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"campaign": ["spring", "summer", "spring", "spring"]}, "holds .*spring.*summer"),
        (
            {"offer": ["gift", "shelf", "voucher", ""]},
            "offer gift, which campaign_summary does not know",
        ),
    ],
)
def test_a_plan_that_cannot_be_sent_is_refused(
    frame_of: Callable[..., Any], changes: dict[str, list[str]], problem: str
) -> None:
    with pytest.raises(UserError, match=problem):
        planned(frame_of(GOLD | changes), PARAMETERS)


def test_customers_without_the_flags_of_whom_never_to_contact_are_refused(
    frame_of: Callable[..., Any], schema: Schema
) -> None:
    with pytest.raises(UserError, match=r"has no complained, which `campaigns\.never`"):
        standing(frame_of({k: v for k, v in SILVER.items() if k != "complained"}), schema)
