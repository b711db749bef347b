"""A delimited text file as it was sent: every cell as text, nothing trimmed, nothing guessed."""

from __future__ import annotations

import codecs
import hashlib
import io
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
    Added to the cells: `source_name` (the file's name), `source_sha256` (of its bytes) and
    `row_number` (from 1, the header not counted).

    Args:
        filepath: A local file. Relative to the project's folder.
        metadata: For plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """The table, in the file's order.

        Raises:
            UserError: The file is missing, empty, not UTF-8, not delimited, or ragged.
        """
        content = self._content()
        delimiter = self._delimiter(content)
        table = self._table(content, delimiter)
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
        content = self._filepath.read_bytes().removeprefix(codecs.BOM_UTF8)
        if not content.strip():
            message = f"{self._filepath}: the file is empty. Export it again, with a header."
            raise UserError(message)
        return content

    def _delimiter(self, content: bytes) -> str:
        header = self._decoded(content).splitlines()[0]
        delimiter = max(DELIMITERS, key=header.count)
        if delimiter not in header:
            message = (
                f"{self._filepath}: the header is one column ({header[:60]!r}). Separate the "
                f"columns by {', '.join(DELIMITERS.values())}."
            )
            raise UserError(message)
        names = [name.strip().strip('"') for name in header.split(delimiter)]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            message = f"{self._filepath}: the header names {repeated} more than once. Rename one."
            raise UserError(message)
        taken = sorted(set(names) & set(ADDED))
        if taken:
            message = f"{self._filepath}: {taken} are names that ingestion adds. Rename them."
            raise UserError(message)
        return delimiter

    def _decoded(self, content: bytes) -> str:
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            message = f"{self._filepath}: line {line} is not UTF-8. Save the file as UTF-8."
            raise UserError(message) from error

    def _table(self, content: bytes, delimiter: str) -> pd.DataFrame:
        import pandas as pd  # noqa: PLC0415 - 0.5 s that commands which read no data need not pay

        try:
            table = pd.read_csv(
                io.BytesIO(content), sep=delimiter, dtype=str, na_filter=False, index_col=False
            )
        except pd.errors.ParserError as error:
            message = f"{self._filepath}: {str(error).removeprefix('Error tokenizing data. ')}"
            raise UserError(message.strip()) from error
        if table.empty:
            message = f"{self._filepath}: there is a header but no row below it."
            raise UserError(message)
        # A row that ends early has nothing in its last cells.
        return table.fillna("")

    def save(self, data: None) -> None:
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
