"""What the model computes: each figure once, by name, so that reports cannot disagree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from customer_segmentation.schema.decisions import TIERS
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.columns import Table
from tools.deploy.powerbi.names import CUSTOMERS, FEATURES, HISTORY, SEGMENTS, TABLES, label
from tools.deploy.powerbi.writing import field
from tools.deploy.sql.texts import LIKELY
from tools.deploy.sql.views import NEAR

COUNT, MONEY, PERCENT, NUMBER, TEXT, DAY = "#,0", "#,0", "0.0%", "0.00", "", "yyyy-mm-dd"
_RESULTS, _CAMPAIGN, _MOVERS, _LEFT_OUT, _LIVE, _WORTH = (
    TABLES[f"gold_{name}"]
    for name in (
        *("campaign_results", "campaign", "movers", "unsegmented", "moves"),
        "lifetime_value",
    )
)


@dataclass(frozen=True)
class Measure:
    """A figure.

    Attributes:
        table: Where people find it.
        name: As they call it; no other has it.
        dax: How it is computed.
        format: How it is written; empty for text.
        folder: Of the table, where it stands.
        about: What it says, in one sentence without a full stop.
    """

    table: str
    name: str
    dax: str
    format: str
    folder: str
    about: str


def measures(schema: Schema, tables: dict[str, Table]) -> list[Measure]:
    """Every measure that a schema's tables can answer."""
    decided = {column.name for column in tables["gold_segments"].columns}
    return [
        *_sizes(),
        *_decisions(decided),
        *_spend(schema),
        *_worth(schema),
        *_moves(),
        *_campaign(),
        *_quality(schema),
    ]


def _sizes() -> Iterator[Measure]:
    size = "Size"
    margin = field(CUSTOMERS, "Margin")
    yield Measure(
        *(CUSTOMERS, "Customer count", f"COUNTROWS('{CUSTOMERS}')", COUNT, size),
        "Customers with a segment",
    )
    yield Measure(
        *(CUSTOMERS, "Share of customers"),
        f"DIVIDE([Customer count], CALCULATE([Customer count], REMOVEFILTERS('{SEGMENTS}')))",
        *(PERCENT, size, "Customers of the segment over those of all segments"),
    )
    yield Measure(
        *(CUSTOMERS, "Mean margin", f"AVERAGE({margin})", NUMBER, size),
        "How far from the border customers are: 0 halfway to another segment, 1 on a centre",
    )
    yield Measure(
        *(CUSTOMERS, "Share near a border"),
        f"DIVIDE(CALCULATE([Customer count], {margin} < {NEAR}), [Customer count])",
        *(PERCENT, size, f"Customers with a margin below {NEAR}, over all"),
    )


def _decisions(decided: set[str]) -> Iterator[Measure]:
    folder = "Whom to approach"
    waits = f'{field(CUSTOMERS, "Waits for offers")} = "yes"'
    affluent = f'{field(CUSTOMERS, "Affluence tier")} = "{TIERS[-1]}"'
    likely = f"{field(CUSTOMERS, 'Likely to spend')} >= {LIKELY}"
    if "waits_for_offers" in decided:
        yield Measure(
            *(CUSTOMERS, "Share who wait for offers"),
            f"DIVIDE(CALCULATE([Customer count], {waits}), [Customer count])",
            *(PERCENT, folder, "Customers who buy with discounts often enough, over all"),
        )
    if "affluence_tier" in decided:
        yield Measure(
            *(CUSTOMERS, "Affluent customers", f"CALCULATE([Customer count], {affluent})"),
            *(COUNT, folder, "Customers of the highest tier"),
        )
    if "likely_to_spend" in decided:
        yield Measure(
            *(CUSTOMERS, "Likely spenders", f"CALCULATE([Customer count], {likely})"),
            *(COUNT, folder, f"Customers from percentile {LIKELY} of expected spend on"),
        )
    if {"affluence_tier", "likely_to_spend"} <= decided:
        yield Measure(
            *(CUSTOMERS, "Affluent likely spenders"),
            f"CALCULATE([Customer count], {affluent}, {likely})",
            *(COUNT, folder, "Customers of the highest tier who are likely to spend"),
        )


def _spend(schema: Schema) -> Iterator[Measure]:
    if not schema.roles.spend:
        return
    spend, about = field(FEATURES, label(schema.roles.spend)), schema.money.period
    yield Measure(
        *(FEATURES, "Spend", f"SUM({spend})", MONEY, "Spend"),
        f"What customers spent in {about}, in {schema.money.unit}",
    )
    yield Measure(
        *(FEATURES, "Spend a customer", f"AVERAGE({spend})", MONEY, "Spend"),
        f"Mean of what a customer spent in {about}, in {schema.money.unit}",
    )
    yield Measure(
        *(FEATURES, "Share of spend"),
        f"DIVIDE([Spend], CALCULATE([Spend], REMOVEFILTERS('{SEGMENTS}')))",
        *(PERCENT, "Spend", "Spend of the segment over that of all segments"),
    )


