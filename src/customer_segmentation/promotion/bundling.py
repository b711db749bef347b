"""Make a bundle of models: where they come from, and what they answer where they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.bundles.bundle import ABOUT, MODELS, SEGMENTER, StoredBundle
from customer_segmentation.feature_store.definitions import feature_set
from customer_segmentation.scoring.metadata import VERSION, has_model
from customer_segmentation.scoring.probe import made_up
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.scoring.verify import verified

# Made-up customers whose answers travel with a bundle.
_CUSTOMERS = 128
# Numbers that two kinds of processors sum in another order differ by less.
_ROUNDING = 1e-9


def make_bundle(models: Mapping[str, bytes], provenance: Mapping[str, Any]) -> StoredBundle:
    """A bundle of a segmenter and the models that were made for it.

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
        "answers": {name: _answered(models[name]) for name in MODELS if name in models},
    }
    return StoredBundle({**models, ABOUT: json.dumps(about).encode() + b"\n"})


def differing_answers(bundle: StoredBundle) -> tuple[int, int]:
    """How many answers of a bundle differ here from those it gave where it was made, of how many.

    Whole numbers must be equal, others equal but for rounding; customers are made up.
    """
    differing = compared = 0
    for name in bundle.models:
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


def lacks(bundle: StoredBundle, name: str) -> bool:
    """Whether the bundle has no such model: the file says why, or the bundle is older than that."""
    return name not in bundle.files or not has_model(verified(bundle.files[name]))


def made_for_others(models: Mapping[str, bytes]) -> dict[str, str]:
    """The models that were made for another segmenter than theirs, each with that one's version."""
    stated = {name: verified(content) for name, content in models.items()}
    version = stated.pop(SEGMENTER)[VERSION]
    made_for = {name: str(one["segmenter_version"]) for name, one in stated.items()}
    return {name: other for name, other in made_for.items() if other != version}


def _answered(model: bytes) -> dict[str, Any]:
    metadata = verified(model)
    if not has_model(metadata):
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
