"""Bundles made without a run of Kedro."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from customer_segmentation.bundles.bundle import MODELS, Promotion, StoredBundle
from customer_segmentation.promotion.whole_run import candidate_bundle
from tests.serving.example import write_bundle

MADE = {
    "environment": "dev",
    "run_id": "2026-11-29T04.57.38.122Z",
    "commit": "47c1ca8",
    "code": "a101fb2a66e1",
    "source_sha256": "d97711a7",
}


def models_of(folder: Path, segments: int = 3) -> dict[str, bytes]:
    """The files of the example's two models."""
    written = write_bundle(folder, segments)
    return {name: (written / name).read_bytes() for name in MODELS}


def a_bundle(folder: Path, segments: int = 3) -> StoredBundle:
    """The example's models as a bundle; another number of segments makes another one."""
    found = candidate_bundle(models_of(folder, segments), MADE, {"silhouette": 0.3})
    assert found
    return found


def an_entry(bundle: StoredBundle, previous: str | None, **told: Any) -> Promotion:
    """An entry for the log of staging."""
    fields: dict[str, Any] = {
        "kind": "promotion",
        "by": "ana",
        "environment": "staging",
        "source": "dev",
        **told,
    }
    return Promotion(
        number=0,
        bundle=bundle.id,
        artifact_version=bundle.about["artifact_version"],
        previous=previous,
        at="",
        files=bundle.hashes,
        **fields,
    )
