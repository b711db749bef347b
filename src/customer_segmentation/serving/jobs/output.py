"""Write result tables in batches: as Parquet, and in the text format that was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from customer_segmentation.schema.numbers import NUMBER
from customer_segmentation.serving.jobs.files import sync
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

# Appends rows to a table; the first batch may be empty and defines the columns.
Write = Callable[[pl.DataFrame], None]


@contextmanager
def tables(folder: Path, kind: Format, separator: str) -> Iterator[tuple[Write, Write]]:
    """Write results and rejected rows; both are durable after the `with` block.

    Args:
        folder: Of the attempt.
        kind: The format that was sent.
        separator: Of CSV.
    """
    folder.mkdir(mode=0o700)
    made = [_table(folder / name, kind, separator) for name in ("results", "rejected")]
    with made[0] as results, made[1] as rejected:
        yield results, rejected
    sync(folder)
    sync(folder.parent)


@contextmanager
def _table(stem: Path, kind: Format, separator: str) -> Iterator[Write]:
    """Write one table, in Parquet and, unless Parquet was sent, as text."""
    paths = [stem.with_suffix(f".{suffix}") for suffix in dict.fromkeys(("parquet", kind))]
    writer: parquet.ParquetWriter | None = None

    def write(rows: pl.DataFrame) -> None:
        nonlocal writer
        table: pa.Table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        is_first = writer is None
        if writer is None:
            writer = parquet.ParquetWriter(paths[0], table.schema, compression="zstd")
            opened.enter_context(writer)
        writer.write_table(table)
        if text and kind == "csv":
            _safe(rows).write_csv(text, include_header=is_first, separator=separator)
        elif text:
            rows.write_ndjson(text)

    with ExitStack() as opened:
        text = None if kind == "parquet" else opened.enter_context(paths[1].open("xb"))
        yield write
    for path in paths:
        sync(path)


def _safe(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with formulas disarmed; columns without any are left as they are, for speed."""
    suspect = rows.select(pl.col(pl.String).str.contains(f"{_FORMULA}|{_BEHIND_SEPARATOR}").any())
    return rows.with_columns(_disarmed(column.name) for column in suspect if column.any())


def _disarmed(name: str) -> pl.Expr:
    text = pl.col(name)
    is_formula = text.str.contains(_FORMULA) & ~text.str.strip_chars().str.contains(NUMBER)
    text = text.str.replace_all(_BEHIND_SEPARATOR, "${1}'${2}")
    return pl.when(is_formula).then(pl.lit("'") + text).otherwise(text).alias(name)
