"""Every customer's segment and what follows from it, and what each segment is like."""

from customer_segmentation.pipelines.label_generation.pipeline import (
    create_pipeline as create_pipeline,
)
