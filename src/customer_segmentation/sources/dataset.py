"""A source in the catalog: landed when it is loaded, then read by the engine's own reader."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import fsspec
from fsspec.core import url_to_fs
from kedro.io import AbstractDataset
from kedro_datasets._typing import TablePreview

from customer_segmentation.customers.quarantine import ROW_NUMBER, SOURCE_NAME
from customer_segmentation.errors import UserError
from customer_segmentation.sources.content import UTF8, require_encoding
from customer_segmentation.sources.files import find_files
from customer_segmentation.sources.header import SOURCE_FILE
from customer_segmentation.sources.landed import Landed
from customer_segmentation.sources.landing import first_rows, land

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from pyspark.sql import DataFrame


class SourceDataset(AbstractDataset[None, Any]):
    """Lands a source and gives it as a table of text.

    A file, a folder of files with one header or a pattern, of any kind that `sources.recognise`
    knows. Every cell is as it was sent; beside the cells stand `source_name` (of the file or
    folder), `source_sha256` (of all bytes as sent) and `row_number` (from 1, through all files).
    Every engine gives the same.

    Args:
        filepath: Relative to the project's folder, or a URL such as `s3://bucket/folder`.
        engine: What `load` gives: `pandas`, a `pandas.DataFrame` of Arrow's types; `polars`, a
            `polars.LazyFrame`; `spark`, a `pyspark.sql.DataFrame`. The latter two are plans, and
            the landed file is to stay until they have run.
        landing: Path or URL of the Parquet that the source is landed as; where Spark's workers
            reach it, if they are other machines. Without it, a file that goes with the process.
        encoding: Of text without a byte-order mark: `cp1252`, for one.
        sheet: The sheet to read of workbooks that hold several.
        customers: Beside order lines, the absolute path or URL of a second source with one row a
            customer, whose cells each line gets: `sources.customers`.
        customers_sheet: The sheet to read of workbooks of that source.
        metadata: For plugins.

    Attributes:
        landed: What the last load landed: files, rows, what was skipped and why.

    Raises:
        UserError: There is no such engine or encoding.
    """

    def __init__(  # noqa: PLR0913 - the catalog's names
        self,
        *,
        filepath: str,
        engine: Literal["pandas", "polars", "spark"] = "pandas",
        landing: str | None = None,
        encoding: str = UTF8,
        sheet: str | None = None,
        customers: str | None = None,
        customers_sheet: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """The file need not be there yet."""
        if engine not in READERS:
            raise UserError(
                f"SourceDataset: no engine {engine!r}. Set one of {', '.join(READERS)}."
            )
        self._filepath = filepath
        self._engine = engine
        self._landing = landing
        self._encoding = require_encoding(encoding)
        self._sheet = sheet or None
        self._customers = customers or None
        self._customers_sheet = customers_sheet or None
        self.metadata = metadata
        self.landed: Landed | None = None

    def load(self) -> Any:  # noqa: ANN401 - each engine has its own type
        """The table, after the source was landed.

        Raises:
            UserError: The source is not a table, or exceeds a limit.
        """
        path = self._landing or _apart()
        return READERS[self._engine](path, self._land(path))

    def look(self) -> None:
        """Land it in a temporary file to fill `landed`; the configured landing is left alone.

        Raises:
            UserError: As `load`.
        """
        self._land(_apart())

    def _land(self, path: str) -> Landed:
        self.landed = land(
            self._filepath,
            path,
            encoding=self._encoding,
            sheet=self._sheet,
            customers=self._customers,
            customers_sheet=self._customers_sheet,
        )
        return self.landed

    def save(self, data: None) -> None:  # noqa: ARG002 - the parent's signature
        """Not possible: a source is only read."""
        raise UserError(f"{self._filepath} is a source: it is read and never written.")

    def _exists(self) -> bool:
        try:
            for filepath in filter(None, (self._filepath, self._customers)):
                find_files(filepath)
        except UserError:
            return False
        return True

    def _describe(self) -> dict[str, Any]:
        return {
            "filepath": self._filepath,
            "customers": self._customers,
            "engine": self._engine,
            "landing": self._landing,
        }

    def preview(self, nrows: int = 5) -> TablePreview:
        """The first rows as sent, for Kedro-Viz, from the start of the first file."""
        headers, rows = first_rows(self._filepath, nrows, self._encoding, self._sheet)
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


def _apart() -> str:
    return f"{_scratch().name}/{uuid4().hex}.parquet"


@cache
def _scratch() -> TemporaryDirectory[str]:
    """A folder that is deleted with the process."""
    return TemporaryDirectory(prefix="landed-")


def _pandas(path: str, landed: Landed) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - 0.5 s that commands which read no data need not pay

    with fsspec.open(path, "rb") as file:
        return pd.read_parquet(file, columns=landed.columns, dtype_backend="pyarrow")


def _polars(path: str, landed: Landed) -> pl.LazyFrame:
    import polars as pl  # noqa: PLC0415 - only where an environment names this engine

    filesystem, place = url_to_fs(path)
    if "file" not in filesystem.protocol:
        return pl.scan_parquet(path, glob=False).select(landed.columns)
    # The plan keeps the open file, so a later landing does not change it.
    with Path(place).open("rb") as file:
        return pl.scan_parquet(file, glob=False).select(landed.columns)


def _spark(path: str, landed: Landed) -> DataFrame:
    """Each task reads a part of the landed file.

    Raises:
        UserError: A header has a character that Spark interprets, or differs from another only
            in case.
    """
    lowered = [header.lower() for header in landed.headers]
    unusable = [
        header
        for header in landed.headers
        if "." in header or "`" in header or lowered.count(header.lower()) > 1
    ]
    if unusable:
        raise UserError(
            f"{landed.name}: Spark does not allow `.` or backticks in column names, and ignores "
            f"their case. Rename the columns {unusable}, or run dev or staging."
        )
    from kedro_datasets._utils.databricks_utils import (  # noqa: PLC0415 - only where an environment names this engine
        to_spark_path,
    )
    from kedro_datasets._utils.spark_utils import (  # noqa: PLC0415 - as above
        get_spark_with_remote_support,
    )

    filesystem, place = url_to_fs(path)
    protocol = filesystem.protocol
    url = to_spark_path(protocol if isinstance(protocol, str) else protocol[0], place)
    # Otherwise Spark reads the name as a pattern.
    escaped = re.sub(r"([\\{}\[\]*?])", r"\\\1", url)
    return get_spark_with_remote_support().read.parquet(escaped).drop(SOURCE_FILE)


READERS = {"pandas": _pandas, "polars": _polars, "spark": _spark}
