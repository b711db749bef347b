"""Outcomes of a campaign against its hold-out: what it brought, and whether it paid."""

from customer_segmentation.pipelines.campaign_measurement.pipeline import (
    create_pipeline as create_pipeline,
)
