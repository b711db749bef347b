"""Delta tables that delta-rs writes, without Java.

Each commit carries, as Delta's own transaction identifiers, the offset up to which each partition
is in the table. So what was read and what was written last by one act: after a kill the table says
where to read on, and a second writer of the same stream is refused by Delta itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl
import polars.selectors as cs

from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.streaming.step import ANSWERED
from customer_segmentation.tables.check import require_contract
from customer_segmentation.tables.history import RECORDED_AT
from customer_segmentation.tables.schemas import contract_of

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

_SPARK, _OURS = "Spark", "delta-rs"
# The commits that are looked through for another kind of writer.
_LAST = 20
_IS_GONE = "is_gone__"


class DeltaSink:
    """One table.

    Args:
        place: Its folder: a path or a URL.
        table: Its name in the catalog.
        group: Of the stream: another one begins anew.
    """

    def __init__(self, place: str, table: str, group: str) -> None:
        self.place = place.replace("s3a://", "s3://", 1).rstrip("/")
        self.table, self._group = table, group
        self._options = _options() if self.place.startswith("s3://") else {}
        self._version = -1

    def positions(self, places: Iterable[str]) -> dict[str, int]:
        """The next offset of each partition that the table has rows of.

        Raises:
            UserError: Spark writes this table on S3, where the two would lose each other's commits.
        """
        table = self._opened()
        if table is None:
            return {}
        self._require_ours(table)
        found = {place: table.transaction_version(self._app(place)) for place in places}
        return {place: offset for place, offset in found.items() if offset is not None}

    def last_recorded(self) -> str | None:
        """When the last row of an appended table was recorded, if somebody else wrote meanwhile."""
        table = self._opened()
        if table is None or table.version() == self._version:
            return None
        last: str | None = pl.scan_delta(table).select(pl.col(RECORDED_AT).max()).collect().item()
        return last

    def last_commit(self) -> tuple[int, int] | None:
        """The table's last version, and when it was made, in milliseconds since 1970."""
        table = self._opened()
        return (table.version(), int(table.history(1)[0]["timestamp"])) if table else None

    def answers(self) -> pl.DataFrame:
        """What the table says of customers, as the state keeps it."""
        table = self._opened()
        if table is None:
            return pl.DataFrame(schema=dict.fromkeys((KEY, *ANSWERED), pl.String))
        return answers_in(pl.scan_delta(table))

    def merge(self, rows: pl.DataFrame, gone: list[str], positions: Mapping[str, int]) -> None:
        """Put rows in the place of those of the same customer, and remove who is gone, at once.

        Raises:
            UserError: The rows break the contract or have other columns, or another process writes.
        """
        table = self._opened()
        if table is None:
            if not rows.is_empty():
                self._write(
                    None, with_days(rows), positions, {"delta.enableChangeDataFeed": "true"}
                )
            return
        rows = self._fitting(table, rows)
        columns = rows.columns
        # One who is not there would break the constraints of a table that Spark made.
        known = pl.scan_delta(table).filter(pl.col(KEY).is_in(gone)).select(KEY)
        removed = known.collect() if gone else pl.DataFrame(schema={KEY: pl.String})
        marks = {True: removed, False: rows}
        marked = [each.with_columns(pl.lit(mark).alias(_IS_GONE)) for mark, each in marks.items()]
        source = pl.concat(marked[::-1], how="diagonal")
        merge = (
            table.merge(
                source.to_arrow(),
                f"old.{KEY} = new.{KEY}",
                source_alias="new",
                target_alias="old",
                commit_properties=self._commit(positions),
            )
            .when_matched_delete(f"new.{_IS_GONE}")
            .when_matched_update({name: f"new.{name}" for name in columns})
            .when_not_matched_insert(
                {name: f"new.{name}" for name in columns}, f"NOT new.{_IS_GONE}"
            )
        )
        self._committed(merge.execute, table)

    def append(self, rows: pl.DataFrame, positions: Mapping[str, int]) -> None:
        """Add rows.

        Raises:
            UserError: As `merge`.
        """
        table = self._opened()
        self._write(table, self._fitting(table, rows) if table else rows, positions, {})

    def _write(
        self,
        table: DeltaTable | None,
        rows: pl.DataFrame,
        positions: Mapping[str, int],
        configuration: dict[str, str | None],
    ) -> None:
        from deltalake import write_deltalake  # noqa: PLC0415 - only who writes Delta has it

        require_contract(self.table, nw.from_native(rows.lazy()))
        if table is None:
            # Timestamps of Spark are UTC.
            rows = rows.with_columns(cs.datetime(time_zone=None).dt.replace_time_zone("UTC"))

        def write() -> None:
            write_deltalake(
                self.place if table is None else table,
                rows.to_arrow(),
                mode="append" if table else "error",
                configuration=configuration,
                storage_options=self._options or None,
                commit_properties=self._commit(positions),
            )

        self._committed(write, table)

    def _fitting(self, table: DeltaTable, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the columns and types of the table, whose contract they keep."""
        schema = pl.scan_delta(table).collect_schema()
        if rows.is_empty():
            return pl.DataFrame(schema=schema)
        is_appended = contract_of(self.table).is_appended
        if {*rows.columns} - {*schema} or ({*schema} - {*rows.columns} and not is_appended):
            other = sorted({*rows.columns} ^ {*schema})
            raise UserError(
                f"{self.table}: the answers have not the columns of {self.place}: {other}. Nothing "
                "was written: run kedro run, or give this environment another root"
            )
        rows = with_days(rows).select(
            pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
            for name, kind in schema.items()
        )
        require_contract(self.table, nw.from_native(rows.lazy()))
        return rows

    def _committed(self, write: Any, table: DeltaTable | None) -> None:  # noqa: ANN401 - a function
        from deltalake.exceptions import CommitFailedError, DeltaError  # noqa: PLC0415 - as above

        try:
            write()
        except CommitFailedError as error:
            raise UserError(
                f"{self.place}: another process writes this table at the same time ({error}): run "
                "one kedro stream run for it"
            ) from error
        except (DeltaError, OSError) as error:
            raise UserError(
                f"{self.place} cannot be written to ({' '.join(str(error).split())}): see that "
                "there is room and access, and start again: nothing is half written"
            ) from error
        self._version = table.version() if table else 0

    def _commit(self, positions: Mapping[str, int]) -> CommitProperties:
        from deltalake import CommitProperties, Transaction  # noqa: PLC0415 - as above

        told = [Transaction(self._app(place), offset) for place, offset in positions.items()]
        return CommitProperties(app_transactions=told)

    def _opened(self) -> DeltaTable | None:
        from deltalake import DeltaTable  # noqa: PLC0415 - as above
        from deltalake.exceptions import TableNotFoundError  # noqa: PLC0415 - as above

        try:
            return DeltaTable(self.place, storage_options=self._options or None)
        except TableNotFoundError:
            return None

    def _require_ours(self, table: DeltaTable) -> None:
        if not self._options:
            return
        by = (str(each.get("engineInfo", "")) for each in table.history(_LAST))
        if any(_SPARK in each for each in by):
            raise UserError(
                f"{self.place}: Spark writes this table, and on S3 Spark and delta-rs would lose "
                "each other's commits: stream it by kedro stream run --runner=spark, or give the "
                "stream an environment of its own"
            )

    def _app(self, place: str) -> str:
        return f"{self._group}:{place}"


def answers_in(table: pl.LazyFrame) -> pl.DataFrame:
    """Of a table of answers what the state keeps of them."""
    return table.select(KEY, *ANSWERED).collect()


def with_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `as_of` as runs save it, midnight of the day, where JSON has it as text."""
    if rows.schema.get(AS_OF) != pl.String:
        return rows
    return rows.with_columns(pl.col(AS_OF).str.to_datetime("%Y-%m-%d", time_unit="us"))


def _options() -> dict[str, str]:
    """How delta-rs reaches S3: conditional writes, so that no commit is lost."""
    options = {"aws_conditional_put": "etag"}
    if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        options["AWS_ALLOW_HTTP"] = "true"
    return options
