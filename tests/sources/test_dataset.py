"""A source in the catalog: every cell as it was sent, the same on every engine."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DatasetError
from s3fs import S3FileSystem

from customer_segmentation.customers.quarantine import PROVENANCE, ROW_NUMBER
from customer_segmentation.errors import UserError
from customer_segmentation.sources.dataset import SourceDataset
from tests.services.s3 import S3Server

Cells = list[list[str]]

ON_SPARK = pytest.param("spark", marks=pytest.mark.spark)
each_engine = pytest.mark.parametrize("engine", ["pandas", "polars", ON_SPARK])


def as_pandas(table: Any) -> pd.DataFrame:
    """A table of any engine, by row number."""
    if isinstance(table, pd.DataFrame):
        return table
    if isinstance(table, pl.LazyFrame):
        return table.collect().to_pandas()
    return table.toPandas().sort_values(ROW_NUMBER, ignore_index=True)


@pytest.fixture
def read(request: pytest.FixtureRequest) -> Callable[[Path, str], pd.DataFrame]:
    """A path and an engine -> the table, by row number."""

    def table(path: Path, engine: str) -> pd.DataFrame:
        if engine == "spark":
            request.getfixturevalue("spark")
        return as_pandas(SourceDataset(filepath=str(path), engine=engine).load())

    return table


@pytest.fixture
def cells(read: Callable[[Path, str], pd.DataFrame], tmp_path: Path) -> Callable[..., Cells]:
    """A file's bytes and an engine -> the header and the cells of each row."""

    def listed(content: bytes, engine: str = "pandas") -> Cells:
        path = tmp_path / "export.csv"
        path.write_bytes(content)
        table = read(path, engine)
        assert list(table[ROW_NUMBER]) == list(range(1, len(table) + 1))
        sent = table.drop(columns=[*PROVENANCE])
        return [list(sent.columns), *sent.to_numpy().tolist()]

    return listed


@pytest.mark.parametrize("engine", ["pandas", "polars"])
@pytest.mark.parametrize(
    "delimiter", ["\t", ",", ";", "|"], ids=["tab", "comma", "semicolon", "pipe"]
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "mark"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "unended"])
def test_delimiter_line_ends_and_byte_order_mark_are_recognised(  # noqa: PLR0913, PLR0917 - all combinations
    delimiter: str,
    line_end: str,
    mark: str,
    last: object,
    engine: str,
    cells: Callable[..., Cells],
) -> None:
    rows = [["ID", "Income"], ["1", "2"], ["3", "4"]]
    text = mark + line_end.join(delimiter.join(row) for row in rows) + line_end * bool(last)
    assert cells(text.encode(), engine) == rows


@pytest.mark.spark
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_line_ends_and_byte_order_mark_are_recognised_on_spark(
    line_end: str, cells: Callable[..., Cells]
) -> None:
    content = f"\ufeff{line_end}ID,Income{line_end}1,2{line_end}3,4".encode()
    assert cells(content, "spark") == [["ID", "Income"], ["1", "2"], ["3", "4"]]


@each_engine
def test_cells_and_headers_are_exactly_as_sent(engine: str, cells: Callable[..., Cells]) -> None:
    rows = [
        [" ID ", "Note", "\xa0x", "", "a;b(c)"],
        ["  007 ", "NA", "null", "1e999", "\\"],
        ["", "\u2028", "'", "nan", "#"],
        ["+1.50", '5"', "TRUE", "01-02-2013", "\\N"],
        ["\ufeff", "\x0b", "\u3000", "", " "],
    ]
    text = "\n".join("\t".join(row) for row in rows)
    assert cells(text.encode(), engine) == rows


@each_engine
def test_the_delimiter_is_the_one_that_stands_most_often_in_the_header(
    engine: str, cells: Callable[..., Cells]
) -> None:
    assert cells(b"ID;a,b;c\n1;2,3;4\n", engine) == [["ID", "a,b", "c"], ["1", "2,3", "4"]]


def test_a_delimiter_in_a_quoted_header_does_not_count(cells: Callable[..., Cells]) -> None:
    assert cells(b'ID;"a,b,c,d"\n1;2\n') == [["ID", "a,b,c,d"], ["1", "2"]]
    assert cells(b'"x,y","z,y"\n1,2\n') == [["x,y", "z,y"], ["1", "2"]]


