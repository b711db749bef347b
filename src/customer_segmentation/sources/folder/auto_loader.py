"""Databricks' Auto Loader finds the new files of a landing folder; they are read as elsewhere.

Auto Loader only tells which files are new, without listing the folder each time. Their content is
read by the readers of every other environment, so that the cells, the answers to what is no whole
table, and the parts are the same. It is not run by this project's tests, which have no Databricks:
they run the same stream over Spark's own source of files.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Arrival, Part, Parts, land_arrivals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from customer_segmentation.sources.readers.folder import FolderReader

logger = logging.getLogger(__name__)

# Of a running cluster, and of serverless compute.
_DATABRICKS = "DATABRICKS_RUNTIME_VERSION"
SOURCE = "cloudFiles"
# Of `binaryFile`, without the content: the driver reads it.
_COLUMNS = "path string, modificationTime timestamp, length long, content binary"
# Below the parts, which have other names.
_CHECKPOINT = "_auto_loader"


class LeftError(Exception):
    """Files were left for the next time: Auto Loader is to offer them again."""


def options_of(most_files: int = 1_000) -> dict[str, str]:
    """The options of Auto Loader, as Databricks documents them.

    Args:
        most_files: That it offers at once.
    """
    return {
        # Files as they are: every kind that `sources.recognise` knows.
        "cloudFiles.format": "binaryFile",
        "cloudFiles.includeExistingFiles": "true",
        # Other bytes under a known name are offered too.
        "cloudFiles.allowOverwrites": "true",
        "cloudFiles.maxFilesPerTrigger": str(most_files),
        # Folders in the folder, whose names are no partitions.
        "recursiveFileLookup": "true",
    }


def land_offered(reader: FolderReader, parts: Parts) -> list[Part]:
    """Land what Auto Loader has found since the last time, and end; returns the new parts.

    What a run landed before it was stopped is offered again, and known by the parts.

    Raises:
        UserError: This is not Databricks, or as of the reader and the parts.
    """
    if _DATABRICKS not in os.environ:
        raise UserError(
            f"{reader.place}: reader.auto_loader is for Databricks alone: leave it out, and the "
            "folder is listed instead"
        )
    from kedro_datasets._utils.spark_utils import (  # noqa: PLC0415 - only on Databricks
        get_spark_with_remote_support,
    )

    failed: list[Exception] = []
    landed: list[Part] = []
    offered = _offered(get_spark_with_remote_support(), reader.place)

    def land(batch: DataFrame, _number: int) -> None:
        paths = [_path_of(row.path) for row in batch.select("path").collect()]
        try:
            landed.extend(land_arrivals(_Offered(reader.name, reader, paths), parts))
            if reader.has_left:
                raise LeftError  # noqa: TRY301 - the stream must not go on
        except Exception as error:
            failed.append(error)
            raise

    checkpoint = f"{parts.place}/{_CHECKPOINT}"
    writing = offered.writeStream.foreachBatch(land).option("checkpointLocation", checkpoint)
    try:
        writing.trigger(availableNow=True).start().awaitTermination()
    except Exception as error:
        first = failed[0] if failed else error
        if isinstance(first, LeftError):
            logger.warning("%s: what was left is offered again the next time", reader.place)
            return landed
        if isinstance(first, UserError):
            raise first from error
        raise
    return landed


def _offered(spark: SparkSession, place: str) -> DataFrame:
    stream = spark.readStream.format(SOURCE).schema(_COLUMNS).options(**options_of())
    return stream.load(place).select("path", "modificationTime")


@dataclass
class _Offered:
    """The files that Auto Loader offers, as a reader."""

    name: str
    reader: FolderReader
    paths: Sequence[str]

    def read_after(self, parts: Sequence[Part]) -> Iterator[Arrival]:
        """As of `RememberingReader`."""
        return self.reader.arrivals(parts, self.paths)


def _path_of(url: Any) -> str:  # noqa: ANN401 - of a row
    """The path by which fsspec finds what Spark calls `dbfs:/Volumes/...`, `file:/...` or s3://."""
    parts = urlsplit(str(url))
    if parts.scheme in {"dbfs", "file"}:
        return unquote(parts.path)
    return f"{parts.netloc}{parts.path}"
