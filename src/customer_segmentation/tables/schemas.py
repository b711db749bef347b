"""The promises of each table: its key, what is never missing, and what its columns may hold.

They hold in every environment: in memory before a save on pandas, on the file before it is
published on Polars, as Delta's own constraints and before the merge on Spark.
"""

from __future__ import annotations

from dataclasses import dataclass

from customer_segmentation.customers.purchases import AGE, PURCHASES, RECENCY, REPEAT_SPEND
from customer_segmentation.customers.quarantine import ROW_NUMBER, SOURCE_HASH, SOURCE_NAME
from customer_segmentation.customers.rules import REASONS
from customer_segmentation.schema.decisions import PERCENTILE
from customer_segmentation.schema.lifetime import HIGHEST, VALUES
from customer_segmentation.schema.parts import AS_OF, FLAG, KEY, SAMPLE_KEY, SHARE, Column
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.campaign import MAY_GET, WHY
from customer_segmentation.tables.history import CREATED, RECORDED_AT, RUN_ID
from customer_segmentation.tables.outcomes import (
    ANSWER_FACTOR,
    CHANCE,
    HAPPENED_AT,
    IN_HOLD_OUT,
    OUTCOME_ID,
    REASON,
    RECEIVED_AT,
    RESPONSE_VERSION,
    REVISION,
    SENT_ON,
)

EVENT_TIME = "event_timestamp"
# Of the definitions of features.
FEATURE_VERSION = "feature_version"
# The column of a scored table that names the artifact, and the label of a row it cannot score.
ARTIFACT_VERSION, UNSEGMENTED = "artifact_version", "unsegmented"
# Why a customer is in another segment than before: other values, another model, or each of them;
# unknown where the model of before is not kept any more, or cannot score what there is now.
CAUSE, CAUSES = "cause", ("data", "model", "both", "unknown")
# What runs and streams write.
STREAMED = ("gold_segments", "gold_history", "gold_moves")
# Of a move in a stream, also a first answer, and that a customer is none any more.
MOVES = ("entered", "left")
# The parts of a campaign that a result is of, and what it says of them.
LEVELS = ("all", "segment", "offer", "segment and offer")
BROUGHT, COST, NOT_SHOWN, TOO_FEW = "brought", "cost", "no effect shown", "too few to tell"
VERDICTS = (BROUGHT, COST, NOT_SHOWN, TOO_FEW)
# Where monitoring looks, and what it tells of.
WATCHED = ("batch", "api", "stream")
SUBJECTS = ("input", "segment", "response", "rows", "service")


@dataclass(frozen=True)
class TableContract:
    """What a table promises.

    Attributes:
        key: No two rows have the same, and none is missing.
        required: Columns that are there and never missing, beside the key's.
        columns: What these columns hold where they are there and known.
        tells_changes: Whether readers are told which rows changed (Delta's change data feed).
        is_appended: Whether a save adds its rows, and changes and removes none.
    """

    key: tuple[str, ...]
    required: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    tells_changes: bool = False
    is_appended: bool = False


def _bounded(
    name: str, minimum: float, maximum: float | None = None, *, whole: bool = False
) -> Column:
    return Column(name, "number", "", minimum=minimum, maximum=maximum, whole=whole)


_SAMPLE_KEY = _bounded(SAMPLE_KEY, 0.0, 2.0**31 - 1.0, whole=True)
_ROW_NUMBER = _bounded(ROW_NUMBER, 1.0, whole=True)