@each_engine
@pytest.mark.parametrize(
    ("content", "rows"),
    [
        pytest.param(
            b'"ID","a,b"\r\n1,"a,b"\r\n"","say ""hi"""\r\n" 3 ",\r\n4,"\\"\r\n',
            [["1", "a,b"], ["", 'say "hi"'], [" 3 ", ""], ["4", "\\"]],
            id="RFC 4180",
        ),
        pytest.param(
            b'ID,a\r\n1,"two\nlines"\r\n2,"\r\n\r"\n"\n",3',
            [["1", "two\nlines"], ["2", "\r\n\r"], ["\n", "3"]],
            id="line ends in cells",
        ),
        pytest.param(
            b'ID,a\n1,"x"\n2,5"\n3,"y"z\n4, "w"\n',
            [["1", "x"], ["2", '5"'], ["3", "yz"], ["4", ' "w"']],
            id="some quotes are none",
        ),
        pytest.param(
            b"ID,a,b\n1\n2,x\n3,x,y\n",
            [["1", "", ""], ["2", "x", ""], ["3", "x", "y"]],
            id="rows that end early",
        ),
        pytest.param(b"ID,a,b\n1\n2\n", [["1", "", ""], ["2", "", ""]], id="all rows end early"),
        pytest.param(
            b'ID,a\r\n1,2,\r\n\r\n3,"4",\r\n',
            [["1", "2"], ["3", "4"]],
            id="the same empty tail in every row",
        ),
        pytest.param(
            b"\nID\ta\n\n1\t2\n\t\n   \n3\t4\n\n",
            [["1", "2"], ["", ""], ["3", "4"]],
            id="blank lines between rows, and a row of delimiters",
        ),
        pytest.param(
            b"  \nID,a\n1,2\n\t,\n,\n\n \t \n",
            [["1", "2"], ["\t", ""], ["", ""]],
            id="blank lines above and below",
        ),
    ],
)
def test_every_engine_reads_the_same_cells(
    content: bytes, rows: Cells, engine: str, cells: Callable[..., Cells]
) -> None:
    assert cells(content, engine)[1:] == rows


@each_engine
def test_every_row_says_where_it_came_from(
    engine: str, read: Callable[[Path, str], pd.DataFrame], tmp_path: Path
) -> None:
    content = b"\xef\xbb\xbfID,a\n7,x\n7,x\n"
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    table = read(path, engine)
    assert list(table.columns) == ["ID", "a", "source_name", "source_sha256", "row_number"]
    assert table["row_number"].tolist() == [1, 2]
    assert str(table["row_number"].dtype).startswith("int64")
    assert set(table["source_name"]) == {"export.csv"}
    assert set(table["source_sha256"]) == {hashlib.sha256(content).hexdigest()}


@each_engine
@pytest.mark.parametrize("quote", ["", '"\n'], ids=["lines", "line ends in cells"])
def test_rows_of_a_folder_are_numbered_through_its_files_by_name(
    engine: str, quote: str, read: Callable[[Path, str], pd.DataFrame], tmp_path: Path
) -> None:
    folder = tmp_path / "cus%20to[m]er s"
    folder.mkdir()
    end = quote[::-1]
    (folder / "part é 1.csv").write_text(f"ID,a\n{quote}1{end},2\n3,4")
    (folder / "part#0?.csv").write_text("\ufeff\nID,a\n")
    (folder / "part%2.csv").write_text("ID,a\r\n5,6\r\nID,a\r\n\r\n")
    table = read(folder, engine)
    assert [cell.strip() for cell in table["ID"]] == ["1", "3", "5", "ID"]
    assert table["row_number"].tolist() == [1, 2, 3, 4]
    assert set(table["source_name"]) == {"cus%20to[m]er s"}
    whole = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    assert set(table["source_sha256"]) == {hashlib.sha256(whole).hexdigest()}


def test_polars_reads_no_more_of_irregular_text_than_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("ID,a\n" + "".join(f"{row},x\n\n" for row in range(10)))
    plan = SourceDataset(filepath=str(path), engine="polars").load()
    assert isinstance(plan, pl.LazyFrame)
    assert plan.head(2).collect()["ID"].to_list() == ["0", "1"]
    kept = plan.filter(pl.col("ID").is_in(["3", "4"])).select(ROW_NUMBER).collect()
    assert kept[ROW_NUMBER].to_list() == [4, 5]


