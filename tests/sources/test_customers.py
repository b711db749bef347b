"""Order lines in one file and customers in another: joined as they are landed."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest
from pyarrow import parquet
from s3fs import S3FileSystem

from customer_segmentation.errors import UserError
from customer_segmentation.sources.dataset import SourceDataset
from customer_segmentation.sources.landed import Landed
from customer_segmentation.sources.landing import land
from tests.services.s3 import S3Server
from tests.sources.made import as_parquet, as_xlsx

LINES = b"order,client,spent\n1,C1,5\n2, 00123 ,6\n3,C1,7\n"
CUSTOMERS = b"client,income\nC1,10\n00123,20\n"
JOINED = [["1", "C1", "5", "10"], ["2", " 00123 ", "6", "20"], ["3", "C1", "7", "10"]]

Land = Callable[..., tuple[Landed, list[list[str]]]]


@pytest.fixture
def landed(tmp_path: Path) -> Land:
    """The bytes of lines and customers, or of the files of folders -> what is landed, by rows."""

    def placed(name: str, content: bytes | Mapping[str, bytes]) -> str:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.mkdir()
            for part, piece in content.items():
                (path / part).write_bytes(piece)
        return str(path)

    def rows(
        lines: bytes | Mapping[str, bytes],
        customers: bytes | Mapping[str, bytes],
        **options: str,
    ) -> tuple[Landed, list[list[str]]]:
        target = tmp_path / "landed" / "source.parquet"
        files = placed("lines.csv", lines), placed("customers.csv", customers)
        told = land(files[0], str(target), customers=files[1], **options)
        table = parquet.read_table(target)
        assert table["row_number"].to_pylist() == [*range(1, told.rows + 1)]
        cells = table.select(told.headers).to_pylist()
        return told, [[*row.values()] for row in cells]

    return rows


def test_each_line_has_the_cells_of_its_customer_beside_its_own(landed: Land) -> None:
    told, rows = landed(LINES, CUSTOMERS)
    assert told.headers == ("order", "client", "spent", "income")
    assert rows == JOINED
    assert told.name == "lines.csv with customers.csv"
    assert told.sha256 == hashlib.sha256(LINES + CUSTOMERS).hexdigest()
    assert told.files[0][1] == 3
    assert told.lines() == []


@pytest.mark.parametrize(
    ("customers", "options"),
    [
        pytest.param(
            "client;income\r\nC1;10\r\n00123;20\r\n".encode("utf-8-sig"), {}, id="Windows"
        ),
        pytest.param(
            "client;inc\xf6me\r\nC1;10\r\n00123;20\r\n".encode("cp1252"),
            {"encoding": "cp1252"},
            id="another encoding",
        ),
        pytest.param(gzip.compress(b" income\tclient \n10\tC1\n20\t00123 \n"), {}, id="gz"),
        pytest.param(
            as_xlsx(
                {
                    "Notes": [["of", "May"], ["a", "b"]],
                    "People": [["client", "income"], ["C1", 10], ["00123", 20]],
                }
            ),
            {"customers_sheet": "People"},
            id="a sheet of a workbook",
        ),
        pytest.param(as_parquet(client=["C1", "00123"], income=[10.0, 20.0]), {}, id="Parquet"),
        pytest.param(
            b'{"client": "C1", "income": 10}\n{"client": "00123", "income": 20}\n',
            {},
            id="JSON lines",
        ),
        pytest.param(
            {"a.csv": b"client,income\nC1,10\n", "b.csv": b"client,income\n00123,20\n"},
            {},
            id="a folder",
        ),
    ],
)
def test_customers_may_be_in_a_file_of_any_kind(
    customers: bytes | dict[str, bytes], options: dict[str, str], landed: Land
) -> None:
    assert landed(LINES, customers, **options)[1] == JOINED


def test_lines_in_many_files_keep_their_numbers_and_their_file(landed: Land) -> None:
    lines = {"a.csv": LINES, "b.csv": b"order,client,spent\n4,C1,8\n"}
    told, rows = landed(lines, CUSTOMERS)
    assert rows == [*JOINED, ["4", "C1", "8", "10"]]
    assert [count for _, count in told.files] == [3, 1]


def test_no_line_is_lost_and_what_does_not_meet_is_told(landed: Land) -> None:
    lines = b"order,client\n1,C1\n2,C9\n3,\n4,123\n"
    customers = b"client,income\nC1,10\n00123,20\n,30\n ,40\nC5,50\n"
    told, rows = landed(lines, customers)
    assert rows == [["1", "C1", "10"], ["2", "C9", ""], ["3", "", ""], ["4", "123", ""]]
    assert told.lines() == [
        "Warning: 2 rows of customers.csv have no `client` and were not used",
        "Warning: 2 of 3 customers in customers.csv have no line",
        "Warning: 2 rows have a `client` that is not in customers.csv: its columns are empty",
    ]


def test_a_customer_who_stands_there_twice_alike_is_one(landed: Land) -> None:
    told, rows = landed(LINES, b"client,income\nC1,10\n00123,20\nC1 , 10\n")
    assert rows == JOINED
    assert told.lines() == []


@pytest.mark.parametrize(
    ("lines", "customers", "message"),
    [
        pytest.param(
            LINES,
            b"client,income\nC1,10\n00123,20\nC1,11\n",
            r"customers\.csv: rows 1 and 3 have the same `client`, 'C1', and different cells\. "
            "Give each customer one row",
            id="a customer twice",
        ),
        pytest.param(
            LINES,
            b"customer,income\nC1,10\n",
            r"no column with the same name: 'order', 'client', 'spent' in the one, 'customer', "
            r"'income' in the other\. Name the customer's column alike",
            id="no header in both",
        ),
        pytest.param(
            LINES,
            b"client,spent \nC1,10\n",
            r"lines\.csv and customers\.csv both have the columns 'client', 'spent'\. Rename or",
            id="several headers in both",
        ),
        pytest.param(
            b"order,client\n1,17850.0\n",
            b"client,income\n17850,10\n",
            r"lines\.csv: none of its rows has a `client` that is in customers\.csv, such as "
            r"'17850'\. Write it the same way",
            id="keys written otherwise",
        ),
        pytest.param(LINES, b"client,income\n", "no row below it", id="no customer"),
        pytest.param(
            LINES, {"a.md": b""}, "holds no file .* Set SEGMENTATION_CUSTOMERS", id="none"
        ),
        pytest.param(
            LINES,
            as_xlsx({"A": [["client", "a"], ["1", "2"]], "B": [["client", "a"], ["1", "2"]]}),
            "SEGMENTATION_CUSTOMERS_SHEET",
            id="several sheets",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused_and_nothing_is_landed(
    lines: bytes, customers: bytes | dict[str, bytes], message: str, landed: Land, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        landed(lines, customers)
    folder = tmp_path / "landed"
    assert not folder.exists() or not [*folder.iterdir()]


def test_pandas_and_polars_read_the_same_rows(tmp_path: Path) -> None:
    lines, customers = tmp_path / "lines.csv", tmp_path / "customers.csv"
    lines.write_bytes(LINES)
    dataset = SourceDataset(filepath=str(lines), customers=str(customers), engine="polars")
    assert not dataset.exists()
    customers.write_bytes(CUSTOMERS)
    assert dataset.exists()
    plan = dataset.load()
    assert isinstance(plan, pl.LazyFrame)
    table = SourceDataset(filepath=str(lines), customers=str(customers)).load()
    assert table.to_dict("records") == plan.collect().to_dicts()


def test_lines_and_customers_in_a_bucket_are_landed_in_it(
    moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    bucket = f"lines-{uuid4().hex[:12]}"
    moto_server.make_bucket(bucket)
    files = S3FileSystem()
    # Of one name, as exports of two systems may be.
    places = [f"s3://{bucket}/{folder}/export.csv" for folder in ("lines", "customers")]
    files.pipe(dict(zip(places, (LINES, CUSTOMERS), strict=True)))
    target = f"s3://{bucket}/landed/source.parquet"
    told = land(places[0], target, customers=places[1])
    with files.open(target) as file:
        cells = parquet.read_table(file).select(told.headers).to_pylist()
    assert [[*row.values()] for row in cells] == JOINED
