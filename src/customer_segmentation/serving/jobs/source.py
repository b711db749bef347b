"""A posted file as batches of text cells, by the same readers as `kedro run`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from customer_segmentation.customers.quarantine import ROW_NUMBER
from customer_segmentation.errors import UserError
from customer_segmentation.serving.jobs.table import Format
from customer_segmentation.sources.cells import Cells
from customer_segmentation.sources.content import UTF8, Content
from customer_segmentation.sources.landing import open_tables

# A computation on each row.
Plan = Callable[[pl.LazyFrame], pl.LazyFrame]


@dataclass(frozen=True)
class Source:
    """A readable file.

    Attributes:
        tables: Its table, or those of an archive, with the same headers.
    """

    tables: tuple[Cells, ...]

    @property
    def headers(self) -> tuple[str, ...]:
        """As sent; the same in all files of an archive."""
        return self.tables[0].headers

    @property
    def separator(self) -> str:
        """The separator of CSV results."""
        return self.tables[0].separator or ","

    def rows(self, headers: Sequence[str]) -> int:
        """The number of rows; reads all cells of these headers.

        Raises:
            UserError: A row cannot be read, or there is none.
        """
        count = sum(len(batch) for cells in self.tables for batch in cells.batches(headers))
        if not count:
            raise UserError("the file has a header but no row below it. Send it with rows.")
        return count

    def batches(self, headers: Sequence[str], plan: Plan) -> Iterator[pl.DataFrame]:
        """The results of a plan over batches of rows, in order.

        The plan gets the cells of the headers as text, and `row_number` from 1.
        """
        before = 0
        for cells in self.tables:
            for batch in cells.batches(headers):
                rows = pl.DataFrame(pl.from_arrow(batch)).lazy()
                number = pl.int_range(before + 1, before + 1 + pl.len(), dtype=pl.Int64)
                yield plan(rows.with_columns(number.alias(ROW_NUMBER))).collect()
                before += len(batch)


def open_source(path: Path, kind: Format, encoding: str = UTF8) -> Source:
    """Open a posted file.

    Args:
        path: The file, or an archive of such files.
        kind: The format that was sent; `csv` stands for any format that can be recognised.
        encoding: Of text without a byte-order mark.

    Raises:
        UserError: The file has another format, invalid headers, or exceeds a limit.
    """
    if not path.is_file():
        raise UserError("the posted file is gone. Post the file again.")
    content = Content(str(path), lambda: path.open("rb"), encoding)
    tables, _ = open_tables([content], None if kind == "csv" else kind)
    return Source(tuple(tables.values()))
