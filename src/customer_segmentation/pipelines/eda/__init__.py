"""Gold features looked at: what matters, what hangs together, what is missing, what clusters."""

from customer_segmentation.pipelines.eda.pipeline import create_pipeline as create_pipeline
