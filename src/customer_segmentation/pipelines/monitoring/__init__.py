"""Whether customers, segments and answers are still like what the champion learned from."""

from customer_segmentation.pipelines.monitoring.pipeline import create_pipeline as create_pipeline
