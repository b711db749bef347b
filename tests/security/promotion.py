"""Bundles that are promoted by somebody who may write to the store, and what a server says of them.

Where it helps an attack, the version is computed anew and the cold-start model names it, so that
nothing but the attack itself is wrong.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import onnx
import pytest

from customer_segmentation.scoring.metadata import VERSION, metadata_of, with_metadata
from customer_segmentation.serving.bundle import BrokenBundleError, Champion

KINDS = ("segmenter", "cold_start")


def read(folder: Path, kind: str = "segmenter") -> onnx.ModelProto:
    return onnx.load_model_from_string((folder / f"{kind}.onnx").read_bytes())


def signed(model: onnx.ModelProto, **changes: Any) -> onnx.ModelProto:
    """The model with changed metadata and the version that is right for them; None leaves out."""
    metadata = metadata_of(model) | changes
    metadata.pop(VERSION)
    return with_metadata(model, {k: v for k, v in metadata.items() if v is not None})


def promoted(source: Path, target: Path, model: onnx.ModelProto, kind: str = "segmenter") -> Path:
    """A folder in which the model stands; a segmenter with a cold-start model made for it."""
    target.mkdir(parents=True, exist_ok=True)
    for name in {*KINDS, kind}:
        shutil.copy(source / f"{name}.onnx", target)
    if kind == "segmenter":
        stated = metadata_of(model)
        shared = {key: stated.get(key) for key in ("segments", "customers")}
        cold = read(source, "cold_start")
        write(target, "cold_start", signed(cold, segmenter_version=stated[VERSION], **shared))
    write(target, kind, model)
    return target


def write(folder: Path, kind: str, model: onnx.ModelProto) -> None:
    # At once, as a promotion does.
    beside = folder / f".{kind}"
    beside.write_bytes(model.SerializeToString(deterministic=True))
    beside.replace(folder / f"{kind}.onnx")


def refused(folder: Path) -> str:
    """Why a server does not start with it."""
    with pytest.raises(BrokenBundleError) as found:
        Champion(str(folder))
    told = str(found.value)
    assert "romote" in told
    assert len(told) < 500
    assert told.isprintable()
    return told