def test_what_the_inspection_refuses_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    dataset = SourceDataset(filepath=str(path), engine="spark")
    assert not dataset.exists()
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, UserError)
    path.write_text("ID,a\n1,2,3\n")
    assert dataset.exists()
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, UserError)


def test_an_engine_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match=r"no engine 'dask'\. Set one of pandas, polars, spark"):
        SourceDataset(filepath="export.csv", engine="dask")  # type: ignore[arg-type]


def test_a_source_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("ID,a\n1,2\n")
    with pytest.raises(DatasetError) as caught:
        SourceDataset(filepath=str(path)).save(pd.DataFrame())
    assert isinstance(caught.value.__cause__, (UserError, DatasetError))
    assert path.read_text() == "ID,a\n1,2\n"


@pytest.mark.parametrize("engine", ["pandas", "polars", "spark"])
def test_a_preview_shows_the_first_rows_without_reading_on(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"ID,a\n" + b"1,2\n" * 3_000_000 + b"\xff")
    dataset = SourceDataset(filepath=str(path), engine=engine, metadata={"kedro-viz": {}})
    assert dataset.preview(2) == {
        "index": [0, 1],
        "columns": ["ID", "a", "source_name", "row_number"],
        "data": [["1", "2", "export.csv", 1], ["1", "2", "export.csv", 2]],
    }


def test_a_preview_looks_into_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "export.gz"
    path.write_bytes(gzip.compress(b"ID,a\n1,2\n"))
    assert SourceDataset(filepath=str(path)).preview()["data"] == [["1", "2", "export.gz", 1]]


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_a_folder_in_a_bucket_is_read_like_one_on_disk(
    engine: str, moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    # The endpoint itself says so.
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    # s3fs keeps its clients, and Polars one for each bucket, with the endpoint of their day.
    S3FileSystem.clear_instance_cache()
    files = S3FileSystem()
    bucket = f"source-{uuid4().hex[:12]}"
    moto_server.make_bucket(bucket)
    folder = f"s3://{bucket}/customers"
    files.pipe({f"{folder}/a 1.csv": b"ID,a\r\n1,\r\n", f"{folder}/b.csv": b'ID,a\n2,"x"\n'})
    dataset = SourceDataset(filepath=folder, engine=engine)
    table = as_pandas(dataset.load())
    assert table[["ID", "a"]].to_numpy().tolist() == [["1", ""], ["2", "x"]]
    assert table["row_number"].tolist() == [1, 2]
    assert set(table["source_name"]) == {"customers"}
    files.pipe(f"{folder}/c.csv", b"ID,a\r3,4\r")
    assert as_pandas(dataset.load())["ID"].tolist() == ["1", "2", "3"]
    assert dataset.preview(1)["data"] == [["1", "", "customers", 1]]
    assert not SourceDataset(filepath=f"s3://{bucket}/none.csv").exists()
    files.pipe(f"{folder}/b.csv", b"ID,a\n1,2,3\n")
    with pytest.raises(DatasetError, match=f"{folder}/b.csv: line 2 has more cells"):
        dataset.load()


SAFE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


@settings(max_examples=60)
@given(
    rows=st.lists(st.lists(SAFE, min_size=3, max_size=3), min_size=1, max_size=6),
    delimiter=st.sampled_from("\t,;"),
)
def test_whatever_text_a_writer_quotes_comes_back(
    rows: Cells, delimiter: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["ID", "a", "b"], *rows])
    path = tmp_path_factory.mktemp("written") / "export.csv"
    path.write_bytes(text.getvalue().encode())
    for engine in ("pandas", "polars"):
        table = as_pandas(SourceDataset(filepath=str(path), engine=engine).load())
        assert table[["ID", "a", "b"]].to_numpy().tolist() == rows


@pytest.mark.spark
def test_spark_refuses_headers_whose_signs_it_takes_for_its_own(spark: Any, tmp_path: Path) -> None:  # noqa: ARG001 - the session that would read
    file = tmp_path / "customers.csv"
    file.write_text("ID,Net.Income\n1,2\n")
    with pytest.raises(DatasetError, match=r"Rename the columns \['Net\.Income'\]"):
        SourceDataset(filepath=str(file), engine="spark").load()
