"""Features to the candidate artifact: how many segments, which, and what they are called."""

from customer_segmentation.pipelines.clustering.pipeline import create_pipeline as create_pipeline
