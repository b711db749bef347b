"""Whether a response model is still right, by what came of contacts; and its chances made right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from customer_segmentation.campaigns.outcomes import ANSWERED
from customer_segmentation.feedback.parameters import FeedbackParameters
from customer_segmentation.feedback.regressing import (
    Labels,
    Values,
    alone,
    averaged,
    by_chance,
    regressed,
)
from customer_segmentation.feedback.training import DAY
from customer_segmentation.schema.parts import KEY
from customer_segmentation.scoring.metadata import P_RESPONSE
from customer_segmentation.segmentation.regression import Calibration, chances, losses
from customer_segmentation.segmentation.rounding import rounded
from customer_segmentation.tables.outcomes import RESPONSE_VERSION

# Of probabilities, so that their logit is finite.
_EDGE = 1e-12
# Days of contacts, the last, that a departure may have begun on.
_MOST_STARTS = 60


@dataclass(frozen=True)
class Calibrated:
    """A response model against what came of contacts with those that it foretold.

    Attributes:
        contacts: How many customers were contacted, by its probabilities.
        answers: How many answered.
        expected: How many should have.
        brier: Mean squared difference of probability and answer.
        found: Answers on predicted log odds; None if there are too few of either kind.
        p_value: Of a difference as large, if the model is right (Wald's test of both numbers, with
            the uncertainty of the model's own calibration); None as `found`.
        moved: By which share probabilities are off, on average, by `found`; None as `found`.
        departs: Whether the model is shown to be wrong, by more than is tolerated.
        used: The calibration to plan with; None if there is none.
        since: The first day of these contacts, if the model departs; those before are not counted.
        turned: If it departs, the day since which all that was contacted, by whichever model,
            answers otherwise than predicted; '' where that is so from the first day on.
    """

    contacts: int
    answers: int
    expected: float
    brier: float
    found: Calibration | None
    p_value: float | None
    moved: float | None
    departs: bool
    used: Calibration | None
    since: str = ""
    turned: str = ""

    def stated(self) -> dict[str, Any]:
        """As JSON."""
        told = {
            "contacts": self.contacts,
            "answers": self.answers,
            "expected": float(rounded(self.expected)),
            "brier": float(rounded(self.brier)),
            "p_value": self.p_value,
            "moved": self.moved,
            "departs": self.departs,
            "used": self.used and self.used.told(),
            "since": self.since,
            "turned": self.turned,
        }
        return told | (self.found.told() if self.found else {})


def calibrations(
    contacts: pa.Table, own: Mapping[str, Values], parameters: FeedbackParameters
) -> dict[str, Calibrated]:
    """Response version -> how right it is.

    Args:
        contacts: As `training_set` gives them.
        own: Response version -> the covariance of its own calibration, where it is known.
        parameters: Of the pipeline.
    """
    rows = nw.from_native(contacts, eager_only=True).filter(~nw.col(P_RESPONSE).is_null())
    found = {}
    for version in sorted(rows[RESPONSE_VERSION].unique().to_list()):
        some = rows.filter(nw.col(RESPONSE_VERSION) == version)
        found[version] = _since_it_departs(some, own.get(version, np.zeros((2, 2))), parameters)
    if not any(one.departs for one in found.values()):
        return found
    # A model that was just learned anew has no days on which it was right: all of them together.
    turned = _likeliest_start(rows, parameters)
    turned = turned if turned > rows[DAY].min() else ""
    return {
        version: replace(one, turned=turned) if one.departs else one
        for version, one in found.items()
    }


def _since_it_departs(
    rows: nw.DataFrame[Any], own: Values, parameters: FeedbackParameters
) -> Calibrated:
    """How right a model is; of the contacts since it departs, if it does.

    A model that was right for months and is wrong since a week is hardly wrong on average. So each
    day of contacts is looked at as the first on which it is wrong, and the one under which all that
    came is likeliest is held against chance, which had as many tries (Bonferroni). Source: the
    likelihood ratio of a change point, as in Hinkley (1970).
    """
    tries = min(rows[DAY].n_unique(), _MOST_STARTS)
    strict = parameters.model_copy(update={"departure": parameters.departure / tries})
    since = _likeliest_start(rows, parameters)
    later = _calibrated(rows.filter(nw.col(DAY) >= since), own, strict)
    one = replace(later, since=since) if later.departs else _calibrated(rows, own, strict)
    # Told as it was judged, beside the bound that is configured.
    p_value = None if one.p_value is None else min(1.0, one.p_value * tries)
    return replace(one, p_value=p_value)


def _likeliest_start(rows: nw.DataFrame[Any], parameters: FeedbackParameters) -> str:
    """The day from which on answers are likeliest to be otherwise than predicted."""
    days = sorted(rows[DAY].unique().to_list())[-_MOST_STARTS:]
    gains = _gains(rows, days, parameters.least_answers)
    return str(max(days, key=lambda day: (gains[day], day)))


def _gains(rows: nw.DataFrame[Any], days: list[str], least: int) -> dict[str, float]:
    """Day -> by how much likelier the answers since then are than what was predicted says.

    Log odds count to a hundredth, so that a day costs the same for any number of contacts.
    """
    odds, which = np.unique(np.round(log_odds(rows[P_RESPONSE].to_numpy()), 2), return_inverse=True)
    places = 2 * which + rows[ANSWERED].to_numpy().astype(np.int64)
    day = np.searchsorted(days, rows[DAY].to_numpy().astype(str), side="right") - 1
    size = 2 * len(odds)
    # Those of earlier days are counted first, and left out.
    counts = np.bincount((day + 1) * size + places, minlength=(len(days) + 1) * size)
    since = counts.reshape(-1, size)[:0:-1].cumsum(axis=0)[::-1]
    odds, answers = np.repeat(odds, 2), np.arange(size) % 2
    return {day: _gain(odds, answers, one, least) for day, one in zip(days, since, strict=True)}


def _gain(odds: Values, answers: Labels, counts: Labels, least: int) -> float:
    """By how much likelier the answers of so many are by what they say themselves."""
    if min(counts @ answers, counts @ (1 - answers)) < least:
        return 0.0
    some = counts > 0
    odds, answers, weights = odds[some], answers[some], counts[some].astype(np.float64)
    found = regressed(odds, answers, np.arange(len(odds)), weights)
    predicted, corrected = (
        weights @ losses(one, answers) for one in (odds, found.intercept + found.slope * odds)
    )
    return float(predicted - corrected)


def _calibrated(rows: nw.DataFrame[Any], own: Values, parameters: FeedbackParameters) -> Calibrated:
    _, groups = np.unique(rows[KEY].to_numpy().astype(str), return_inverse=True)
    return calibrated(
        rows[P_RESPONSE].to_numpy(),
        rows[ANSWERED].to_numpy().astype(np.int64),
        groups.astype(np.int64),
        own,
        parameters,
    )


def calibrated(
    p_response: Values,
    answers: Labels,
    groups: Labels,
    own: Values,
    parameters: FeedbackParameters,
) -> Calibrated:
    """How right predicted probabilities were.

    Where the model is not shown to be wrong, what it knew of itself and what came of contacts are
    averaged, each by its precision; where it is, what came of contacts decides alone.

    Args:
        p_response: (contacts,) as predicted.
        answers: (contacts,) 0 or 1.
        groups: (contacts,) the same number for the same customer.
        own: (2 x 2) covariance of the intercept and slope that the model was calibrated by.
        parameters: Of the pipeline.
    """
    count, answered = len(answers), int(answers.sum())
    expected, brier = float(p_response.sum()), float(np.mean((p_response - answers) ** 2))
    if min(answered, count - answered) < parameters.least_answers:
        return Calibrated(
            count, answered, expected, brier, None, None, None, departs=False, used=None
        )
    odds = log_odds(p_response)
    found = regressed(odds, answers, groups, np.ones(count))
    p_value = float(rounded(by_chance(found, own, odds)))
    corrected = chances(found.intercept + found.slope * odds)
    moved = float(rounded(np.abs(corrected - p_response).sum() / expected))
    departs = p_value < parameters.departure and moved > parameters.tolerated
    used = alone(found, odds, answers, groups) if departs else averaged(found, own, odds)
    return Calibrated(count, answered, expected, brier, found, p_value, moved, departs, used)


def log_odds(p_response: Values) -> Values:
    """Of probabilities, kept finite."""
    inside = np.clip(p_response, _EDGE, 1.0 - _EDGE)
    odds: Values = np.log(inside / (1.0 - inside))
    return odds


def lines(found: Mapping[str, Calibrated], least: int) -> Iterator[str]:
    """What a run says of each response model."""
    for version, one in found.items():
        since = f" since {one.since}" if one.since else ""
        told = (
            f"Response model {version}: {one.answers:,} of {one.contacts:,} contacts{since} "
            f"answered, {one.expected:,.1f} were expected"
        )
        if one.found is None:
            yield f"{told}: too few to tell whether it is right ({least} of each kind are needed)"
        elif one.departs:
            yield (
                f"Warning: {told}: its probabilities are off by {one.moved:.0%} on average "
                f"(p = {one.p_value:.2g}). Plans use the updated calibration; learn it anew"
            )
        else:
            yield f"{told}: no departure is shown (p = {one.p_value:.2g})"
