"""Plan a campaign: score answers, list who may be contacted, choose, and tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import narwhals as nw
import numpy as np
import onnx
from narwhals.typing import IntoDataFrame, IntoFrame

from customer_segmentation.campaigns.candidates import Candidates, Plan
from customer_segmentation.campaigns.consent import Statements, stated_in_columns
from customer_segmentation.campaigns.consent_file import read_statements
from customer_segmentation.campaigns.hold_out import draw_chances
from customer_segmentation.campaigns.known import DIGITS, SEGMENT, Known, collect_known
from customer_segmentation.campaigns.listing import Consented, consented, list_candidates
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.planning import make_plan
from customer_segmentation.campaigns.summary import figures, summarise
from customer_segmentation.campaigns.updated import Updated
from customer_segmentation.campaigns.value import Calibration, Value, value_of
from customer_segmentation.campaigns.words import lines
from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.campaign_planning.page import campaign_page
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import P_RESPONSE, VERSION, has_model, metadata_of
from customer_segmentation.scoring.scorer import require_version
from customer_segmentation.scoring.table import score_table
from customer_segmentation.tables.campaign import MAY_GET, OFFERS_JOINED_BY, WHY
from customer_segmentation.tables.history import RECORDED_AT, RUN_ID, History, is_same
from customer_segmentation.tables.outcomes import ANSWER_FACTOR, CHANCE, INPUT, RESPONSE_VERSION
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

# What a spreadsheet takes for the start of a formula; it skips white space before.
_FORMULA = "^\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]"
_LISTED = (KEY, "offer", "channel", SEGMENT)


@dataclass(frozen=True)
class Listed:
    """Everybody whom the campaign could contact, and what it is.

    Attributes:
        candidates: All customers.
        known: What the tables say of them, with probabilities as the response model gave them.
        consent: What is known of it on the campaign's day.
        parameters: With the day and the currency.
        schema: Of the customers.
        updated: How outcomes have corrected the candidates' probabilities, if they have.
    """

    candidates: Candidates
    known: Known
    consent: Consented
    parameters: CampaignParameters
    schema: Schema
    updated: Updated | None = None


@dataclass(frozen=True)
class Planned:
    """The plan, and what it is expected to bring.

    Attributes:
        listed: Whom it was made of.
        plan: What becomes of each.
        value: Of the plan and its alternatives.
        version: Of the response model.
        calibration: How sure that model is, if it says.
    """

    listed: Listed
    plan: Plan
    value: Value
    version: str
    calibration: Calibration | None


def score_responses(
    silver_customers: IntoFrame, gold_segments: IntoFrame, response: onnx.ModelProto
) -> IntoFrame:
    """Key and the probability of an answer, where the customers are.

    Raises:
        UserError: There is no response model, or segments are of another bundle.
    """
    metadata = metadata_of(response)
    if not has_model(metadata):
        raise UserError(
            f"there is no response model to plan with: {metadata['reason']}. A campaign is planned "
            "where the schema names `roles.response` and the source holds answers of both kinds"
        )
    require_version(nw.from_native(gold_segments).lazy(), metadata["segmenter_version"])
    scored = score_table(nw.from_native(silver_customers).lazy(), response)
    return scored.select(KEY, P_RESPONSE).to_native()


def list_customers(  # noqa: PLR0913, PLR0917 - what is known of customers
    scored_responses: IntoFrame,
    silver_customers: IntoFrame,
    gold_segments: IntoFrame,
    consents: IntoDataFrame | None,
    contacts: IntoDataFrame,
    response: onnx.ModelProto,
    latest_calibration: dict[str, Any] | None,
    customers: Schema,
    campaign_planning: CampaignParameters,
) -> Listed:
    """Every customer, with what bars them from the campaign."""
    known = collect_known(
        scored_responses, silver_customers, gold_segments, customers, campaign_planning
    )
    day = campaign_planning.day or known.as_of
    currency = campaign_planning.currency or customers.money.unit
    parameters = campaign_planning.model_copy(update={"day": day, "currency": currency})
    statements = Statements.joined(
        [read_statements(consents, customers), stated_in_columns(silver_customers, customers)]
    )
    allowed = consented(known, statements, customers, parameters, day)
    updated = None
    if parameters.updated_calibration:
        updated = Updated.of(latest_calibration, str(metadata_of(response)[VERSION]))
    p_response = known.p_response if updated is None else updated.applied(known.p_response)
    planned = replace(known, p_response=np.round(p_response, DIGITS))
    candidates = list_candidates(planned, allowed, contacts, parameters, day)
    return Listed(candidates, known, allowed, parameters, customers, updated)


def plan_campaign(listed: Listed, response: onnx.ModelProto) -> Planned:
    """The list of the highest expected profit, and what else could be done."""
    metadata = metadata_of(response)
    calibration = listed.updated.calibration if listed.updated else Calibration.of(metadata)
    candidates, parameters = listed.candidates, listed.parameters
    chances = draw_chances(parameters.name, candidates.ids)
    plan = make_plan(candidates, parameters, chances)
    value = value_of(candidates, plan, parameters, calibration, chances)
    return Planned(listed, plan, value, str(metadata[VERSION]), calibration)


def tabulate_plan(planned: Planned) -> IntoDataFrame:
    """One row a customer: what the campaign does with them, and why."""
    listed, plan = planned.listed, planned.plan
    known, parameters = listed.known, listed.parameters
    number, names = len(known.ids), [*parameters.offers]
    channels = [offer.channel for offer in parameters.offers.values()]
    costs = np.array([offer.cost for offer in parameters.offers.values()])
    has_offer = plan.offers >= 0
    p_response = listed.candidates.p_response
    table = nw.from_dict(
        {
            KEY: known.ids.tolist(),
            AS_OF: _repeated(known.as_of.isoformat(), number),
            "campaign": _repeated(parameters.name, number),
            "campaign_day": _repeated(_day_of(parameters).isoformat(), number),
            SEGMENT: [known.keys[one] if one >= 0 else "" for one in known.segments.tolist()],
            "offer": [names[one] if one >= 0 else "" for one in plan.offers.tolist()],
            "channel": [channels[one] if one >= 0 else "" for one in plan.offers.tolist()],
            "cost": np.where(has_offer, costs[plan.offers], 0.0).tolist(),
            P_RESPONSE: [None if one != one else one for one in p_response.tolist()],  # noqa: PLR0124 - NaN
            "expected_profit": plan.expected.tolist(),
            "is_contacted": plan.contacted.astype(np.int64).tolist(),
            "in_hold_out": plan.held_out.astype(np.int64).tolist(),
            "chance": plan.chance.tolist(),
            "why": [WHY[code] for code in plan.why.tolist()],
            MAY_GET: _joined(listed.candidates, names),
            ARTIFACT_VERSION: _repeated(planned.version, number),
        },
        schema=_SCHEMA,
        backend=known.engine,
    )
    days = {
        name: nw.col(name).str.to_datetime(format="%Y-%m-%d") for name in (AS_OF, "campaign_day")
    }
    return table.with_columns(**days).to_native()


def record_inputs(
    planned: Planned, silver_customers: IntoFrame, recorded: History
) -> IntoDataFrame:
    """What was known of everybody who is chosen, as rows to append; none if it was said last.

    Outcomes are joined to it, and later response models learn from it.
    """
    listed, plan = planned.listed, planned.plan
    known, parameters = listed.known, listed.parameters
    chosen = np.flatnonzero(plan.offers >= 0)
    names = [*parameters.offers]
    factors = np.array([offer.answer_factor for offer in parameters.offers.values()])
    offers = plan.offers[chosen]
    ids, engine = known.ids[chosen].tolist(), known.engine
    about = nw.from_dict(
        {
            KEY: ids,
            "campaign": _repeated(parameters.name, len(ids)),
            "offer": [names[one] for one in offers.tolist()],
            ANSWER_FACTOR: factors[offers].tolist(),
            CHANCE: plan.chance[chosen].tolist(),
            P_RESPONSE: known.p_response[chosen].tolist(),
            "p_planned": listed.candidates.p_response[chosen].tolist(),
            RESPONSE_VERSION: _repeated(planned.version, len(ids)),
        },
        schema=_INPUTS_SCHEMA,
        backend=engine,
    )
    rows = about.join(_numbers_of(silver_customers, listed, ids), on=KEY, how="inner")
    columns = [name for name in rows.columns if name not in {*about.columns, AS_OF}]
    rows = rows.select(
        *(KEY, "campaign", AS_OF, "offer", ANSWER_FACTOR, CHANCE, P_RESPONSE, "p_planned"),
        *(RESPONSE_VERSION, *columns),
    ).sort(KEY)
    if recorded.statements and _is_said(rows, recorded):
        rows = rows.head(0)
    told = (nw.lit(recorded.next_moment).alias(RECORDED_AT), nw.lit(recorded.run_id).alias(RUN_ID))
    return rows.with_columns(*told).to_native()


def list_for_mailing(gold_campaign: IntoFrame) -> IntoFrame:
    """Whom the mailing tool contacts with what; ids that a spreadsheet would run are quoted."""
    plan = nw.from_native(gold_campaign).lazy()
    quoted = nw.concat_str(nw.lit("'"), nw.col(KEY))
    safe = nw.when(nw.col(KEY).str.contains(_FORMULA)).then(quoted).otherwise(nw.col(KEY))
    contacted = plan.filter(nw.col("is_contacted") == 1).sort(KEY)
    return contacted.with_columns(safe.alias(KEY)).select(*_LISTED).to_native()


def summarise_plan(planned: Planned) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """What is told of the plan, and the figures for MLflow."""
    listed, known = planned.listed, planned.listed.known
    about = {
        "as_of": known.as_of.isoformat(),
        "names": dict(zip(known.keys, known.names, strict=True)),
        "artifact_version": planned.version,
        "is_calibrated": planned.calibration is not None,
        # What the API plans with again.
        "calibration": planned.calibration and planned.calibration.stated(),
        "parameters": listed.parameters.model_dump(mode="json"),
    }
    summary = summarise(
        listed.candidates, planned.plan, planned.value, listed.parameters, listed.consent, about
    )
    told = {name: {"value": value, "step": 0} for name, value in figures(summary).items()}
    updated = [listed.updated.told] if listed.updated else []
    return summary | {"lines": [*lines(summary), *updated]}, told


def show_plan(campaign_summary: dict[str, Any]) -> str:
    """The plan as one page of HTML that needs nothing else."""
    return campaign_page(campaign_summary)


_TEXTS = (KEY, AS_OF, "campaign", "campaign_day", SEGMENT, "offer", "channel")
_INPUTS_SCHEMA = {
    **dict.fromkeys((KEY, "campaign", "offer"), nw.String()),
    **dict.fromkeys((ANSWER_FACTOR, CHANCE, P_RESPONSE, "p_planned"), nw.Float64()),
    RESPONSE_VERSION: nw.String(),
}
_SCHEMA = {
    **dict.fromkeys(_TEXTS, nw.String()),
    **dict.fromkeys(("cost", P_RESPONSE, "expected_profit"), nw.Float64()),
    **dict.fromkeys(("is_contacted", "in_hold_out"), nw.Int64()),
    # In the order of the columns, which Polars takes from here.
    "chance": nw.Float64(),
    **dict.fromkeys(("why", MAY_GET, ARTIFACT_VERSION), nw.String()),
}


def _joined(candidates: Candidates, names: list[str]) -> list[str]:
    """The names of the offers that each customer may get, whether or not they are planned."""
    allowed = candidates.allowed & (candidates.barred == 0)[:, None]
    codes = allowed @ (1 << np.arange(len(names)))
    texts = {
        code: OFFERS_JOINED_BY.join(name for place, name in enumerate(names) if code >> place & 1)
        for code in np.unique(codes).tolist()
    }
    return [texts[code] for code in codes.tolist()]


def _numbers_of(silver_customers: IntoFrame, listed: Listed, ids: list[str]) -> nw.DataFrame[Any]:
    """The canonical columns of some customers, as numbers, under the names of `INPUT`."""
    silver: nw.LazyFrame[Any] = nw.from_native(silver_customers).lazy()
    schema = listed.schema
    there = {*silver.collect_schema().names()}
    columns = [name for name in (*schema.columns, AS_OF) if name in there]
    numbers = {f"{INPUT}{n}": e for n, e in numeric_expressions(schema, columns).items()}
    is_chosen = nw.col(KEY).is_in(ids)
    # Spark would plan a condition of as many words.
    is_spark = silver.implementation.is_spark_like()
    rows = (silver if is_spark else silver.filter(is_chosen)).select(KEY, AS_OF, **numbers)
    return rows.collect().filter(is_chosen)


def _is_said(rows: nw.DataFrame[Any], recorded: History) -> bool:
    """Whether the last statement says the same."""
    said = nw.from_native(recorded.rows(recorded.statements[-1])).lazy()
    names = [name for name in rows.columns if name != KEY]
    if {*names} != {*said.collect_schema().names()} - {KEY, RECORDED_AT, RUN_ID}:
        return False
    return is_same(rows.lazy(), said, names)


def _repeated(text: str, number: int) -> list[str]:
    return [text] * number


def _day_of(parameters: CampaignParameters) -> date:
    if parameters.day is None:
        raise ValueError("a listed campaign has a day")
    return parameters.day