def _worth(schema: Schema) -> Iterator[Measure]:
    if schema.lifetime:
        yield Measure(
            *(_WORTH, "Expected worth", f"SUM({field(_WORTH, 'Lifetime value')})"),
            *(MONEY, "Worth", "What customers are expected to be worth from now on"),
        )


def _moves() -> Iterator[Measure]:
    day = field(HISTORY, "As of")
    yield Measure(
        *(HISTORY, "Customers then"),
        f"CALCULATE(COUNTROWS('{HISTORY}'), {field(HISTORY, 'In force')} = TRUE())",
        *(COUNT, "Over time", "Customers of a day, as the last statement about that day has them"),
    )
    yield Measure(
        *(HISTORY, "Last day", f"MAX({day})", DAY, "Over time", "The last day that is told of")
    )
    yield Measure(
        *(_MOVERS, "Customers who moved", f"COUNTROWS('{_MOVERS}')", COUNT, "Moves"),
        "Customers who are in another segment than in the state before",
    )
    yield Measure(
        *(_MOVERS, "Share who moved"),
        f"DIVIDE([Customers who moved], CALCULATE([Customer count], REMOVEFILTERS('{SEGMENTS}')))",
        *(PERCENT, "Moves", "Customers who moved over all"),
    )
    yield Measure(
        *(_LIVE, "Moves seen live", f"COUNTROWS('{_LIVE}')", COUNT, "Moves"),
        "Moves that a stream of events saw",
    )


def _campaign() -> Iterator[Measure]:
    folder = "Plan"
    contacted = f"{field(_CAMPAIGN, 'Is contacted')} = 1"
    # Customers lead to the campaign and not back: a reason would not narrow [Customer count].
    yield Measure(
        *(_CAMPAIGN, "Customers considered", f"COUNTROWS('{_CAMPAIGN}')", COUNT, folder),
        "Customers of whom the plan says what becomes of them, and why",
    )
    yield Measure(
        *(_CAMPAIGN, "Contacted customers", f"SUM({field(_CAMPAIGN, 'Is contacted')})"),
        *(COUNT, folder, "Customers whom the campaign contacts"),
    )
    yield Measure(
        *(_CAMPAIGN, "Held-out customers", f"SUM({field(_CAMPAIGN, 'In hold out')})"),
        *(COUNT, folder, "Customers drawn by chance who get nothing, to measure the campaign"),
    )
    for name, column, about in (
        ("Contact cost", "Cost", "What the contacts cost"),
        ("Planned profit", "Expected profit", "Expected worth of the contacts less their cost"),
        ("Expected answers", "P response", "Answers that the contacts are expected to bring"),
    ):
        dax = f"CALCULATE(SUM({field(_CAMPAIGN, column)}), {contacted})"
        yield Measure(_CAMPAIGN, name, dax, MONEY, folder, about)
    whole = f'{field(_RESULTS, "Level")} = "all"'
    for name, column, about in (
        ("Profit brought", "Profit", "Worth of the increment less the cost, of the whole campaign"),
        ("Profit at least", "Profit low", "Lower bound of its 95 % interval"),
        ("Profit at most", "Profit high", "Upper bound of its 95 % interval"),
    ):
        dax = f"CALCULATE(SUM({field(_RESULTS, column)}), {whole})"
        yield Measure(_RESULTS, name, dax, MONEY, "Results", about)


def _quality(schema: Schema) -> Iterator[Measure]:
    folder = "Data quality"
    yield Measure(
        *(_LEFT_OUT, "Rows left out", f"COUNTROWS('{_LEFT_OUT}')", COUNT, folder),
        "Rows of the source without a segment, each with its reasons",
    )
    # Order lines are not of the same kind as customers.
    if not schema.orders:
        yield Measure(
            *(_LEFT_OUT, "Share left out"),
            "DIVIDE([Rows left out], [Rows left out] + "
            f"CALCULATE([Customer count], REMOVEFILTERS('{SEGMENTS}')))",
            *(PERCENT, folder, "Rows left out over these and all customers"),
        )
    yield Measure(
        *(CUSTOMERS, "Data as of", f"MAX({field(CUSTOMERS, 'As of')})", DAY, folder),
        "Day of the snapshot",
    )
    yield Measure(
        *(
            CUSTOMERS,
            "Days since the data",
            "IF(NOT ISBLANK([Data as of]), DATEDIFF([Data as of], TODAY(), DAY))",
        ),
        *(COUNT, folder, "Days from the snapshot to today"),
    )
    yield Measure(
        *(HISTORY, "Last run", f"MAX({field(HISTORY, 'Recorded at')})", TEXT, folder),
        "When the last statement was recorded, UTC",
    )
