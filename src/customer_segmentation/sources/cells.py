"""What every kind of source gives: headers, and cells as text some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from customer_segmentation.sources.limits import MAX_BATCH, MAX_ROWS

if TYPE_CHECKING:
    import pyarrow as pa

# What Python needs of a cell beside its text.
_CELL_BYTES = 64


@dataclass(frozen=True)
class Cells:
    """One table of a source as it was sent.

    Attributes:
        headers: As sent.
        batches: The cells under some of the headers, as text, in order; may be asked for again.
        rows: Rows from the start, cell by cell: for a preview, which reads no further.
        separator: Between the cells, where they are delimited text.
        notes: What was taken for granted while the rows were read, in sentences.
    """

    headers: tuple[str, ...]
    batches: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
    rows: Callable[[], Iterator[list[str]]]
    separator: str | None = None
    notes: list[str] = field(default_factory=list)

    def first(self, count: int) -> list[list[str]]:
        """The first rows."""
        return list(islice(self.rows(), count))


def batches_of(
    rows: Iterable[list[str]], headers: Sequence[str], wanted: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Rows with a cell a header as batches of the wanted columns, as large as memory allows."""
    import pyarrow as pa  # noqa: PLC0415 - commands that read no data need not load it

    places = [headers.index(name) for name in wanted]
    schema = pa.schema([(name, pa.string()) for name in wanted])

    def batch() -> pa.RecordBatch:
        arrays = [pa.array([row[place] for row in held], pa.string()) for place in places]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

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


def rows_of(batches: Iterable[pa.RecordBatch]) -> Iterator[list[str]]:
    """Batches row by row."""
    for batch in batches:
        yield from map(list, zip(*(column.to_pylist() for column in batch.columns), strict=True))
