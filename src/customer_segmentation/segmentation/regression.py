"""The regression of answers to a campaign: fitted, chosen by inner folds, and calibrated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.segmentation.fitting import assign_folds
from customer_segmentation.segmentation.response import Bends, Regression
from customer_segmentation.segmentation.rounding import SUMMED, rounded
from customer_segmentation.segmentation.scaling import Scaling
from customer_segmentation.segmentation.training_parameters import TrainingParameters

Values = NDArray[np.float64]
Labels = NDArray[np.int64]

# More make a graph that no server takes.
_MOST_FEATURES = 60
# A feature with fewer different values has no room for a bend.
_FEWEST_VALUES = 5
# They take most of a run's time here.
_INNER_FOLDS = 3
_STEPS = 50
_TINY = 1e-12
_NOISE = 1e-9


@dataclass(frozen=True)
class Example:
    """Customers whose answer is known.

    Attributes:
        names: Of the features.
        values: (rows x features), none missing.
        answers: (rows) 0 or 1.
        groups: (rows) the same number for customers who repeat each other.
        weights: (rows) how many customers each stands for; None for one each.
    """

    names: tuple[str, ...]
    values: Values
    answers: Labels
    groups: Labels
    weights: Values | None = None

    def of(self, rows: NDArray[np.bool_]) -> Example:
        """Those of some rows."""
        return replace(
            self,
            values=self.values[rows],
            answers=self.answers[rows],
            groups=self.groups[rows],
            weights=None if self.weights is None else self.weights[rows],
        )

    @property
    def share(self) -> float:
        """Of the customers, who answered."""
        return float(np.average(self.answers, weights=self.weights))


@dataclass(frozen=True)
class Shape:
    """What is chosen of a regression: its bends a feature, and scikit-learn's `C`."""

    bends: int
    inverse_penalty: float


@dataclass(frozen=True)
class Calibration:
    """Answers regressed on predicted log odds: 0 and 1 where these are right.

    Attributes:
        intercept: Added.
        slope: What log odds are multiplied by.
        covariance: (2 x 2) of the two.
    """

    intercept: float
    slope: float
    covariance: Values

    def told(self) -> dict[str, Any]:
        """Fit for JSON."""
        numbers = rounded(self.covariance)
        # Rounding must not make it another kind of matrix.
        numbers[1, 0] = numbers[0, 1]
        intercept, slope = rounded([self.intercept, self.slope]).tolist()
        return {"intercept": intercept, "slope": slope, "covariance": numbers.tolist()}


def learn(example: Example, parameters: TrainingParameters) -> tuple[Regression, Shape]:
    """The regression of the shape that inner folds choose, made right by their predictions.

    The shape is that with the lowest log loss; of equal ones, the first. Nothing outside of the
    example is looked at. Call it with one thread: these fits are small.
    """
    shape, odds = _choose(example, parameters)
    found = calibrate(odds, example.answers, example.groups, example.weights)
    # Where nothing was learned, everybody has the same chance.
    slope = max(found.slope, 0.0)
    intercept = found.intercept if slope else _log_odds(example.share)
    fitted = fit(example, [shape], parameters)[shape]
    return replace(
        fitted,
        weights=rounded(fitted.weights * slope),
        intercept=float(rounded(fitted.intercept * slope + intercept)),
    ), shape


def out_of_fold(example: Example, folds: Labels, parameters: TrainingParameters) -> Values:
    """(rows) the log odds of each customer by what was learned, as a whole, without their fold."""
    odds = np.empty(len(example.answers))
    for fold in np.unique(folds):
        regression, _ = learn(example.of(folds != fold), parameters)
        odds[folds == fold] = predict(regression, example.of(folds == fold))
    return odds


def predict(regression: Regression, example: Example) -> Values:
    """(rows) log odds."""
    chosen = [example.names.index(name) for name in regression.scaling.features]
    return regression.log_odds(example.values[:, chosen])


