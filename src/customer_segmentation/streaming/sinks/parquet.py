"""The same tables as Parquet files, local or on S3.

What is appended is a file a write, whose metadata tell how far was read. `gold_segments` is one
file, as the batch run writes it; how far it is lies beside it, and merging the same answers twice
changes nothing.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import narwhals as nw
import polars as pl
from pyarrow import parquet

from customer_segmentation.datasets.pending import filesystem_of
from customer_segmentation.datasets.polars_table import PolarsTableDataset
from customer_segmentation.errors import UserError
from customer_segmentation.new_files import put_new
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.streaming.sinks.delta import answers_in, with_days
from customer_segmentation.streaming.step import ANSWERED
from customer_segmentation.tables.check import require_contract
from customer_segmentation.tables.history import RECORDED_AT, Statement, statement_of

_POSITIONS = b"customer_segmentation.stream"
_ROWS_IN_GROUP = 20_000


class ParquetSegments:
    """`gold_segments` as one file, which each merge writes anew.

    Args:
        place: Path or URL of the file.
        table: Its name in the catalog.
        group: Of the stream.
    """

    def __init__(self, place: str, table: str, group: str) -> None:
        self.place, self.table = place, table
        self._group = group
        self._dataset = PolarsTableDataset(filepath=place, table=table)
        folder, _, name = place.rpartition("/")
        self._told = f"{folder}/.stream-{name}.json"

    def positions(self, places: Iterable[str]) -> dict[str, int]:
        """As `DeltaSink.positions`."""
        files, path = filesystem_of(self._told)
        if not self._dataset.exists():
            return {}
        try:
            told = json.loads(files.cat_file(path))
        except FileNotFoundError:
            return {}
        offsets = told["positions"] if told["group"] == self._group else {}
        return {place: offsets[place] for place in places if place in offsets}

    def last_commit(self) -> tuple[int, int] | None:
        """0, and when the file was last merged into, in milliseconds since 1970."""
        files, path = filesystem_of(self._told)
        try:
            return 0, int(json.loads(files.cat_file(path))["at"])
        except FileNotFoundError:
            return None

    def answers(self) -> pl.DataFrame:
        """As `DeltaSink.answers`."""
        if not self._dataset.exists():
            return pl.DataFrame(schema=dict.fromkeys((KEY, *ANSWERED), pl.String))
        return answers_in(self._dataset.load())

    def merge(self, rows: pl.DataFrame, gone: list[str], positions: Mapping[str, int]) -> None:
        """As `DeltaSink.merge`."""
        merged = self._merged(rows, gone)
        if merged is not None:
            self._dataset.save(merged.lazy())
        files, path = filesystem_of(self._told)
        written = f"{path}.writing"
        told = {"group": self._group, "positions": dict(positions), "at": _now()}
        if "file" in files.protocol:
            files.pipe_file(written, json.dumps(told).encode())
            files.mv(written, path)
        else:
            files.pipe_file(path, json.dumps(told).encode())

    def _merged(self, rows: pl.DataFrame, gone: list[str]) -> pl.DataFrame | None:
        if not self._dataset.exists():
            return None if rows.is_empty() else with_days(rows).sort(KEY)
        now = self._dataset.load().collect()
        if not rows.is_empty():
            if {*rows.columns} != {*now.columns}:
                other = sorted({*rows.columns} ^ {*now.columns})
                raise UserError(
                    f"{self.table}: the answers have not the columns of {self.place}: {other}. "
                    "Nothing was written: run kedro run, which writes it by the champion"
                )
            rows = with_days(rows).select(
                pl.col(name).cast(kind) for name, kind in now.schema.items()
            )
        changed = [*gone, *(rows[KEY].to_list() if not rows.is_empty() else ())]
        kept = now.filter(~pl.col(KEY).is_in(changed))
        return (pl.concat([kept, rows]) if not rows.is_empty() else kept).sort(KEY)


class ParquetParts:
    """A table that is appended to: `gold_history` or `gold_moves`, a file a write.

    Args:
        place: Path or URL of the folder.
        table: Its name in the catalog.
        group: Of the stream.
    """

    def __init__(self, place: str, table: str, group: str) -> None:
        self.place, self.table = place.rstrip("/"), table
        self._group = group

    def positions(self, places: Iterable[str]) -> dict[str, int]:
        """As `DeltaSink.positions`."""
        offsets: dict[str, int] = {}
        for statement in reversed(self._statements()):
            told = self._told(statement) if statement.is_partial else {}
            if told.get("group") == self._group:
                offsets = told["positions"]
                break
        return {place: offsets[place] for place in places if place in offsets}

    def last_recorded(self) -> str | None:
        """When the last row was recorded."""
        last = max(self._statements(), default=None)
        return last.recorded_at if last else None

    def last_commit(self) -> tuple[int, int] | None:
        """How many parts the stream has written, and nothing of when."""
        parts = [each for each in self._statements() if each.is_partial]
        return (len(parts), 0) if parts else None

    def append(self, rows: pl.DataFrame, positions: Mapping[str, int]) -> None:
        """Add a file.

        Raises:
            UserError: The rows break the contract, or another process writes the same.
        """
        rows = with_days(rows).sort(KEY, RECORDED_AT)
        if schema := self._schema():
            rows = rows.select(pl.col(name).cast(kind) for name, kind in schema.items())
        require_contract(self.table, nw.from_native(rows.lazy()))
        day: date = rows.select(pl.col(AS_OF).cast(pl.Date).max()).item()
        part = Statement(str(rows[RECORDED_AT].min()), day, is_partial=True).part
        told = {"group": self._group, "positions": dict(positions)}
        written = io.BytesIO()
        parquet.write_table(
            rows.to_arrow().replace_schema_metadata({_POSITIONS: json.dumps(told).encode()}),
            written,
            row_group_size=_ROWS_IN_GROUP,
            compression="zstd",
        )
        files, folder = filesystem_of(self.place)
        files.makedirs(folder, exist_ok=True)
        if not put_new(files, f"{folder}/{part}", written.getvalue()):
            raise UserError(f"{self.place}: another process writes it: run one kedro stream run")

    def _schema(self) -> dict[str, Any] | None:
        """The columns of what is there, so that all files can be read as one."""
        statements = self._statements()
        if not statements:
            return None
        return dict(pl.scan_parquet(f"{self.place}/{statements[0].part}").collect_schema())

    def _statements(self) -> list[Statement]:
        files, folder = filesystem_of(self.place)
        try:
            paths = files.ls(folder, detail=False)
        except FileNotFoundError:
            return []
        return sorted(filter(None, (statement_of(path.rpartition("/")[2]) for path in paths)))

    def _told(self, statement: Statement) -> dict[str, Any]:
        files, folder = filesystem_of(f"{self.place}/{statement.part}")
        with files.open(folder, "rb") as file:
            told = (parquet.read_schema(file).metadata or {}).get(_POSITIONS, b"{}")
        found: dict[str, Any] = json.loads(told)
        return found


def _now() -> int:
    from time import time_ns  # noqa: PLC0415 - only here

    return time_ns() // 1_000_000
