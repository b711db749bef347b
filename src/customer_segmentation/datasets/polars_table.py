"""A table in one file, local or in a bucket, that Polars streams in and out and is always whole."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import fsspec
import narwhals as nw
from kedro.io import AbstractDataset
from kedro.io.core import get_protocol_and_path
from kedro_datasets._typing import TablePreview

from customer_segmentation.errors import UserError
from customer_segmentation.s3_errors import code_of
from customer_segmentation.tables.check import require_contract

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("parquet", "csv")
# 32 MB of 40 numbers a row: a reader and a writer hold a few of them, whatever the table's length.
ROWS_IN_GROUP = 100_000
# CSV has no types; guessing them from all rows would hold the whole file in memory.
ROWS_TO_GUESS_FROM = 10_000
# What Spark, Hive and Parquet's own tools leave in a folder beside its parts.
HIDDEN = ("_", ".")

logger = logging.getLogger(__name__)


class PolarsTableDataset(AbstractDataset[Any, "pl.LazyFrame"]):
    """Loads a Polars `LazyFrame`; saves any table so that a reader finds the old one or the new.

    A save streams the table into a folder `.writing-NAME` beside it, holds it against its
    contract there, and only then puts it in its place: by a rename, in a bucket by a copy that
    the store itself makes. Whatever fails or is killed before that leaves the old table as it
    was; the next save removes what it left, unfinished uploads too. Where no save follows, only
    the bucket's own lifecycle rule does (`AbortIncompleteMultipartUpload`): set one. Two saves of
    one table at once end with one of the two whole, or the other's error.

    A local table that was loaded before a save is read to its end as it was. One in a bucket is
    read by name: a plan whose schema was looked at before the save fails (`File out of
    specification`), and is to be loaded anew.

    Endpoint, region and credentials of a bucket are the AWS chain's (`AWS_ENDPOINT_URL`,
    `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, the machine's role). A save to a bucket holds
    up to 1/32 of the machine's memory, 256 MB at least, in parts on their way; Polars'
    `POLARS_UPLOAD_CONCURRENCY` (parts of 32 MB) sets another bound.

    Args:
        filepath: A local path or a URL such as `s3://bucket/silver/customers.parquet`. A folder
            of parts is read too, but not written.
        table: Its name in the catalog: what is saved keeps the contract of that name.
        file_format: `parquet` or `csv`. The types of CSV are guessed from its first 10,000 rows.
        metadata: For plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        table: str | None = None,
        file_format: str = "parquet",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """The file need not be there yet."""
        if file_format not in FORMATS:
            raise UserError(
                f"{filepath}: file_format is {file_format!r}: say {' or '.join(FORMATS)}."
            )
        self._protocol, path = get_protocol_and_path(filepath)
        self._is_local = self._protocol == "file"
        # Kedro-Viz asks for the file's size by this name, and `WholeFilesCatalog` sets it.
        self._filepath = self._url(path)
        self._table = table
        self._format = file_format
        self.metadata = metadata

    def load(self) -> pl.LazyFrame:
        """A plan that reads the table; of its rows nothing is read yet.

        Raises:
            UserError: There is no such table, or its store does not answer.
        """
        found = self._found()
        if found is None:
            raise UserError(
                f"{self._filepath}: there is no such table yet. Run the pipeline that saves it: "
                "kedro run, with the same --env."
            )
        return self._scan(self._path, is_folder=found == "directory")

    def save(self, data: Any) -> None:  # noqa: ANN401 - a table of any engine
        """Write a Polars plan without collecting it, or a table of any engine that is in memory.

        Raises:
            UserError: The table breaks its contract, or its store does not answer.
        """
        plan = _plan_of(data)
        if self._found() == "directory":
            raise UserError(f"{self._filepath} is a folder of parts: it is read and never written.")
        # Under its own name it would be replaced by any plan that fails: Polars ends the file, or
        # the upload, as a readable table of the rows until then.
        written = f"{self._writing}/{uuid4().hex}.{self._format}"
        try:
            self._sink(plan, written)
            if self._table:
                require_contract(self._table, nw.from_native(self._scan(written)))
            self._publish(written)
        finally:
            self._remove_leftovers()

    def preview(self, nrows: int = 5) -> TablePreview:
        """The first rows, for Kedro-Viz; it reads one group of rows at most."""
        rows = self.load().head(nrows).collect()
        return TablePreview(
            {
                "index": list(range(rows.height)),
                "columns": rows.columns,
                "data": [[_plain(value) for value in row] for row in rows.rows()],
            }
        )

    def _scan(self, path: str, *, is_folder: bool = False) -> pl.LazyFrame:
        if is_folder:
            return self._plan(f"{self._url(path)}/", HIDDEN)
        if not self._is_local:
            return self._plan(self._url(path))
        # The plan keeps the open file, not its name: a save that replaces it changes nothing.
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
            plan.sink_parquet(self._url(path), compression="zstd", row_group_size=ROWS_IN_GROUP)

    def _publish(self, path: str) -> None:
        if not self._is_local:
            # The store does it in one step; what is over 5 GB, it appears with the last part.
            self._files.cp_file(path, self._path)
            return
        with Path(path).open("r+b") as file:
            # Its content is on the disk before its name is, should the power fail.
            os.fsync(file.fileno())
        Path(path).replace(self._path)

    def _remove_leftovers(self) -> None:
        """Remove what this save and killed ones wrote; the table is as good where that fails."""
        if self._is_local:
            shutil.rmtree(self._writing, ignore_errors=True)
            return
        try:
            for path in self._files.find(self._writing):
                self._files.rm_file(path)
            self._abort_uploads()
        except Exception as error:  # noqa: BLE001 - it may not hide the error of the save
            logger.warning(
                "%s: what a save left cannot be removed (%s); the next save tries again.",
                self._url(self._writing),
                error,
            )

    def _abort_uploads(self) -> None:
        """Polars does not abort the upload of a plan that fails; its parts are kept, and billed."""
        if self._protocol not in {"s3", "s3a"}:
            return
        bucket, _, prefix = self._writing.partition("/")
        for upload in self._files.list_multipart_uploads(bucket):
            if upload["Key"].startswith(f"{prefix}/"):
                self._files.abort_mpu(bucket, upload["Key"], upload["UploadId"])

    def _found(self) -> str | None:
        """`file` or `directory`, or nothing where there is neither."""
        try:
            return str(self._files.info(self._path)["type"])
        except FileNotFoundError as error:
            if code_of(error.__cause__) != "NoSuchBucket":
                return None
            raise UserError(
                f"{self._filepath}: there is no such bucket. Make it, or name another."
            ) from error
        except Exception as error:
            if self._is_local:
                raise
            raise UserError(
                f"{self._filepath}: the store says: {error}. Check AWS_ENDPOINT_URL, AWS_REGION "
                "and the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, "
                "or the machine's role)."
            ) from error

    @property
    def _path(self) -> str:
        return self._filepath.rpartition("://")[2]

    @property
    def _writing(self) -> str:
        path = PurePosixPath(self._path)
        return str(path.parent / f".writing-{path.name}")

    @property
    def _files(self) -> Any:  # noqa: ANN401 - fsspec ships no types
        """The file system; made late, since a catalog is also built where s3fs is not there."""
        # Listings that are kept would miss what other processes, Polars among them, write.
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
    """A cell as JSON can hold it."""
    return value if value is None or isinstance(value, str | int | float) else str(value)
