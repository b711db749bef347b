"""Check that a graph answers as its metadata say, on the same made-up customers.

The metadata hold every learned number, and NumPy computes from them what the graph should answer. A
thousand customers do not prove that two functions are equal, but they reveal changed numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.customers.matrix import date_numbers
from customer_segmentation.schema.evaluate import on_arrays
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.artifact_file import require
from customer_segmentation.scoring.metadata import P_RESPONSE, scaling_of, schema_of
from customer_segmentation.scoring.ranges import Span, are_within, spans
from customer_segmentation.segmentation import quantised
from customer_segmentation.segmentation.response import Bends
from customer_segmentation.segmentation.scaling import Scaling

Array = NDArray[Any]
Answers = Mapping[str, Array]

_CUSTOMERS = 1_024
# Rounding of sums, against the size of what is summed.
_ROUNDING = 1e-9


def check_answers(score: Callable[[Array], Answers], metadata: Mapping[str, Any]) -> None:
    """Refuse an artifact whose graph does not answer as its metadata say.

    Args:
        score: Answers by name for a (rows x columns) matrix.
        metadata: The artifact's, already verified.

    Raises:
        WrongArtifactError: Names the first answer that differs.
    """
    matrix = made_up(metadata)
    is_missing = ~are_within(matrix, metadata["columns"], _spans(metadata))
    answers = score(matrix)
    check = {"segmenter": _wrong_segmenter, "response": _wrong_response}
    with np.errstate(all="ignore"):
        wrong = check.get(metadata["kind"], _wrong_cold_start)(
            {n: v[~is_missing] for n, v in answers.items()}, matrix[~is_missing], metadata
        )
    for name, values in answers.items():
        unknown = values[is_missing]
        if not (np.isnan(unknown) if unknown.dtype.kind == "f" else unknown == -1).all():
            wrong.append(name)
    require(not wrong, f"answers `{next(iter(wrong), '')}`, contradicting its metadata")


def made_up(metadata: Mapping[str, Any]) -> Array:
    """Customers of every size, one with nothing but zeros; then bad ones for each number of a row.

    In one of these the number is missing; in the others it is just out of range.
    """
    draw = np.random.default_rng(0)
    schema = schema_of(metadata)
    known = {
        name: np.full(_CUSTOMERS, value)
        for name, value in date_numbers(AS_OF, schema.as_of).items()
    }
    known |= _days_and_years(draw, schema)
    # Of every other customer all amounts are of one size: shares and thresholds tell them apart.
    is_even = np.arange(_CUSTOMERS) % 2 == 0
    scale = 10.0 ** draw.uniform(0.0, 6.0, _CUSTOMERS)
    columns = []
    for span, name in zip(_spans(metadata), metadata["columns"], strict=False):
        if name in known:
            values = known[name]
        elif categories := schema.columns[name].categories:
            values = draw.integers(0, len(categories), _CUSTOMERS)
        else:
            each = 10.0 ** draw.uniform(-1.0, 6.0, _CUSTOMERS)
            values = np.where(is_even, draw.uniform(0.0, 1.0, _CUSTOMERS) * scale, each)
            if not schema.columns[name].is_never_negative:
                values *= draw.choice([-1.0, 1.0], _CUSTOMERS)
            values[0] = 0.0
            values = np.clip(np.floor(values) if span.whole else values, span.minimum, span.maximum)
        columns.append(np.asarray(values, dtype=np.float64))
    rows = np.column_stack(columns)
    return np.concatenate([rows, _wrong_rows(rows[0], metadata)])


def _days_and_years(draw: np.random.Generator, schema: Schema) -> dict[str, Array]:
    """Allowed values of each column of dates, as numbers, and of each column of years."""
    made: dict[str, Array] = {}
    for column in schema.columns.values():
        if column.earliest:
            first, last = column.earliest.toordinal(), schema.as_of.toordinal()
            drawn = draw.integers(first, last + 1, _CUSTOMERS).tolist()
            numbers = [date_numbers(column.name, date.fromordinal(number)) for number in drawn]
            made |= {name: np.array([each[name] for each in numbers]) for name in numbers[0]}
        if column.age:
            youngest, oldest = column.age
            made[column.name] = schema.as_of.year - draw.integers(youngest, oldest + 1, _CUSTOMERS)
    return made


def _wrong_rows(row: Array, metadata: Mapping[str, Any]) -> Array:
    """Copies of a row that keeps the contract, each with one wrong number."""
    columns, rows = metadata["columns"], []
    for span in _spans(metadata):
        # A rule of several columns is broken by its last: the first are the snapshot's.
        name, weight = [*span.weights.items()][-1]
        position = columns.index(name)
        others = sum(row[columns.index(n)] * w for n, w in span.weights.items() if n != name)
        wrong = [np.nan, np.nextafter(span.minimum, -np.inf), np.nextafter(span.maximum, np.inf)]
        for number in [*wrong, span.minimum - 1.0, span.maximum + 1.0, span.minimum + 0.5]:
            changed = row.copy()
            changed[position] = (number - others) / weight
            rows.append(changed)
    return np.array(rows)


def _spans(metadata: Mapping[str, Any]) -> list[Span]:
    return spans(metadata["columns"], schema_of(metadata))


def _wrong_segmenter(answers: Answers, matrix: Array, metadata: Mapping[str, Any]) -> list[str]:
    """The answers that differ."""
    scaling, centroids = scaling_of(metadata), np.array(metadata["centroids"])
    decisions = [name for name in metadata["outputs"] if name in schema_of(metadata).decisions]
    values = _values(matrix, metadata, [*scaling.features, *decisions], metadata["learned"])
    points = scaling.standardised(_table(values, scaling)) @ np.array(metadata["components"])
    squares = ((points[:, None, :] - centroids) ** 2).sum(axis=2)
    rounding = _ROUNDING * (1.0 + (points**2).sum(axis=1) + (centroids**2).sum(axis=1).max())
    own, other = np.sort(squares, axis=1)[:, :2].T
    # Where two are as near, rounding decides which one is named.
    wrong = [
        name
        for name, expected in (("segment", own), ("runner_up", other))
        if not _is_nearest(answers[name], squares, expected, rounding)
    ]
    told = (1.0 - answers["margin"]) ** 2 * other
    if (answers["segment"] == answers["runner_up"]).any() or not _near(told, own, rounding):
        wrong.append("margin")
    return wrong + [
        n for n in decisions if not np.allclose(answers[n], values[n][0], rtol=_ROUNDING)
    ]


def _wrong_cold_start(answers: Answers, matrix: Array, metadata: Mapping[str, Any]) -> list[str]:
    """The answers that differ."""
    scores, summed = _cold_start_scores(matrix, metadata)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    rounding = _ROUNDING * (1.0 + summed)
    names = metadata["outputs"][1:]
    wrong = [n for n, s in zip(names, shares.T, strict=True) if not _near(answers[n], s, rounding)]
    likeliest = _is_nearest(answers["segment"], -shares, -shares.max(axis=1), rounding)
    return wrong if likeliest else ["segment", *wrong]


def _wrong_response(answers: Answers, matrix: Array, metadata: Mapping[str, Any]) -> list[str]:
    """The answers that differ."""
    scaling, bends = scaling_of(metadata), Bends(**metadata["bends"])
    values = _table(_values(matrix, metadata, scaling.features), scaling)
    terms, weights = bends.terms(scaling.standardised(values)), np.array(metadata["weights"])
    expected = 1.0 / (1.0 + np.exp(-(terms @ weights + metadata["intercept"])))
    rounding = _ROUNDING * (1.0 + np.abs(terms) @ np.abs(weights))
    return [] if _near(answers[P_RESPONSE], expected, rounding) else [P_RESPONSE]


def _cold_start_scores(matrix: Array, metadata: Mapping[str, Any]) -> tuple[Array, Array]:
    """(rows x segments), and of each row the size of what was summed, which rounding depends on."""
    names = metadata["features"]
    made = _values(matrix, metadata, names)
    features = np.concatenate([made[name] for name in names]).T
    if "layers" in metadata:
        parts = [{n: np.array(v) for n, v in layer.items()} for layer in metadata["layers"]]
        scores = quantised.scores([quantised.Layer(**layer) for layer in parts], features)
        return scores, np.abs(scores).max(axis=1)
    values, weights = scaling_of(metadata).standardised(features), np.array(metadata["weights"])
    sizes = np.abs(values) @ np.abs(weights).T
    return values @ weights.T + metadata["intercepts"], sizes.max(axis=1)


def _values(
    matrix: Array,
    metadata: Mapping[str, Any],
    names: Sequence[str],
    learned: Mapping[str, Any] | None = None,
) -> dict[str, Array]:
    """(1 x rows) of each feature and decision."""
    columns = {name: matrix[None, :, i] for i, name in enumerate(metadata["columns"])}
    return on_arrays(schema_of(metadata), names, columns, learned)


def _table(values: Mapping[str, Array], scaling: Scaling) -> Array:
    return np.concatenate([values[name] for name in scaling.features]).T


def _is_nearest(ids: Array, distances: Array, expected: Array, rounding: Array) -> bool:
    """Whether each id is that of a column as near as expected."""
    if not ((ids >= 0) & (ids < distances.shape[1])).all():
        return False
    return _near(distances[np.arange(len(ids)), ids], expected, rounding)


def _near(given: Array, expected: Array, rounding: Array) -> bool:
    # Written so that NaN fails.
    return bool((np.abs(given - expected) <= rounding).all())
