"""A Delta table: what a save changes, what it refuses, and who else can read it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import DeltaError
from kedro.io import DatasetError

from customer_segmentation.datasets.delta_rules import constraint
from customer_segmentation.datasets.delta_table import DeltaTableDataset
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.content import content_of
from customer_segmentation.run_record import current_run
from customer_segmentation.streaming.sinks.delta import DeltaSink
from customer_segmentation.tables.schemas import contract_of
from tests.marketing import TABLES

pytestmark = pytest.mark.spark

DAY = datetime(2014, 6, 30)  # noqa: DTZ001 - a day has no time zone
FIRST = {"a": 0.1, "b": 0.2, "c": None, "d": 0.4}
# b changed, d is gone, e is new.
SECOND = {"a": 0.1, "b": 0.9, "c": None, "e": 0.5}
COMMITS = ({"run_id": "run 1", "commit": "c0ffee"}, {"run_id": "run 2", "commit": "facade"})


def segments(margins: dict[str, float | None], **changes: Any) -> pa.Table:
    """`gold_segments` of customers with these margins."""
    count = len(margins)
    columns = {
        "customer_id": list(margins),
        "as_of": [DAY] * count,
        "segment": ["high_value"] * count,
        "segment_name": ["High-value"] * count,
        "segment_id": [0] * count,
        "runner_up": ["low_spend"] * count,
        "margin": pa.array(margins.values(), pa.float64()),
        "offer": ["preview"] * count,
        "artifact_version": ["0123456789ab"] * count,
    }
    return pa.table(columns | {name: [value] * count for name, value in changes.items()})


def dataset_of(folder: Path, table: str = "gold_segments", **load_args: Any) -> DeltaTableDataset:
    return DeltaTableDataset(filepath=str(folder), table=table, load_args=load_args)


def by_key(table: pa.Table, key: str, column: str) -> dict[Any, Any]:
    return dict(zip(table[key].to_pylist(), table[column].to_pylist(), strict=True))


def margins_of(table: pa.Table) -> dict[str, float | None]:
    return by_key(table, "customer_id", "margin")


def version_of(folder: Path) -> int:
    return DeltaTable(folder).version()


def refusal(save: Callable[[], None]) -> str:
    """What a person is told, once Kedro's wrapping is off."""
    with pytest.raises(DatasetError) as caught:
        save()
    assert isinstance(caught.value.__cause__, UserError)
    return str(caught.value.__cause__)


@dataclass(frozen=True)
class Saved:
    """A table after three saves, of which the second brought nothing new: not to be changed."""

    folder: Path
    versions: list[int]
    existed: list[bool]


