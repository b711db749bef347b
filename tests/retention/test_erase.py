from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from customer_segmentation.retention.erase import erase_names, erase_rows
from customer_segmentation.retention.places import File
from customer_segmentation.retention.search import Holder, look
from customer_segmentation.retention.sought import Sought
from customer_segmentation.sources.arrivals.current import write_current
from customer_segmentation.sources.arrivals.parts import (
    CHANGE,
    PUT,
    REMOVED,
    Arrival,
    Parts,
    text_table,
)
from tests.marketing import SCHEMA

SOUGHT = Sought.of("7", SCHEMA)


def erased(file: Path) -> None:
    rows, _, _ = look(File(str(file), 0), SOUGHT)
    assert rows
    erase_rows(Holder(str(file), "rows", rows), SOUGHT)
    assert look(File(str(file), 0), SOUGHT) == (0, 0, 0)


@pytest.mark.parametrize("is_int96", [False, True])
def test_a_parquet_file_keeps_its_schema_its_metadata_and_its_groups(
    tmp_path: Path, *, is_int96: bool
) -> None:
    file, day = tmp_path / "customers.parquet", dt.datetime(2014, 6, 30)  # noqa: DTZ001
    table = pa.table(
        {
            "customer_id": pa.array([str(n) for n in range(10)], pa.large_string()),
            "as_of": pa.array([day] * 10, pa.timestamp("us")),
            "x": pa.array([1.5, None] * 5, pa.float32()),
        }
    ).replace_schema_metadata({"landed": "told"})
    parquet.write_table(
        table,
        file,
        row_group_size=4,
        compression="zstd",
        use_deprecated_int96_timestamps=is_int96,
    )
    before = parquet.ParquetFile(file)
    # Hadoop's checksum of the old content.
    (tmp_path / f".{file.name}.crc").touch()
    erased(file)
    after = parquet.ParquetFile(file)
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    groups = [after.metadata.row_group(n) for n in range(after.num_row_groups)]
    assert [group.num_rows for group in groups] == [4, 3, 2]
    assert groups[0].column(0).compression == "ZSTD"
    assert groups[1].column(1).physical_type == ("INT96" if is_int96 else "INT64")
    assert after.read().equals(before.read().filter(pa.array([n != 7 for n in range(10)])))
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_file_of_one_customer_becomes_an_empty_table(tmp_path: Path) -> None:
    file = tmp_path / "one.parquet"
    parquet.write_table(pa.table({"customer_id": ["7"], "x": [1]}), file)
    erased(file)
    assert parquet.read_table(file).num_rows == 0
    assert parquet.read_schema(file).names == ["customer_id", "x"]


def test_a_text_names_nobody_any_more(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("7 rows, such as that of customer 7 (7)")
    assert look(File(str(file), 0), SOUGHT) == (0, 1, 0)
    erase_names(Holder(str(file), "names", 1), SOUGHT)
    assert file.read_text() == "7 rows, such as that of customer [erased] (7)"


def test_half_a_parquet_file_is_searched_as_bytes(tmp_path: Path) -> None:
    file = tmp_path / "half.parquet"
    file.write_bytes(b"PAR1 ... customer-0007 ...")
    sought = Sought.of("customer-0007", SCHEMA)
    assert look(File(str(file), 0), sought) == (0, 1, 0)


def test_a_part_of_a_source_that_grows_stays_a_part_without_the_customer(tmp_path: Path) -> None:
    parts = Parts(str(tmp_path))
    rows = {"ID": ["7", "8", "7"], CHANGE: [PUT, PUT, REMOVED]}
    part = parts.append("shop", Arrival(text_table(rows), {"at": 1}))
    parts.append("shop", Arrival(text_table({"ID": ["7"]}), {"at": 2}))
    for file in tmp_path.iterdir():
        erased(file)
    again = Parts(str(tmp_path))
    assert (again.all()[0], again.position()) == (part, {"at": 2})
    write_current(again, tmp_path / "current", ["ID"], "shop")
    assert parquet.read_table(tmp_path / "current")["ID"].to_pylist() == ["8"]
