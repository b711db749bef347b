"""The columns of the gold tables, with their types and what they hold, for who makes tables of SQL.

A run makes its tables by saving rows; engines that only read them, and people who look into them,
are told here what comes. A test holds it against the tables of runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from customer_segmentation.schema.decisions import INTERMEDIATE, PERCENTILE
from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.lifetime import VALUES, described
from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY, STANDARDISED
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.campaign import MAY_GET
from customer_segmentation.tables.history import CREATED, RECORDED_AT, RUN_ID
from customer_segmentation.tables.outcomes import (
    ANSWER_FACTOR,
    CHANCE,
    HAPPENED_AT,
    IN_HOLD_OUT,
    INPUT,
    OUTCOME_ID,
    RECEIVED_AT,
    RESPONSE_VERSION,
    REVISION,
    SENT_ON,
)
from customer_segmentation.tables.schemas import (
    ARTIFACT_VERSION,
    CAUSE,
    EVENT_TIME,
    FEATURE_VERSION,
    TableContract,
    tables_of,
)

# `day` is midnight of a day, and `moment` a time in UTC; both are timestamps, without a zone in
# Parquet.
Type = Literal["text", "number", "whole", "day", "moment"]


@dataclass(frozen=True)
class TypedColumn:
    """A column of a table.

    Attributes:
        name: In the table.
        type: How it is stored; `number` is a float64, `whole` an int64.
        comment: What it holds, in one sentence without a full stop.
        required: Whether it is never missing.
    """

    name: str
    type: Type
    comment: str
    required: bool = False


@dataclass(frozen=True)
class Table:
    """A gold table.

    Attributes:
        name: In the catalog, such as `gold_segments`.
        comment: What a row is, in one sentence without a full stop.
        columns: In their order.
        contract: What it promises.
    """

    name: str
    comment: str
    columns: tuple[TypedColumn, ...]
    contract: TableContract


_ABOUT = {
    "gold_features": "One row a customer: what is known of them, as numbers, and features",
    "gold_segments": "One row a customer: segment, runner-up, margin and every decision",
    "gold_unsegmented": "One row a row of the source without a segment, with every reason",
    "gold_segment_profiles": "One row a segment and measure: its mean, the base's, and the index",
    "gold_history": "One row a customer and statement: where they were on a day, as was known then",
    "gold_movers": "One row a customer who is in another segment than in the state before",
    "gold_moves": "One row a move that a stream saw, with its cause",
    "gold_campaign": "One row a customer: what the campaign does with them, and why",
    "gold_campaign_inputs": "One row a customer whom a plan chose: what was known of them then",
    "gold_outcomes": "One row an outcome and revision: what came of a contact, beside it",
    "gold_lifetime_value": "One row a customer: purchases and worth that are expected of them",
    "gold_feature_table": "One row a customer: features raw and as the segmenter sees them",
    "gold_feature_history": "One row a customer and statement: features on a day, as was known",
    "gold_campaign_results": "One row an outcome and part of a campaign: what it brought",
    "gold_monitoring": "One row a figure of a window: how it is against the champion's baseline",
}
_KEY = TypedColumn(KEY, "text", "Key of the customer, as the source has it")
_DAY = TypedColumn(AS_OF, "day", "Day of the snapshot that it holds for")
_VERSION = TypedColumn(ARTIFACT_VERSION, "text", "Version of the model that said so")
_RUN = TypedColumn(RUN_ID, "text", "Run or stream that said so")
_RECORDED = TypedColumn(RECORDED_AT, "text", "When it was recorded, UTC, as ISO 8601")
_SAMPLE = TypedColumn(SAMPLE_KEY, "whole", "Number from the key by which samples are drawn")
_SEGMENT = TypedColumn("segment", "text", "Key of the segment; `unsegmented` without one")
_SEGMENT_NAME = TypedColumn("segment_name", "text", "Name of the segment, for people")
_SEGMENT_ID = TypedColumn("segment_id", "whole", "Code of the segment in the model; -1 without one")
_RUNNER_UP = TypedColumn("runner_up", "text", "Key of the next nearest segment")
_MARGIN = TypedColumn("margin", "number", "0 halfway between two segments, 1 on a centre")
_CAMPAIGN = TypedColumn("campaign", "text", "Name of the campaign")
_OFFER = TypedColumn("offer", "text", "The offer; empty without one")
_REASONS = TypedColumn("reasons", "text", "Every reason, separated by semicolons")
_ROW = TypedColumn("row_number", "whole", "Row of the source, the first is 1")


def gold_tables(schema: Schema) -> dict[str, Table]:
    """Each gold table of a schema's customers, by its name in the catalog.

    Columns of the source that an export may lack are left out of a run's tables where it lacks
    them; here all are named.
    """
    contracts = tables_of(schema)
    columns = _columns(schema)
    return {
        name: Table(name, about, tuple(_required(columns[name], contracts[name])), contracts[name])
        for name, about in _ABOUT.items()
    }


def _required(columns: Iterable[TypedColumn], contract: TableContract) -> Iterator[TypedColumn]:
    never_missing = {*contract.key, *contract.required}
    for column in columns:
        yield TypedColumn(column.name, column.type, column.comment, column.name in never_missing)


def _columns(schema: Schema) -> dict[str, list[TypedColumn]]:
    features, expected = _features(schema), _expected(schema)
    known = [*(expected if schema.lifetime else ()), *_standardised(schema)]
    event_time = TypedColumn(EVENT_TIME, "day", "Day of the snapshot that the features hold for")
    answers = [_SEGMENT, _SEGMENT_NAME, _RUNNER_UP, _MARGIN]
    return {
        "gold_features": [_KEY, _DAY, _SAMPLE, *features],
        "gold_segments": [
            *(_KEY, _DAY, _SEGMENT, _SEGMENT_NAME, _SEGMENT_ID, _RUNNER_UP, _MARGIN),
            *(
                TypedColumn(
                    one.name, "number" if one.unit == PERCENTILE else "text", one.description
                )
                for one in schema.decisions.values()
                if one.name not in INTERMEDIATE
            ),
            _VERSION,
        ],
        "gold_unsegmented": [_KEY, _ROW, _SEGMENT, _REASONS, _DAY, _VERSION],
        "gold_segment_profiles": [
            _SEGMENT,
            _SEGMENT_NAME,
            _SEGMENT_ID,
            TypedColumn("customers", "whole", "Customers in the segment"),
            TypedColumn("share", "number", "Share of all customers in the segment"),
            TypedColumn("measure", "text", "Feature, or a decision and its label"),
            TypedColumn("mean", "number", "Mean of the segment"),
            TypedColumn("base_mean", "number", "Mean of all customers"),
            TypedColumn("index", "number", "100 times the segment's mean over that of all"),
        ],
        "gold_history": [_KEY, _DAY, *answers, _VERSION, _RUN, _RECORDED],
        "gold_movers": _movers(),
        "gold_moves": _moves(),
        "gold_campaign": _campaign(),
        "gold_campaign_inputs": _inputs(schema),
        "gold_outcomes": _outcomes(),
        "gold_lifetime_value": [_KEY, _DAY, *expected],
        "gold_feature_table": [_KEY, event_time, *features, *known],
        "gold_feature_history": [
            *(_KEY, event_time, *features, *known, _DAY),
            TypedColumn(FEATURE_VERSION, "whole", "Version of the features' definitions"),
            _VERSION,
            TypedColumn(CREATED, "moment", "When it was recorded, UTC"),
            *(_RECORDED, _RUN),
        ],
        "gold_campaign_results": _results(),
        "gold_monitoring": _monitoring(),
    }


def _features(schema: Schema) -> list[TypedColumn]:
    """What is known of a customer as numbers, and each feature."""
    features = schema.features.values()
    return [
        *_known(schema),
        *(TypedColumn(one.name, "number", one.description) for one in features),
    ]


def _known(schema: Schema, prefix: str = "") -> Iterator[TypedColumn]:
    dates = _dates(schema)
    for name in schema.numeric_columns([*schema.columns, AS_OF]):
        column = schema.columns.get(name)
        codes = f"; codes 0 to {len(column.categories) - 1}" if column and column.categories else ""
        about = column.description if column else dates[name]
        yield TypedColumn(prefix + name, "number", about + codes)


def _dates(schema: Schema) -> dict[str, str]:
    """What the year and the day of the year are that stand for each date."""
    found: dict[str, str] = {}
    dates = {one.name: one.description for one in schema.columns.values() if one.kind == "date"}
    for name, about in (dates | {AS_OF: _DAY.comment}).items():
        year, day = date_parts(name)
        found |= {year: f"{about}: its year", day: f"{about}: its day of the year"}
    return found


def _standardised(schema: Schema) -> list[TypedColumn]:
    return [
        TypedColumn(name + STANDARDISED, "number", f"{name} as the segmenter sees it")
        for name in schema.segment_numbers
    ]


def _expected(schema: Schema) -> list[TypedColumn]:
    told = described(schema.lifetime, schema.money.unit) if schema.lifetime else {}
    return [TypedColumn(name, "number", told.get(name, (name, "", ""))[0]) for name in VALUES]


def _movers() -> list[TypedColumn]:
    return [
        _KEY,
        TypedColumn("from_segment", "text", "Key of the segment before"),
        TypedColumn("from_name", "text", "Name of the segment before"),
        TypedColumn("from_artifact_version", "text", "Version of the model before"),
        TypedColumn("from_as_of", "day", "Day of the state before"),
        _DAY,
        TypedColumn("to_segment", "text", "Key of the segment now"),
        TypedColumn("to_name", "text", "Name of the segment now"),
        _VERSION,
        TypedColumn(CAUSE, "text", "What made the customer move: data, model, both or unknown"),
    ]


def _moves() -> list[TypedColumn]:
    return [
        _KEY,
        TypedColumn("from_segment", "text", "Key of the segment before; none for who entered"),
        TypedColumn("from_name", "text", "Name of the segment before"),
        TypedColumn("to_segment", "text", "Key of the segment now; none for who left"),
        TypedColumn("to_name", "text", "Name of the segment now"),
        TypedColumn(CAUSE, "text", "entered, left, data, model, both or unknown"),
        *(_DAY, _VERSION, _RECORDED, _RUN),
    ]


def _campaign() -> list[TypedColumn]:
    return [
        *(_KEY, _DAY),
        _CAMPAIGN,
        TypedColumn("campaign_day", "day", "Day of the contact"),
        *(_SEGMENT, _OFFER),
        TypedColumn("channel", "text", "How the customer is contacted; empty without an offer"),
        TypedColumn("cost", "number", "Cost of the contact"),
        TypedColumn("p_response", "number", "Probability of an answer"),
        TypedColumn("expected_profit", "number", "Expected worth of the contact less its cost"),
        TypedColumn("is_contacted", "whole", "1 for who is contacted"),
        TypedColumn("in_hold_out", "whole", "1 for who would be contacted, and is held out"),
        TypedColumn("chance", "number", "Chance that the customer had to be on the list"),
        TypedColumn("why", "text", "Why the customer is contacted or not"),
        TypedColumn(MAY_GET, "text", "Offers that the customer may get, separated by |"),
        _VERSION,
    ]


def _inputs(schema: Schema) -> list[TypedColumn]:
    return [
        *(_KEY, _CAMPAIGN, _DAY, _OFFER),
        TypedColumn(
            ANSWER_FACTOR, "number", "How many times as often it was thought to be answered"
        ),
        TypedColumn(CHANCE, "number", "Probability with which such a customer was contacted"),
        TypedColumn("p_response", "number", "Probability of an answer, as the model said"),
        TypedColumn("p_planned", "number", "The same as the campaign was planned with"),
        TypedColumn(RESPONSE_VERSION, "text", "Version of the response model"),
        *_known(schema, INPUT),
        *(_RECORDED, _RUN),
    ]


def _outcomes() -> list[TypedColumn]:
    return [
        TypedColumn(OUTCOME_ID, "text", "Name of the outcome, as its sender has it"),
        TypedColumn(REVISION, "whole", "Of an outcome the highest revision is in force"),
        *(_KEY, _CAMPAIGN),
        TypedColumn("answered", "number", "1 for an answer, 0 for none"),
        TypedColumn("amount", "number", "What the customer bought"),
        TypedColumn(HAPPENED_AT, "text", "When it happened, UTC, as ISO 8601"),
        TypedColumn(RECEIVED_AT, "text", "When it arrived, UTC, as ISO 8601"),
        TypedColumn(SENT_ON, "day", "Day on which the customer was first sent, or held out"),
        *(_SEGMENT, _OFFER),
        TypedColumn("cost", "number", "Cost of a contact, as planned"),
        TypedColumn("value", "number", "Value of an answer, as planned"),
        TypedColumn(IN_HOLD_OUT, "whole", "1 for who was held out"),
        TypedColumn("p_response", "number", "Probability of an answer, as the model said"),
        TypedColumn(
            RESPONSE_VERSION, "text", "Version of that model; none if the plan is not known"
        ),
        *(_RECORDED, _RUN),
    ]


def _results() -> list[TypedColumn]:
    numbers = {
        "mean_contacted": "Mean outcome of the contacted",
        "mean_held_out": "Mean outcome of the held-out",
        "incremental": "What the contacted did beyond what they would have done alone, in all",
        "low": "Lower bound of its 95 % interval",
        "high": "Upper bound of its 95 % interval",
        "cost": "Cost of the contacts",
        "profit": "Worth of the increment less the cost",
        "profit_low": "Lower bound of its 95 % interval",
        "profit_high": "Upper bound of its 95 % interval",
    }
    return [
        _CAMPAIGN,
        TypedColumn("outcome", "text", "Name of the outcome"),
        TypedColumn("level", "text", "The parts that the row is one of"),
        TypedColumn("segment", "text", "Key of the segment; empty for all"),
        TypedColumn("offer", "text", "The offer; empty for all"),
        TypedColumn("contacted", "whole", "Customers who got an offer"),
        TypedColumn("held_out", "whole", "Customers who would have got one"),
        *(TypedColumn(name, "number", about) for name, about in numbers.items()),
        TypedColumn("verdict", "text", "What the interval allows to say"),
    ]


def _monitoring() -> list[TypedColumn]:
    return [
        TypedColumn("source", "text", "Where: batch, api or stream"),
        TypedColumn("window_start", "text", "Start of the window, UTC; of a batch, its day"),
        TypedColumn("window_end", "text", "End of the window, likewise"),
        TypedColumn("subject", "text", "What it is about: input, segment, response, rows, service"),
        TypedColumn("name", "text", "Which one, such as a column or a segment; empty for all"),
        TypedColumn("measure", "text", "The figure, such as psi or missing_share"),
        TypedColumn("value", "number", "Its value; missing where it cannot be told"),
        TypedColumn("bound", "number", "Beyond which it is an alarm; missing if only told"),
        TypedColumn("is_alarm", "whole", "1 if it is beyond its bound"),
        TypedColumn("since", "text", "Start of the first window in a row beyond; else empty"),
        TypedColumn("affected", "whole", "Customers whom it is about"),
        TypedColumn("money", "number", "What it is thought to cost a window; missing if unknown"),
        TypedColumn("customers", "whole", "Customers of the window"),
        TypedColumn(ARTIFACT_VERSION, "text", "Version of the model that the baseline is of"),
        *(_DAY, _RECORDED, _RUN),
    ]
