"""How the cells of a source are read: as configured, and as all cells together show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import narwhals as nw

from customer_segmentation.customers.date_choice import ChosenFormat, DateColumn
from customer_segmentation.schema.cells import missing_as_empty, stripped
from customer_segmentation.schema.schema import Schema

Rows = nw.LazyFrame[Any]
# Reduces some rows to one row.
Look = Callable[[Rows], Rows]


@dataclass(frozen=True)
class Reading:
    """How the cells of one source are read.

    Attributes:
        schema: What the columns are, and how their cells are written.
        headers: Canonical column -> header as sent.
        date_formats: The format of each date column.
        has_lines: Whether rows are order lines, of which a customer has many.
        of_any_day: `schema` without what depends on the day, where rows may have versions.
    """

    schema: Schema
    headers: Mapping[str, str]
    date_formats: Mapping[str, ChosenFormat] = field(default_factory=dict)
    has_lines: bool = False
    of_any_day: Schema | None = None

    def notes(self) -> list[str]:
        """Remarks for the user."""
        return [chosen.note for chosen in self.date_formats.values() if chosen.note]


def settle(rows: Rows, mapped: Mapping[str, str], schema: Schema) -> Reading:
    """Choose what only a whole column shows: one pass for each date column.

    Args:
        rows: All cells as text.
        mapped: Canonical column -> header.
        schema: What may be chosen.

    Raises:
        UnclearDatesError: The format of a date column is not clear.
    """
    return settle_parts(lambda _, look: [look(rows)], mapped, schema)


def settle_parts(
    each: Callable[[str, Look], Iterable[Rows]],
    mapped: Mapping[str, str],
    schema: Schema,
) -> Reading:
    """The same for a source that is read in parts.

    Args:
        each: Applies a reduction to the cells of a header, part by part.
        mapped: Canonical column -> header.
        schema: What may be chosen.

    Raises:
        UnclearDatesError: As `settle`.
    """
    chosen = {}
    for name, header in mapped.items():
        if schema.columns[name].kind != "date":
            continue
        column = DateColumn(name, header, schema.formats, schema.two_digit_years_before)
        text = missing_as_empty(stripped(header), schema.missing_values)
        parts = each(header, partial(column.evidence, text=text))
        chosen[name] = column.choose(part.collect().rows(named=True)[0] for part in parts)
    return Reading(schema, mapped, chosen)
