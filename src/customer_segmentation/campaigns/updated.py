"""Probabilities of a response model as what came of earlier contacts has corrected them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.value import Calibration
from customer_segmentation.segmentation.regression import chances

# Of probabilities, so that their logit is finite.
_EDGE = 1e-12


@dataclass(frozen=True)
class Updated:
    """A calibration by outcomes: the logit of p becomes intercept + slope * logit.

    Attributes:
        intercept: Added.
        slope: Above 0.
        covariance: (2 x 2) of the two.
        contacts: Whose outcomes it was learned from.
        departs: Whether the model was shown to be wrong.
    """

    intercept: float
    slope: float
    covariance: NDArray[np.float64]
    contacts: int
    departs: bool

    @classmethod
    def of(cls, stated: Mapping[str, Any] | None, version: str) -> Self | None:
        """That of a response model, as `calibration.json` states it; None if there is none.

        Args:
            stated: The file; None without one.
            version: Of the response model.
        """
        told = ((stated or {}).get("versions") or {}).get(version)
        if not told or not (used := told["used"]):
            return None
        covariance = np.array(used["covariance"], dtype=np.float64)
        numbers = (float(used["intercept"]), float(used["slope"]))
        return cls(*numbers, covariance, int(told["contacts"]), bool(told["departs"]))

    def applied(self, p_response: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) probabilities of (n,) as the model says them; NaN stays."""
        inside = np.clip(p_response, _EDGE, 1.0 - _EDGE)
        return chances(self.intercept + self.slope * np.log(inside / (1.0 - inside)))

    @property
    def calibration(self) -> Calibration:
        """How sure the corrected probabilities are: of an intercept and slope on their logit."""
        turned = np.array([[1.0, -self.intercept / self.slope], [0.0, 1.0 / self.slope]])
        return Calibration(turned @ self.covariance @ turned.T)

    @property
    def told(self) -> str:
        """What a plan says of it."""
        why = (
            "had shown the model to be wrong"
            if self.departs
            else "are weighed with what it learned"
        )
        return (
            f"Probabilities are corrected by the outcomes of {self.contacts:,} contacts, which "
            f"{why} (campaign_planning.updated_calibration=false plans without)."
        )
