"""Check an artifact before anything runs it.

It must be one file that holds everything, with a version made from its content, metadata of the
right types, sizes and meaning, and a graph of our operators at a bounded cost.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from customer_segmentation.scoring import artifact_file
from customer_segmentation.scoring.allowed_graph import check_graph, check_no_graph
from customer_segmentation.scoring.metadata import PREFIX, VERSION, has_model, version_of
from customer_segmentation.scoring.stated import STATED

if TYPE_CHECKING:
    import onnx

# Ours are of 10 kB; with every feature and column there is, of 100 kB.
_MAX_METADATA = 250_000


def verified(content: bytes) -> dict[str, Any]:
    """The metadata of an artifact, after checking all but its answers; nothing is run.

    Raises:
        WrongArtifactError: What is wrong with the file.
    """
    model = artifact_file.read_model(content)
    metadata = _metadata(model)
    if has_model(metadata):
        check_graph(model, len(metadata["columns"]), metadata["outputs"])
    else:
        check_no_graph(model)
    return metadata


def _metadata(model: onnx.ModelProto) -> dict[str, Any]:
    texts = {entry.key.removeprefix(PREFIX): entry.value for entry in model.metadata_props}
    is_ours = all(entry.key.startswith(PREFIX) for entry in model.metadata_props)
    is_once = len(texts) == len(model.metadata_props)
    artifact_file.require(is_ours and is_once, "has metadata of another tool, or twice")
    size = sum(len(entry.key) + len(entry.value) for entry in model.metadata_props)
    is_small = size <= _MAX_METADATA
    artifact_file.require(
        is_small, f"has metadata of {size} characters, and at most {_MAX_METADATA} are allowed"
    )
    metadata = {key: _value(key, text) for key, text in texts.items()}
    try:
        STATED.validate_json(json.dumps(metadata))
    except ValidationError as error:
        message = f"has invalid metadata: {_first(error)}"
        raise artifact_file.WrongArtifactError(message) from None
    own = json.loads(texts.pop(VERSION))
    version = version_of(model.graph, texts)
    artifact_file.require(
        own == version, f"has the version {own}, but its content has the version {version}"
    )
    return metadata


def _value(key: str, text: str) -> Any:  # noqa: ANN401 - any JSON
    """The value of JSON written as this project writes it: no NaN, and no key twice."""
    try:
        value = json.loads(text)
        is_plain = json.dumps(value, allow_nan=False) == text
    except (ValueError, RecursionError):
        is_plain = False
    artifact_file.require(
        is_plain, f"has metadata that are no plain JSON, under {artifact_file.shown(key)}"
    )
    return value


def _first(error: ValidationError) -> str:
    """The first problem and its place, without the value there."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    place = ".".join(str(part) for part in problems[0]["loc"])
    return artifact_file.shown(f"{place}: {problems[0]['msg']}".removeprefix(": "), 200)
