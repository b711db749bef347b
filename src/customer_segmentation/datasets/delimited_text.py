"""A delimited text file as it was sent: every cell as text, nothing trimmed, nothing guessed."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import TablePreview

from customer_segmentation.customers.quarantine import ADDED, ROW_NUMBER, SOURCE_HASH, SOURCE_NAME
from customer_segmentation.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon"}


class DelimitedTextDataset(AbstractDataset[None, "pd.DataFrame"]):
    """Reads a tab, comma or semicolon separated UTF-8 file into text columns.

    The delimiter is the one that stands most often in the header; a byte-order mark is dropped.
    A line of nothing but spaces is no row; cells beyond the header's are dropped where no row has
    anything in them.
    Added to the cells: `source_name` (the file's name), `source_sha256` (of its bytes) and
    `row_number` (from 1, the header not counted).

    Args:
        filepath: A local file. Relative to the project's folder.
        metadata: For plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """The file need not be there yet."""
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """The table, in the file's order.

        Raises:
            UserError: The file is missing, empty, not UTF-8, not delimited, or ragged.
        """
        content = self._content()
        text = self._decoded(content.removeprefix(codecs.BOM_UTF8))
        delimiter, names = self._header(text)
        table = self._table(text, delimiter, names)
        table.insert(len(table.columns), SOURCE_NAME, self._filepath.name)
        table.insert(len(table.columns), SOURCE_HASH, hashlib.sha256(content).hexdigest())
        table.insert(len(table.columns), ROW_NUMBER, range(1, len(table) + 1))
        return table

    def _content(self) -> bytes:
        if not self._filepath.is_file():
            message = (
                f"{self._filepath}: there is no such file. Set SEGMENTATION_SOURCE to the "
                "customers' file, or unset it to use the shipped sample."
            )
            raise UserError(message)
        return self._filepath.read_bytes()

    def _decoded(self, content: bytes) -> str:
        if not content.strip():
            message = f"{self._filepath}: the file is empty. Export it again, with a header."
            raise UserError(message)
        # pandas would end a cell at a NUL; UTF-16 without its mark is full of them.
        wrong = content.find(b"\0")
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            wrong = error.start
        if wrong >= 0:
            line = content[:wrong].count(b"\n") + 1
            message = f"{self._filepath}: line {line} is not UTF-8 text. Save the file as UTF-8."
            raise UserError(message)
        return text

    def _header(self, text: str) -> tuple[str, list[str]]:
        """The delimiter and the names of the columns, as sent."""
        lines = re.finditer("[^\r\n]*[^ \r\n][^\r\n]*", text)
        header = next(lines)[0]
        unquoted = re.sub('"[^"]*"', "", header)
        delimiter = max(DELIMITERS, key=unquoted.count)
        if delimiter not in unquoted:
            message = (
                f"{self._filepath}: the header is one column ({header[:60]!r}). Separate the "
                f"columns by {', '.join(DELIMITERS.values())}."
            )
            raise UserError(message)
        headers = next(csv.reader([header], delimiter=delimiter))
        names = [name.strip() for name in headers]
        unnamed = [position for position, name in enumerate(names, start=1) if not name]
        if len(unnamed) > 1:
            message = f"{self._filepath}: columns {unnamed} have no name. Name or remove them."
            raise UserError(message)
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            message = f"{self._filepath}: the header names {repeated} more than once. Rename one."
            raise UserError(message)
        taken = sorted(set(names) & set(ADDED))
        if taken:
            message = f"{self._filepath}: {taken} are names that ingestion adds. Rename them."
            raise UserError(message)
        return delimiter, headers

    def _table(self, text: str, delimiter: str, names: list[str]) -> pd.DataFrame:
        import pandas as pd  # noqa: PLC0415 - 0.5 s that commands which read no data need not pay

        try:
            with warnings.catch_warnings():
                # It warns of a first row with more cells than the header, and drops them.
                warnings.simplefilter("error", pd.errors.ParserWarning)
                table = pd.read_csv(
                    io.StringIO(text, newline=""),
                    sep=delimiter,
                    names=names,
                    header=0,
                    dtype=str,
                    na_filter=False,
                    index_col=False,
                )
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            raise UserError(self._ragged(text, delimiter, names, str(error))) from error
        if table.empty:
            message = (
                f"{self._filepath}: there is a header but no row below it. Export it with rows."
            )
            raise UserError(message)
        # A row that ends early has nothing in its last cells.
        return table.fillna("")

    def _ragged(self, text: str, delimiter: str, names: list[str], found: str) -> str:
        unclosed = re.search(r"inside string starting at row (\d+)", found)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        if unclosed:
            problem = f'a quote (") that opens in row {unclosed[1]} is never closed'
        elif line := next((rows.line_num for cells in rows if len(cells) > len(names)), None):
            problem = f"line {line} has more cells than the header, which has {len(names)}"
        else:
            problem = found.removeprefix("Error tokenizing data. ").strip(" .\n")
        return (
            f"{self._filepath}: {problem}. Mend the file; put a cell that holds the delimiter "
            "or a line end in quotes."
        )

    def save(self, data: None) -> None:  # noqa: ARG002 - the parent's signature
        """Not possible: a source is only read."""
        message = f"{self._filepath} is a source: it is read and never written."
        raise UserError(message)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

    def preview(self, nrows: int = 5) -> TablePreview:
        """The first rows, for Kedro-Viz."""
        return TablePreview(self.load().head(nrows).to_dict(orient="split"))
