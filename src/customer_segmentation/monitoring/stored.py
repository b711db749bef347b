"""The baseline that lies beside a bundle's models, or why there is none."""

from __future__ import annotations

import json

from customer_segmentation.bundles.bundle import BASELINE
from customer_segmentation.monitoring.summary import Baseline


def baseline_of(content: bytes | None, version: str) -> tuple[Baseline | None, str]:
    """The baseline of a bundle, and '' ; or None, and why there is none.

    Args:
        content: Of its file; None where the bundle has none.
        version: Of the bundle's segmenter.
    """
    if content is None:
        return None, f"the bundle of {version} is older than monitoring: kedro run makes a new one"
    try:
        baseline = Baseline.of(json.loads(content))
    # No answer depends on the file, so nothing that it holds may keep anybody from one.
    except Exception:  # noqa: BLE001 - as said
        return None, f"{BASELINE} beside {version} is damaged: restore the bundle's folder"
    if baseline.version != version:
        return None, f"{BASELINE} is of {baseline.version}, and not of {version}"
    return baseline, ""
