"""Expressions over a column of text, as Python values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import pandas as pd

from customer_segmentation.schema.cells import Columns

Rows = list[tuple[Any, ...]]


def evaluated(
    texts: list[str], engine: Callable[..., Any], *levels: Columns, **expressions: nw.Expr
) -> Rows:
    """The expressions over a column `text`, one tuple a row, missing as None."""
    table = nw.from_native(engine({"text": texts}))
    for level in levels:
        table = table.with_columns(**level)
    return [
        tuple(None if pd.isna(v) else v for v in row) for row in table.select(**expressions).rows()
    ]
