"""A table of any engine in memory, in one form."""

from __future__ import annotations

import narwhals as nw
import pyarrow as pa
from narwhals.typing import IntoFrame


def in_memory(table: IntoFrame) -> pa.Table:
    """A table of Arrow's; engines have several types of text, and this one has one."""
    found: pa.Table = nw.from_native(table).lazy().collect("pyarrow").to_native()
    fields = [
        pa.field(field.name, pa.string()) if _is_text(field.type) else field
        for field in found.schema
    ]
    return found.cast(pa.schema(fields))


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
