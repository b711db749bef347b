"""What people call a column, feature, decision or answer, and its unit, as declared there."""

from __future__ import annotations

from customer_segmentation.customers.contract import CHANNEL_LABELS, CONTRACT, PRODUCT_LABELS
from customer_segmentation.features.decisions import DECISIONS, OFFER_LABELS
from customer_segmentation.features.definitions import FEATURES, SHARE, describe

LABELS: dict[str, str] = {
    **{column.name: column.label for column in CONTRACT},
    **{name: feature.label for name, feature in {**FEATURES, **DECISIONS}.items()},
    **PRODUCT_LABELS,
    **CHANNEL_LABELS,
    **OFFER_LABELS,
}


def label_of(name: str) -> str:
    """A name, or a measure such as `offer=discount`, in lower case as in a sentence.

    A name that is not declared is shown with spaces for underscores.
    """
    plain, _, answer = name.partition("=")
    label = LABELS.get(plain, plain.replace("_", " "))
    return f"{label}: {label_of(answer)}" if answer not in {"", "yes"} else label


def unit_of(name: str) -> str:
    """The unit of a column, a feature, a decision, or of a measure such as `offer=discount`."""
    if "=" in name:
        return SHARE
    return DECISIONS[name].unit if name in DECISIONS else describe(name)[1]
