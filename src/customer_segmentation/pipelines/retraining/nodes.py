"""Decide whether to learn, take outcomes for the answers, and propose what was learned."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import narwhals as nw
from narwhals.typing import IntoDataFrame, IntoFrame

from customer_segmentation.bundles.bundle import COLD_START, RESPONSE, SEGMENTER, StoredBundle
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.errors import UserError
from customer_segmentation.feedback.parameters import FeedbackParameters
from customer_segmentation.promotion import agreement
from customer_segmentation.retraining.asking import situation
from customer_segmentation.retraining.comparing import compare_out_of_fold
from customer_segmentation.retraining.due import BY_HAND, Decision, decide
from customer_segmentation.retraining.outcomes import (
    KnownOutcomes,
    contacts_since,
    known_outcomes,
    learn_response_from,
)
from customer_segmentation.retraining.parameters import RetrainingParameters
from customer_segmentation.segmentation.answers import LearnedAnswers
from customer_segmentation.segmentation.labelled import LeftOut
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from customer_segmentation.tables.history import History

logger = logging.getLogger(__name__)

# onnx.ModelProto: its library is imported when run.
Artifact = Any


def decide_retraining(
    bundles: BundleStore,
    latest_monitoring: dict[str, Any] | None,
    latest_calibration: dict[str, Any] | None,
    retraining: RetrainingParameters,
) -> Decision:
    """Why this run learns; one that has no reason to has ended before."""
    today = datetime.now(UTC).date()
    return decide(situation(bundles, latest_monitoring, latest_calibration, today), retraining)


def gather_outcomes(
    recorded_outcomes: History,
    assignments: IntoDataFrame,
    recorded_campaign_inputs: History,
    feedback: FeedbackParameters,
) -> KnownOutcomes:
    """Each contact that had time to answer, with what was known of the customer."""
    return known_outcomes(recorded_outcomes, assignments, recorded_campaign_inputs, feedback)


def learn_from_outcomes(  # noqa: PLR0913, PLR0917 - what is learned from, and how
    decision: Decision,
    of_source: LearnedAnswers | LeftOut,
    outcomes: KnownOutcomes,
    segmenter: Artifact,
    supervised_training: TrainingParameters,
    retraining: RetrainingParameters,
) -> LearnedAnswers | LeftOut:
    """The response model from outcomes, where there are enough; else that of the source."""
    if outcomes.training is None:
        logger.info("The response model is learned from the source: no outcomes are known.")
        return of_source
    learned = learn_response_from(
        outcomes.training,
        segmenter.SerializeToString(deterministic=True),
        supervised_training,
        retraining,
        outcomes.until,
        since=decision.since,
    )
    if isinstance(learned, LeftOut):
        logger.warning("The response model is learned from the source: %s.", learned.reason)
        return of_source
    return learned


def propose_challenger(  # noqa: PLR0913, PLR0917 - the three models, and why
    decision: Decision,
    bundles: BundleStore,
    silver_customers: IntoFrame,
    segmenter: Artifact,
    cold_start: Artifact,
    response: Artifact,
    validation: LearnedAnswers | LeftOut,
    outcomes: KnownOutcomes,
    campaign_planning: CampaignParameters,
) -> dict[str, Any]:
    """What the end of this run has tried beside the champion.

    Raises:
        UserError: The champion is gone or cannot be read, or another bundle is tried meanwhile.
    """
    live, other = bundles.live(), bundles.challenger()
    if live is None:
        raise UserError("there is no champion to compare with any more: nothing is tried")
    if other and decision.why != BY_HAND:
        raise UserError(
            f"meanwhile bundle {other.bundle} is tried beside the champion ({other.why}), and goes "
            "on: see kedro challenger, or say --params=retraining.by_hand=true"
        )
    files = {SEGMENTER: segmenter, COLD_START: cold_start, RESPONSE: response}
    models = {name: one.SerializeToString(deterministic=True) for name, one in files.items()}
    champion = bundles.bundle(live.bundle)
    compared = None
    if is_of_outcomes := isinstance(validation, LearnedAnswers) and bool(validation.about):
        compared = compare_out_of_fold(
            contacts_since(outcomes.training, decision.since),
            validation,
            champion.files.get(RESPONSE),
            models[RESPONSE],
            campaign_planning.offers,
        )
    proposal: dict[str, Any] = {
        "bundle": StoredBundle(models).id,
        "why": decision.why,
        "reason": decision.reason,
        "learned_from_outcomes": is_of_outcomes,
        "compared": asdict(compared) if compared else None,
    }
    silver = nw.from_native(silver_customers).lazy()
    found = agreement.compare(silver, models[SEGMENTER], champion.files[SEGMENTER])
    told = {"champion": live.bundle, "promotion": live.number, "agreement": 1.0 - found.movers}
    return proposal | told
