"""Synthetic rows of any schema: seeded, in groups, correlated within patterns, and a little dirty.

Customers are of three kinds, which differ in every number. Columns of one pattern, such as
`spend_{product}`, go together. Cells are written as the schema reads them: its headers, spellings,
signs of numbers and first format of dates. A few rows are spoilt: a cell without a value, a number
out of range, a category that nobody knows, a row that is there twice.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.parts import Column
from customer_segmentation.schema.schema import Schema

Texts = NDArray[Any]
Floats = NDArray[np.float64]

KINDS: Final = 3
# Between the means of kinds, in deviations within one.
_APART: Final = 3.0
# Of rows, for each way to spoil one.
DIRT: Final = 0.005
LINES_A_CUSTOMER: Final = 8
_SPOILT: Final = {"category": "?!", "date": "31.02.1800", "number": "-1e300"}


def generate(schema: Schema, rows: int, seed: int = 1) -> dict[str, list[str]]:
    """Cells by header, of `rows` customers, or of so many order lines where the schema has them.

    Raises:
        ValueError: `rows` is below 1.
    """
    if rows < 1:
        message = f"rows must be 1 or more, not {rows}"
        raise ValueError(message)
    random = np.random.default_rng(seed)
    of_rows = schema.rows
    customers = -(-rows // LINES_A_CUSTOMER) if schema.orders else rows
    customer = random.permutation(np.arange(rows) % customers)
    kind = random.integers(KINDS, size=customers)[customer]
    headers = {column: header for header, column in reversed(of_rows.aliases.items())}
    cells: dict[str, Texts] = {}
    for place, (pattern, rule) in enumerate(of_rows.column_rules.items()):
        if rule.kind == "key" and rule.from_row:
            continue
        # Columns of a pattern go together; which kind has most differs from pattern to pattern.
        shared = _APART * ((kind + place) % KINDS) + random.normal(size=rows)
        names = [*of_rows.members_of(pattern).values()] or [pattern]
        for name in names:
            column = of_rows.columns[name]
            latent = shared + random.normal(size=rows)
            cells[headers.get(name, name)] = _cells(column, of_rows, customer, latent, random)
    _spoil(cells, of_rows, headers, random)
    return {header: column.tolist() for header, column in cells.items()}


def write(path: Path, schema: Path, rows: int, seed: int = 1) -> None:
    """Write rows of the schema in a file as CSV."""
    csv.write_csv(pa.table(generate(read_schema(schema), rows, seed)), path)


def _cells(
    column: Column,
    schema: Schema,
    customer: NDArray[np.int64],
    latent: Floats,
    random: np.random.Generator,
) -> Texts:
    """The cells of a column; texts are one in three rows.

    Args:
        column: Of a customer or a line.
        schema: How its cells are written.
        customer: Each row's, from 0.
        latent: Standardised, from which numbers are made; the larger, the more.
        random: Of texts.
    """
    if column.kind == "key":
        return np.array([f"C{number:07}" for number in customer])
    if column.is_email:
        return np.array([f"c{number:07}@example.com" for number in customer])
    if column.kind == "text":
        numbers = random.integers(len(latent) // 3 + 1, size=len(latent))
        return np.array([f"T{number:06}" for number in numbers])
    # Between 0 and 1, most of them in the middle.
    place = 1.0 / (1.0 + np.exp(0.5 * (_APART - latent)))
    if column.kind == "category":
        at = np.minimum(place * len(column.categories), len(column.categories) - 1).astype(int)
        return np.array([_spelling(word, column, schema) for word in column.categories])[at]
    if column.kind == "date":
        first = column.earliest or schema.as_of - timedelta(days=1_000)
        days = (place * (schema.as_of - first).days).astype(int)
        form = schema.date_formats[0]
        return np.array([f"{first + timedelta(days=int(day)):{form}}" for day in days])
    return np.array([_written(value, schema) for value in _values(column, schema, latent, place)])


def _values(column: Column, schema: Schema, latent: Floats, place: Floats) -> Floats:
    """Numbers within the column's range."""
    if column.age:
        youngest, oldest = column.age
        return np.rint(schema.as_of.year - oldest + place * (oldest - youngest))
    if column.meaning in {"share", "flag"}:
        values = np.rint(place) if column.is_flag else np.round(place, 4)
    elif column.meaning == "number":
        values = np.round(10.0 * latent, 2)
    else:
        values = np.exp(latent) if column.whole else np.round(20.0 * np.exp(latent), 2)
    values = np.floor(values) if column.whole else values
    low = -np.inf if column.minimum is None else column.minimum
    high = np.inf if column.maximum is None else column.maximum
    inside = np.clip(values, low, high)
    # Of a narrow range, the whole of it.
    return (
        inside if len(np.unique(inside)) > KINDS or column.is_flag else low + place * (high - low)
    )


def _written(value: float, schema: Schema) -> str:
    text = f"{value:.15g}".replace(".", schema.decimal_sign)
    return text + "".join(f" {sign}" for sign in schema.ignored_signs[:1])


def _spelling(word: str, column: Column, schema: Schema) -> str:
    spellings = [text for text, meaning in schema.spellings(column.name).items() if meaning == word]
    return spellings[0] if spellings else word


def _spoil(
    cells: dict[str, Texts], schema: Schema, headers: dict[str, str], random: np.random.Generator
) -> None:
    """Make some cells of each column wrong or empty, and repeat some rows, in place."""
    rows = len(next(iter(cells.values())))
    for name, column in schema.columns.items():
        header = headers.get(name, name)
        if header not in cells or column.kind in {"key", "text"}:
            continue
        longer = cells[header].astype(object)
        spoilt, empty = random.random((2, rows)) < DIRT / len(cells)
        longer[spoilt] = _SPOILT[column.kind]
        longer[empty] = ""
        cells[header] = longer
    twice = np.flatnonzero(random.random(rows) < DIRT)
    for column_cells in cells.values():
        column_cells[twice] = column_cells[twice - 1]
