"""Who was where on any day, and who moved since the state before and why."""

from customer_segmentation.pipelines.history.pipeline import create_pipeline as create_pipeline
