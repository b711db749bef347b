"""Who was contacted in a campaign and who was held out, joined with what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoDataFrame
from numpy.typing import NDArray

from customer_segmentation.campaigns.intervals import Numbers
from customer_segmentation.campaigns.measure import Assigned, Outcome
from customer_segmentation.campaigns.outcomes import AMOUNT, ANSWERED, SentOutcomes
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY

_HAS_ROW = "has_row"
_NAMED = 5
_OFFER, _SEGMENT, _HELD_OUT, _CAMPAIGN = "offer", "segment", "in_hold_out", "campaign"
_CURRENCY = "currency"
# If nothing were brought, so many of the held-out would have a row.
_EXPECTED_ROWS = 10.0


@dataclass(frozen=True)
class Account:
    """Where the rows of outcomes went.

    Attributes:
        rows: Rows of the file.
        found: Customers of the campaign with a row.
        without_row: Customers of the campaign without one, who count as no answer.
        not_in_campaign: Customers with a row who are not of the campaign, and are left out.
        other_campaigns: Rows that say that they are of another campaign, and are left out.
        several: Customers with several rows, which are joined.
        ignored: Headers that are not read.
        only_contacted: Rows are of contacted customers alone, and not by chance.
    """

    rows: int
    found: int
    without_row: int
    not_in_campaign: int
    other_campaigns: int
    several: int
    ignored: tuple[str, ...]
    only_contacted: bool


@dataclass(frozen=True)
class MeasuredCampaign:
    """Everything that a measurement needs: the customers of a campaign, and what came of them.

    Attributes:
        name: Of the campaign.
        currency: Of costs and values.
        hold_out: The planned share of the held-out.
        assigned: Its customers.
        outcomes: What came of them.
        account: Where the rows went.
    """

    name: str
    currency: str
    hold_out: float
    assigned: Assigned
    outcomes: list[Outcome]
    account: Account


def customers_of(assignments: IntoDataFrame, campaign: str) -> nw.DataFrame[Any]:
    """The customers of a campaign, contacted or held out.

    Args:
        assignments: Each customer of each campaign once, as `delivery.assignments` tells them.
        campaign: Its name.

    Raises:
        UserError: Nobody was contacted, nobody was held out, or amounts are of two currencies.
    """
    log = nw.from_native(assignments, eager_only=True)
    ours = log.filter(nw.col(_CAMPAIGN) == campaign)
    held_out = int(ours[_HELD_OUT].sum() or 0)
    if held_out == len(ours):
        known = sorted(log.filter(~nw.col(_HELD_OUT))[_CAMPAIGN].unique().to_list())
        others = f", or set `campaign_planning.name` to one of {', '.join(known[:_NAMED])}"
        raise UserError(
            f"nobody has been contacted in the campaign {campaign} yet: run kedro campaign deliver "
            f"first{others if known else ''}"
        )
    if not held_out:
        raise UserError(
            f"the campaign {campaign} has no hold-out: nobody can tell what its {len(ours):,} "
            "customers would have done without it. Plan the next one with "
            "`campaign_planning.hold_out` above 0"
        )
    if len(currencies := sorted(ours[_CURRENCY].unique().to_list())) > 1:
        raise UserError(
            f"the campaign {campaign} was delivered with amounts in {' and '.join(currencies)}: "
            "nobody can tell what it brought in one of them. Give the next one another name"
        )
    return ours


def joined(
    customers: nw.DataFrame[Any],
    sent: SentOutcomes,
    margin: float,
) -> MeasuredCampaign:
    """Customers of a campaign with their outcomes, costs, and what outcomes are worth.

    Args:
        customers: As `customers_of` gives them.
        sent: Outcomes, one row a customer.
        margin: The share of amounts that is profit.

    Raises:
        UserError: No outcome is of a customer of the campaign.
    """
    table = nw.from_dict(
        {name: sent.table[name].to_list() for name in (KEY, *sent.names)},
        backend=customers.implementation,
    ).with_columns(nw.lit(value=True).alias(_HAS_ROW))
    rows = customers.join(table, on=KEY, how="left").sort(KEY)
    has_row = rows[_HAS_ROW].fill_null(value=False).to_numpy().astype(bool)
    if not has_row.any():
        raise UserError(
            f"none of the {len(sent.table):,} customers with outcomes is of the campaign "
            f"{rows[_CAMPAIGN][0]}: SEGMENTATION_OUTCOMES is of another one, or its ids are "
            "written otherwise"
        )
    held_out = rows[_HELD_OUT].to_numpy().astype(bool)
    offers = rows[_OFFER].to_numpy().astype(object)
    costs, values = (rows[name].to_numpy().astype(np.float64) for name in ("cost", "value"))
    found = {name: rows[name].fill_null(0.0).to_numpy().astype(np.float64) for name in sent.names}
    assigned = Assigned(
        rows[_SEGMENT].to_numpy().astype(object), offers, held_out, np.where(held_out, 0.0, costs)
    )
    return MeasuredCampaign(
        str(rows[_CAMPAIGN][0]),
        str(rows[_CURRENCY][0]),
        float(rows["hold_out"].mean()),
        assigned,
        [Outcome(name, found[name], _worth(name, found, values, margin)) for name in sent.names],
        Account(
            sent.rows,
            int(has_row.sum()),
            int((~has_row).sum()),
            len(sent.table) - int(has_row.sum()),
            sent.other_campaigns,
            sent.several,
            sent.ignored,
            _is_of_contacted_alone(has_row, held_out),
        ),
    )


def _worth(name: str, found: dict[str, Numbers], values: Numbers, margin: float) -> Numbers | None:
    """What an outcome is worth; amounts tell it where there are any."""
    if name == AMOUNT:
        return found[AMOUNT] * margin
    return None if AMOUNT in found else found[ANSWERED] * values


def _is_of_contacted_alone(has_row: NDArray[np.bool_], held_out: NDArray[np.bool_]) -> bool:
    rate = float(has_row[~held_out].mean())
    return bool(not has_row[held_out].any() and rate * held_out.sum() >= _EXPECTED_ROWS)
