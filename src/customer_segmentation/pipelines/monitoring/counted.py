"""Count the customers of a run in the bins of the champion's baseline."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import narwhals as nw

from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.monitoring.summary import Summary
from customer_segmentation.monitoring.tables import count_table
from customer_segmentation.pipelines.monitoring.baselines import Known
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import schema_of

logger = logging.getLogger(__name__)


def count_customers(customers: nw.LazyFrame[Any], schema: Schema, known: Known) -> Summary:
    """The customers of a table of canonical columns, as the champion sees them.

    Columns that it knows of another kind, or not at all, are not counted; without all that it needs
    nobody has a segment, or a probability of an answer.

    Args:
        customers: On any engine.
        schema: Of the table.
        known: The champion.
    """
    theirs = schema_of(known.segmenter)
    present = customers.collect_schema().names()
    alike = [
        name
        for name, column in theirs.columns.items()
        if name in present and name in schema.columns and column.kind == schema.columns[name].kind
    ]
    numbers = customers.select(**numeric_expressions(theirs, [*alike, AS_OF]))
    columns = {*numbers.collect_schema().names()}
    usable = [model for model, metadata in known.models if _can_score(metadata, columns)]
    return count_table(numbers, known.baseline, usable)


def new_columns(customers: nw.LazyFrame[Any], schema: Schema, known: Known) -> tuple[str, ...]:
    """The columns of a table that the champion knows nothing of."""
    theirs = schema_of(known.segmenter).columns
    present = {*customers.collect_schema().names()}
    return tuple(sorted(name for name in schema.columns if name in present - {*theirs}))


def _can_score(metadata: Mapping[str, Any], columns: set[str]) -> bool:
    if missing := sorted({*metadata["columns"]} - columns):
        logger.warning("The champion's %s lacks %s here.", metadata["kind"], missing)
    return not missing
