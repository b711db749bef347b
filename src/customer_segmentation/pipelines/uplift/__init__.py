"""What targeting by uplift would have brought in a randomised test, against one contact for all."""

from customer_segmentation.pipelines.uplift.pipeline import create_pipeline as create_pipeline
