"""Tables that are whole or as they were, on this machine's disk and on real S3 servers."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from kedro.io import DataCatalog, DatasetError
from polars.testing import assert_frame_equal
from s3fs import S3FileSystem

from customer_segmentation.datasets.polars_table import ROWS_IN_GROUP, PolarsTableDataset
from customer_segmentation.errors import UserError
from tools.rehearsal import S3Server

OLD = pl.DataFrame({"a": [1, 2], "s": ["x", None], "d": [dt.date(2014, 6, 29)] * 2})
NEW = pl.DataFrame({"a": [3], "s": ["z"], "d": [dt.date(2015, 1, 1)]})
PROFILES = {
    "segment": ["affluent", "frugal"],
    "measure": ["income", "income"],
    "segment_name": ["Affluent", "Frugal"],
    "segment_id": [0, 1],
    "customers": [60, 40],
    "share": [0.6, 0.4],
}
LONG = pl.LazyFrame().select(row=pl.int_range(ROWS_IN_GROUP * 5 // 2))


@pytest.fixture
def s3_place(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An S3 server -> the URL of a new bucket on it, which this process is set to find."""

    def place(server: S3Server) -> str:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        # s3fs keeps its clients, and Polars one for each bucket, with the endpoint of their day.
        S3FileSystem.clear_instance_cache()
        bucket = f"tables-{uuid4().hex[:12]}"
        server.make_bucket(bucket)
        return f"s3://{bucket}/silver"

    return place


@pytest.fixture(params=["local", "moto", "versitygw"])
def place(request: pytest.FixtureRequest, tmp_path: Path, s3_place: Any) -> str:
    """Where tables go: a folder or a bucket."""
    if request.param == "local":
        return str(tmp_path / "silver")
    return str(s3_place(request.getfixturevalue(f"{request.param}_server")))


def dataset_at(place: str, **arguments: Any) -> PolarsTableDataset:
    return PolarsTableDataset(filepath=f"{place}/customers.parquet", **arguments)


def files_at(place: str) -> list[str]:
    """Every file there, hidden ones and unfinished uploads too."""
    if "://" not in place:
        return sorted(
            str(path.relative_to(place)) for path in Path(place).rglob("*") if path.is_file()
        )
    files, path = fsspec.url_to_fs(place)
    bucket, _, folder = path.partition("/")
    found = files.call_s3("list_objects_v2", Bucket=bucket).get("Contents", [])
    found += files.list_multipart_uploads(bucket)
    return sorted(each["Key"].removeprefix(f"{folder}/") for each in found)


def save_again(dataset: PolarsTableDataset, table: pl.DataFrame, place: str) -> list[str]:
    """Save until what a failed plan left is gone: Polars goes on writing for a moment."""
    until = time.monotonic() + 60.0
    while True:
        dataset.save(table)
        found = files_at(place)
        if len(found) == 1 or time.monotonic() > until:
            return found
        time.sleep(0.2)


def wait_for_rest(place: str) -> None:
    """Wait until its files stay: a slow server goes on with what a killed client asked."""
    found: list[str] | None = None
    until = time.monotonic() + 60.0
    while (now := files_at(place)) != found and time.monotonic() < until:
        found = now
        time.sleep(0.5)


