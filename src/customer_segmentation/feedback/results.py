"""What each campaign brought, by the outcomes that are in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from customer_segmentation.campaigns.assigned import customers_of, joined
from customer_segmentation.campaigns.measured import summarise_results
from customer_segmentation.campaigns.outcomes import AMOUNT, ANSWERED, CAMPAIGN, SentOutcomes
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY


def campaign_results(
    outcomes: nw.DataFrame[Any],
    sent: Any,  # noqa: ANN401 - any table
    margin: float,
) -> list[dict[str, Any]]:
    """Of each campaign with outcomes what it brought against its hold-out, or why none can tell.

    Args:
        outcomes: In force, of all campaigns.
        sent: Each customer of each campaign once, as `delivery.assignments` tells them.
        margin: The share of amounts that is profit.

    Returns:
        By campaign, `campaigns.measured.summarise_results`; or `campaign`, its name, and `reason`.
    """
    found = []
    for campaign in sorted(outcomes[CAMPAIGN].unique().to_list()):
        told = of_campaign(outcomes.filter(nw.col(CAMPAIGN) == campaign))
        try:
            measured = joined(customers_of(sent, campaign), told, margin)
        except UserError as error:
            found.append({"campaign": campaign, "reason": str(error)})
        else:
            found.append(summarise_results(measured))
    return found


def of_campaign(outcomes: nw.DataFrame[Any]) -> SentOutcomes:
    """Outcomes of one campaign, one row a customer: any answer counts, amounts are added up."""
    names = tuple(n for n in (ANSWERED, AMOUNT) if outcomes[n].null_count() < len(outcomes))
    known = outcomes.select(KEY, *(nw.col(name).fill_null(0.0) for name in names))
    how = {ANSWERED: nw.col(ANSWERED).max(), AMOUNT: nw.col(AMOUNT).sum()}
    table = known.group_by(KEY).agg(nw.len().alias("rows"), *(how[name] for name in names))
    return SentOutcomes(
        table.select(KEY, *names).sort(KEY),
        names,
        len(outcomes),
        0,
        int((table["rows"] > 1).sum()),
        (),
    )


def shown(results: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of campaigns that could be measured."""
    return [one for one in results if "results" in one]
