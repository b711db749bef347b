"""The history on each engine: appended once, never rewritten, and read as of any statement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from kedro.io import DatasetError

from customer_segmentation.datasets.history_parts import HistoryPartsDataset
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import UserError
from customer_segmentation.run_record import current_run
from customer_segmentation.tables.history import Statement

DAY = datetime(2014, 6, 30)  # noqa: DTZ001 - a day has no time zone
FIRST, SECOND = "2026-01-01T12:00:00.000000Z", "2026-01-02T12:00:00.000000Z"
DATASETS = "customer_segmentation.datasets"


def statement(recorded_at: str, margins: dict[str, float | None], **changes: Any) -> pd.DataFrame:
    """The rows of a statement: customers with these margins."""
    columns = {
        "as_of": DAY,
        "segment": "high_value",
        "segment_name": "High-value",
        "runner_up": "low_spend",
        "margin": list(margins.values()),
        "artifact_version": "0123456789ab",
        "run_id": "run 1",
        "recorded_at": recorded_at,
    }
    return pd.DataFrame({"customer_id": list(margins)} | columns | changes)


class Kept:
    """The two entries of an environment's catalog, and its engine's tables."""

    def __init__(self, engine: str, folder: Path, spark: Any) -> None:
        self.folder = folder / "gold" / "history"
        entry = {"filepath": str(self.folder), "table": "gold_history"}
        if engine == "delta":
            entry["type"] = f"{DATASETS}.delta_table.DeltaTableDataset"
        else:
            entry |= {"type": f"{DATASETS}.history_parts.HistoryPartsDataset", "engine": engine}
        before = {"type": f"{DATASETS}.recorded_history.RecordedHistoryDataset", "dataset": entry}
        config = {"gold_history": entry, "recorded_history": before}
        self.catalog = WholeFilesCatalog.from_config(config)
        made = {"pandas": pd.DataFrame, "polars": lambda rows: pl.from_pandas(rows).lazy()}
        self.table: Callable[[pd.DataFrame], Any] = made.get(engine) or spark.createDataFrame

    def save(self, rows: pd.DataFrame) -> None:
        self.catalog.save("gold_history", self.table(rows))

    def publish(self) -> None:
        """As a run does at its end."""
        for name, (waiting, _) in self.catalog.waiting.items():
            dataset: Any = self.catalog.get(name)
            dataset.merge_from(waiting)

    def margins(self) -> list[dict[str, float]]:
        """Customer -> margin of each statement, in the order in which they were recorded."""
        history = self.catalog.load("recorded_history")
        return [margins_of(history.rows(each)) for each in history.statements]

    def files(self) -> dict[str, tuple[int, int]]:
        """Each file of data, with its size and when it was written."""
        return {
            path.name: (path.stat().st_size, path.stat().st_mtime_ns)
            for path in self.folder.rglob("*.parquet")
            if "_delta_log" not in path.parts
        }


def as_pandas(table: Any) -> pd.DataFrame:
    return nw.from_native(table).lazy().collect("pandas").to_native()


def margins_of(table: Any) -> dict[str, float]:
    rows = as_pandas(table)
    return dict(zip(rows["customer_id"], rows["margin"], strict=True))


@pytest.fixture(params=["pandas", "polars", pytest.param("delta", marks=pytest.mark.spark)])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    spark = request.getfixturevalue("spark") if request.param == "delta" else None
    return Kept(request.param, tmp_path, spark)


def test_there_is_nothing_at_first(kept: Kept) -> None:
    history = kept.catalog.load("recorded_history")
    assert history.statements == ()
    assert kept.catalog.exists("recorded_history")
    assert not kept.catalog.exists("gold_history")


def test_statements_are_appended_and_none_is_rewritten(kept: Kept) -> None:
    kept.save(statement(FIRST, {"a": 0.1, "b": 0.2}))
    before = kept.files()
    kept.save(statement(SECOND, {"a": 0.3}))
    assert kept.files().items() > before.items()
    assert kept.margins() == [{"a": 0.1, "b": 0.2}, {"a": 0.3}]
    everything = as_pandas(kept.catalog.load("gold_history"))
    assert sorted(everything["margin"]) == [0.1, 0.2, 0.3]
    assert kept.catalog.exists("gold_history")


def test_each_statement_is_known_by_its_two_times(kept: Kept) -> None:
    kept.save(statement(SECOND, {"a": 0.1}))
    kept.save(statement(FIRST, {"a": 0.1}, as_of=datetime(2014, 7, 31)))  # noqa: DTZ001 - as above
    told = kept.catalog.load("recorded_history").statements
    assert told == (Statement(FIRST, date(2014, 7, 31)), Statement(SECOND, DAY.date()))


@pytest.mark.spark
def test_maintenance_leaves_the_sorted_files_of_each_statement(tmp_path: Path, spark: Any) -> None:
    kept = Kept("delta", tmp_path, spark)
    for moment in (FIRST, SECOND):
        kept.save(statement(moment, {"a": 0.1, "b": 0.2}))
    before = kept.files()
    kept.catalog.get("gold_history").maintain(168.0)
    assert kept.files() == before


def test_no_rows_change_nothing(kept: Kept) -> None:
    kept.save(statement(FIRST, {"a": 0.1}))
    before = kept.files()
    rows = nw.from_native(kept.table(statement(SECOND, {"a": 0.1}))).lazy()
    kept.catalog.save("gold_history", rows.filter(nw.col("margin") > 1.0).to_native())
    assert kept.files() == before
    assert len(kept.margins()) == 1


def test_a_statement_waits_until_the_run_is_published_and_joins_the_others_once(kept: Kept) -> None:
    kept.save(statement(FIRST, {"a": 0.1}))
    before = kept.files()
    kept.catalog.hold()
    kept.save(statement(SECOND, {"a": 0.3}))
    # The run and everybody else read the history before it.
    assert kept.margins() == [{"a": 0.1}]
    kept.publish()
    # A run that was killed while it published is published again.
    kept.publish()
    assert kept.margins() == [{"a": 0.1}, {"a": 0.3}]
    kept.catalog.settle()
    assert kept.files().items() > before.items()
    assert len(kept.files()) == 2


def test_what_a_failed_run_said_is_forgotten(kept: Kept) -> None:
    kept.save(statement(FIRST, {"a": 0.1}))
    kept.catalog.hold()
    kept.save(statement(SECOND, {"a": 0.3}))
    kept.catalog.abandon()
    assert kept.margins() == [{"a": 0.1}]


def test_a_statement_that_breaks_the_contract_is_refused(kept: Kept) -> None:
    kept.save(statement(FIRST, {"a": 0.1}))
    with pytest.raises(DatasetError, match="margin is above 1 in 1 rows"):
        kept.save(statement(SECOND, {"a": 1.5, "b": None}))
    assert kept.margins() == [{"a": 0.1}]


def test_the_run_and_the_time_are_told_to_the_run_that_reads(kept: Kept) -> None:
    token = current_run.set({"run_id": "run 7"})
    history = kept.catalog.load("recorded_history")
    current_run.reset(token)
    assert history.run_id == "run 7"
    assert abs(history.now.timestamp() - datetime.now().timestamp()) < 60  # noqa: DTZ005 - compared


def test_rows_of_two_statements_are_no_statement(tmp_path: Path) -> None:
    dataset = HistoryPartsDataset(filepath=str(tmp_path / "history"), table="gold_history")
    rows = pd.concat([statement(FIRST, {"a": 0.1}), statement(SECOND, {"b": 0.1})])
    with pytest.raises(DatasetError, match="several statements"):
        dataset.save(rows)
    with pytest.raises(DatasetError) as refusal:
        dataset.load()
    assert isinstance(refusal.value.__cause__, UserError)


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_one_customer_is_found_by_the_statistics_of_small_groups(
    engine: str, tmp_path: Path
) -> None:
    kept = Kept(engine, tmp_path, None)
    kept.save(statement(FIRST, {f"{key:06}": 0.5 for key in range(50_000)}))
    (part,) = kept.folder.iterdir()
    file = pq.ParquetFile(part).metadata
    groups = [file.row_group(group).column(0).statistics for group in range(file.num_row_groups)]
    assert [(group.min, group.max) for group in groups] == [
        ("000000", "019999"),
        ("020000", "039999"),
        ("040000", "049999"),
    ]
