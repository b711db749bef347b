"""Hold gold tables of real runs against the columns that are declared for those who read them."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.columns import Type, gold_tables
from tests.marketing import SCHEMA

KINDS: dict[Type, str] = {
    "text": "string",
    "number": "double",
    "whole": "int64",
    "day": "timestamp",
    "moment": "timestamp",
}


def require_declared(root: str, *names: str, schema: Schema = SCHEMA) -> None:
    """Tables below a root have the declared columns, in their order, of the declared types."""
    for name in names:
        declared = gold_tables(schema)[name].columns
        found, is_delta = stored(root, name)
        assert found.names == [column.name for column in declared], name
        for column in declared:
            type_ = found.field(column.name).type
            # pandas does not know what a column holds that has no value.
            if not pa.types.is_null(type_):
                assert kind(type_, is_delta=is_delta) == KINDS[column.type], (name, column)


def kind(type_: pa.DataType, *, is_delta: bool) -> str:
    """The kind of a column; of Spark's timestamps all are UTC."""
    if pa.types.is_timestamp(type_):
        return "timestamp UTC" if type_.tz and not is_delta else "timestamp"
    return str(type_).removeprefix("large_").removesuffix("_view")


def stored(root: str, name: str) -> tuple[pa.Schema, bool]:
    """A table's columns, and whether it is a Delta table: that, one Parquet file or a folder."""
    layer, _, table = name.partition("_")
    place = f"{root}/{layer}/{table}"
    if Path(place, "_delta_log").is_dir():
        return pa.schema(DeltaTable(place).schema().to_arrow()), True
    files, path = fsspec.url_to_fs(place)
    if files.isdir(path):
        part = next(one for one in sorted(files.ls(path, detail=False)) if one.endswith(".parquet"))
        place = files.unstrip_protocol(part)
    else:
        place += ".parquet"
    with fsspec.open(place, "rb") as file:
        return pq.read_schema(file), False
