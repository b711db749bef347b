"""Make the candidate of a whole run the champion, unless it lacks a part that works."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from customer_segmentation.bundles.bundle import COLD_START, RESPONSE, SEGMENTER, StoredBundle
from customer_segmentation.promotion.bundling import lacks, made_for_others, make_bundle
from customer_segmentation.scoring.metadata import VERSION
from customer_segmentation.scoring.verify import verified

_SELECTIONS = (
    *("pipeline_names", "tags", "node_names", "from_nodes", "to_nodes"),
    *("from_inputs", "to_outputs", "namespaces", "only_missing_outputs"),
)


def is_whole(run_params: Mapping[str, Any]) -> bool:
    """Whether a run takes every step."""
    return not any(run_params[selection] for selection in _SELECTIONS)


def candidate_bundle(
    models: Mapping[str, bytes], made: Mapping[str, Any], figures: Mapping[str, float]
) -> StoredBundle | None:
    """The bundle of a run's models; None if they do not belong together.

    Args:
        models: Their bytes by name.
        made: How the segmenter was made: `environment`, `run_id`, `commit`, `code` and
            `source_sha256`.
        figures: How good they are.
    """
    if made_for_others(models):
        return None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return make_bundle(models, {**made, "made_at": now, "figures": dict(figures)})


def why_kept(
    champion: StoredBundle, clustering: Mapping[str, Any], supervised: Mapping[str, Any]
) -> str:
    """Why the champion stays, in one line; '' if the candidate may replace it.

    A candidate leaves out a part that is worse than none; a champion that has the part is kept.

    Args:
        champion: The bundle that is live.
        clustering: Summary of clustering for the candidate.
        supervised: Metrics of supervised training for the candidate.
    """
    segmenter = verified(champion.files[SEGMENTER])
    r2 = clustering["expected_spend_r2"]
    lost = []
    if r2 is not None and r2 < 0.0 and "likely_to_spend" in segmenter["outputs"]:
        lost.append(f"its expected spend (out-of-fold R2 of {r2:.2f})")
    lost += [
        f"its {spoken} model"
        for name, kind, spoken in (
            (COLD_START, "cold_start", "cold-start"),
            (RESPONSE, "response", "response"),
        )
        if supervised.get(kind, {}).get("is_worse_than_none") and not lacks(champion, name)
    ]
    if not lost:
        return ""
    return (
        f"The champion {segmenter[VERSION]} stays: in this run's candidate, {' and '.join(lost)} "
        "would be worse than none. To promote the candidate without that, add "
        "--params=promotion.even_if_worse=true"
    )
