"""Source to bronze: every cell as it was sent, and where it came from."""

from customer_segmentation.pipelines.ingestion.pipeline import create_pipeline as create_pipeline
