"""What an artifact says about itself: inputs, codes, names, rules, learned numbers, provenance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.scaling import Scaling
from customer_segmentation.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    import onnx

INPUT = "customers"
VERSION = "version"
PRODUCER = "customer_segmentation"
# The kinds of the files that are written where there is no such model.
NO_COLD_START, NO_RESPONSE = "no_cold_start", "no_response"
# The answer of a response model: the probability that a customer answers a campaign.
P_RESPONSE = "p_response"
OPSET, IR_VERSION = 21, 10
# Keeps our entries apart from those of the tools that built the graph.
PREFIX = f"{PRODUCER}."


def describe_segmenter(
    segmenter: Segmenter, columns: Sequence[str], outputs: Sequence[str]
) -> dict[str, Any]:
    """The segmenter's metadata, each value fit for JSON."""
    scaling, decisions = segmenter.scaling, segmenter.schema.decisions
    return {
        "kind": "segmenter",
        "columns": list(columns),
        "outputs": list(outputs),
        "segments": [asdict(name) for name in segmenter.names],
        "codes": {
            name: list(decisions[name].labels)
            for name in outputs
            if name in decisions and decisions[name].labels
        },
        "customers": segmenter.schema.model_dump(mode="json"),
        "scaling": {
            "features": list(scaling.features),
            "caps": scaling.caps.tolist(),
            "means": scaling.means.tolist(),
            "deviations": scaling.deviations.tolist(),
            "logs": list(scaling.logs),
        },
        "components": segmenter.projection.components.tolist(),
        "centroids": segmenter.centroids.tolist(),
        "learned": {name: dict(numbers) for name, numbers in segmenter.learned.items()},
        "left_out": dict(segmenter.left_out),
        "usual_spend": list(segmenter.usual_spend),
        "provenance": segmenter.provenance,
    }


@lru_cache(maxsize=8)
def _schema(text: str) -> Schema:
    return Schema.model_validate_json(text)


def schema_of(metadata: Mapping[str, Any]) -> Schema:
    """The schema of an artifact's customers."""
    return _schema(json.dumps(metadata["customers"]))


def with_metadata(model: onnx.ModelProto, metadata: Mapping[str, Any]) -> onnx.ModelProto:
    """The model with its metadata and a version: the first 12 digits of the SHA-256 of both."""
    from onnx.helper import set_model_props  # noqa: PLC0415 - only who makes a model needs it

    model.producer_name = PRODUCER
    # The order of columns and categories is part of what they say.
    texts = {key: json.dumps(value) for key, value in metadata.items()}
    texts[VERSION] = json.dumps(version_of(model.graph, texts))
    set_model_props(model, {PREFIX + key: text for key, text in texts.items()})
    return model


def without_model(kind: str, reason: str, segmenter: Mapping[str, Any]) -> onnx.ModelProto:
    """A file that says why there is no model.

    Args:
        kind: What it would be, as `NO_COLD_START`.
        reason: In words.
        segmenter: The metadata of the segmenter that it stands beside.
    """
    from onnx import helper  # noqa: PLC0415 - only who makes a model needs it

    empty, opset = helper.make_graph([], kind, [], []), helper.make_opsetid("", OPSET)
    model = helper.make_model(empty, opset_imports=[opset], ir_version=IR_VERSION)
    return with_metadata(
        model,
        {
            "kind": kind,
            "reason": reason,
            "segmenter_version": segmenter[VERSION],
            "provenance": segmenter["provenance"],
        },
    )


def version_of(graph: onnx.GraphProto, texts: Mapping[str, str]) -> str:
    """Twelve digits that stand for a graph and its metadata's texts, without the version."""
    digest = hashlib.sha256(graph.SerializeToString(deterministic=True))
    digest.update(json.dumps(dict(texts), sort_keys=True).encode())
    return digest.hexdigest()[:12]


def metadata_of(model: onnx.ModelProto) -> dict[str, Any]:
    """The metadata of a model, which is not run."""
    return read_metadata({entry.key: entry.value for entry in model.metadata_props})


def has_model(metadata: Mapping[str, Any]) -> bool:
    """Whether a file holds a model; else it says why there is none."""
    return metadata["kind"] not in {NO_COLD_START, NO_RESPONSE}


def read_metadata(properties: Mapping[str, str]) -> dict[str, Any]:
    """The metadata from a model's custom properties."""
    return {
        key.removeprefix(PREFIX): json.loads(text)
        for key, text in properties.items()
        if key.startswith(PREFIX)
    }


def scaling_of(metadata: Mapping[str, Any]) -> Scaling:
    """The scaling in an artifact's metadata; a cold-start regression keeps it at the top level."""
    scaling = metadata.get("scaling", metadata)
    caps, means, deviations = (np.array(scaling[k]) for k in ("caps", "means", "deviations"))
    logs = tuple(scaling.get("logs", ()))
    return Scaling(tuple(scaling["features"]), caps, means, deviations, logs)
