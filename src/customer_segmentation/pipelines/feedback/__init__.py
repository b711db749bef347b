"""Outcomes of campaigns as they arrive: kept once, and what they say of models and campaigns."""

from customer_segmentation.pipelines.feedback.pipeline import create_pipeline as create_pipeline
