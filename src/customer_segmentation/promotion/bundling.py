"""Make a bundle of two models: where they come from, and what they answer where they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.bundles.bundle import ABOUT, COLD_START, MODELS, SEGMENTER, StoredBundle
from customer_segmentation.feature_store.definitions import feature_set
from customer_segmentation.scoring.metadata import NO_COLD_START
from customer_segmentation.scoring.probe import made_up
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.scoring.verify import verified

# Made-up customers whose answers travel with a bundle.
_CUSTOMERS = 128
# Numbers that two kinds of processors sum in another order differ by less.
_ROUNDING = 1e-9


def make_bundle(models: Mapping[str, bytes], provenance: Mapping[str, Any]) -> StoredBundle:
    """A bundle of a segmenter and its cold-start model.

    Args:
        models: Their bytes by name.
        provenance: What `bundle.json` says beside what the models say themselves.
    """
    segmenter = verified(models[SEGMENTER])
    about = {
        "artifact_version": segmenter["version"],
        "as_of": segmenter["provenance"]["as_of"],
        "customers": segmenter["provenance"]["customers"],
        "features": feature_set(segmenter).about(),
        **provenance,
        "answers": {name: _answered(models[name]) for name in MODELS},
    }
    return StoredBundle({**models, ABOUT: json.dumps(about).encode() + b"\n"})


def differing_answers(bundle: StoredBundle) -> tuple[int, int]:
    """How many answers of a bundle differ here from those it gave where it was made, of how many.

    Whole numbers must be equal, others equal but for rounding; customers are made up.
    """
    differing = compared = 0
    for name in MODELS:
        told = bundle.about["answers"][name]
        if not told:
            continue
        answers = Scorer(bundle.files[name]).score(_as_array(told["customers"]))
        for output, expected in told["answers"].items():
            given, wanted = answers[output].astype(np.float64), _as_array(expected)
            near = np.isclose(given, wanted, rtol=_ROUNDING, atol=_ROUNDING, equal_nan=True)
            is_same = near if answers[output].dtype.kind == "f" else given == wanted
            differing += int((~is_same).sum())
            compared += len(wanted)
    return differing, compared


def missing_cold_start(bundle: StoredBundle) -> bool:
    """Whether the bundle says why it has no cold-start model, instead of having one."""
    return bool(verified(bundle.files[COLD_START])["kind"] == NO_COLD_START)


def _answered(model: bytes) -> dict[str, Any]:
    metadata = verified(model)
    if metadata["kind"] == NO_COLD_START:
        return {}
    everyone = made_up(metadata)
    drawn = np.unique(np.linspace(0, len(everyone) - 1, _CUSTOMERS).astype(int))
    customers = np.ascontiguousarray(everyone[drawn])
    answers = Scorer(model).score(customers)
    return {
        "customers": [_as_list(row) for row in customers],
        "answers": {name: _as_list(values) for name, values in answers.items()},
    }


def _as_list(values: NDArray[Any]) -> list[Any]:
    """As JSON has numbers: what is missing is null."""
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN


def _as_array(values: Any) -> NDArray[np.float64]:  # noqa: ANN401 - nested lists
    return np.array(values, dtype=np.float64)
