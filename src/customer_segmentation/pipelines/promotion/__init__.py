"""A bundle through the gates of this environment; the end of the run makes it the champion."""

from customer_segmentation.pipelines.promotion.pipeline import (
    create_pipeline as create_pipeline,
)