def fit(
    example: Example, shapes: Sequence[Shape], parameters: TrainingParameters
) -> dict[Shape, Regression]:
    """One regression a shape."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow import

    chosen = _strongest(example)
    values = example.values[:, chosen]
    names = tuple(example.names[place] for place in chosen)
    scaling = _scaling(names, values, parameters.models.cap_quantile)
    standardised = scaling.standardised(values)
    made = {}
    for count in dict.fromkeys(shape.bends for shape in shapes):
        bends = _bends(standardised, count)
        terms = bends.terms(standardised)
        # The penalty is on effects of equal size.
        sizes = terms.std(axis=0)
        even = terms / sizes
        # Each begins where the one before ended.
        regression = LogisticRegression(
            solver="newton-cholesky", tol=1e-10, max_iter=200, warm_start=True
        )
        for shape in (one for one in shapes if one.bends == count):
            regression.set_params(C=shape.inverse_penalty)
            regression.fit(even, example.answers, example.weights)
            weights, intercept = regression.coef_[0] / sizes, float(regression.intercept_[0])
            made[shape] = Regression(
                scaling=scaling, bends=bends, weights=weights, intercept=intercept
            )
    return made


def calibrate(
    odds: Values, answers: Labels, groups: Labels, weights: Values | None = None
) -> Calibration:
    """Answers regressed on log odds, by Newton's method.

    A step that makes the answers less likely is halved: whole ones would go to and fro for ever
    where answers are far from what was predicted.

    Source of the covariance, which holds for customers who repeat each other: Liang and Zeger,
    Longitudinal data analysis using generalized linear models (1986), with working independence.

    Args:
        odds: (rows) predicted.
        answers: (rows) 0 or 1.
        groups: (rows) of repeated customers.
        weights: (rows) how many customers each stands for.
    """
    terms = np.column_stack([np.ones_like(odds), odds])
    # A product with 1 changes no number.
    counts = np.ones_like(odds) if weights is None else weights
    weighted = terms * counts[:, None]

    def loss(at: Values) -> float:
        return float(counts @ losses(terms @ at, answers))

    both = np.array([0.0, 1.0])
    lost = loss(both)
    for _ in range(_STEPS):
        chance = chances(terms @ both)
        curvature = (weighted * (chance * (1.0 - chance))[:, None]).T @ terms
        step = np.linalg.solve(curvature + _TINY * np.eye(2), weighted.T @ (answers - chance))
        # Below what rounding makes of it, a loss is no higher.
        while (now := loss(both + step)) > lost * (1.0 + _NOISE) and np.abs(step).max() > _TINY:
            step /= 2.0
        both, lost = both + step, now
        if np.abs(step).max() < _TINY:
            break
    residuals = weighted * (answers - chances(terms @ both))[:, None]
    summed = np.zeros((groups.max() + 1, 2))
    np.add.at(summed, groups, residuals)
    inverse = np.linalg.inv(curvature + _TINY * np.eye(2))
    covariance = inverse @ (summed.T @ summed) @ inverse
    return Calibration(float(both[0]), float(both[1]), (covariance + covariance.T) / 2.0)


def chances(odds: Values) -> Values:
    """Probabilities of log odds."""
    from scipy.special import expit  # noqa: PLC0415 - slow import

    made: Values = expit(odds)
    return made


def log_loss(odds: Values, answers: Labels, weights: Values | None = None) -> float:
    """The mean of minus the log likelihood."""
    return float(np.average(losses(odds, answers), weights=weights))


def losses(odds: Values, answers: Labels) -> Values:
    """(rows) minus the log likelihood of each answer."""
    lost: Values = np.logaddexp(0.0, np.where(answers == 1, -odds, odds))
    return lost


def _choose(example: Example, parameters: TrainingParameters) -> tuple[Shape, Values]:
    """The shape, and the log odds of each customer by its regression without their inner fold."""
    shapes = [*_shapes(parameters)]
    # Other folds than those that report.
    seed = parameters.seed + 1
    folds = assign_folds(example.answers, example.groups, _INNER_FOLDS, seed)
    odds = {shape: np.empty(len(example.answers)) for shape in shapes}
    for fold in np.unique(folds):
        held_out = example.of(folds == fold)
        for shape, regression in fit(example.of(folds != fold), shapes, parameters).items():
            odds[shape][folds == fold] = predict(regression, held_out)
    # Equal but for rounding is equal: every engine chooses the same.
    lost = {
        shape: round(log_loss(odds[shape], example.answers, example.weights), 9) for shape in shapes
    }
    shape = min(shapes, key=lambda one: lost[one])
    return shape, odds[shape]


def _shapes(parameters: TrainingParameters) -> Iterator[Shape]:
    """The simplest first."""
    response = parameters.response
    for bends, penalty in product(sorted(response.bends), sorted(response.inverse_penalties)):
        yield Shape(bends, penalty)


def _strongest(example: Example) -> list[int]:
    """The places of the features that go with the answers most, in their order."""
    values, answers = example.values, example.answers - example.answers.mean()
    centred = values - values.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    is_varying = spread > _TINY * (1.0 + np.abs(values).max(axis=0))
    correlated = np.abs(answers @ centred) / np.where(is_varying, spread, 1.0)
    strength = np.where(is_varying, np.round(correlated, 9), -1.0)
    order = [place for place in np.argsort(-strength, kind="stable") if is_varying[place]]
    return sorted(int(place) for place in order[:_MOST_FEATURES])


def _scaling(names: tuple[str, ...], values: Values, cap_quantile: float) -> Scaling:
    from customer_segmentation.segmentation.capping import (  # noqa: PLC0415 - as above
        UpperCap,
    )

    caps = rounded(UpperCap(cap_quantile).fit(values).caps_, SUMMED)
    capped = np.minimum(values, caps)
    means, deviations = rounded(capped.mean(axis=0), SUMMED), rounded(capped.std(axis=0), SUMMED)
    return Scaling(names, caps, means, deviations)


def _bends(standardised: Values, count: int) -> Bends:
    """Points between equally many customers, where there are some on both sides."""
    features, starts = [], []
    shares = np.linspace(0.0, 1.0, count + 2)[1:-1]
    for place, values in enumerate(standardised.T):
        if len(np.unique(values)) < _FEWEST_VALUES:
            continue
        for start in np.unique(rounded(np.quantile(values, shares), SUMMED)):
            if values.min() < start < values.max():
                features.append(place)
                starts.append(float(start))
    return Bends(tuple(features), tuple(starts))


def _log_odds(share: float) -> float:
    return float(np.log(share / (1.0 - share)))
