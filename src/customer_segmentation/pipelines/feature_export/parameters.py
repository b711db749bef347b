"""The block `feature_export` of the configuration."""

from __future__ import annotations

from customer_segmentation.schema.parameters import Parameters


class FeatureExportParameters(Parameters):
    """What the feature export does beside the table.

    Attributes:
        keep_history: Whether each run's features are added to `gold_feature_history`.
    """

    keep_history: bool
