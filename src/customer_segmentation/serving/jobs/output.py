"""Write result tables in batches: as Parquet, and in the text format that was sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from customer_segmentation.schema.numbers import NUMBER
from customer_segmentation.serving.jobs.files import Table, sync
from customer_segmentation.serving.jobs.table import Format

# A spreadsheet takes a cell that begins like this for a formula, unless it is a number. It skips
# white space and invisible characters: control, format, fillers, the empty Braille cell.
_UNSEEN = r"\s\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\x{2800}"
# With their full-width and small forms.
_SIGN = r"[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}\x{FE66}\x{FE62}\x{FE63}\x{FE6B}]"
_FORMULA = rf"^[\t\r\n]|^[{_UNSEEN}]*{_SIGN}"
# A spreadsheet that uses another separator than the file's starts a cell after it, or after a line
# end within quotes that it then ignores. Quotes may follow either.
_BETWEEN = rf"[\"'{_UNSEEN}]*"
_BEHIND_SEPARATOR = rf"([,;|]{_BETWEEN}|[^{_UNSEEN}]{_BETWEEN}[\t\r\n]{_BETWEEN})({_SIGN})"


class TableWriter:
    """One table, in Parquet and, unless Parquet was sent, as text.

    Args:
        folder: Of the attempt.
        table: Its name, without suffix.
        kind: The format that was sent.
        separator: Of CSV.
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
        """Append rows; the first batch may be empty and defines the columns."""
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
        """Close the files."""
        self._open.close()

    def sync(self) -> None:
        """Flush the files to disk."""
        for path in self._paths:
            sync(path)


@contextmanager
def tables(folder: Path, kind: Format, separator: str) -> Iterator[tuple[TableWriter, TableWriter]]:
    """The writers of results and rejected rows; both are durable after the `with` block."""
    folder.mkdir(mode=0o700)
    with ExitStack() as stack:
        results, rejected = (
            stack.enter_context(closing(TableWriter(folder, name, kind, separator)))
            for name in ("results", "rejected")
        )
        yield results, rejected
    for written in (results, rejected):
        written.sync()
    sync(folder)
    sync(folder.parent)


def _safe(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with formulas disarmed; columns without any are left as they are, for speed."""
    suspect = rows.select(pl.col(pl.String).str.contains(f"{_FORMULA}|{_BEHIND_SEPARATOR}").any())
    return rows.with_columns(_disarmed(column.name) for column in suspect if column.any())


def _disarmed(name: str) -> pl.Expr:
    text = pl.col(name)
    is_formula = text.str.contains(_FORMULA) & ~text.str.strip_chars().str.contains(NUMBER)
    text = text.str.replace_all(_BEHIND_SEPARATOR, "${1}'${2}")
    return pl.when(is_formula).then(pl.lit("'") + text).otherwise(text).alias(name)
