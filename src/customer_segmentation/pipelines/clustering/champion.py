"""The segments of an environment's champion, read from its artifact."""

from __future__ import annotations

import numpy as np

from customer_segmentation.bundles.bundle import SEGMENTER
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.scoring.artifact_file import require
from customer_segmentation.scoring.metadata import VERSION, scaling_of, schema_of
from customer_segmentation.scoring.verify import verified
from customer_segmentation.segmentation.identity import Champion
from customer_segmentation.segmentation.naming import SegmentName


def read_champion(bundles: BundleStore | None) -> Champion | None:
    """The champion's segments; None if there is no champion yet.

    Raises:
        UserError: Its bundle is absent or changed.
        WrongArtifactError: This version cannot read its artifact.
    """
    stored = bundles.champion() if bundles else None
    if not stored:
        return None
    metadata = verified(stored.files[SEGMENTER])
    require(metadata["kind"] == "segmenter", "is no segmenter")
    return Champion(
        version=metadata[VERSION],
        schema=schema_of(metadata),
        scaling=scaling_of(metadata),
        components=np.array(metadata["components"]),
        centroids=np.array(metadata["centroids"]),
        names=tuple(SegmentName(**segment) for segment in metadata["segments"]),
    )
