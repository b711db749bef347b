"""Statements on a database of the tests, and what the parts of a source come to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pyarrow.parquet as pq

from customer_segmentation.customers.quarantine import PROVENANCE
from customer_segmentation.sources.arrivals.current import write_current
from customer_segmentation.sources.arrivals.parts import Parts


def execute(url: str, statements: str) -> list[Any]:
    """Run statements, and give the rows of the last."""
    with psycopg.connect(url, autocommit=True) as session:
        cursor = session.execute(statements)  # type: ignore[arg-type]
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


def standing(parts: Parts, key: Sequence[str]) -> list[tuple[Any, ...]]:
    """The cells of the rows that stand, in order."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "current.parquet"
        landed = write_current(parts, file, key, "shop")
        table = pq.read_table(file)
    assert table.column_names == [*landed.headers, *PROVENANCE, "landed_at"]
    assert table["row_number"].to_pylist() == list(range(1, len(table) + 1))
    return [tuple(row[name] for name in landed.headers) for row in table.to_pylist()]
