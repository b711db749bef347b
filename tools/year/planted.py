"""A bad challenger, planted: it contacts whom the champion would leave alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import onnx

from customer_segmentation.bundles.bundle import ABOUT, RESPONSE, StoredBundle
from customer_segmentation.promotion.bundling import make_bundle
from customer_segmentation.scoring.artifact_file import read_model
from customer_segmentation.scoring.metadata import metadata_of, scaling_of, schema_of
from customer_segmentation.scoring.response import build_response
from customer_segmentation.segmentation.response import Bends, Regression, ResponseModel


def turned(champion: StoredBundle) -> StoredBundle:
    """The champion, whose response model has every effect turned round.

    Args:
        champion: With a response model.
    """
    response = turned_response(read_model(champion.files[RESPONSE]))
    others = {name: content for name, content in champion.files.items() if name != ABOUT}
    # What a bundle says of its own answers is made anew.
    about = {name: told for name, told in champion.about.items() if name != "answers"}
    return make_bundle({**others, RESPONSE: response.SerializeToString(deterministic=True)}, about)


def turned_response(response: onnx.ModelProto) -> onnx.ModelProto:
    """A response model with every effect turned round."""
    model = model_of(metadata_of(response))
    regression = replace(model.regression, weights=-model.regression.weights)
    return build_response(replace(model, regression=regression))


def model_of(metadata: Mapping[str, Any]) -> ResponseModel:
    """A response model by what its artifact says of itself."""
    bends = Bends(tuple(metadata["bends"]["features"]), tuple(metadata["bends"]["starts"]))
    regression = Regression(
        scaling=scaling_of(metadata),
        bends=bends,
        weights=np.array(metadata["weights"], dtype=np.float64),
        intercept=float(metadata["intercept"]),
    )
    return ResponseModel(
        response=metadata["response"],
        regression=regression,
        calibration=metadata["calibration"],
        segmenter_version=metadata["segmenter_version"],
        schema=schema_of(metadata),
        provenance=metadata["provenance"],
        metrics=metadata["metrics"],
    )
