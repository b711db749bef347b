"""What every reader gives: headers, and cells as text in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from customer_segmentation.sources.limits import MAX_BATCH, MAX_ROWS

# Bytes that Python needs for a cell besides its text.
_CELL_BYTES = 64


@dataclass(frozen=True)
class Cells:
    """One table of a source as it was sent.

    Attributes:
        headers: As sent.
        batches: Reads the cells of some headers as text, in order; can be called again.
        separator: The delimiter, for delimited text.
        notes: Assumptions made while reading the rows, in sentences.
    """

    headers: tuple[str, ...]
    batches: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
    separator: str | None = None
    notes: list[str] = field(default_factory=list)


def batches_of(
    rows: Iterable[list[str]], headers: Sequence[str], wanted: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Rows with one cell per header as batches of the wanted columns, of bounded size."""
    places = [(name, headers.index(name)) for name in wanted]
    schema = pa.schema([(name, pa.string()) for name in wanted])

    def batch() -> pa.RecordBatch:
        return pa.RecordBatch.from_pydict(
            {name: [row[place] for row in held] for name, place in places}, schema
        )

    held: list[list[str]] = []
    size = 0
    for row in rows:
        held.append(row)
        size += _CELL_BYTES * len(row) + sum(map(len, row))
        if len(held) == MAX_ROWS or size >= MAX_BATCH:
            yield batch()
            held, size = [], 0
    if held:
        yield batch()