def tables_of(schema: Schema) -> dict[str, TableContract]:
    """The contract of each table of a schema's customers, by its name in the catalog."""
    columns, decisions = schema.columns.values(), schema.decisions.values()
    numbers = tuple(column for column in columns if column.kind == "number")
    shares = tuple(
        _bounded(feature.name, 0.0, 1.0)
        for feature in schema.features.values()
        if feature.unit in {SHARE, FLAG}
    )
    answers = (
        _bounded("segment_id", -1.0, whole=True),
        _bounded("margin", 0.0, 1.0),
        *(_bounded(d.name, 0.0, 100.0) for d in decisions if d.unit == PERCENTILE),
        *(
            Column(d.name, "category", "", categories=(*d.labels, UNSEGMENTED))
            for d in decisions
            if d.labels
        ),
    )
    expected = tuple(_bounded(name, 0.0, HIGHEST.get(name)) for name in VALUES)
    as_features = expected if schema.lifetime else ()
    return {
        "bronze_customers": TableContract(
            (ROW_NUMBER,), (SOURCE_NAME, SOURCE_HASH, AS_OF, SAMPLE_KEY), (_ROW_NUMBER, _SAMPLE_KEY)
        ),
        "silver_customers": TableContract((KEY,), (AS_OF, SAMPLE_KEY), (*columns, _SAMPLE_KEY)),
        "silver_quarantine": TableContract(
            (ROW_NUMBER,), (KEY, REASONS, SOURCE_NAME, SOURCE_HASH, AS_OF), (_ROW_NUMBER,)
        ),
        "silver_purchases": TableContract(
            (KEY,),
            (AS_OF, PURCHASES, REPEAT_SPEND),
            tuple(_bounded(name, 0.0, whole=True) for name in (PURCHASES, RECENCY, AGE)),
        ),
        "gold_features": TableContract(
            (KEY,), (AS_OF, SAMPLE_KEY), (*numbers, *shares, _SAMPLE_KEY)
        ),
        "gold_segments": TableContract(
            (KEY,),
            ("segment", "segment_name", "segment_id", "runner_up", ARTIFACT_VERSION, AS_OF),
            answers,
            tells_changes=True,
        ),
        "gold_unsegmented": TableContract(
            (ROW_NUMBER,),
            (KEY, "segment", REASONS, AS_OF, ARTIFACT_VERSION),
            (_ROW_NUMBER,),
            tells_changes=True,
        ),
        "gold_segment_profiles": TableContract(
            ("segment", "measure"),
            ("segment_name", "segment_id", "customers", "share"),
            (_bounded("share", 0.0, 1.0), _bounded("customers", 1.0, whole=True)),
        ),
        "gold_history": TableContract(
            (KEY, RECORDED_AT),
            (AS_OF, "segment", "segment_name", "runner_up", ARTIFACT_VERSION, RUN_ID),
            (_bounded("margin", 0.0, 1.0),),
            is_appended=True,
        ),
        "gold_movers": TableContract(
            (KEY,),
            (
                *("from_segment", "from_name", "from_artifact_version", "from_as_of"),
                *("to_segment", "to_name", ARTIFACT_VERSION, AS_OF, CAUSE),
            ),
            (Column(CAUSE, "category", "", categories=CAUSES),),
        ),
        # What the stream adds: docs/sources.md.
        "gold_moves": TableContract(
            (KEY, RECORDED_AT),
            # Who entered comes from nowhere, and who left goes nowhere.
            (ARTIFACT_VERSION, AS_OF, CAUSE, RUN_ID),
            (Column(CAUSE, "category", "", categories=(*MOVES, *CAUSES)),),
            is_appended=True,
        ),
        "gold_campaign": TableContract(
            (KEY,),
            (
                *(AS_OF, "campaign", "campaign_day", "segment", "offer", "channel", "cost"),
                *("expected_profit", "is_contacted", "in_hold_out", "why", MAY_GET),
                *("chance", ARTIFACT_VERSION),
            ),
            (
                _bounded("cost", 0.0),
                _bounded("p_response", 0.0, 1.0),
                _bounded("is_contacted", 0.0, 1.0, whole=True),
                _bounded("in_hold_out", 0.0, 1.0, whole=True),
                _bounded("chance", 0.0, 1.0),
                Column("why", "category", "", categories=WHY),
            ),
        ),
        # What was known of whom a plan chose: docs/campaigns.md, What comes back.
        "gold_campaign_inputs": TableContract(
            (KEY, "campaign", RECORDED_AT),
            (AS_OF, "offer", ANSWER_FACTOR, CHANCE, RESPONSE_VERSION, RUN_ID),
            (_bounded(CHANCE, 0.0, 1.0), _bounded("p_response", 0.0, 1.0)),
            is_appended=True,
        ),
        "gold_outcomes": TableContract(
            (OUTCOME_ID, REVISION),
            (
                *(KEY, "campaign", HAPPENED_AT, RECEIVED_AT, RECORDED_AT, RUN_ID),
                *(SENT_ON, "segment", "offer", "cost", "value", IN_HOLD_OUT),
            ),
            (
                _bounded(REVISION, 0.0, whole=True),
                *(_bounded(name, 0.0, 1.0) for name in ("answered", IN_HOLD_OUT, "p_response")),
            ),
            is_appended=True,
        ),
        "silver_outcomes_apart": TableContract(
            (SOURCE_NAME, ROW_NUMBER), (OUTCOME_ID, KEY, REASON), (_ROW_NUMBER,)
        ),
        "gold_lifetime_value": TableContract((KEY,), (AS_OF,), expected),
        "gold_feature_table": TableContract(
            (KEY,), (EVENT_TIME,), (*numbers, *shares, *as_features)
        ),
        "gold_feature_history": TableContract(
            (KEY, RECORDED_AT),
            (AS_OF, EVENT_TIME, CREATED, FEATURE_VERSION, ARTIFACT_VERSION, RUN_ID),
            (*numbers, *shares, *as_features, _bounded(FEATURE_VERSION, 1.0, whole=True)),
            is_appended=True,
        ),
        "gold_campaign_results": TableContract(
            ("campaign", "outcome", "level", "segment", "offer"),
            ("contacted", "held_out", "cost", "verdict"),
            (
                _bounded("contacted", 0.0, whole=True),
                _bounded("held_out", 0.0, whole=True),
                _bounded("cost", 0.0),
                Column("level", "category", "", categories=LEVELS),
                Column("verdict", "category", "", categories=VERDICTS),
            ),
        ),
        "gold_monitoring": TableContract(
            ("window_start", "source", "subject", "name", "measure", RECORDED_AT),
            (
                *("window_end", "is_alarm", "since", "affected", "customers"),
                *(AS_OF, ARTIFACT_VERSION, RUN_ID),
            ),
            (
                Column("source", "category", "", categories=WATCHED),
                Column("subject", "category", "", categories=SUBJECTS),
                _bounded("is_alarm", 0.0, 1.0, whole=True),
                _bounded("affected", 0.0, whole=True),
                _bounded("customers", 0.0, whole=True),
            ),
            is_appended=True,
        ),
    }


# Of the schema of this process, which a hook declares before anything is saved.
_DECLARED: dict[str, TableContract] = {}


def declare_tables(schema: Schema) -> None:
    """Hold what is saved from now on to this schema."""
    _DECLARED.clear()
    _DECLARED.update(tables_of(schema))


def contract_of(table: str) -> TableContract:
    """The contract of a table by its name in the catalog.

    Raises:
        KeyError: It has none: a table that anybody reads is given one here first.
    """
    return _DECLARED[table]
