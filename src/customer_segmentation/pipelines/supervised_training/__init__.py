"""Features and segments to models: what relearns a segment, and what guesses it at sign-up."""

from customer_segmentation.pipelines.supervised_training.pipeline import (
    create_pipeline as create_pipeline,
)
