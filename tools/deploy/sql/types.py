"""The types of columns in each dialect."""

from __future__ import annotations

from customer_segmentation.tables.columns import Type, TypedColumn
from tools.deploy.sql.dialects import DIALECTS, Dialect

# In the order of DIALECTS. Athena's are Hive's, as Glue and its DDL have them. Redshift's text
# without a length would hold 256 bytes, which reasons exceed.
_TYPES: dict[Type, tuple[str, str, str, str, str]] = {
    "text": ("string", "varchar(max)", "STRING", "text", "VARCHAR"),
    "number": ("double", "double precision", "DOUBLE", "double precision", "DOUBLE"),
    "whole": ("bigint", "bigint", "BIGINT", "bigint", "BIGINT"),
    "day": ("timestamp", "timestamp", "TIMESTAMP", "timestamp", "TIMESTAMP"),
    "moment": ("timestamp", "timestamp", "TIMESTAMP", "timestamp", "TIMESTAMP"),
}


def type_of(dialect: Dialect, column: TypedColumn) -> str:
    """The type of a column of a gold table, as DDL has it."""
    return _TYPES[column.type][DIALECTS.index(dialect)]