@pytest.fixture(scope="module")
def saved(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    folder = tmp_path_factory.mktemp("delta") / "segments"
    dataset = dataset_of(folder)
    existed, versions = [dataset.exists()], []
    saves = [(FIRST, COMMITS[0]), (dict(reversed(FIRST.items())), COMMITS[1]), (SECOND, COMMITS[1])]
    for margins, run in saves:
        token = current_run.set(run)
        dataset.save(spark.createDataFrame(segments(margins)))
        current_run.reset(token)
        existed.append(dataset.exists())
        versions.append(version_of(folder))
    return Saved(folder, versions, existed)


@pytest.fixture
def copied(saved: Saved, tmp_path: Path) -> Path:
    """The same table in a folder of its own."""
    return Path(shutil.copytree(saved.folder, tmp_path / "copied"))


def test_what_was_saved_last_is_loaded(saved: Saved) -> None:
    found = dataset_of(saved.folder).load().toArrow()
    assert margins_of(found) == SECOND
    assert found.column_names == segments(SECOND).column_names
    assert saved.existed == [False, True, True, True]


def test_saving_the_same_rows_in_another_order_makes_no_new_version(saved: Saved) -> None:
    assert saved.versions == [0, 0, 1]


def test_an_older_version_can_be_read(saved: Saved) -> None:
    assert margins_of(dataset_of(saved.folder, versionAsOf=0).load().toArrow()) == FIRST


def test_the_change_data_feed_tells_who_changed_and_nobody_else(saved: Saved, spark: Any) -> None:
    feed = spark.read.format("delta").options(readChangeFeed="true", startingVersion=1)
    changes = feed.load(str(saved.folder)).select("_change_type", "customer_id", "margin")
    assert sorted(tuple(row) for row in changes.collect()) == [
        ("delete", "d", 0.4),
        ("insert", "e", 0.5),
        ("update_postimage", "b", 0.9),
        ("update_preimage", "b", 0.2),
    ]


def test_each_commit_names_its_run_its_code_and_its_artifact(saved: Saved) -> None:
    history = reversed(DeltaTable(saved.folder).history())
    found = [json.loads(commit["userMetadata"]) for commit in history]
    assert found == [run | {"artifact_version": "0123456789ab"} for run in COMMITS]


BAD = {"f": 7.0}


def test_a_bad_row_that_spark_appends_past_the_dataset_is_refused(saved: Saved, spark: Any) -> None:
    rows = spark.createDataFrame(segments(BAD))
    with pytest.raises(Exception, match="CHECK constraint contract"):
        rows.write.format("delta").mode("append").save(str(saved.folder))
    assert version_of(saved.folder) == 1


def utc(rows: pa.Table) -> pa.Table:
    """As Delta keeps moments."""
    place = rows.column_names.index("as_of")
    return rows.set_column(place, "as_of", rows["as_of"].cast(pa.timestamp("us", "UTC")))


@pytest.mark.parametrize(
    "bad",
    [
        segments(BAD),
        segments({"f": -0.1}),
        segments({"f": 0.5}, segment=None).cast(segments(BAD).schema),
        segments({"f": 0.5}, offer="a car"),
        segments({"f": 0.5}, segment_id=-2),
    ],
    ids=["above", "below", "missing", "label", "id"],
)
def test_a_bad_row_that_another_writer_appends_is_refused(saved: Saved, bad: pa.Table) -> None:
    with pytest.raises(DeltaError, match="1 rows failed validation check"):
        write_deltalake(saved.folder, utc(bad), mode="append")
    assert version_of(saved.folder) == 1


def test_a_good_row_that_another_writer_appends_is_taken(copied: Path) -> None:
    write_deltalake(copied, utc(segments({"f": 0.5, "g": None})), mode="append")
    found = margins_of(DeltaTable(copied).to_pyarrow_table())
    assert found == SECOND | {"f": 0.5, "g": None}


def test_a_table_that_breaks_its_contract_is_refused_and_the_old_one_stays(
    saved: Saved, spark: Any
) -> None:
    rows = spark.createDataFrame(segments(SECOND | BAD))
    told = refusal(lambda: dataset_of(saved.folder).save(rows))
    assert told.startswith("gold_segments breaks its contract: margin is above 1 in 1 rows.")
    assert version_of(saved.folder) == 1
    assert margins_of(DeltaTable(saved.folder).to_pyarrow_table()) == SECOND


def test_other_columns_are_refused_by_name_and_the_old_table_stays(
    saved: Saved, spark: Any
) -> None:
    rows = segments(SECOND, segment_id=0.0, tier="modest").drop_columns("offer")
    told = refusal(lambda: dataset_of(saved.folder).save(spark.createDataFrame(rows)))
    assert f"not those of the table at file://{saved.folder}:" in told
    assert "`tier` is new, `offer` is gone, `segment_id` was bigint and is double. " in told
    assert version_of(saved.folder) == 1
    assert margins_of(DeltaTable(saved.folder).to_pyarrow_table()) == SECOND


def test_a_folder_that_is_no_delta_table_is_refused_and_stays(tmp_path: Path, spark: Any) -> None:
    pq.write_table(segments(FIRST), tmp_path / "part-0.parquet")
    told = refusal(lambda: dataset_of(tmp_path).save(spark.createDataFrame(segments(FIRST))))
    assert f"{tmp_path} is there and is no Delta table. Nothing was saved" in told
    assert [path.name for path in tmp_path.iterdir()] == ["part-0.parquet"]


def test_a_table_of_somebody_elses_is_given_its_contract_once_its_rows_keep_it(
    tmp_path: Path, spark: Any
) -> None:
    folder = tmp_path / "segments"
    write_deltalake(folder, utc(segments(FIRST | BAD)))
    rows = spark.createDataFrame(segments(FIRST))
    dataset_of(folder).save(rows)
    table = DeltaTable(folder)
    assert margins_of(table.to_pyarrow_table()) == FIRST
    with pytest.raises(DeltaError, match="1 rows failed validation check"):
        write_deltalake(folder, utc(segments(BAD)), mode="append")
    dataset_of(folder).save(rows)
    assert version_of(folder) == table.version()


HEADERS = ["ID", "Income (EUR/year); net", "100 %", "a.b=c", "`quoted`", "été", "{x}, y"]


@pytest.fixture(scope="module")
def quarantine(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pa.Table]:
    """Two saves of rows as a company sent them, outside any run."""
    folder = tmp_path_factory.mktemp("delta") / "quarantine"
    table = pa.table(
        {
            "row_number": [2, 7],
            "customer_id": ["1", ""],
            "reasons": ["income: missing"] * 2,
            **{f"sent_{header}": ["x", None] for header in HEADERS},
            "source_name": ["customers.csv"] * 2,
            "source_sha256": ["0" * 64] * 2,
            "as_of": [DAY] * 2,
        }
    )
    place = table.column_names.index("sent_`quoted`")
    changed = table.set_column(place, "sent_`quoted`", pa.array(["x", "y"]))
    for rows in (table, changed):
        dataset_of(folder, "silver_quarantine").save(spark.createDataFrame(rows))
    return folder, changed


def test_names_of_columns_may_hold_any_sign(quarantine: tuple[Path, pa.Table]) -> None:
    folder, expected = quarantine
    found = dataset_of(folder, "silver_quarantine").load().toArrow()
    assert found.column_names == expected.column_names
    assert found.drop_columns("as_of").sort_by("row_number") == expected.drop_columns("as_of")
    assert version_of(folder) == 1


def test_outside_a_run_a_commit_names_none(quarantine: tuple[Path, pa.Table]) -> None:
    told = [json.loads(c["userMetadata"]) for c in DeltaTable(quarantine[0]).history()]
    assert told == [{}, {}]


def test_a_small_table_held_in_memory_can_be_saved(tmp_path: Path) -> None:
    profiles = pd.DataFrame(
        {
            "segment": ["high_value", "high_value"],
            "segment_name": ["High-value"] * 2,
            "segment_id": [0, 0],
            "customers": [5, 5],
            "share": [0.25, 0.25],
            "measure": ["income", "responded"],
            "mean": [2.0, 0.0],
            "index": [150.0, None],
        }
    )
    dataset = dataset_of(tmp_path / "profiles", "gold_segment_profiles")
    for engine in (lambda table: table, pa.Table.from_pandas, pl.from_pandas):
        dataset.save(engine(profiles))
    assert version_of(tmp_path / "profiles") == 0
    found = pl.scan_delta(str(tmp_path / "profiles")).sort("measure").collect()
    assert found.equals(pl.from_pandas(profiles))


def test_maintenance_leaves_one_file_and_none_of_a_killed_run(copied: Path) -> None:
    write_deltalake(copied, utc(segments({"f": 0.5})), mode="append")
    left = copied / "part-00000-killed.snappy.parquet"
    left.touch()
    last_week = time.time() - 8 * 24 * 3600
    os.utime(left, (last_week, last_week))
    dataset_of(copied).maintain(retain_hours=168.0)
    assert len(DeltaTable(copied).file_uris()) == 1
    assert not left.exists()
    assert margins_of(dataset_of(copied).load().toArrow()) == SECOND | {"f": 0.5}
    assert margins_of(dataset_of(copied, versionAsOf=0).load().toArrow()) == FIRST


def by_sql(folder: Path) -> pa.Table:
    query = QueryBuilder().register("found", DeltaTable(folder)).execute("select * from found")
    return pa.table(query.read_all())


READERS: dict[str, Callable[[Path], pa.Table]] = {
    "delta-rs": lambda folder: DeltaTable(folder).to_pyarrow_table(),
    "delta-rs, SQL": by_sql,
    "Polars": lambda folder: pl.scan_delta(str(folder)).collect().to_arrow(),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_tables_are_read_without_spark(
    saved: Saved, quarantine: tuple[Path, pa.Table], reader: Callable[[Path], pa.Table]
) -> None:
    assert margins_of(reader(saved.folder)) == SECOND
    folder, _ = quarantine
    assert by_key(reader(folder), "row_number", "sent_%60quoted%60") == {2: "x", 7: "y"}


@pytest.mark.parametrize("table", TABLES)
def test_the_constraint_names_what_is_there_and_nothing_else(table: str) -> None:
    contract = contract_of(table)
    present = [*contract.key, *contract.required]
    rules = constraint(contract, present).split(" AND ")
    assert rules[: len(present)] == [f"`{name}` IS NOT NULL" for name in present]
    absent = {column.name for column in contract.columns} - set(present)
    assert not any(f"`{name}`" in rule for rule in rules for name in absent)


def test_what_a_run_saves_waits_and_changes_the_table_once_it_is_published(
    copied: Path, spark: Any
) -> None:
    catalog = WholeFilesCatalog({"gold_segments": dataset_of(copied)})
    catalog.hold()
    before = version_of(copied)
    catalog.save("gold_segments", spark.createDataFrame(segments(FIRST)))
    assert version_of(copied) == before
    assert margins_of(catalog.load("gold_segments").toArrow()) == FIRST
    assert margins_of(dataset_of(copied).load().toArrow()) == SECOND
    waiting, _ = catalog.waiting["gold_segments"]
    catalog.settle()
    for _ in range(2):
        # A killed run's publishing is done again by the next.
        catalog.get("gold_segments").merge_from(waiting)
        assert version_of(copied) == before + 1
        assert margins_of(catalog.load("gold_segments").toArrow()) == FIRST


def test_what_waits_is_held_against_the_contract_and_the_table_at_once(
    copied: Path, spark: Any
) -> None:
    catalog = WholeFilesCatalog({"gold_segments": dataset_of(copied)})
    catalog.hold()
    with pytest.raises(DatasetError, match="breaks its contract"):
        catalog.save("gold_segments", spark.createDataFrame(segments(FIRST, segment_id=-5)))
    with pytest.raises(DatasetError, match="`more` is new"):
        catalog.save("gold_segments", spark.createDataFrame(segments(FIRST, more=1)))


def test_compaction_is_no_other_content(copied: Path) -> None:
    before = content_of(dataset_of(copied))
    dataset_of(copied).maintain(168)
    assert content_of(dataset_of(copied)) == before


def test_a_stream_merges_into_the_table_of_a_run_which_on_s3_would_refuse_it_from_then_on(
    spark: Any, tmp_path: Path
) -> None:
    dataset = dataset_of(tmp_path / "segments")
    dataset.save(segments(FIRST))
    assert not dataset._is_streamed(spark)

    sink = DeltaSink(str(tmp_path / "segments"), "gold_segments", "group")
    answers = pl.from_arrow(segments({"b": 0.9, "e": 0.5}))
    assert isinstance(answers, pl.DataFrame)
    sink.merge(answers, ["d", "nobody"], {"answers-0": 7})

    rows = {row["customer_id"]: row["margin"] for row in dataset.load().collect()}
    assert rows == SECOND
    assert sink.positions(["answers-0", "answers-1"]) == {"answers-0": 7}
    assert dataset._is_streamed(spark)
    # On a local disk the two may take turns.
    dataset.save(segments(FIRST))
    assert sink.positions(["answers-0"]) == {"answers-0": 7}
    with pytest.raises(UserError, match="breaks its contract"):
        sink.merge(answers.with_columns(margin=pl.lit(2.0)), [], {"answers-0": 8})
