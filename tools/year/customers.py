"""The customers of a month as the project's own steps clean them, and their first models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import narwhals as nw
import polars as pl

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.customers.quarantine import (
    ROW_NUMBER,
    SOURCE_HASH,
    SOURCE_NAME,
    CheckedCustomers,
)
from customer_segmentation.feedback.parameters import FeedbackParameters
from customer_segmentation.pipelines.clustering import nodes as clustering_of
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.label_generation.nodes import score_customers
from customer_segmentation.pipelines.preprocessing.nodes import (
    check_rows,
    compute_features,
    settle_reading,
)
from customer_segmentation.pipelines.supervised_training.response import build_response
from customer_segmentation.pipelines.supervised_training.sample import draw_labelled_customers
from customer_segmentation.retraining.parameters import RetrainingParameters
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.answers import learn_answers
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from tools.year.market import Month

# onnx.ModelProto: its library is imported when run.
Artifact = Any


@dataclass(frozen=True)
class Rules:
    """How a year is played: the blocks of the configuration that its steps take.

    Attributes:
        schema: Of the customers.
        clustering: Of the segmenter.
        planning: Of each campaign, but for its name and day.
        training: Of response models.
        feedback: Of what comes back.
        retraining: When and from what response models are learned anew.
        waves: Of a month.
    """

    schema: Schema
    clustering: ClusteringParameters
    planning: CampaignParameters
    training: TrainingParameters
    feedback: FeedbackParameters
    retraining: RetrainingParameters
    waves: int

    @classmethod
    def of(cls, schema: Schema, blocks: Mapping[str, Any], waves: int) -> Self:
        """By the blocks of the configuration, as YAML has them."""
        return cls(
            schema,
            ClusteringParameters.model_validate(blocks["clustering"]),
            CampaignParameters.model_validate(blocks["campaign_planning"]),
            TrainingParameters.model_validate(blocks["supervised_training"]),
            FeedbackParameters.model_validate(blocks["feedback"]),
            RetrainingParameters.model_validate(blocks["retraining"]),
            waves,
        )


def silver(month: Month, schema: Schema) -> pl.DataFrame:
    """`silver_customers` of a month, whose snapshot is of its last day."""
    # Made anew, as a copy would keep what follows from the former day.
    block = schema.model_dump(mode="json") | {"as_of": month.day.isoformat()}
    dated = Schema.model_validate_json(json.dumps(block))
    cells = pl.DataFrame(month.texts()).with_columns(
        pl.lit(f"month {month.number}").alias(SOURCE_NAME), pl.lit("").alias(SOURCE_HASH)
    )
    bronze = ingest_source(cells.with_row_index(ROW_NUMBER, offset=1).lazy(), dated)
    checked = check_rows(bronze, settle_reading(bronze, dated), dated)
    kept: Any = CheckedCustomers(nw.from_native(checked).lazy()).customers().to_native()
    return pl.DataFrame(kept.sort(KEY).collect())


def segments(customers: pl.DataFrame, segmenter: Artifact) -> pl.DataFrame:
    """`gold_segments` of some customers of silver."""
    scored: Any = score_customers(customers.lazy(), segmenter)
    return pl.DataFrame(scored.collect())


def first_models(month: Month, rules: Rules) -> tuple[Artifact, Artifact]:
    """Segmenter and response model of a month whose customers were all asked."""
    schema = rules.schema
    customers = silver(month, schema)
    features = compute_features(customers.lazy(), schema)
    sample = clustering_of.draw_sample(features, schema, rules.clustering)
    measured = clustering_of.measure_candidates(sample, rules.clustering)
    refined = clustering_of.refine_centroids(features, sample, measured, rules.clustering)
    learned = clustering_of.learn_segmenter(sample, refined, rules.clustering)
    segmenter = clustering_of.build_checked_artifact(learned, sample)
    labelled = draw_labelled_customers(
        features, segments(customers, segmenter).lazy(), segmenter, rules.training
    )
    return segmenter, build_response(learn_answers(labelled, rules.training), segmenter)
