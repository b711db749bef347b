"""Why rows of numeric inputs have no segment: the ranges that the artifact checks, by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.customers.contract import AS_OF
from customer_segmentation.customers.matrix import canonical_columns, numeric_columns
from customer_segmentation.scoring.ranges import Span
from customer_segmentation.serving.validation import Contract, Problem, limit_problems

Array = NDArray[np.float64]
_YEAR, _DAY = numeric_columns([AS_OF])


class Unsegmented(msgspec.Struct):
    """A row without a segment, counted from 0, and what is wrong with its columns."""

    row: int
    problems: list[Problem]


def explain_unsegmented(
    contract: Contract, matrix: NDArray[np.float64], segments: NDArray[np.int64]
) -> list[Unsegmented]:
    """Each row whose segment is -1, with some of its problems, at least the first.

    Args:
        contract: The artifact's.
        matrix: (rows x the artifact's columns), NaN for missing.
        segments: The artifact's answers, one per row.
    """
    places = np.flatnonzero(segments < 0)
    rows = [Unsegmented(place, []) for place in places.tolist()]
    numbers = dict(zip(contract.columns, matrix[places].T, strict=True))
    for name, values in numbers.items():
        wrong = {"missing": np.isnan(values)}
        for span in contract.spans:
            # A span of several columns is a rule on another column than the snapshot's.
            if name in span.weights and (len(span.weights) == 1 or name not in (_YEAR, _DAY)):
                for problem, is_wrong in _outside(contract, span, name, numbers):
                    wrong[problem] = wrong.get(problem, False) | is_wrong
        for problem, is_wrong in wrong.items():
            found = Problem(name, problem, _accepted(contract, name))
            for number in np.flatnonzero(is_wrong).tolist():
                rows[number].problems.append(found)
    limit_problems(rows)
    return rows


def _outside(
    contract: Contract, span: Span, name: str, numbers: Mapping[str, Array]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each problem that a span can find in a column, and the rows that have it."""
    values = np.sum([weight * numbers[each] for each, weight in span.weights.items()], axis=0)
    below, above = values < span.minimum, values > span.maximum
    is_broken = ~(below | above | np.isnan(values)) & (values != np.floor(values))
    # The parts of a rule on several columns are checked by their own spans.
    is_broken &= span.whole and len(span.weights) == 1
    (column,) = canonical_columns([name]) or (AS_OF,)
    kind = "date" if column == AS_OF else contract.rules[column]["kind"]
    if kind != "number":
        problem = "unknown category" if kind == "category" else "outside the accepted days"
        yield problem, below | above | is_broken
        return
    yield "too small", below if span.weights[name] > 0.0 else above
    yield "too large", above if span.weights[name] > 0.0 else below
    yield "not a whole number", is_broken


def _accepted(contract: Contract, name: str) -> str:
    """What a column of numbers accepts, in words that are true for every row."""
    if name == "year_birth":
        minimum, maximum = contract.age["minimum"], contract.age["maximum"]
        return f"a year from {maximum} to {minimum} years before {_YEAR}"
    if name in (_YEAR, _DAY):
        return "the year of a day" if name == _YEAR else "a day of the year, 1 to 366"
    (column,) = canonical_columns([name])
    rule = contract.rules[column]
    if rule["kind"] == "category":
        return "a code: " + ", ".join(f"{n} {word}" for n, word in enumerate(rule["categories"]))
    if rule["kind"] == "date":
        first = contract.enrolled_from
        return f"of a day from {first} to the snapshot's, as its year and its day of the year"
    return contract.accepted(column)
