"""Which columns a column is made of, as far as the schema says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from customer_segmentation.schema.formula import Formula
from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY, STANDARDISED
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.schemas import EVENT_TIME

_BRONZE, _SILVER, _FEATURES = "bronze_customers", "silver_customers", "gold_features"
_SCORED = "scored_segments"
# What the nearest centroid and the next one are told by.
_ANSWERS = ("segment", "segment_id", "segment_name", "runner_up", "margin")


@dataclass(frozen=True)
class Made:
    """How a column comes about.

    Attributes:
        table: The dataset that its columns are of.
        columns: Those that it is made of.
        how: In words or as a formula; '' where it is taken over as it is.
    """

    table: str
    columns: tuple[str, ...]
    how: str = ""


def made_columns(table: str, schema: Schema) -> dict[str, Made]:
    """How each column of a dataset comes about, by name; nothing where the schema says nothing."""
    by_table = {
        _SILVER: _silver,
        _FEATURES: _features,
        _SCORED: _scored,
        "gold_segments": _segments,
        "gold_feature_table": _table,
    }
    return dict(by_table[table](schema)) if table in by_table else {}


def _silver(schema: Schema) -> Iterator[tuple[str, Made]]:
    """Headers are read as columns; sums of order lines are no columns of one row."""
    if schema.orders:
        return
    headers: dict[str, list[str]] = {}
    for header, name in schema.aliases.items():
        headers.setdefault(name, []).append(header)
    for name, column in schema.columns.items():
        told = tuple(headers.get(name, [name]))
        yield name, Made(_BRONZE, told, f"read as a {column.kind}, or missing")
    for name in (AS_OF, SAMPLE_KEY):
        yield name, Made(_BRONZE, (name,))


def _features(schema: Schema) -> Iterator[tuple[str, Made]]:
    for name in (KEY, AS_OF, SAMPLE_KEY):
        yield name, Made(_SILVER, (name,))
    for name in schema.numeric_columns([*schema.columns, AS_OF]):
        how = "" if name in schema.columns else schema.describe(name)[0]
        if name in schema.columns and schema.columns[name].categories:
            how = "the number of its category"
        yield name, Made(_SILVER, _behind(schema, [name]), how)
    for name, feature in schema.features.items():
        how = feature.function.text if isinstance(feature.function, Formula) else ""
        yield name, Made(_SILVER, _behind(schema, [name]), how or feature.description)


def _scored(schema: Schema) -> Iterator[tuple[str, Made]]:
    """The segmenter reads canonical columns, and has the features in it."""
    for name in (KEY, AS_OF):
        yield name, Made(_SILVER, (name,))
    of_segments = _behind(schema, schema.segment_numbers)
    for name in _ANSWERS:
        yield name, Made(_SILVER, of_segments, "by the segmenter")
    for name, decision in schema.decisions.items():
        yield name, Made(_SILVER, _behind(schema, _needed(schema, name)), decision.description)


def _segments(schema: Schema) -> Iterator[tuple[str, Made]]:
    for name in (KEY, AS_OF, *_ANSWERS, *schema.decisions):
        yield name, Made(_SCORED, (name,))


def _table(schema: Schema) -> Iterator[tuple[str, Made]]:
    yield KEY, Made(_FEATURES, (KEY,))
    yield EVENT_TIME, Made(_FEATURES, (AS_OF,))
    for name in (*schema.numeric_columns([*schema.columns, AS_OF]), *schema.features):
        yield name, Made(_FEATURES, (name,))
    for name in schema.segment_numbers:
        yield name + STANDARDISED, Made(_FEATURES, (name,), "capped and scaled by the segmenter")


def _needed(schema: Schema, decision: str) -> tuple[str, ...]:
    """The numbers and features behind a decision, whose inputs may be other decisions."""
    found: list[str] = []
    for name in schema.decisions[decision].inputs:
        found += _needed(schema, name) if name in schema.decisions else [name]
    return tuple(dict.fromkeys(found))


def _behind(schema: Schema, names: Iterable[str]) -> tuple[str, ...]:
    """The canonical columns that numbers and features come down to, the day among them."""
    numbers = schema.needed_inputs(names)
    canonical = schema.canonical_columns(numbers)
    ours: Mapping[str, None] = dict.fromkeys(schema.numeric_columns(schema.columns))
    return (*canonical, AS_OF) if any(name not in ours for name in numbers) else canonical
