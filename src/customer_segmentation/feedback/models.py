"""What response models say of how sure they are, from the bundles that are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.bundles.bundle import RESPONSE
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.campaigns.value import Calibration
from customer_segmentation.scoring.artifact_file import read_model
from customer_segmentation.scoring.metadata import VERSION, metadata_of


def own_covariances(
    bundles: BundleStore, versions: Iterable[str]
) -> dict[str, NDArray[np.float64]]:
    """Response version -> the covariance of its own calibration, where its bundle is kept."""
    wanted = {*versions}
    found = {}
    for bundle in bundles.kept() if wanted else []:
        content = bundles.read(bundle).files.get(RESPONSE)
        metadata: dict[str, Any] = metadata_of(read_model(content)) if content else {}
        own = Calibration.of(metadata)
        if own and metadata[VERSION] in wanted:
            found[metadata[VERSION]] = own.covariance
    return found
