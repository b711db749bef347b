"""Bronze to silver and gold: who is a customer, who is not and why, and every feature."""

from customer_segmentation.pipelines.preprocessing.pipeline import (
    create_pipeline as create_pipeline,
)
