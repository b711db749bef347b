"""Plan a campaign: score answers, list who may be contacted, choose, and tell."""

from __future__ import annotations

from dataclasses import dataclass
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
from customer_segmentation.campaigns.known import SEGMENT, Known, collect_known
from customer_segmentation.campaigns.listing import Consented, consented, list_candidates
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.planning import make_plan
from customer_segmentation.campaigns.summary import figures, summarise
from customer_segmentation.campaigns.value import Calibration, Value, value_of
from customer_segmentation.campaigns.words import lines
from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.campaign_planning.page import campaign_page
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import P_RESPONSE, VERSION, has_model, metadata_of
from customer_segmentation.scoring.scorer import require_version
from customer_segmentation.scoring.table import score_table
from customer_segmentation.tables.campaign import MAY_GET, OFFERS_JOINED_BY, WHY
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

# What a spreadsheet takes for the start of a formula; it skips white space before.
_FORMULA = "^\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]"
_LISTED = (KEY, "offer", "channel", SEGMENT)


@dataclass(frozen=True)
class Listed:
    """Everybody whom the campaign could contact, and what it is.

    Attributes:
        candidates: All customers.
        known: What the tables say of them.
        consent: What is known of it on the campaign's day.
        parameters: With the day and the currency.
    """

    candidates: Candidates
    known: Known
    consent: Consented
    parameters: CampaignParameters


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
    candidates = list_candidates(known, allowed, contacts, parameters, day)
    return Listed(candidates, known, allowed, parameters)


def plan_campaign(listed: Listed, response: onnx.ModelProto) -> Planned:
    """The list of the highest expected profit, and what else could be done."""
    metadata = metadata_of(response)
    calibration = Calibration.of(metadata)
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
    return summary | {"lines": lines(summary)}, told


def show_plan(campaign_summary: dict[str, Any]) -> str:
    """The plan as one page of HTML that needs nothing else."""
    return campaign_page(campaign_summary)


_TEXTS = (KEY, AS_OF, "campaign", "campaign_day", SEGMENT, "offer", "channel")
_SCHEMA = {
    **dict.fromkeys(_TEXTS, nw.String()),
    **dict.fromkeys(("cost", P_RESPONSE, "expected_profit", "chance"), nw.Float64()),
    **dict.fromkeys(("is_contacted", "in_hold_out"), nw.Int64()),
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


def _repeated(text: str, number: int) -> list[str]:
    return [text] * number


def _day_of(parameters: CampaignParameters) -> date:
    if parameters.day is None:
        raise ValueError("a listed campaign has a day")
    return parameters.day
