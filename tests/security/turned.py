"""A response model whose probabilities are turned round, and sound in all else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from customer_segmentation.scoring.artifact_file import read_model
from customer_segmentation.scoring.metadata import metadata_of, schema_of
from customer_segmentation.scoring.response import build_response
from customer_segmentation.segmentation.response import Bends, Regression, ResponseModel
from customer_segmentation.segmentation.scaling import Scaling


def turned_round(content: bytes) -> bytes:
    """The same model with 1 - p for p."""
    model = model_of(metadata_of(read_model(content)))
    regression = model.regression
    other = replace(regression, weights=-regression.weights, intercept=-regression.intercept)
    return with_regression(content, other)


def with_regression(content: bytes, regression: Regression) -> bytes:
    """The same file with another regression, as its own build makes it."""
    model = model_of(metadata_of(read_model(content)))
    built = build_response(replace(model, regression=regression))
    return bytes(built.SerializeToString(deterministic=True))


def model_of(told: dict[str, Any]) -> ResponseModel:
    """What a response model's metadata say."""
    scaling = Scaling(
        tuple(told["features"]),
        *(np.array(told[name]) for name in ("caps", "means", "deviations")),
    )
    bends = Bends(tuple(told["bends"]["features"]), tuple(told["bends"]["starts"]))
    return ResponseModel(
        response=told["response"],
        regression=Regression(
            scaling=scaling,
            bends=bends,
            weights=np.array(told["weights"]),
            intercept=told["intercept"],
        ),
        calibration=told["calibration"],
        segmenter_version=told["segmenter_version"],
        schema=schema_of(told),
        provenance=told["provenance"],
        metrics=told["metrics"],
    )
