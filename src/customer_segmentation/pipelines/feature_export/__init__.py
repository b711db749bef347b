"""The feature table as feature stores and BI tools take it, with its dictionary."""

from customer_segmentation.pipelines.feature_export.pipeline import (
    create_pipeline as create_pipeline,
)
