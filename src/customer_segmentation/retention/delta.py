"""Erase one customer from a Delta table: rows, old versions, change feed, and the log itself.

The log names customers, too: each file's least and greatest value, and the condition of a deletion.
So it is cut behind a checkpoint of the present state, and what it said of older versions goes.
"""

from __future__ import annotations

import json
import operator
from datetime import UTC, datetime
from functools import reduce
from pathlib import PurePosixPath
from urllib.parse import unquote

from kedro_datasets._utils.databricks_utils import to_spark_path

from customer_segmentation.datasets.pending import filesystem_of
from customer_segmentation.retention.sought import FRACTION, Sought

_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"
_ERASED = "customer_segmentation.erased_at"
_VERSION_DIGITS, _LAST = 20, "_last_checkpoint"


def erase_from_delta(place: str, sought: Sought) -> None:
    """Delete their rows, then every file and every entry of the log before that; can be repeated.

    Args:
        place: The table's folder: a path, or a URL such as `s3://bucket/gold/segments`.
        sought: The customer.
    """
    from delta.tables import DeltaTable  # noqa: PLC0415 - only where tables are Delta's
    from kedro_datasets._utils.spark_utils import (  # noqa: PLC0415 - as above
        get_spark_with_remote_support,
    )
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - its own convention

    spark = get_spark_with_remote_support()
    _, separator, path = place.partition("://")
    url = str(to_spark_path("s3", path)) if separator else place
    table = DeltaTable.forPath(spark, url)
    fraction = FRACTION if sought.from_float else "$^"
    keys = [name for name in table.toDF().columns if unquote(name).strip() in sought.columns]
    texts = (F.regexp_replace(F.col(f"`{n}`").cast("string"), r"^\s+|\s+$", "") for n in keys)
    theirs = (F.regexp_replace(text, fraction, "") == sought.id for text in texts)
    if keys:
        table.delete(reduce(operator.or_, theirs))
    checked = spark.conf.get(_CHECK, None)
    spark.conf.set(_CHECK, "false")
    try:
        table.vacuum(0)
    finally:
        if checked is None:
            spark.conf.unset(_CHECK)
        else:
            spark.conf.set(_CHECK, checked)
    # A version of its own, which holds no statistics, for the checkpoint to stand behind.
    now = datetime.now(UTC).isoformat(timespec="seconds")
    spark.sql(f"ALTER TABLE delta.`{url}` SET TBLPROPERTIES ('{_ERASED}' = '{now}')")
    jvm = spark._jvm.org.apache.spark.sql.delta.DeltaLog  # noqa: SLF001 - Python has no other way
    log = jvm.forTable(spark._jsparkSession, url)  # noqa: SLF001 - as above
    log.checkpoint()
    _cut(f"{place}/_delta_log")


def _cut(log: str) -> None:
    """Remove the entries before the version of the last checkpoint."""
    files, folder = filesystem_of(log)
    version = json.loads(files.cat_file(f"{folder}/{_LAST}"))["version"]
    for path in sorted(files.find(folder)):
        # Hadoop's checksums of them begin with a dot.
        number = PurePosixPath(path).name.lstrip(".")[:_VERSION_DIGITS]
        if number.isdigit() and len(number) == _VERSION_DIGITS and int(number) < version:
            files.rm_file(path)
