"""What is told of a dataset: where it lies, and the columns that it has."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import narwhals as nw
from kedro.io import CatalogProtocol

from customer_segmentation.datasets.pending import FOLDER, place_of
from customer_segmentation.lineage.openlineage.events import Data
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.columns import Table

Catalog = CatalogProtocol[Any, Any]


def columns_of(data: Any) -> dict[str, str]:  # noqa: ANN401 - anything that a step is given
    """Columns and their types; none of what is no table."""
    with suppress(Exception):
        schema = nw.from_native(data).collect_schema()
        return {name: str(kind) for name, kind in schema.items()}
    return {}


def declared(table: Table | None) -> dict[str, str]:
    """The same of a gold table that is not seen yet."""
    return {column.name: column.type for column in table.columns} if table else {}


def described(table: Table | None, schema: Schema) -> dict[str, str]:
    """Column -> what it holds."""
    columns = {name: column.description for name, column in schema.columns.items()}
    return columns | ({c.name: c.comment for c in table.columns} if table else {})


def placed(name: str, catalog: Catalog, namespace: str, root: Path) -> Data:
    """Where a dataset lies, by OpenLineage's conventions of names."""
    dataset: Any = catalog.get(name)
    managed = getattr(dataset, "_table", None)
    if managed is not None and hasattr(managed, "full_table_location"):
        return Data(name, "unity-catalog", managed.full_table_location().replace("`", ""))
    place = place_of(dataset) or getattr(dataset, "reads_from", None)
    if place is None:
        return Data(name, namespace, name)
    # A held-back output is told of as what it will be.
    scheme, separator, rest = str(place).replace(f"/{FOLDER}/", "/").partition("://")
    if not separator:
        return Data(name, "file", str(root / scheme))
    bucket, _, key = rest.partition("/")
    return Data(name, f"{scheme}://{bucket.rpartition('@')[2]}", key or "/")
