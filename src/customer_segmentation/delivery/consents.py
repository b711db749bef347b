"""The customers who may be contacted for a purpose on the day of a delivery."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow as pa
from narwhals.typing import IntoFrame

from customer_segmentation.campaigns.consent import Statements, has_consent, stated_in_columns
from customer_segmentation.campaigns.consent_file import read_statements
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.schema.schema import Schema


def all_statements(
    consents: pa.Table | None, silver_customers: IntoFrame, schema: Schema
) -> Statements:
    """What customers have said of consent, in the file of consents and in their own table.

    Raises:
        UserError: The file cannot be read as it is.
    """
    said = [read_statements(consents, schema), stated_in_columns(silver_customers, schema)]
    return Statements.joined(said)


def agreed_customers(
    statements: Statements, customers: pa.Array, parameters: CampaignParameters, day: date
) -> Mapping[str, pa.Array]:
    """Purpose of an offer -> the ids of those who may be contacted for it, on a day.

    Where the parameters state another ground than consent, also those who never said anything.

    Args:
        statements: Of consent.
        customers: The ids of all customers.
        parameters: The offers, and the ground.
        day: Consent is as of it.
    """
    agreed = {}
    for purpose in {offer.purpose for offer in parameters.offers.values()} - {""}:
        may = has_consent(statements, purpose, day)
        if parameters.without_consent.strip():
            said = {*statements.customers[statements.purposes == purpose].tolist()}
            may |= {*customers.to_pylist()} - said
        agreed[purpose] = pa.array([*may], pa.string())
    return agreed
