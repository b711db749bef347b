"""What figures of drift say, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring import distances
from customer_segmentation.monitoring.bins import Bins, Counts
from customer_segmentation.monitoring.findings import Finding, Subject

# Subject and measure -> how a sentence on it begins.
SPOKEN: Mapping[tuple[Subject, str], str] = {
    ("segment", "psi"): "The sizes of the segments",
    ("segment", "margin_psi"): "The margins between segments",
    ("response", "psi"): "The probabilities of an answer",
}
_RETRAIN = "if the customers have changed, learn from them: kedro run"
# Whole percent tell enough from there on.
_SMALL = 0.1


def percent(share: float) -> str:
    """A share in percent, small ones with a digit after the point."""
    return f"{share * 100:.1f} %" if 0.0 < share < _SMALL else f"{share * 100:.0f} %"


def change_of(
    bins: Bins,
    now: Counts,
    then: Counts,
    sums: NDArray[np.float64],
    sums_then: NDArray[np.float64],
) -> str:
    """How a column is otherwise than it was: which category, or which way.

    Args:
        bins: Of the column.
        now: (bins,) customers.
        then: (bins,) what they are compared with.
        sums: (3,) of now.
        sums_then: (3,) of then.
    """
    if bins.labels:
        share, share_then = now / now.sum(), then / then.sum()
        most = int(np.abs(share - share_then).argmax())
        return (
            f", {bins.labels[most]} {percent(float(share_then[most]))} then and "
            f"{percent(float(share[most]))} now"
        )
    deviation = distances.deviation(sums_then)
    if not deviation:
        return ""
    moved = (distances.mean(sums) - distances.mean(sums_then)) / deviation
    return f", its mean {abs(moved):.2f} deviations {'higher' if moved > 0.0 else 'lower'}"


def advice(finding: Finding) -> str:
    """What to do about an alarm."""
    measure = finding.measure.removesuffix("_before")
    if measure == "new_category_share":
        return (
            "Look which value the source sends now: add it to the column's categories in the "
            "schema, or have the source mended."
        )
    if measure in {"missing_share", "rejected_share"}:
        return "Ask those who send the column what has changed, and have it mended."
    if finding.subject == "input":
        return f"Look at how {finding.name} is measured and sent; {_RETRAIN}."
    if measure == "no_segment_share":
        return "Look which inputs are missing: without one of them a customer has no segment."
    return f"Look which columns drift: they move the {_MOVED[finding.subject]}; {_RETRAIN}."


def unsure(customers: int, *, is_known: bool) -> str:
    """Why a figure beyond its bound is no alarm."""
    who = f"{customers:,} customers"
    return (
        f" Chance alone can make as much of {who}." if is_known else f" {who} are too few to tell."
    )


_MOVED: Mapping[Subject, str] = {"segment": "segments", "response": "probabilities"}
