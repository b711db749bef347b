"""Delimited text as it was sent: every cell as text, nothing trimmed, nothing guessed."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Literal

from kedro.io import AbstractDataset
from kedro_datasets._typing import TablePreview

from customer_segmentation.customers.quarantine import ROW_NUMBER, SOURCE_NAME
from customer_segmentation.datasets.text_engines import load_pandas, load_polars
from customer_segmentation.datasets.text_inspection import find_files, first_rows, inspect_text
from customer_segmentation.errors import UserError

ENGINES = ("pandas", "polars", "spark")


class DelimitedTextDataset(AbstractDataset[None, Any]):
    """Reads tab, comma or semicolon separated UTF-8 files into text columns.

    The delimiter is the one that stands most often in the header; a byte-order mark is dropped.
    A line of nothing but spaces, or tabs where they do not delimit, is no row. Cells beyond the
    header's are dropped where no row has anything in them; a row that ends early has '' in its
    last cells.
    Added to the cells: `source_name` (of the file or folder), `source_sha256` (of all bytes) and
    `row_number` (from 1, headers not counted, through all files). Every engine gives the same.

    Args:
        filepath: A file, a folder of `*.csv` files with one header, or a pattern; relative to the
            project's folder, or a URL such as `s3://bucket/folder`.
        engine: What `load` gives: `pandas`, a `pandas.DataFrame`; `polars`, a `polars.LazyFrame`;
            `spark`, a `pyspark.sql.DataFrame`. The latter two need not fit in memory: they are
            plans, and the files are to stay as they are until these have run.
        metadata: For plugins.

    Raises:
        UserError: There is no such engine.
    """

    def __init__(
        self,
        *,
        filepath: str,
        engine: Literal["pandas", "polars", "spark"] = "pandas",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """The file need not be there yet."""
        if engine not in ENGINES:
            message = (
                f"DelimitedTextDataset: no engine {engine!r}. Set one of {', '.join(ENGINES)}."
            )
            raise UserError(message)
        self._filepath = filepath
        self._engine = engine
        self.metadata = metadata

    def load(self) -> Any:  # noqa: ANN401 - each engine has its own type
        """The table, after all bytes have been read once.

        Raises:
            UserError: A file is missing, empty, not UTF-8, not delimited, or ragged.
        """
        source = inspect_text(self._filepath)
        if self._engine == "spark":
            from customer_segmentation.datasets.text_spark import (  # noqa: PLC0415 - only where an environment names this engine
                load_spark,
            )

            return load_spark(source)
        return load_polars(source) if self._engine == "polars" else load_pandas(source)

    def save(self, data: None) -> None:  # noqa: ARG002 - the parent's signature
        """Not possible: a source is only read."""
        message = f"{self._filepath} is a source: it is read and never written."
        raise UserError(message)

    def _exists(self) -> bool:
        try:
            find_files(self._filepath)
        except UserError:
            return False
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "engine": self._engine}

    def preview(self, nrows: int = 5) -> TablePreview:
        """The first rows, for Kedro-Viz, from the start of the first file."""
        headers, rows = first_rows(self._filepath, nrows)
        return TablePreview(
            {
                "index": list(range(len(rows))),
                "columns": [*headers, SOURCE_NAME, ROW_NUMBER],
                "data": [
                    [*cells, PurePosixPath(self._filepath).name, number]
                    for number, cells in enumerate(rows, start=1)
                ],
            }
        )
