"""The sample's customers as documents with types of their own, and as a run reads them."""

from __future__ import annotations

import csv
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from customer_segmentation.customers.quarantine import ADDED
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing.nodes import check_rows, settle_reading
from customer_segmentation.schema.schema import Schema
from customer_segmentation.sources.dataset import SourceDataset

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "customers.csv"
# Where documents have them, by header.
NESTED = {
    "Kidhome": "household.Kidhome",
    "Teenhome": "household.Teenhome",
    "Income": "means.Income",
}
_TEXT = {"Education", "Marital_Status"}


def sample_rows(count: int | None = None) -> list[dict[str, str]]:
    """The sample's rows as sent, the last of each customer: a key has one document."""
    with SAMPLE.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return list({row["ID"]: row for row in rows}.values())[:count]


def sample_documents(count: int | None = None) -> list[dict[str, Any]]:
    """A document a customer: whole numbers, a date, and objects in it."""
    return [_document(row) for row in sample_rows(count)]


def nested_schema(block: dict[str, Any]) -> Schema:
    """The default schema with the paths as headers."""
    block = deepcopy(block)
    for column in block["columns"].values():
        headers = column.get("headers")
        if isinstance(headers, list):
            headers += [NESTED[header] for header in headers if header in NESTED]
    return Schema.model_validate(block)


def canonical(table: Any, schema: Schema) -> pl.DataFrame:
    """What a run makes of a source's rows, by customer: values, not cells."""
    bronze = ingest_source(table, schema)
    checked = check_rows(bronze, settle_reading(bronze, schema), schema)
    frame = nw.from_native(checked).lazy().collect(backend="polars").to_native()
    names = [name for name in frame.columns if name.startswith(("canonical__", "checked__"))]
    return frame.select(sorted(set(names) - {*ADDED})).sort("canonical__customer_id")


def sample_canonical(folder: Path, schema: Schema, count: int | None = None) -> pl.DataFrame:
    """The same of a file of these rows."""
    file = folder / "customers.csv"
    with file.open("w", newline="") as written:
        writer = csv.DictWriter(written, list((rows := sample_rows(count))[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    return canonical(SourceDataset(filepath=str(file), engine="polars").load(), schema)


def _document(row: dict[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for header, text in row.items():
        value: Any = text if header in _TEXT else None
        if header == "Dt_Customer":
            value = datetime.strptime(text, "%d-%m-%Y")  # noqa: DTZ007 - a day
        elif header not in _TEXT and text:
            value = int(text)
        above, _, name = NESTED.get(header, header).rpartition(".")
        (document.setdefault(above, {}) if above else document)[name] = value
    return document
