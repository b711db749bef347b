"""The Delta tables of a stream: each write is done once, however often its batch is repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from customer_segmentation.datasets.delta_rules import CONSTRAINT, constraint
from customer_segmentation.errors import UserError
from customer_segmentation.tables.schemas import TableContract

if TYPE_CHECKING:
    from delta.tables import DeltaTable
    from pyspark.sql import Column, DataFrame, SparkSession

_APP, _VERSION = "txnAppId", "txnVersion"
_SESSION = "spark.databricks.delta.write."
_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class Once:
    """Which batch writes: Delta leaves out a write of a batch that a table has already.

    Attributes:
        stream: The checkpoint's id.
        batch: Its number, which grows.
        about: What each commit says of it, as JSON.
    """

    stream: str
    batch: int
    about: str = ""

    @property
    def options(self) -> dict[str, str]:
        """Of a writer."""
        told = {"userMetadata": self.about} if self.about else {}
        return {_APP: self.stream, _VERSION: str(self.batch), **told}

    @contextmanager
    def of(self, spark: SparkSession) -> Iterator[None]:
        """The same for all merges of a session, for the length of a `with` block."""
        set_ = {_SESSION + _APP: self.stream, _SESSION + _VERSION: str(self.batch)}
        set_ |= {_METADATA: self.about} if self.about else {}
        for name, value in set_.items():
            spark.conf.set(name, value)
        try:
            yield
        finally:
            for name in set_:
                spark.conf.unset(name)


@dataclass(frozen=True)
class Table:
    """A Delta table: below a path, or by the name that a catalog such as Unity Catalog has for it.

    Attributes:
        place: A path or URL, which has a slash, or a name such as `main.gold.segments`.
        contract: What it promises; None for what only the stream reads.
    """

    place: str
    contract: TableContract | None = None

    @property
    def _is_path(self) -> bool:
        return "/" in self.place

    def is_there(self, spark: SparkSession) -> bool:
        """Whether it is."""
        from delta.tables import DeltaTable  # noqa: PLC0415 - after Spark's settings

        if self._is_path:
            return bool(DeltaTable.isDeltaTable(spark, self.place))
        return bool(spark.catalog.tableExists(self.place))

    def read(self, spark: SparkSession) -> DataFrame:
        """Its rows as they are now."""
        if self._is_path:
            return spark.read.format("delta").load(self.place)
        return spark.read.table(self.place)

    def make(self, spark: SparkSession, like: DataFrame) -> None:
        """Make it, without a row, unless it is there.

        Raises:
            UserError: What is there has other columns, or another kind of writer on S3.
        """
        if self.is_there(spark):
            self._require_fit(spark, like)
            return
        properties = {}
        if self.contract:
            properties = {
                CONSTRAINT: constraint(self.contract, like.columns),
                "delta.enableChangeDataFeed": str(self.contract.tells_changes).lower(),
            }
        self._save(like.limit(0), "ignore", properties)

    def _require_fit(self, spark: SparkSession, like: DataFrame) -> None:
        there, wanted = dict(self.read(spark).dtypes), dict(like.dtypes)
        other = [name for name, kind in wanted.items() if there.get(name) != kind]
        if other and self.contract and not self.contract.is_appended:
            raise UserError(
                f"{self.place}: its columns {', '.join(other)} are not those of the stream: the "
                "schema or the model is another. Run kedro run, or move that table away"
            )
        if self.place.startswith("s3"):
            last = self._delta(spark).history(1).select("engineInfo").first()
            engine = str(last[0] or "") if last else ""
            if engine and not engine.startswith(("Apache-Spark", "Databricks")):
                raise UserError(
                    f"{self.place} is written by {engine}, and of two kinds of writers on S3 one "
                    "loses commits of the other: stream without --runner, or move the table away"
                )

    def replace(self, rows: DataFrame, once: Once) -> None:
        """Give it these rows instead of those it has."""
        self._save(rows, "overwrite", {"overwriteSchema": "true", **once.options})

    def append(self, rows: DataFrame, once: Once) -> None:
        """Add rows."""
        self._save(rows, "append", {"mergeSchema": "true", **once.options})

    def merge(self, changes: DataFrame, key: tuple[str, ...], is_gone: str) -> None:
        """Take out rows that are gone, and put in the others; in a session of `Once.of`.

        Args:
            changes: The table's columns, and `is_gone`; a key stands once.
            key: Names of the columns that tell rows apart.
            is_gone: The name of the flag.
        """
        names = [name for name in changes.columns if name != is_gone]
        values: dict[str, str | Column] = {f"`{name}`": f"new.`{name}`" for name in names}
        same = " AND ".join(f"old.`{name}` = new.`{name}`" for name in key)
        (
            self._delta(changes.sparkSession)
            .alias("old")
            .merge(changes.alias("new"), same)
            .whenMatchedDelete(f"new.{is_gone}")
            .whenMatchedUpdate(set=values)
            .whenNotMatchedInsert(f"NOT new.{is_gone}", values=values)
            .execute()
        )

    def _delta(self, spark: SparkSession) -> DeltaTable:
        from delta.tables import DeltaTable  # noqa: PLC0415 - as above

        if self._is_path:
            return DeltaTable.forPath(spark, self.place)
        return DeltaTable.forName(spark, self.place)

    def _save(self, rows: DataFrame, mode: str, options: Mapping[str, str]) -> None:
        writer = rows.write.format("delta").mode(mode).options(**options)
        if self._is_path:
            writer.save(self.place)
        else:
            writer.saveAsTable(self.place)
