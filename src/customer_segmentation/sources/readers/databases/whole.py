"""A whole load, held on disk until it is known to differ from the one before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

# Two hashes of 64 bits: chance does not make tables equal.
_SEEDS = (1, 2)


class Whole:
    """The pieces of a load in a file, and a hash of its rows that does not depend on their order.

    Args:
        file: To write.
        pieces: Tables of text with the same columns.
    """

    def __init__(self, file: Path, pieces: Iterator[pa.Table]) -> None:
        import polars as pl  # noqa: PLC0415 - only where a database is a source

        self._file = file
        self.rows = 0
        sums, names = [0 for _ in _SEEDS], list[str]()
        first = next(pieces)
        names = first.schema.names
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with (
            pa.OSFile(str(file), "wb") as sink,
            pa.ipc.new_file(sink, first.schema, options=options) as writer,
        ):
            piece: pa.Table | None = first
            while piece is not None:
                whole = piece.combine_chunks()
                for batch in whole.to_batches() or [_empty(whole.schema)]:
                    writer.write_batch(batch)
                frame = pl.DataFrame(piece)
                hashes = (frame.hash_rows(seed) for seed in _SEEDS)
                # Whole numbers of Python's, since those of 64 bits would run over.
                sums = [
                    (old + int(new.cast(pl.Int128).sum() or 0)) % (1 << 64)
                    for old, new in zip(sums, hashes, strict=True)
                ]
                self.rows += len(piece)
                piece = next(pieces, None)
        self.content = ":".join([f"{self.rows}", *(f"{each:016x}" for each in sums), *names])

    def pieces(self) -> Iterator[tuple[pa.Table, bool]]:
        """Each piece again, and whether it is the last."""
        with pa.memory_map(str(self._file)) as source, pa.ipc.open_file(source) as reader:
            last = reader.num_record_batches - 1
            for number in range(last + 1):
                yield pa.Table.from_batches([reader.get_batch(number)]), number == last


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema)
