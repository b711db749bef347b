"""Add to each row as sent what later layers need: the snapshot's day and the sample key."""

from __future__ import annotations

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.customers.quarantine import (
    ROW_NUMBER,
    SOURCE_NAME,
    map_headers,
    require_columns,
)
from customer_segmentation.customers.sample_key import with_sample_key
from customer_segmentation.errors import UserError
from customer_segmentation.schema.file import chosen_schema
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema


def ingest_source(source: IntoFrame, customers: Schema) -> IntoFrame:
    """Cells as text, provenance, `as_of` (date of the snapshot) and `sample_key` (31 bits).

    Raises:
        UserError: There is no column for the key, or one where its rows are to be numbered, or
            two headers stand for one column.
    """
    rows = nw.from_native(source).lazy()
    name = nw.to_py_scalar(rows.select(SOURCE_NAME).head(1).collect().item())
    of_rows = customers.rows
    if of_rows.column_rules[KEY].from_row:
        if KEY in rows.collect_schema().names():
            raise UserError(
                f"{name}: it has a column `{KEY}`, which the numbers of its rows would replace: "
                f"take `from_row` away from the column in {chosen_schema()}"
            )
        rows = rows.with_columns(nw.col(ROW_NUMBER).cast(nw.String).alias(KEY))
    headers = rows.collect_schema().names()
    mapped = map_headers(headers, of_rows)
    require_columns(headers, mapped, [KEY], of_rows, str(name))
    # Not a datetime, which Spark would take for one in the machine's time zone.
    as_of = nw.lit(customers.as_of.isoformat()).str.to_datetime(format="%Y-%m-%d")
    from_float = of_rows.column_rules[KEY].from_float
    keyed = with_sample_key(rows, mapped[KEY], from_float=from_float)
    return keyed.with_columns(as_of.alias(AS_OF)).to_native()
