"""Tables of what matters, what is missing, and whether customers form groups at all."""

from __future__ import annotations

from typing import Any

import pandas as pd

from customer_segmentation.pipelines.eda import measures
from customer_segmentation.pipelines.eda.parameters import EdaParameters
from customer_segmentation.pipelines.eda.sample import EdaSample

HOPKINS_DEFINITION = (
    "sum(u) / (sum(u) + sum(w)); u: distances from random places in the bounding box to the "
    "nearest customer, w: from customers to their nearest other customer; in the selected "
    "features, capped and standardised (Hopkins and Skellam 1954; Lawson and Jurs 1990)"
)
# From here on, Lawson and Jurs call points clustered at the 90 % level.
_CLUSTERED = 0.75
_ABOVE_CHANCE = 0.6
_BELOW_CHANCE = 0.4


def summarise_eda(
    sample: EdaSample,
    relations: pd.DataFrame,
    cap_quantile: float,
    eda: EdaParameters,
) -> dict[str, Any]:
    """The findings in short: rows, cluster tendency, top features a target."""
    points = sample.standardised(cap_quantile)
    probing = (eda.hopkins_probes, eda.hopkins_repeats, eda.seed)
    value = measures.hopkins(points, *probing)
    shuffled = measures.hopkins(measures.shuffled(points, eda.seed), *probing)
    return {
        "rows": sample.rows,
        "sample_rows": len(sample.numbers),
        "sampled": sample.is_drawn,
        "cap_quantile": cap_quantile,
        "hopkins": {
            "value": value,
            "each_feature_shuffled": shuffled,
            "features": sample.selected,
            "meaning": explain_hopkins(value),
            "definition": HOPKINS_DEFINITION,
        },
        "top_features": {
            target: measures.findings(relations, target, eda.top_features).to_dict("records")
            for target in sample.targets
        },
    }


def explain_hopkins(value: float | None) -> str:
    """The statistic in words."""
    if value is None:
        return "not measured: too few customers, or no feature that tells them apart"
    if value >= _CLUSTERED:
        return (
            f"clustered: {_CLUSTERED} or more, the 90 % level of Lawson and Jurs. Customers "
            "crowd together, but a single dense group would do so too. Compare with the same "
            "statistic after shuffling each feature, which breaks the relations between them"
        )
    if value >= _ABOVE_CHANCE:
        bound = f"above 0.5, but below the {_CLUSTERED} of Lawson and Jurs"
        return f"a weak tendency to cluster: {bound}"
    if value >= _BELOW_CHANCE:
        return "no tendency to cluster: about 0.5, as for customers spread evenly"
    return "spaced out more evenly than chance: well below 0.5"
