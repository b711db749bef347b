"""Learn anew where that is due, and have the result tried beside the champion."""

from customer_segmentation.pipelines.retraining.pipeline import (
    create_pipeline as create_pipeline,
)
