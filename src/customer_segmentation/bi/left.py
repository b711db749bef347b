"""Read what runs left in an environment where its catalog says; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

from customer_segmentation.datasets.history_parts import HistoryPartsDataset
from customer_segmentation.datasets.polars_table import PolarsTableDataset
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.ledger import Ledger, read_ledger
from customer_segmentation.preconditions import require_bucket
from customer_segmentation.reading_from import DELTA, STORED, Environment
from customer_segmentation.s3_errors import store_error
from customer_segmentation.schema.file import SCHEMA_BLOCK, checked_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.columns import Table, Type, gold_tables

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

_HISTORY = f"{HistoryPartsDataset.__module__}.{HistoryPartsDataset.__name__}"


@dataclass(frozen=True)
class Left:
    """The gold tables of an environment, and the small files beside them.

    Attributes:
        environment: Its places and catalog.
        schema: What its customers are.
    """

    environment: Environment
    schema: Schema

    @classmethod
    def of(cls, project: Path, loader: Any) -> Left:  # noqa: ANN401 - Kedro ships no such type
        """What an environment's configuration names.

        Args:
            project: The project's folder.
            loader: Its configuration.

        Raises:
            UserError: It needs a bucket, and none is named.
        """
        places = loader["globals"]
        require_bucket(str(places["tables"]))
        named = Environment.of(places["environment"], places, loader["catalog"], project)
        return cls(named, checked_schema(loader["parameters"][SCHEMA_BLOCK]))

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The tables that there can be, by name in the catalog."""
        return gold_tables(self.schema)

    def scan(self, name: str, columns: Sequence[str] | None = None) -> pl.LazyFrame | None:
        """A table with declared columns and types, none of it read yet; None if it is not there.

        Args:
            name: In the catalog.
            columns: Of those declared; all without it.

        Raises:
            UserError: The store does not answer, or only Spark reads this environment's tables.
        """
        import polars as pl  # noqa: PLC0415 - slow

        dataset = self._dataset(name)
        try:
            if not dataset.exists():
                return None
            found = dataset.load()
            present = {*found.collect_schema().names()}
        except UserError:
            raise
        except Exception as error:
            raise store_error(error, self.environment.roots["tables"]) from error
        return found.select(
            (pl.col(column.name) if column.name in present else pl.lit(None))
            .cast(_polars_type(column.type))
            .alias(column.name)
            for column in self.tables[name].columns
            if columns is None or column.name in columns
        )

    def read(self, name: str, columns: Sequence[str] | None = None) -> pa.Table | None:
        """The rows of a table, as `scan` has them; None if it is not there.

        Args:
            name: In the catalog.
            columns: As `scan`.

        Raises:
            UserError: As `scan`.
        """
        plan = self.scan(name, columns)
        if plan is None:
            return None
        try:
            return plan.collect().to_arrow()
        except Exception as error:
            raise store_error(error, self.environment.roots["tables"]) from error

    def small(self, name: str) -> Any | None:  # noqa: ANN401 - any JSON or text
        """A small file of the catalog, such as `row_accounting`; None if it is not there."""
        found = self.environment.entry(name)
        # Without MLflow's wrapper, which only a run needs.
        dataset = AbstractDataset.from_config(name, dict(found.get("dataset", found)))
        return dataset.load() if dataset.exists() else None

    def ledger(self) -> Ledger:
        """What made each of them, as the runs recorded it."""
        return read_ledger(self.environment.ledger)

    def place(self, name: str) -> str:
        """The path or URL of a table."""
        path = str(self.environment.entry(name).get("filepath", ""))
        return path.replace("s3a://", "s3://", 1)

    def _dataset(self, name: str) -> PolarsTableDataset | HistoryPartsDataset:
        entry = self.environment.entry(name)
        kind, place = str(entry.get("type")), self.place(name)
        if kind == _HISTORY:
            return HistoryPartsDataset(filepath=place, table=name, engine="polars")
        if kind not in STORED:
            raise UserError(
                f"{name} of {self.environment.name} is a table that only its workspace reads: "
                "connect the BI tool to the workspace's SQL instead (docs/bi.md)"
            )
        if STORED[kind] == DELTA and find_spec("deltalake") is None:
            raise UserError(
                f"{self.environment.name}'s Delta tables need one more package: pip install "
                "deltalake"
            )
        return PolarsTableDataset(filepath=place, file_format=STORED[kind])


def _polars_type(kind: Type) -> Any:  # noqa: ANN401 - a class or an instance
    import polars as pl  # noqa: PLC0415 - slow

    return {
        "text": pl.String(),
        "number": pl.Float64(),
        "whole": pl.Int64(),
        "day": pl.Datetime("us"),
        "moment": pl.Datetime("us", "UTC"),
    }[kind]
