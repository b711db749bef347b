"""The artifact's answers in words, as columns of a scored table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from customer_segmentation.scoring.metadata import VERSION
from customer_segmentation.tables.schemas import ARTIFACT_VERSION, UNSEGMENTED


def in_words(metadata: Mapping[str, Any]) -> dict[str, nw.Expr]:
    """The columns of a segmenter's answers by name, with the artifact's version.

    Args:
        metadata: The segmenter's.
    """
    columns = _segment_in_words(metadata) | {
        "segment_id": nw.col("segment"),
        "runner_up": _words("runner_up", [segment["key"] for segment in metadata["segments"]]),
        "margin": nw.col("margin"),
    }
    for name in metadata["outputs"]:
        if name not in columns:
            codes = metadata["codes"].get(name)
            columns[name] = _words(name, codes) if codes else nw.col(name)
    return columns | {ARTIFACT_VERSION: nw.lit(metadata[VERSION])}


def cold_start_in_words(metadata: Mapping[str, Any]) -> dict[str, nw.Expr]:
    """The columns of a cold-start model's answers by name, with the artifact's version.

    Args:
        metadata: The cold-start model's.
    """
    shares = {name: nw.col(name) for name in metadata["outputs"] if name != "segment"}
    return _segment_in_words(metadata) | shares | {ARTIFACT_VERSION: nw.lit(metadata[VERSION])}


def _segment_in_words(metadata: Mapping[str, Any]) -> dict[str, nw.Expr]:
    keys, names = ([segment[part] for segment in metadata["segments"]] for part in ("key", "name"))
    return {"segment": _words("segment", keys), "segment_name": _words("segment", names)}


def _words(name: str, words: list[str]) -> nw.Expr:
    """The word that each code stands for; -1 is a row that the artifact could not score."""
    return nw.col(name).replace_strict(
        list(range(len(words))), words, default=UNSEGMENTED, return_dtype=nw.String
    )
