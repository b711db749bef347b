"""The figures of a window against one other summary: columns, segments, answers, refusals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from customer_segmentation.monitoring import distances, phrases
from customer_segmentation.monitoring.bins import Counts
from customer_segmentation.monitoring.compared import Measured, Pair
from customer_segmentation.monitoring.findings import Subject
from customer_segmentation.schema.limits import NO_CATEGORY


def figures(pair: Pair) -> Iterator[Measured]:
    """All that can be told of a window and what it is compared with."""
    now, then = pair.now, pair.then
    for name in sorted({*now.columns} & {*then.columns}):
        yield from _missing(pair, name)
        yield from _column(pair, name)
    yield from _segments(pair)
    yield from _distribution(pair, "segment", "margin_psi", now.margins, then.margins)
    # Of two response models, probabilities differ though customers do not.
    if now.response == then.response:
        chances = (each.chances.sum(axis=0)[:-1] for each in (now, then))
        yield from _distribution(pair, "response", "psi", *chances)
    # Callers of the API mend what it refuses, so that it differs from training.
    if pair.is_before or pair.window.source != "api":
        yield from _rejected(pair)


def _column(pair: Pair, name: str) -> Iterator[Measured]:
    bins = pair.baseline.bins[name]
    now, then = (each.columns[name][:-1] for each in (pair.now, pair.then))
    is_ordered = not bins.labels
    learned = pair.baseline.summary.columns.get(name, pair.now.columns[name])[:-1]
    places = distances.coarse(learned, is_ordered=is_ordered)
    few, few_then = distances.joined(now, places), distances.joined(then, places)
    psi = distances.population_stability(few_then, few)
    if psi is None:
        return
    chance = distances.by_chance(few_then, few, is_ordered=is_ordered)
    elsewhere = distances.elsewhere(few_then, few)
    how = phrases.change_of(bins, now, then, pair.now.sums[name], pair.then.sums[name])
    told = f"{name} differs from {pair.against}: PSI {psi:.2f}{how}.{_calendar(pair, name)}"
    affected = round(float(now.sum()) * elsewhere)
    bound = None if _calendar(pair, name) else pair.bounds.psi
    numbers = {"bound": bound, "affected": affected, "told": told}
    yield pair.measured("input", name, "psi", chance, value=psi, **numbers)
    if is_ordered:
        yield from _values(pair, name, chance)


def _calendar(pair: Pair, name: str) -> str:
    """What is said of a part of a date, which moves away from the training data day by day."""
    is_moved = pair.baseline.bins[name].is_calendar and not pair.is_before
    return " It is part of a date, which time alone moves: no alarm." if is_moved else ""


def _values(pair: Pair, name: str, chance: float | None) -> Iterator[Measured]:
    """How far the values of a column are, in deviations of what the champion learned from."""
    sums, sums_then = pair.now.sums[name], pair.then.sums[name]
    scale = distances.deviation(pair.baseline.summary.sums.get(name, sums_then))
    if not scale:
        return
    now, then = (each.columns[name][:-1] for each in (pair.now, pair.then))
    binned = distances.wasserstein(then, now, np.array(pair.baseline.bins[name].centers))
    # At least what the means are apart, which tell of the ends, too, that one bin holds.
    value = max(binned, abs(distances.mean(sums) - distances.mean(sums_then))) / scale
    chances = [chance, distances.means_by_chance(sums_then, sums)]
    known = [each for each in chances if each is not None]
    told = f"{name} differs from {pair.against} by {value:.2f} deviations.{_calendar(pair, name)}"
    bound = None if _calendar(pair, name) else pair.bounds.wasserstein
    numbers = {"bound": bound, "affected": int(now.sum()), "told": told}
    least = min(known, default=None)
    yield pair.measured("input", name, "wasserstein", least, value=value, **numbers)


def _missing(pair: Pair, name: str) -> Iterator[Measured]:
    parts = [each.columns[name] for each in (pair.now, pair.then)]
    # Callers of the API may leave out what a source has.
    is_told = pair.window.source == "api" and not pair.is_before
    bound = None if is_told else pair.bounds.share
    words = f"{name} is missing for"
    shares = [_Share(int(counts[-1]), int(counts.sum())) for counts in parts]
    yield from _risen(pair, ("input", name, "missing_share"), shares, bound, words)


def _segments(pair: Pair) -> Iterator[Measured]:
    now, then = pair.now.segments, pair.then.segments
    shares = [_Share(int(counts[-1]), int(counts.sum())) for counts in (now, then)]
    words = "No segment is known for"
    yield from _risen(pair, ("segment", "", "no_segment_share"), shares, pair.bounds.share, words)
    now, then = now[:-1], then[:-1]
    yield from _distribution(pair, "segment", "psi", now, then, is_ordered=False)
    if not now.sum() or not then.sum():
        return
    for code, key in enumerate(pair.baseline.segments):
        parts = [np.array([each.sum() - each[code], each[code]]) for each in (now, then)]
        share, share_then = (float(each[1] / each.sum()) for each in parts)
        chance = distances.by_chance(parts[1], parts[0], is_ordered=True)
        change = abs(share - share_then)
        told = (
            f"Segment {key} has {phrases.percent(share)} of the customers, and "
            f"{phrases.percent(share_then)} in {pair.against}."
        )
        affected = round(change * float(now.sum()))
        numbers = {"bound": pair.bounds.share, "affected": affected, "told": told}
        yield pair.measured("segment", key, "share_change", chance, value=change, **numbers)


def _distribution(  # noqa: PLR0913 - two samples, and what they are called
    pair: Pair,
    subject: Subject,
    measure: str,
    now: Counts,
    then: Counts,
    *,
    is_ordered: bool = True,
) -> Iterator[Measured]:
    """PSI of margins, of probabilities or of segments."""
    if is_ordered:
        places = distances.coarse(then, is_ordered=True)
        now, then = distances.joined(now, places), distances.joined(then, places)
    psi = distances.population_stability(then, now)
    if psi is None:
        return
    chance = distances.by_chance(then, now, is_ordered=is_ordered)
    told = f"{phrases.SPOKEN[subject, measure]} differ from {pair.against}: PSI {psi:.2f}."
    affected = round(float(now.sum()) * distances.elsewhere(then, now))
    numbers = {"bound": pair.bounds.psi, "affected": affected, "told": told}
    yield pair.measured(subject, "", measure, chance, value=psi, **numbers)


def _rejected(pair: Pair) -> Iterator[Measured]:
    for why in sorted({*pair.now.rejected, *pair.then.rejected}):
        shares = []
        for each in (pair.now, pair.then):
            refused = each.rejected.get(why, 0)
            shares.append(_Share(refused, each.customers + refused))
        is_new = why.endswith(NO_CATEGORY)
        measure = "new_category_share" if is_new else "rejected_share"
        words = f"Refused ({why}) are"
        yield from _risen(pair, ("input", why, measure), shares, pair.bounds.rejected, words)


@dataclass(frozen=True)
class _Share:
    """So many of so many customers."""

    of_them: int
    all_of_them: int

    @property
    def value(self) -> float:
        return self.of_them / self.all_of_them

    @property
    def counts(self) -> Counts:
        return np.array([self.all_of_them - self.of_them, self.of_them])


def _risen(
    pair: Pair,
    called: tuple[Subject, str, str],
    shares: Sequence[_Share],
    bound: float | None,
    words: str,
) -> Iterator[Measured]:
    """A share of customers that should not grow: of now and then.

    Args:
        pair: What is compared.
        called: Subject, name and measure.
        shares: Of now and of then.
        bound: By how much it may be larger; None if it is only told.
        words: How a sentence on it begins.
    """
    now, then = shares
    if not now.all_of_them or not then.all_of_them:
        return
    chance = distances.by_chance(then.counts, now.counts, is_ordered=True)
    told = (
        f"{words} {phrases.percent(now.value)} of the customers, and "
        f"{phrases.percent(then.value)} in {pair.against}."
    )
    upper = None if bound is None else then.value + bound
    numbers = {"bound": upper, "affected": now.of_them, "told": told}
    subject, name, measure = called
    yield pair.measured(subject, name, measure, chance, value=now.value, **numbers)
