"""Feature tables of Databricks: one Delta table a view, with a primary key and a time column.

Rows of a snapshot are appended; those of the same day are replaced by what the day is now. So
training sets can be made as of any day. A customer who left keeps their rows of former days.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from narwhals.typing import IntoFrame

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import VIEWS, FeatureSet
from customer_segmentation.feature_store.targets.target import (
    Values,
    Written,
    described,
    names_of,
    require_same,
    table_name,
    text_columns,
)
from customer_segmentation.schema.parts import KEY
from customer_segmentation.tables.schemas import EVENT_TIME

_OURS = "customer_segmentation"
_NEW = "customer_segmentation_new_features"


class DatabricksTarget:
    """Tables in a schema of the catalog, through the Spark session that there is.

    Args:
        schema: As `gold` or `prod.gold`; it is there.
        features: What is kept.
        is_open_source: Whether Spark is the open-source one, which parses no primary key with a
            time column, and no tags: the tables are without.
    """

    def __init__(self, schema: str, features: FeatureSet, *, is_open_source: bool = False) -> None:
        self.name = f"databricks://{schema}"
        self._features, self._is_open_source = features, is_open_source
        quoted = ".".join(f"`{part}`" for part in schema.replace("`", "").split("."))
        self._tables = {view: f"{quoted}.`{table_name(features, view)}`" for view in VIEWS}

    def creation(self, view: str) -> str:
        """The statement that makes the table of a view, if it is not there."""
        features = self._features
        texts = text_columns(view)
        comments = {one.name: _comment(described(one), one.unit) for one in features.view(view)}
        comments |= dict.fromkeys(texts, "Version of the segmenter whose numbers standardise")
        columns = [
            f"`{KEY}` STRING NOT NULL COMMENT 'Customer'",
            f"`{EVENT_TIME}` TIMESTAMP NOT NULL COMMENT 'Day that the values are true for'",
            *(
                f"`{name}` {'STRING' if name in texts else 'DOUBLE'} COMMENT {_literal(comment)}"
                for name, comment in comments.items()
            ),
        ]
        if not self._is_open_source:
            key = f"`{table_name(features, view)}_key`"
            columns.append(f"CONSTRAINT {key} PRIMARY KEY (`{KEY}`, `{EVENT_TIME}` TIMESERIES)")
        properties = _pairs(f"{_OURS}.", self._told(view))
        return (
            f"CREATE TABLE IF NOT EXISTS {self._tables[view]} (\n  "
            + ",\n  ".join(columns)
            + f"\n) USING DELTA COMMENT {_literal(VIEWS[view])} TBLPROPERTIES ({properties})"
        )

    def tagging(self, view: str, as_of: date) -> str:
        """The statement that lets the table be found by what it holds."""
        tags = _pairs(f"{_OURS}_", {**self._told(view), "as_of": str(as_of)})
        return f"ALTER TABLE {self._tables[view]} SET TAGS ({tags})"

    def merge(self, view: str, as_of: date) -> str:
        """The statement that makes the rows of a day those of the view `_NEW`."""
        names = [*text_columns(view), *names_of(self._features, view)]
        same = " AND ".join(f"old.`{name}` <=> new.`{name}`" for name in names)
        return (
            f"MERGE INTO {self._tables[view]} AS old USING {_NEW} AS new\n"
            f"ON old.`{KEY}` = new.`{KEY}` AND old.`{EVENT_TIME}` = new.`{EVENT_TIME}`\n"
            f"WHEN MATCHED AND NOT ({same}) THEN UPDATE SET *\n"
            "WHEN NOT MATCHED THEN INSERT *\n"
            f"WHEN NOT MATCHED BY SOURCE AND old.`{EVENT_TIME}` = {_moment(as_of)} THEN DELETE"
        )

    def create(self) -> None:
        """Make the tables that are not there yet."""
        spark = _session()
        from pyspark.errors import AnalysisException  # noqa: PLC0415 - of an extra

        for view, table in self._tables.items():
            try:
                spark.sql(self.creation(view))
            except AnalysisException as error:
                why = str(error).strip().splitlines()[0]
                raise UserError(
                    f"{self.name}: Spark refuses to make the table ({why}). Run this on a cluster "
                    "of Databricks, whose Spark knows primary keys; the schema must be there"
                ) from error
            properties = spark.sql(f"SHOW TBLPROPERTIES {table}").collect()
            found = {row["key"]: row["value"] for row in properties}
            name = f"{self.name}: {table_name(self._features, view)}"
            require_same(name, self._features, view, found.get(f"{_OURS}.hash"))

    def write(self, table: IntoFrame, as_of: date) -> list[Written]:
        """Make the rows of the day those of the table."""
        from customer_segmentation.datasets.delta_rows import as_spark  # noqa: PLC0415 - PySpark

        spark, done = _session(), []
        rows = as_spark(table, spark)
        for view in VIEWS:
            numbers = (
                f"`{name}`" if name in rows.columns else f"CAST(NULL AS DOUBLE) AS `{name}`"
                for name in names_of(self._features, view)
            )
            version = _literal(self._features.artifact_version)
            texts = (f"{version} AS `{name}`" for name in text_columns(view))
            selected = [f"`{KEY}`", f"{_moment(as_of)} AS `{EVENT_TIME}`", *texts, *numbers]
            rows.selectExpr(*selected).createOrReplaceTempView(_NEW)
            try:
                counts = spark.sql(self.merge(view, as_of)).first()
            finally:
                spark.catalog.dropTempView(_NEW)
            if not self._is_open_source:
                spark.sql(self.tagging(view, as_of))
            name = table_name(self._features, view)
            changed = counts["num_inserted_rows"] + counts["num_updated_rows"]
            done.append(Written(name, changed, counts["num_deleted_rows"]))
        return done

    def read(self, customer: str) -> dict[str, Values]:
        """View -> a customer's values in the newest day there."""
        spark, found = _session(), dict[str, Values]()
        for view, table in self._tables.items():
            rows = spark.table(table)
            newest = rows.agg({EVENT_TIME: "max"}).first()[0]
            theirs = rows.where((rows[KEY] == customer) & (rows[EVENT_TIME] == newest))
            if row := theirs.drop(KEY, EVENT_TIME).first():
                found[view] = row.asDict()
        return found

    def _told(self, view: str) -> dict[str, str]:
        """What a table says of itself."""
        features = self._features
        told = {"version": str(features.version), "hash": features.hashes[view]}
        return told | ({"owner": features.owner} if features.owner else {})


def _session() -> Any:  # noqa: ANN401 - PySpark is of an extra
    """The cluster's session."""
    try:
        from kedro_datasets._utils.spark_utils import (  # noqa: PLC0415 - of an extra
            get_spark_with_remote_support,
        )
        from pyspark.sql import SparkSession  # noqa: PLC0415, F401 - as above
    except ImportError as error:
        message = "feature tables of Databricks are written through Spark, on its own cluster"
        raise UserError(message) from error
    return get_spark_with_remote_support()


def _comment(text: str, unit: str) -> str:
    return f"{text} ({unit})" if unit else text


def _pairs(prefix: str, told: Mapping[str, str]) -> str:
    return ", ".join(f"'{prefix}{name}' = {_literal(value)}" for name, value in told.items())


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _moment(day: date) -> str:
    return f"TIMESTAMP '{day} 00:00:00'"
