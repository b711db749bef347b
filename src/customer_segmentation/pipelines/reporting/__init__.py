"""Everything found, as one page for people and five lines for the terminal."""

from customer_segmentation.pipelines.reporting.pipeline import create_pipeline as create_pipeline
