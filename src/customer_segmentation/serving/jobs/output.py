"""Tables that are written some rows at a time: as Parquet, and as the text they were sent as."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from customer_segmentation.customers.numbers import NUMBER
from customer_segmentation.serving.jobs.files import Table, sync
from customer_segmentation.serving.jobs.table import Format

# A spreadsheet would take such a cell for a formula, unless all of it is a number. It passes over
# white space and what is not seen: control and format characters, fillers, the empty Braille cell.
_UNSEEN = r"\s\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\x{2800}"
# With their wide and small forms.
_SIGN = r"[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}\x{FE66}\x{FE62}\x{FE63}\x{FE6B}]"
_FORMULA = rf"^[\t\r\n]|^[{_UNSEEN}]*{_SIGN}"
# Where a spreadsheet takes another separator than the file's, a cell begins behind it, or behind
# the end of a line, whose quotes it then does not see. After either there may be quotes.
_BETWEEN = rf"[\"'{_UNSEEN}]*"
_BEHIND_SEPARATOR = rf"([,;|]{_BETWEEN}|[^{_UNSEEN}]{_BETWEEN}[\t\r\n]{_BETWEEN})({_SIGN})"


class TableWriter:
    """One table, in Parquet and perhaps as text.

    Args:
        folder: Where to.
        table: Its name, without the format.
        kind: The format of what was sent.
        separator: Between the cells of CSV.
    """

    def __init__(self, folder: Path, table: Table, kind: Format, separator: str) -> None:
        self._paths = [folder / f"{table}.{suffix}" for suffix in dict.fromkeys(("parquet", kind))]
        self._kind = kind
        self._separator = separator
        self._open = ExitStack()
        self._parquet: parquet.ParquetWriter | None = None
        self._text = (
            None if kind == "parquet" else self._open.enter_context(self._paths[1].open("xb"))
        )

    def write(self, rows: pl.DataFrame) -> None:
        """Add rows; the first may be none, and tell the columns."""
        table: pa.Table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        is_first = self._parquet is None
        if self._parquet is None:
            writer = parquet.ParquetWriter(self._paths[0], table.schema, compression="zstd")
            self._parquet = self._open.enter_context(writer)
        self._parquet.write_table(table)
        if self._text and self._kind == "csv":
            _safe(rows).write_csv(self._text, include_header=is_first, separator=self._separator)
        elif self._text:
            rows.write_ndjson(self._text)

    def close(self) -> None:
        """End the files."""
        self._open.close()

    def sync(self) -> None:
        """Have the disk hold the files."""
        for path in self._paths:
            sync(path)


@contextmanager
def tables(folder: Path, kind: Format, separator: str) -> Iterator[tuple[TableWriter, TableWriter]]:
    """The results and the rejected rows of an attempt; whole and on disk once it is left."""
    folder.mkdir(mode=0o700)
    with ExitStack() as stack:
        results, rejected = (
            TableWriter(folder, name, kind, separator) for name in ("results", "rejected")
        )
        for writer in (results, rejected):
            stack.callback(writer.close)
        yield results, rejected
    for written in (results, rejected):
        written.sync()
    sync(folder)
    sync(folder.parent)


def _safe(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows without formulas; most columns hold none, which is found out in half the time."""
    suspect = rows.select(pl.col(pl.String).str.contains(f"{_FORMULA}|{_BEHIND_SEPARATOR}").any())
    return rows.with_columns(_defused(column.name) for column in suspect if column.any())


def _defused(name: str) -> pl.Expr:
    text = pl.col(name)
    is_formula = text.str.contains(_FORMULA) & ~text.str.strip_chars().str.contains(NUMBER)
    text = text.str.replace_all(_BEHIND_SEPARATOR, "${1}'${2}")
    return pl.when(is_formula).then(pl.lit("'") + text).otherwise(text).alias(name)
