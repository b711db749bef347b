"""How the cells of a source are read: as configured, and as all cells together show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import narwhals as nw

from customer_segmentation.customers.cells import missing_as_empty, stripped
from customer_segmentation.customers.configuration import CustomerParameters
from customer_segmentation.customers.contract import COLUMNS
from customer_segmentation.customers.date_choice import ChosenFormat, DateColumn

Rows = nw.LazyFrame[Any]
# Reduces some rows to one row.
Look = Callable[[Rows], Rows]


@dataclass(frozen=True)
class Reading:
    """How the cells of one source are read.

    Attributes:
        parameters: As configured.
        headers: Canonical column -> header as sent.
        date_formats: The format of each date column.
    """

    parameters: CustomerParameters
    headers: Mapping[str, str]
    date_formats: Mapping[str, ChosenFormat] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """Remarks for the user."""
        return [chosen.note for chosen in self.date_formats.values() if chosen.note]


def settle(rows: Rows, mapped: Mapping[str, str], parameters: CustomerParameters) -> Reading:
    """Choose what only a whole column shows: one pass for each date column.

    Args:
        rows: All cells as text.
        mapped: Canonical column -> header.
        parameters: What may be chosen.

    Raises:
        UnclearDatesError: The format of a date column is not clear.
    """
    return settle_parts(lambda _, look: [look(rows)], mapped, parameters)


def settle_parts(
    each: Callable[[str, Look], Iterable[Rows]],
    mapped: Mapping[str, str],
    parameters: CustomerParameters,
) -> Reading:
    """The same for a source that is read in parts.

    Args:
        each: Applies a reduction to the cells of a header, part by part.
        mapped: Canonical column -> header.
        parameters: What may be chosen.

    Raises:
        UnclearDatesError: As `settle`.
    """
    chosen = {}
    for name, header in mapped.items():
        if COLUMNS[name].kind != "date":
            continue
        column = DateColumn(name, header, parameters.formats, parameters.two_digit_years_before)
        text = missing_as_empty(stripped(header), parameters.missing_values)
        parts = each(header, partial(column.evidence, text=text))
        chosen[name] = column.choose(part.collect().rows(named=True)[0] for part in parts)
    return Reading(parameters, mapped, chosen)
