"""Whether the champion's response model is still right, by the outcomes that came back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customer_segmentation.customers.account import percent
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.pipelines.monitoring.baselines import Known
from customer_segmentation.scoring.metadata import VERSION

CALIBRATION = "calibration"
_ADVICE = (
    "Learn the response model anew from what came back; until then campaigns are planned with the "
    "updated calibration."
)


def of_outcomes(
    window: Window, known: Known, latest: Mapping[str, Any] | None, tolerated: float
) -> list[Finding]:
    """By how much the probabilities are off, where outcomes of its contacts came back.

    Args:
        window: Of the run.
        known: The champion.
        latest: `calibration.json`; None without one.
        tolerated: By how much they may be.
    """
    told = (latest or {}).get("versions", {}).get(known.response.get(VERSION))
    if not told:
        return []
    said = (
        f"{told['answers']:,} of {told['contacts']:,} contacts answered, and "
        f"{told['expected']:,.0f} were expected"
    )
    if told["moved"] is None:
        said = f"{said}: too few to tell whether the response model is right."
    elif told["departs"]:
        said = f"The response model is off by {percent(told['moved'])} on average: {said}."
    else:
        said = f"The response model is not shown to be wrong: {said}."
    departs = bool(told["departs"])
    finding = Finding(
        *(window, "response", "", CALIBRATION, told["moved"], tolerated if departs else None),
        affected=int(told["contacts"]),
        told=said,
        advice=_ADVICE if departs else "",
    )
    return [finding]
