"""What customers are worth, where the source has order lines that say when they bought."""

from customer_segmentation.pipelines.lifetime_value.pipeline import (
    create_pipeline as create_pipeline,
)
