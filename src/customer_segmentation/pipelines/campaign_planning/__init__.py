"""Whom a campaign contacts with what, within a budget and with consent."""

from customer_segmentation.pipelines.campaign_planning.pipeline import (
    create_pipeline as create_pipeline,
)
