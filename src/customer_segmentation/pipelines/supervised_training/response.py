"""Learn who answers a campaign, and tell how well."""

from __future__ import annotations

import logging
from typing import Any

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.pipelines.supervised_training import policies
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.segmentation.answers import LearnedAnswers, learn_answers, measured
from customer_segmentation.segmentation.labelled import LabelledCustomers, LeftOut
from customer_segmentation.segmentation.regression import chances
from customer_segmentation.segmentation.training_parameters import TrainingParameters

logger = logging.getLogger(__name__)

# onnx.ModelProto: its library is imported when run.
Artifact = Any


def validate_response(
    customers: LabelledCustomers, parameters: TrainingParameters
) -> LearnedAnswers | LeftOut:
    """The regression, and predictions by what was learned without each customer's fold.

    Left out where the source has no answers, and where it tells no more than their share.
    """
    learned = learn_answers(customers, parameters)
    if isinstance(learned, LeftOut):
        logger.warning("Left out: the response model: %s.", learned.reason)
    return learned


def build_response(validation: LearnedAnswers | LeftOut, segmenter: Artifact) -> Artifact:
    """The response model's artifact, checked on the customers; or a file that says why not.

    Raises:
        RuntimeError: The artifact answers otherwise than what was learned.
    """
    from customer_segmentation.scoring.response import (  # noqa: PLC0415 - onnx takes a second
        checked_response,
    )

    return checked_response(validation, metadata_of(segmenter))


def report_response(
    validation: LearnedAnswers | LeftOut,
    artifact: Artifact,
    planning: CampaignParameters,
) -> dict[str, Any]:
    """What the report says of the answers, with cost and value of the first offer."""
    about = {"version": metadata_of(artifact)[VERSION]}
    if isinstance(validation, LeftOut):
        is_worse = validation.is_worse_than_none
        return about | {"left_out": validation.reason, "is_worse_than_none": is_worse}
    name, offer = next(iter(planning.offers.items()))
    answered = answers_of(validation)
    return about | {
        "offer": name,
        "cost": offer.cost,
        "value": offer.value,
        "currency": planning.currency,
        "inputs": list(validation.example.names),
        "customers": validation.customers.drawn_from,
        "rows": len(answered.answers),
        "rows_left_out": validation.left_out,
        "bends": validation.shape.bends,
        "inverse_penalty": validation.shape.inverse_penalty,
        "calibration": validation.calibration.told(),
        "measured": measured(validation),
        "policies": policies.told(answered, offer.cost, offer.value),
    }


def answers_of(learned: LearnedAnswers) -> policies.Answered:
    """What policies are compared on."""
    example, segments = learned.example, learned.customers.labels
    return policies.Answered(
        example.answers, chances(learned.odds), segments, learned.folds, example.groups
    )
