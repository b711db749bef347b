"""A table in one file, local or in a bucket, that Polars streams and replaces atomically."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import uuid4

import fsspec
import narwhals as nw
from kedro.io import AbstractDataset
from kedro.io.core import get_protocol_and_path
from kedro_datasets._typing import TablePreview

from customer_segmentation.datasets.pending import remove
from customer_segmentation.errors import UserError
from customer_segmentation.s3_errors import explain_s3, store_error
from customer_segmentation.tables.check import require_contract

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("parquet", "csv", "delta")
# 32 MB with 40 numbers per row: readers and writers hold a few groups, however long the table.
ROWS_IN_GROUP = 100_000
# CSV has no types; guessing them from all rows would need the whole file in memory.
ROWS_TO_GUESS_FROM = 10_000
# Files that Spark, Hive and Parquet tools leave beside the parts in a folder.
HIDDEN = ("_", ".")


class PolarsTableDataset(AbstractDataset[Any, "pl.LazyFrame"]):
    """Loads a Polars `LazyFrame`; saves any table so that readers see the old one or the new.

    A save streams the table into a folder `.writing-NAME` beside it, checks it against its
    contract there, and only then moves it: by a rename, or in a bucket by a copy within the store.
    If anything fails or is killed before that, the old table stays; the next save removes the
    leftovers, including unfinished uploads. If no save follows, only a lifecycle rule of the bucket
    (`AbortIncompleteMultipartUpload`) does: set one. Of two saves of one table at the same time,
    one wins, or fails with an error.

    A local table that was loaded before a save is read to its end as it was. One in a bucket is
    read by name: a plan that read its schema before the save fails (`File out of specification`)
    and must be loaded again.

    Endpoint, region and credentials of a bucket come from the AWS chain (`AWS_ENDPOINT_URL`,
    `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, the role of the machine). A save to a bucket
    buffers up to 1/32 of the memory, at least 256 MB, in parts being uploaded;
    `POLARS_UPLOAD_CONCURRENCY` (parts of 32 MB) sets another limit.

    Args:
        filepath: A local path or a URL such as `s3://bucket/silver/customers.parquet`. A folder
            of parts can be read but not written.
        table: Its name in the catalog, whose contract is checked on saving.
        file_format: `parquet` or `csv`, whose types are guessed from its first 10,000 rows; or
            `delta`, a folder that is only read, and needs the package deltalake.
        rows_in_group: Of Parquet: the rows that a reader of one of them reads.
        metadata: For plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        table: str | None = None,
        file_format: str = "parquet",
        rows_in_group: int = ROWS_IN_GROUP,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """The file need not be there yet."""
        if file_format not in FORMATS:
            raise UserError(
                f"{filepath}: file_format is {file_format!r}: say parquet, csv or delta."
            )
        self._protocol, path = get_protocol_and_path(filepath)
        self._is_local = self._protocol == "file"
        # Kedro-Viz and `WholeFilesCatalog` use this name.
        self._filepath = self._url(path)
        self._table = table
        self._format = file_format
        self._rows_in_group = rows_in_group
        self.metadata = metadata

    def load(self) -> pl.LazyFrame:
        """A plan that reads the table; no rows are read yet.

        Raises:
            UserError: There is no such table, or its store does not answer.
        """
        kind = self._found()
        if kind is None:
            raise UserError(
                f"{self._filepath}: there is no such table yet. Run the pipeline that saves it: "
                "kedro run, with the same --env."
            )
        return self._scan(self._path, is_folder=kind == "directory")

    def save(self, data: Any) -> None:  # noqa: ANN401 - a table of any engine
        """Write a Polars plan without collecting it, or a table of any engine that is in memory.

        Raises:
            UserError: The table breaks its contract, or its store does not answer.
        """
        plan = _plan_of(data)
        if self._found() == "directory":
            raise UserError(f"{self._filepath} is a folder of parts: it is read and never written.")
        # Written under another name, since Polars completes the file or upload of a failed plan as
        # a readable table with the rows so far.
        written = f"{self._writing}/{uuid4().hex}.{self._format}"
        try:
            self._sink(plan, written)
            if self._table:
                require_contract(self._table, nw.from_native(self._scan(written)))
            self._publish(written)
        finally:
            remove(self._url(self._writing))

    def preview(self, nrows: int = 5) -> TablePreview:
        """The first rows, for Kedro-Viz; reads at most one row group."""
        rows = self.load().head(nrows).collect()
        return TablePreview(
            {
                "index": list(range(rows.height)),
                "columns": rows.columns,
                "data": [[_plain(value) for value in row] for row in rows.rows()],
            }
        )

    def _scan(self, path: str, *, is_folder: bool = False) -> pl.LazyFrame:
        if self._format == "delta":
            import polars as pl  # noqa: PLC0415 - as below

            # Delta refuses some characters in names: `delta_table` encodes them.
            return pl.scan_delta(self._url(path)).rename(unquote)
        if is_folder:
            return self._plan(f"{self._url(path)}/", HIDDEN)
        if not self._is_local:
            return self._plan(self._url(path))
        # The plan keeps the open file, so replacing it does not change the plan.
        with Path(path).open("rb") as file:
            return self._plan(file)

    def _plan(
        self,
        source: Any,  # noqa: ANN401 - a path, a URL or an open file
        hidden: tuple[str, ...] = (),
    ) -> pl.LazyFrame:
        import polars as pl  # noqa: PLC0415 - only staging's extra has it

        if self._format == "csv":
            return pl.scan_csv(source, infer_schema_length=ROWS_TO_GUESS_FROM, glob=False)
        return pl.scan_parquet(source, glob=False, hidden_file_prefix=hidden)

    def _sink(self, plan: pl.LazyFrame, path: str) -> None:
        if self._is_local:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self._format == "csv":
            plan.sink_csv(self._url(path))
        else:
            rows = self._rows_in_group
            plan.sink_parquet(self._url(path), compression="zstd", row_group_size=rows)

    def _publish(self, path: str) -> None:
        if not self._is_local:
            # Atomic in the store; above 5 GB it appears with the last part.
            self._files.cp_file(path, self._path)
            return
        with Path(path).open("r+b") as file:
            # If the power fails, the content must be on the disk before the name.
            os.fsync(file.fileno())
        Path(path).replace(self._path)

    def _found(self) -> str | None:
        """`file` or `directory`; None if there is neither."""
        try:
            return str(self._files.info(self._path)["type"])
        except Exception as error:
            if isinstance(error, FileNotFoundError) and not explain_s3(error, self._filepath):
                return None
            if self._is_local:
                raise
            raise store_error(error, self._filepath) from error

    @property
    def _path(self) -> str:
        return self._filepath.rpartition("://")[2]

    @property
    def _writing(self) -> str:
        path = PurePosixPath(self._path)
        return str(path.parent / f".writing-{path.name}")

    @property
    def _files(self) -> Any:  # noqa: ANN401 - fsspec ships no types
        """The file system; made late, since catalogs are also built without s3fs installed."""
        # Cached listings would miss what Polars and other processes write.
        return fsspec.filesystem(self._protocol, use_listings_cache=False)

    def _url(self, path: str) -> str:
        return path if self._is_local else f"{self._protocol}://{path}"

    def _exists(self) -> bool:
        return self._found() is not None

    def _release(self) -> None:
        self._files.invalidate_cache()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "table": self._table, "file_format": self._format}


def _plan_of(data: Any) -> pl.LazyFrame:  # noqa: ANN401 - a table of any engine
    """The same rows as a Polars plan."""
    import polars as pl  # noqa: PLC0415 - only staging's extra has it

    frame = nw.from_native(data).lazy()
    native = frame.to_native()
    if isinstance(native, pl.LazyFrame):
        return native
    return frame.collect("polars").to_native().lazy()


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    """A cell as a JSON value."""
    return value if value is None or isinstance(value, str | int | float) else str(value)
