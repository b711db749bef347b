"""What a rule for whom to contact is worth in a randomised test, on customers it never saw."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist

import numpy as np

from customer_segmentation.campaigns.effects import METHODS, Arms, Effects, TreeSize, learn
from customer_segmentation.campaigns.intervals import Estimate, Numbers

BEST_CONSTANT = "best constant"
CONTROL = 0


@dataclass(frozen=True)
class Trial:
    """The customers of a randomised test.

    Attributes:
        inputs: (n x d) what was known of each before it; NaN where it is not.
        arms: (n,) the arm that each was in; 0 is the control.
        names: Of the arms, each of the same probability.
    """

    inputs: Numbers
    arms: Arms
    names: tuple[str, ...]


@dataclass
class _Mean:
    """A number, averaged over splits of the same customers.

    The splits are no independent samples: a standard deviation over them, over the root of their
    number, would be far too small. Halves also answer for each other: what chance has put into one
    is missing in the other. So the error is that of one split, by its influence function, and is
    not made smaller by repeating: it then holds for the mean of all (`benchmarks/uplift.py`).
    """

    value: float = 0.0
    variance: float = 0.0
    splits: int = 0

    def add(self, scores: tuple[float, Numbers]) -> None:
        value, influence = scores
        self.value += value
        self.variance += float((influence**2).mean()) / len(influence)
        self.splits += 1

    def estimate(self, level: float) -> Estimate:
        half = NormalDist().inv_cdf(0.5 + level / 2.0) * sqrt(self.variance / self.splits)
        value = self.value / self.splits
        return Estimate(value, value - half, value + half)


@dataclass(frozen=True)
class Policy:
    """A rule for whom to contact with what, as it does on customers it never saw.

    All are a customer's mean, after costs, in the unit of the outcome.

    Attributes:
        name: A method of `METHODS`, `BEST_CONSTANT`, or an arm that everybody is in.
        shares: Of customers in each arm.
        over_control: Against contacting nobody, by inverse-probability weights that sum to 1.
        over_constant: Against the arm that was best for everybody in the whole test; None for an
            arm. If that arm were chosen by the half that is learned from, chance would choose a
            worse one at times, and what knows nothing would seem better.
        robust: The latter by the doubly robust score, which varies less where outcomes can be told
            beforehand.
        is_better: Whether it is better than the best constant, though several policies are tried.
    """

    name: str
    shares: tuple[float, ...]
    over_control: Estimate
    over_constant: Estimate | None = None
    robust: Estimate | None = None
    is_better: bool = False


@dataclass
class _Sums:
    shares: Numbers
    over_control: _Mean = field(default_factory=_Mean)
    over_constant: _Mean = field(default_factory=_Mean)
    robust: _Mean = field(default_factory=_Mean)


@dataclass(frozen=True)
class Valued:
    """All policies for an outcome, and the effects that they go by.

    Attributes:
        constants: Every arm for everybody, but the control.
        policies: `METHODS`, then `BEST_CONSTANT`.
        best: The arm that was best for everybody.
        effects: (n x arms) of customers who were not learned from, mean of methods and splits.
    """

    constants: list[Policy]
    policies: list[Policy]
    best: str
    effects: Numbers


def value_policies(  # noqa: PLR0913 - what a test is, and how it is looked at
    tested: Trial,
    outcomes: Numbers,
    *,
    cost: float,
    splits: int,
    size: TreeSize,
    level: float = 0.95,
) -> Valued:
    """Learn policies on one half of the customers and value them on the other, and back, often.

    Args:
        tested: Who was in the test.
        outcomes: (n,) what came of it.
        cost: Of a contact, in the unit of the outcome.
        splits: How often the customers are halved.
        size: Of the trees.
        level: The share of intervals that hold the truth.
    """
    count, rows = len(tested.names), len(outcomes)
    constants = [_constant(tested, outcomes, arm, cost, level) for arm in range(count)]
    best = int(np.argmax([constant.over_control.value for constant in constants]))
    control, constant = np.full(rows, CONTROL), np.full(rows, best)
    sums = {name: _Sums(np.zeros(count)) for name in (*METHODS, BEST_CONSTANT)}
    effects = np.zeros((rows, count))
    for split in range(splits):
        halves = np.random.default_rng([size.seed, split]).permutation(rows) % 2 == 0
        choices, means, found = _cross_fitted(tested, outcomes, halves, cost, size)
        effects += found / splits
        for name, arms in choices.items():
            one = sums[name]
            one.shares += np.bincount(arms, minlength=count) / rows / splits
            one.over_control.add(_weighted(tested, outcomes, arms, control, cost))
            one.over_constant.add(_weighted(tested, outcomes, arms, constant, cost))
            one.robust.add(_robust(tested, outcomes, (arms, constant), means, cost))
    strict = 1.0 - (1.0 - level) / len(METHODS)
    return Valued(
        constants[1:],
        [
            Policy(
                name,
                tuple(float(share) for share in one.shares),
                one.over_control.estimate(level),
                one.over_constant.estimate(level),
                one.robust.estimate(level),
                name != BEST_CONSTANT and one.over_constant.estimate(strict).low > 0.0,
            )
            for name, one in sums.items()
        ],
        tested.names[best],
        effects,
    )


def _cross_fitted(
    tested: Trial, outcomes: Numbers, halves: np.ndarray, cost: float, size: TreeSize
) -> tuple[dict[str, Arms], Numbers, Numbers]:
    """Of each customer, as the other half shows: choices by policy, means by arm, and effects."""
    count, rows = len(tested.names), len(outcomes)
    choices = {name: np.zeros(rows, np.int64) for name in (*METHODS, BEST_CONSTANT)}
    means, effects = np.zeros((rows, count)), np.zeros((rows, count))
    costs = np.where(np.arange(count) == CONTROL, 0.0, cost)
    for of in (halves, ~halves):
        learned = (tested.inputs[~of], tested.arms[~of], outcomes[~of])
        found: Effects = learn(learned, tested.inputs[of], count, size)
        means[of] = found.means
        for name in METHODS:
            choices[name][of] = (found.effects[name] - costs).argmax(axis=1)
            effects[of] += found.effects[name] / len(METHODS)
        by_arm = np.bincount(learned[1], learned[2], count) / np.bincount(learned[1], None, count)
        choices[BEST_CONSTANT][of] = int((by_arm - costs).argmax())
    return choices, means, effects


def _constant(tested: Trial, outcomes: Numbers, arm: int, cost: float, level: float) -> Policy:
    rows = len(outcomes)
    everybody, control = np.full(rows, arm), np.full(rows, CONTROL)
    mean = _Mean()
    mean.add(_weighted(tested, outcomes, everybody, control, cost))
    shares = tuple(float(each == arm) for each in range(len(tested.names)))
    return Policy(tested.names[arm], shares, mean.estimate(level))


def _weighted(
    tested: Trial, outcomes: Numbers, policy: Arms, other: Arms, cost: float
) -> tuple[float, Numbers]:
    """One policy less another, by inverse-probability weights that sum to 1 (Hajek)."""
    values, influences = [], []
    for arms in (policy, other):
        weights = (tested.arms == arms) / (tested.arms == arms).mean()
        spent = np.where(arms == CONTROL, 0.0, cost)
        value = float((weights * outcomes).mean())
        values.append(value - float(spent.mean()))
        influences.append(weights * (outcomes - value) - (spent - spent.mean()))
    return values[0] - values[1], influences[0] - influences[1]


def _robust(
    tested: Trial, outcomes: Numbers, policies: tuple[Arms, Arms], means: Numbers, cost: float
) -> tuple[float, Numbers]:
    """The same by the doubly robust score (augmented inverse-probability weights)."""
    scores = []
    rows = np.arange(len(outcomes))
    for arms in policies:
        expected = means[rows, arms]
        weights = (tested.arms == arms) * len(tested.names)
        spent = np.where(arms == CONTROL, 0.0, cost)
        scores.append(expected + weights * (outcomes - expected) - spent)
    difference = scores[0] - scores[1]
    value = float(difference.mean())
    return value, difference - value