def failing(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows, and then an error."""

    def fail(_: pl.Series) -> pl.Series:
        message = "the plan fails"
        raise ValueError(message)

    last = rows.head(1).with_columns(pl.first().map_batches(fail, return_dtype=pl.Int64))
    return pl.concat([rows, last])


def test_a_saved_plan_is_loaded_as_a_plan_and_nothing_else_is_left(place: str) -> None:
    dataset = dataset_at(place)
    assert not dataset.exists()
    for table in (OLD, NEW):
        dataset.save(table.lazy())
        assert dataset.exists()
        loaded = dataset.load()
        assert isinstance(loaded, pl.LazyFrame)
        assert_frame_equal(loaded.collect(), table)
        assert files_at(place) == ["customers.parquet"]


def narwhals_frame(data: dict[str, Any]) -> Any:
    return nw.from_native(pa.table(data))


@pytest.mark.parametrize(
    "engine",
    [
        pl.DataFrame,
        pl.LazyFrame,
        pa.table,
        pd.DataFrame,
        narwhals_frame,
    ],
    ids=["polars", "lazy", "pyarrow", "pandas", "narwhals"],
)
def test_a_table_of_any_engine_is_saved(engine: Any, tmp_path: Path) -> None:
    dataset = dataset_at(str(tmp_path))
    dataset.save(engine({"a": [1, 2], "b": [0.5, None], "c": ["x", None]}))
    assert dataset.load().collect().to_dict(as_series=False) == {
        "a": [1, 2],
        "b": [0.5, None],
        "c": ["x", None],
    }


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    dataset = dataset_at(str(tmp_path))
    with pytest.raises(DatasetError, match="str"):
        dataset.save("no table")
    assert files_at(str(tmp_path)) == []


def test_a_plan_is_never_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(pl.LazyFrame, "collect")
    dataset_at(str(tmp_path)).save(OLD.lazy())
    monkeypatch.undo()
    assert_frame_equal(dataset_at(str(tmp_path)).load().collect(), OLD)


def test_rows_are_kept_in_order_in_groups_with_statistics(tmp_path: Path) -> None:
    dataset = dataset_at(str(tmp_path))
    dataset.save(LONG)
    file = pq.ParquetFile(tmp_path / "customers.parquet")
    groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [ROWS_IN_GROUP, ROWS_IN_GROUP, ROWS_IN_GROUP / 2]
    column = groups[1].column(0)
    assert column.compression == "ZSTD"
    assert (column.statistics.min, column.statistics.max) == (ROWS_IN_GROUP, ROWS_IN_GROUP * 2 - 1)
    assert_frame_equal(dataset.load().collect(), LONG.collect())


def test_the_same_rows_are_written_as_the_same_bytes(tmp_path: Path) -> None:
    dataset = dataset_at(str(tmp_path))
    dataset.save(LONG)
    first = (tmp_path / "customers.parquet").read_bytes()
    dataset.save(LONG)
    assert (tmp_path / "customers.parquet").read_bytes() == first


def test_loading_reads_no_row(tmp_path: Path) -> None:
    dataset = dataset_at(str(tmp_path))
    dataset.save(LONG)
    file = tmp_path / "customers.parquet"
    content = bytearray(file.read_bytes())
    content[: len(content) // 2] = bytes(len(content) // 2)
    file.write_bytes(content)
    loaded = dataset.load()
    assert loaded.collect_schema() == LONG.collect_schema()
    with pytest.raises(pl.exceptions.ComputeError):
        loaded.collect()


@pytest.mark.parametrize("there", [True, False], ids=["over an old table", "first"])
def test_a_plan_that_fails_leaves_what_was_there(there: object, place: str) -> None:
    dataset = dataset_at(place)
    if there:
        dataset.save(OLD)
    with pytest.raises(DatasetError, match="the plan fails"):
        dataset.save(failing(LONG))
    assert dataset.exists() == bool(there)
    if there:
        assert_frame_equal(dataset.load().collect(), OLD)
    assert save_again(dataset, NEW, place) == ["customers.parquet"]
    assert_frame_equal(dataset.load().collect(), NEW)


def test_a_table_that_breaks_its_contract_is_not_published(place: str) -> None:
    dataset = dataset_at(place, table="gold_segment_profiles")
    dataset.save(pl.LazyFrame(PROFILES))
    broken = {**PROFILES, "share": [0.6, 1.4], "segment": ["affluent", "affluent"]}
    with pytest.raises(DatasetError) as error:
        dataset.save(pl.LazyFrame(broken))
    assert isinstance(error.value.__cause__, UserError)
    assert "gold_segment_profiles breaks its contract" in str(error.value)
    assert "share is above 1 in 1 rows" in str(error.value)
    assert "1 rows share their segment, measure with another" in str(error.value)
    assert dataset.load().collect().to_dict(as_series=False) == PROFILES
    assert files_at(place) == ["customers.parquet"]


# It saves one table after the other until it is killed, each of one version in every row.
SAVES = """
import itertools, sys
import polars as pl
from customer_segmentation.datasets.polars_table import PolarsTableDataset
dataset = PolarsTableDataset(filepath=sys.argv[1])
row = pl.int_range(300_000)
noise = [((row * prime) % 100_003).cast(pl.Float64).sin().alias(f"n{prime}") for prime in (3, 5, 7)]
for version in itertools.count(int(sys.argv[2])):
    dataset.save(pl.LazyFrame().select(*noise).with_columns(version=pl.lit(version)))
    print("saved", flush=True)
"""


@pytest.mark.parametrize(
    "moments", [(0.02, 0.35), pytest.param((0.13, 0.8), marks=pytest.mark.faults)], ids=str
)
def test_a_kill_at_any_moment_leaves_a_whole_table(place: str, moments: tuple[float, ...]) -> None:
    dataset = dataset_at(place)
    # Parts small enough for several of them.
    environment = os.environ | {"POLARS_UPLOAD_CHUNK_SIZE": str(5 << 20)}
    command = [sys.executable, "-c", SAVES, f"{place}/customers.parquet"]
    for kill, seconds in enumerate(moments, 1):
        first = kill * 1_000
        with subprocess.Popen(  # noqa: S603 - this Python, with the lines above
            [*command, str(first)], env=environment, stdout=subprocess.PIPE, text=True
        ) as saving:
            assert saving.stdout
            assert saving.stdout.readline() == "saved\n"
            time.sleep(seconds)
            saving.kill()
        if "://" in place:
            wait_for_rest(place)
        versions = dataset.load().group_by("version").len().collect()
        assert versions["len"].to_list() == [300_000]
        assert versions["version"][0] >= first
    dataset.save(NEW)
    assert_frame_equal(dataset.load().collect(), NEW)
    assert files_at(place) == ["customers.parquet"]


def test_the_next_save_removes_what_a_killed_one_left(place: str) -> None:
    files, path = fsspec.url_to_fs(place)
    left = f"{path}/.writing-customers.parquet/0.parquet"
    for file in (left, f"{path}/.writing-customers.parquet.2/0.parquet"):
        files.makedirs(file.rpartition("/")[0], exist_ok=True)
        files.pipe_file(file, b"half")
    if "://" in place:
        bucket, _, key = left.partition("/")
        files.call_s3("create_multipart_upload", Bucket=bucket, Key=key)
        assert files_at(place).count(".writing-customers.parquet/0.parquet") == 2
    dataset_at(place).save(NEW)
    assert files_at(place) == [".writing-customers.parquet.2/0.parquet", "customers.parquet"]


@pytest.mark.parametrize("name", ["_table", ".table", "a [table]*.parquet", "table"])
def test_any_name_of_a_file_does(name: str, place: str) -> None:
    dataset = PolarsTableDataset(filepath=f"{place}/{name}")
    dataset.save(OLD)
    assert_frame_equal(dataset.load().collect(), OLD)
    assert files_at(place) == [name]


def test_a_save_is_good_where_what_it_left_cannot_be_removed(
    s3_place: Any,
    moto_server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    dataset = dataset_at(s3_place(moto_server))

    def refuse(*_: object) -> None:
        message = "Access Denied"
        raise PermissionError(message)

    monkeypatch.setattr(S3FileSystem, "rm_file", refuse)
    dataset.save(NEW)
    assert_frame_equal(dataset.load().collect(), NEW)
    assert "cannot be removed (Access Denied): the next run tries again" in caplog.text


def test_a_local_table_loaded_before_a_save_is_read_to_its_end(tmp_path: Path) -> None:
    dataset = dataset_at(str(tmp_path))
    dataset.save(LONG)
    loaded = dataset.load()
    dataset.save(OLD)
    assert_frame_equal(loaded.collect(), LONG.collect())
    assert_frame_equal(dataset.load().collect(), OLD)


def test_a_plan_over_a_local_table_replaces_that_table(tmp_path: Path) -> None:
    dataset = dataset_at(str(tmp_path))
    dataset.save(LONG)
    dataset.save(dataset.load().select(pl.col("row") + 1))
    assert dataset.load().collect()["row"].to_list()[:2] == [1, 2]


@pytest.mark.parametrize("server", ["moto_server", "versitygw_server"])
def test_a_table_in_a_bucket_loaded_before_a_save_is_never_a_mixture(
    server: str, s3_place: Any, request: pytest.FixtureRequest
) -> None:
    dataset = dataset_at(s3_place(request.getfixturevalue(server)))
    dataset.save(LONG)
    unseen, seen = dataset.load(), dataset.load()
    seen.collect_schema()
    dataset.save(LONG.select(pl.col("row") * 3, again=pl.col("row")))
    assert unseen.collect().columns == ["row", "again"]
    with pytest.raises((pl.exceptions.ComputeError, pl.exceptions.PanicException)):
        seen.collect()


def test_a_folder_of_parts_is_read_and_not_written(place: str) -> None:
    for part, table in enumerate((OLD, NEW)):
        PolarsTableDataset(filepath=f"{place}/customers.parquet/part-{part}.parquet").save(table)
    files, path = fsspec.url_to_fs(place)
    files.pipe_file(f"{path}/customers.parquet/_SUCCESS", b"")
    files.pipe_file(f"{path}/customers.parquet/_committed", b"{}")
    dataset = dataset_at(place)
    assert dataset.exists()
    assert_frame_equal(dataset.load().sort("a").collect(), pl.concat([OLD, NEW]))
    with pytest.raises(DatasetError, match="folder of parts: it is read and never written"):
        dataset.save(NEW)
    assert_frame_equal(dataset.load().sort("a").collect(), pl.concat([OLD, NEW]))


def test_a_table_that_is_not_there_is_named(place: str) -> None:
    with pytest.raises(DatasetError) as error:
        dataset_at(place).load()
    assert isinstance(error.value.__cause__, UserError)
    assert str(error.value.__cause__) == (
        f"{place}/customers.parquet: there is no such table yet. Run the pipeline that saves it: "
        "kedro run, with the same --env."
    )


def test_a_bucket_that_is_not_there_is_named(s3_place: Any, moto_server: S3Server) -> None:
    s3_place(moto_server)
    dataset = dataset_at("s3://no-such-bucket")
    for action in (dataset.load, dataset.exists, lambda: dataset.save(NEW)):
        with pytest.raises(DatasetError, match="there is no such bucket") as error:
            action()
        assert isinstance(error.value.__cause__, UserError)


def test_a_store_that_refuses_is_named_with_what_to_check(
    s3_place: Any,
    versitygw_server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = s3_place(versitygw_server)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(DatasetError, match="S3 refuses these credentials") as error:
        dataset_at(place).save(NEW)
    assert isinstance(error.value.__cause__, UserError)
    assert "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in str(error.value)


def test_a_table_too_long_for_one_copy_is_copied_in_parts(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s3fs.core.MANAGED_COPY_THRESHOLD", 0)
    dataset = dataset_at(place)
    dataset.save(LONG)
    assert_frame_equal(dataset.load().collect(), LONG.collect())
    assert files_at(place) == ["customers.parquet"]


def test_an_export_is_csv(place: str) -> None:
    dataset = PolarsTableDataset(filepath=f"{place}/profiles.csv", file_format="csv")
    table = pl.DataFrame({"a": [1, 2], "b": [0.1, None], "c": ["x, y", None]})
    dataset.save(table.lazy())
    files, path = fsspec.url_to_fs(place)
    assert files.cat_file(f"{path}/profiles.csv") == b'a,b,c\n1,0.1,"x, y"\n2,,\n'
    assert_frame_equal(dataset.load().collect(), table)
    with pytest.raises(DatasetError, match="the plan fails"):
        dataset.save(failing(table.lazy()))
    assert_frame_equal(dataset.load().collect(), table)
    assert save_again(dataset, table, place) == ["profiles.csv"]


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_a_preview_is_the_first_rows_as_json_can_hold_them(
    file_format: str, tmp_path: Path
) -> None:
    dataset = PolarsTableDataset(filepath=str(tmp_path / "t"), file_format=file_format)
    dataset.save(OLD)
    assert dataset.preview(nrows=1) == {
        "index": [0],
        "columns": ["a", "s", "d"],
        "data": [[1, "x", "2014-06-29"]],
    }
    assert len(dataset.preview()["data"]) == 2


def test_a_catalog_entry_makes_it(tmp_path: Path) -> None:
    entry = {
        "type": "customer_segmentation.datasets.polars_table.PolarsTableDataset",
        "filepath": f"{tmp_path}/{{table}}.parquet",
        "table": "gold_{table}",
        "metadata": {"kedro-viz": {"layer": "gold"}},
    }
    catalog = DataCatalog.from_config({"gold_{table}": entry})
    catalog.save("gold_segment_profiles", pl.LazyFrame(PROFILES))
    assert catalog.exists("gold_segment_profiles")
    catalog.release("gold_segment_profiles")
    assert catalog.load("gold_segment_profiles").collect().height == 2
    dataset: Any = catalog.get("gold_segment_profiles")
    assert dataset.metadata == {"kedro-viz": {"layer": "gold"}}
    assert "segment_profiles.parquet" in str(dataset)


def test_a_format_that_is_not_known_is_refused() -> None:
    with pytest.raises(UserError, match="file_format is 'json': say parquet, csv or delta"):
        PolarsTableDataset(filepath="t.json", file_format="json")


def test_a_delta_table_is_read_with_the_names_it_was_saved_under_and_never_written(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "segments"
    write_deltalake(folder, pa.table({"a": [1, 2], "sent_Income%20%28EUR%29": ["x", None]}))
    dataset = PolarsTableDataset(filepath=str(folder), file_format="delta")
    found = dataset.load().collect()
    assert_frame_equal(found, pl.DataFrame({"a": [1, 2], "sent_Income (EUR)": ["x", None]}))
    with pytest.raises(DatasetError, match="is read and never written"):
        dataset.save(NEW)
    assert DeltaTable(folder).version() == 0
