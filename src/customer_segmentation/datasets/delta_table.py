"""A Delta table that a save updates without touching rows that did not change."""

from __future__ import annotations

import json
import logging
from typing import Any

import narwhals as nw
from delta.tables import DeltaTable
from kedro_datasets._utils.databricks_utils import to_spark_path
from kedro_datasets._utils.spark_utils import get_spark_with_remote_support as session
from kedro_datasets.spark import SparkDatasetV2
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - its own convention

from customer_segmentation.datasets.delta_rows import (
    IS_GONE,
    as_spark,
    changed_rows,
    quoted,
    unquoted,
)
from customer_segmentation.datasets.delta_rules import CONSTRAINT, NAME, constraint
from customer_segmentation.errors import UserError
from customer_segmentation.run_record import current_run
from customer_segmentation.tables.check import require_contract
from customer_segmentation.tables.history import RECORDED_AT
from customer_segmentation.tables.schemas import ARTIFACT_VERSION, STREAMED, contract_of

logger = logging.getLogger(__name__)

# Parquet's size of a row group of an appended table, in bytes before they are packed.
_GROUP, _GROUP_BYTES = "parquet.block.size", 1_000_000
# The commits that are looked through for another kind of writer.
_LAST = 20
_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


class DeltaTableDataset(SparkDatasetV2):  # type: ignore[misc]  # it ships no types
    """A Delta table under a path; saving merges the rows by the key of the table.

    Equal rows are not touched, so that a run on the same data changes nothing, and a change data
    feed tells only what changed. Rows whose key is not among those saved are deleted. The
    `userMetadata` of each commit names the run, the commit of its code and, if the table has one,
    the version of the artifact. The rows are computed once, onto the disks of the cluster, and
    checked against the contract before the merge, which is one commit: readers see the old table
    or the new one. The rows of a table that is appended to join those that are there, once. In a
    run they wait as Parquet beside the table until the whole run is published
    (`WholeFilesCatalog`), and are read from there until then.

    Characters that Delta refuses in a column name are percent-encoded on saving.

    Args:
        filepath: Folder of the table: a local path or a URL that Spark can write to.
        table: Name of the table in the catalog; its contract gives key and constraints.
        load_args: Options for the Spark reader; `versionAsOf` reads an older version.
        metadata: For plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        table: str,
        load_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            filepath=filepath, file_format="delta", load_args=load_args, metadata=metadata
        )
        self._table = table

    def _load(self) -> DataFrame:
        if self._waits:
            return unquoted(session().read.parquet(self._waiting_path))
        return unquoted(super()._load())

    def _save(self, data: Any) -> None:  # noqa: ANN401 - a table of any engine
        spark = session()
        named = quoted(as_spark(data, spark))
        if self._waits:
            if self._is_delta(spark):
                self._require_same_schema(self._delta(spark).toDF(), named)
            named.write.mode("overwrite").parquet(self._waiting_path)
            require_contract(self._table, nw.from_native(self._load()).lazy())
            return
        rows = named.persist(StorageLevel.DISK_ONLY)
        try:
            require_contract(self._table, nw.from_native(unquoted(rows)).lazy())
            self._commit(rows, spark)
        finally:
            rows.unpersist()

    def merge_from(self, waiting: str) -> None:
        """Merge the waiting rows into the table; repeating it changes nothing.

        Args:
            waiting: Folder of the Parquet files with the rows.
        """
        path = waiting.rpartition("://")[2]
        if not self._exists_function(path):
            return
        spark = session()
        self._commit(spark.read.parquet(to_spark_path(self._protocol, path)), spark)

    def _commit(self, rows: DataFrame, spark: SparkSession) -> None:
        if self._spark_path.startswith("s3") and self._is_streamed(spark):
            raise UserError(
                f"{self._table}: kedro stream run writes {self._spark_path} without Spark, and on "
                "S3 the two would lose each other's commits. Nothing was saved: give this "
                "environment another root, or stream into it by --runner=spark."
            )
        try:
            spark.conf.set(_METADATA, json.dumps(self._provenance(rows)))
            if contract_of(self._table).is_appended:
                self._append(rows, spark)
            elif self._is_delta(spark):
                self._merge(rows, spark)
            else:
                self._create(rows)
        finally:
            spark.conf.unset(_METADATA)

    def _is_streamed(self, spark: SparkSession) -> bool:
        """Whether a stream writes the table by delta-rs."""
        if self._table not in STREAMED or not self._is_delta(spark):
            return False
        engines = self._delta(spark).history(_LAST).select("engineInfo").collect()
        return any("delta-rs" in str(engine) for (engine,) in engines)

    @property
    def _waits(self) -> bool:
        """Whether `WholeFilesCatalog` has redirected it."""
        return str(self._filepath) != str(self._path)

    @property
    def _waiting_path(self) -> str:
        return str(to_spark_path(self._protocol, str(self._filepath)))

    def _exists(self) -> bool:
        if self._waits:
            return bool(self._exists_function(str(self._filepath)))
        return bool(super()._exists())

    def _create(self, rows: DataFrame) -> None:
        """Create the table in one commit, so that it is never there incomplete."""
        contract = contract_of(self._table)
        properties = {
            CONSTRAINT: constraint(contract, rows.columns),
            "delta.enableChangeDataFeed": str(contract.tells_changes).lower(),
        }
        rows.write.format("delta").options(**properties).save(self._spark_path)

    def _append(self, rows: DataFrame, spark: SparkSession) -> None:
        """Add the rows of a statement in one commit, unless the table has it already."""
        said = rows.select(RECORDED_AT).first()
        if said is None:
            logger.info("%s: nothing to append.", self._table)
            return
        # Readers of one customer skip the files and the row groups of others.
        rows = rows.orderBy(*contract_of(self._table).key)
        spark.conf.set(_GROUP, _GROUP_BYTES)
        try:
            if not self._is_delta(spark):
                self._create(rows)
                return
            table = self._delta(spark).toDF()
            self._require_same_schema(table, rows)
            if table.where(F.col(RECORDED_AT) == said[0]).isEmpty():
                appended = rows.write.format("delta").mode("append").option("mergeSchema", "true")
                appended.save(self._spark_path)
        finally:
            spark.conf.unset(_GROUP)

    def _merge(self, rows: DataFrame, spark: SparkSession) -> None:
        """Pass only changed rows to Delta, so that files without changes are not rewritten."""
        target = self._delta(spark)
        self._require_same_schema(target.toDF(), rows)
        contract = contract_of(self._table)
        wanted = constraint(contract, rows.columns)
        is_held = self._drop_other_constraint(target, wanted, spark)
        changes = changed_rows(target.toDF(), rows, contract.key).persist(StorageLevel.DISK_ONLY)
        try:
            if changes.isEmpty():
                logger.info("%s: no row changed.", self._table)
            else:
                self._write(target, changes, rows.columns)
        finally:
            changes.unpersist()
        if not is_held:
            spark.sql(f"ALTER TABLE {self._sql_name} ADD CONSTRAINT {NAME} CHECK ({wanted})")

    def _write(self, target: DeltaTable, changes: DataFrame, columns: list[str]) -> None:
        key = contract_of(self._table).key
        values: dict[str, str | Column] = {f"`{name}`": f"new.`{name}`" for name in columns}
        same = " AND ".join(f"old.`{name}` <=> new.`{name}`" for name in key)
        (
            target.alias("old")
            .merge(changes.alias("new"), same)
            .whenMatchedDelete(f"new.{IS_GONE}")
            .whenMatchedUpdate(set=values)
            .whenNotMatchedInsert(values=values)
            .execute()
        )

    def _require_same_schema(self, old: DataFrame, new: DataFrame) -> None:
        """Refuse other columns; rows that are appended may have others, of the same types."""
        before, after = dict(old.dtypes), dict(new.dtypes)
        changes = []
        if not contract_of(self._table).is_appended:
            changes += [f"`{name}` is new" for name in after if name not in before]
            changes += [f"`{name}` is gone" for name in before if name not in after]
        for name, kind in after.items():
            if before.get(name, kind) != kind:
                changes.append(f"`{name}` was {before[name]} and is {kind}")
        if changes:
            raise UserError(
                f"{self._table}: the columns are not those of the table at {self._spark_path}: "
                f"{', '.join(changes)}. Nothing was saved. If this is meant (another source, "
                "another version of the code), move that table away, or give this environment "
                "another root."
            )

    def _drop_other_constraint(self, target: DeltaTable, wanted: str, spark: SparkSession) -> bool:
        """Whether Delta has the current constraint; one of older code is dropped.

        The current one can be added only after the merge, since old rows may break it.
        """
        details = target.detail().select("properties").first()
        held = details[0].get(CONSTRAINT) if details else None
        # Delta formats a constraint that is added later with other spaces.
        is_held = held is not None and "".join(held.split()) == "".join(wanted.split())
        if held is not None and not is_held:
            spark.sql(f"ALTER TABLE {self._sql_name} DROP CONSTRAINT {NAME}")
        return is_held

    @property
    def _sql_name(self) -> str:
        return f"delta.`{self._spark_path}`"

    def _provenance(self, rows: DataFrame) -> dict[str, str]:
        record = dict(current_run.get())
        if ARTIFACT_VERSION in rows.columns and (first := rows.select(ARTIFACT_VERSION).first()):
            record[ARTIFACT_VERSION] = first[0]
        return record

    def _is_delta(self, spark: SparkSession) -> bool:
        if DeltaTable.isDeltaTable(spark, self._spark_path):
            return True
        if self._exists_function(str(self._path)):
            raise UserError(
                f"{self._table}: {self._spark_path} is there and is no Delta table. Nothing was "
                "saved: move it away, or give this environment another root."
            )
        return False

    def _delta(self, spark: SparkSession) -> DeltaTable:
        return DeltaTable.forPath(spark, self._spark_path)

    def maintain(self, retain_hours: float) -> None:
        """Compact small files, and delete those that only older versions need.

        Files of a table that is appended to stay as they are: each is sorted.

        Args:
            retain_hours: Versions older than this can no longer be read; Delta accepts no less
                than a week, since runs and readers may still need newer ones.
        """
        table = self._delta(session())
        if not contract_of(self._table).is_appended:
            table.optimize().executeCompaction()
        table.vacuum(retain_hours)
