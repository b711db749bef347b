"""Files of every kind: read as the same table, or refused by what they are."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from customer_segmentation.errors import UserError
from customer_segmentation.sources.dataset import SourceDataset
from customer_segmentation.sources.landed import Landed
from customer_segmentation.sources.landing import land
from tests.sources.made import as_parquet, as_xlsx, as_zip

HEADERS = ["ID", "Dt_Customer", "Income", "Response"]
ROWS = [
    ["5524", "2012-09-04", "58138.5", "1"],
    ["00123", "", "", "0"],
    ["7", "2013-01-02", "6", "1"],
]
TEXT = "".join(",".join(row) + "\n" for row in [HEADERS, *ROWS]).encode()


CUSTOMERS_SHEET = [
    HEADERS,
    ["5524", dt.date(2012, 9, 4), 58138.5, True],
    [],
    ["00123", "", "", False],
    [7, dt.date(2013, 1, 2), 6, 1],
]
LINES = [
    {"ID": "5524", "Dt_Customer": "2012-09-04", "Income": 58138.5, "Response": True},
    {"Response": False, "ID": "00123", "Income": None},
    {"ID": 7.0, "Dt_Customer": "2013-01-02", "Income": 6, "Response": 1},
]
SAME = {
    "text": TEXT,
    "utf-16": TEXT.decode().encode("utf-16"),
    "semicolons": TEXT.replace(b",", b";"),
    "pipes": TEXT.replace(b",", b"|"),
    "declared": b"sep=;\n" + TEXT.replace(b",", b";"),
    "gzip": gzip.compress(TEXT),
    "zip": as_zip(customers__csv=TEXT),
    "zip of an unknown ending": as_zip(customers__export=TEXT, __MACOSX__x=b""),
    "zip of gzip": as_zip(customers__csv__gz=gzip.compress(TEXT)),
    "JSON lines": "\n\n".join(map(json.dumps, LINES)).encode(),
    "gzip of JSON lines": gzip.compress("\n".join(map(json.dumps, LINES)).encode()),
    "Excel": as_xlsx({"customers": CUSTOMERS_SHEET, "empty": []}),
    "zip of Excel": as_zip(customers__XLSX=as_xlsx({"customers": CUSTOMERS_SHEET})),
    "Parquet": as_parquet(
        ID=["5524", "00123", "7"],
        Dt_Customer=[dt.date(2012, 9, 4), None, dt.date(2013, 1, 2)],
        Income=["58138.5", None, "6"],
        Response=[True, False, True],
    ),
}
SAME["gzip of Parquet"] = gzip.compress(SAME["Parquet"])


@pytest.fixture
def landed(tmp_path: Path) -> Callable[..., Landed]:
    """A file's bytes -> what was landed of it, whatever it is called."""

    def one(content: bytes, name: str = "export.csv", **options: Any) -> Landed:
        (tmp_path / name).write_bytes(content)
        return land(str(tmp_path / name), str(tmp_path / "landed.parquet"), **options)

    return one


@pytest.fixture
def rows(landed: Callable[..., Landed], tmp_path: Path) -> Callable[..., list[list[str]]]:
    """A file's bytes -> the cells that are landed of it."""

    def cells(content: bytes, **options: Any) -> list[list[str]]:
        headers = landed(content, **options).headers
        table = parquet.read_table(tmp_path / "landed.parquet", columns=list(headers))
        return [list(row.values()) for row in table.to_pylist()]

    return cells


@pytest.mark.parametrize("kind", SAME)
def test_every_kind_of_file_lands_as_the_same_table_whatever_it_is_called(
    kind: str, rows: Callable[..., list[list[str]]], landed: Callable[..., Landed]
) -> None:
    assert rows(SAME[kind]) == ROWS
    assert list(landed(SAME[kind], name="export").headers) == HEADERS


@pytest.mark.spark
def test_every_engine_reads_a_folder_of_all_kinds_alike(spark: Any, tmp_path: Path) -> None:  # noqa: ARG001 - the session that reads
    folder = tmp_path / "export"
    folder.mkdir()
    names = {"Parquet": "a.PARQUET", "Excel": "b.xlsx", "JSON lines": "c.jsonl", "zip": "d.zip"}
    for kind, name in names.items():
        (folder / name).write_bytes(SAME[kind])
    tables = [
        SourceDataset(filepath=str(folder), engine="pandas").load(),
        SourceDataset(filepath=str(folder), engine="polars").load().collect().to_pandas(),
        SourceDataset(filepath=str(folder), engine="spark").load().toPandas(),
    ]
    for table in tables:
        table = table.sort_values("row_number")  # noqa: PLW2901 - Spark's order is its own
        assert table[HEADERS].to_numpy().tolist() == ROWS * 4
        assert table["row_number"].tolist() == list(range(1, 13))


def test_an_archive_of_several_files_is_a_folder(landed: Callable[..., Landed]) -> None:
    found = landed(as_zip(b__CSV=TEXT, a__txt=TEXT, readme__txt=b"hello", c__log=b"x"), "all.zip")
    assert [(name[-5:], count) for name, count in found.files] == [("a.txt", 3), ("b.CSV", 3)]
    assert {Path(name).name for name, _ in found.skipped} == {"c.log", "readme.txt"}


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        ([5524.0, 7.0, None], ["5524", "7", ""]),
        ([5524.0, 7.5, -0.1], ["5524", "7.5", "-0.1"]),
        ([123456789012345.0, 1e15], ["123456789012345", "1000000000000000"]),
        ([1e300, float("nan"), float("inf")], ["1e+300", "nan", "inf"]),
        ([Decimal("5524.00"), Decimal("7.00")], ["5524", "7"]),
        ([Decimal("5524.00"), Decimal("7.50")], ["5524", "7.50"]),
        ([2**62, -1], ["4611686018427387904", "-1"]),
        ([dt.datetime(2013, 1, 2), None], ["2013-01-02", ""]),  # noqa: DTZ001 - tables know no zones
        (
            [dt.datetime(2013, 1, 2), dt.datetime(2013, 1, 2, 3, 4, 5)],  # noqa: DTZ001 - as above
            ["2013-01-02", "2013-01-02 03:04:05"],
        ),
        (pa.array([dt.datetime(2013, 1, 2)], pa.timestamp("us", "Europe/Berlin")), None),  # noqa: DTZ001 - as above
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([0, 1_000], pa.date64()), ["1970-01-01", "1970-01-01"]),
        (pa.array([None, None]), ["", ""]),
        (pa.array([b"ab", b""]), ["ab", ""]),
        (pa.array(["x", "y"], pa.large_string()), ["x", "y"]),
        (pa.array([0.5, 2.0], pa.float16()), ["0.5", "2"]),
        (pa.array([0.1, 2.0], pa.float32()), ["0.1", "2"]),
    ],
)
def test_typed_columns_of_parquet_become_the_text_that_says_the_same(
    column: Any, texts: list[str] | None, rows: Callable[..., list[list[str]]]
) -> None:
    found = [row[0] for row in rows(as_parquet(ID=column, a=["x"] * len(column)))]
    assert found == (texts or ["2013-01-02 01:00:00+0100"])


@pytest.mark.parametrize(
    ("value", "text"),
    [(7.0, "7"), (7.5, "7.5"), (2**70, str(2**70)), ("7.0", "7.0"), (True, "1"), (None, "")],
)
def test_cells_of_json_are_as_they_are_written(
    value: Any, text: str, rows: Callable[..., list[list[str]]]
) -> None:
    assert rows(json.dumps({"ID": value, "a": "x"}).encode())[0][0] == text
    assert rows(b'{"ID": 0.10, "a": 1e2}') == [["0.10", "100"]]


def test_the_sheet_of_a_workbook_is_declared_where_several_hold_something(
    landed: Callable[..., Landed],
) -> None:
    workbook = as_xlsx({"notes": [["hello"]], "customers": CUSTOMERS_SHEET, "none": []})
    with pytest.raises(UserError, match=r"\['notes', 'customers'\] all have data.*_SHEET"):
        landed(workbook)
    assert landed(workbook, sheet="customers").rows == 3
    with pytest.raises(UserError, match=r"no sheet 'Customers'.*one of \['notes', 'customers', 'n"):
        landed(workbook, sheet="Customers")
    hidden = as_xlsx({"a": [["x", "y"]], "b": CUSTOMERS_SHEET}, a='state="hidden"')
    assert landed(hidden).rows == 3


def test_times_in_a_workbook_are_kept_and_errors_are_counted(
    rows: Callable[..., list[list[str]]], landed: Callable[..., Landed]
) -> None:
    moments = [dt.datetime(2013, 1, 2), dt.datetime(2013, 1, 2, 3, 4)]  # noqa: DTZ001 - a workbook knows no zones
    wrong = ('<c r="PLACE" t="e"><v>#N/A</v></c>',)
    workbook = as_xlsx({"a": [["ID", "at", "b"], [1, moments[0], wrong], [2, moments[1], 0.1]]})
    assert rows(workbook) == [
        ["1", "2013-01-02", ""],
        ["2", "2013-01-02 03:04:00", "0.1"],
    ]
    assert "1 cells with Excel's error" in landed(workbook).notes[0]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
ENCRYPTED = bytearray(as_zip(a__csv=TEXT))
# The flags of the member, in its own head and in the directory.
for _at in (ENCRYPTED.index(b"PK\x03\x04") + 6, ENCRYPTED.index(b"PK\x01\x02") + 8):
    ENCRYPTED[_at] |= 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (OLE, "an old Excel workbook (.xls) or another file of old Office. Save it as .xlsx"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted by Excel. Save it without a"),
        (bytes(ENCRYPTED), "it is encrypted. Save it without a password."),
        (b"%PDF-1.7 ...", "a PDF. Export the table as CSV, .xlsx or Parquet."),
        (b"SQLite format 3\0...", "an SQLite database. Export the table"),
        (b"<html><table><tr><td>ID</td></tr></table>", "an HTML page, whatever its name says."),
        (b"\r\n<!DOCTYPE html>\n<p>,</p>", "an HTML page"),
        (b'<?xml version="1.0"?><Workbook/>', "XML. Export the table"),
        (b'[{"ID": 1}]', "one JSON list. Write one object a line: jq -c '.[]' FILE."),
        (b"BZh91AY&SY", "packed by bzip2. Unpack it, or pack it as .gz or .zip."),
        (b"\x28\xb5\x2f\xfd...", "packed by zstd."),
        (b"a.csv".ljust(257, b"\0") + b"ustar", "a tar archive."),
        (gzip.compress(b"a.csv".ljust(257, b"\0") + b"ustar"), "a tar archive."),
        (b"PAR1", "it is no Parquet file"),
        (b"PK\x03\x04 and nothing", "it cannot be unpacked"),
        (gzip.compress(TEXT)[:-9], "it cannot be unpacked"),
        (gzip.compress(gzip.compress(gzip.compress(TEXT))), "packed more than 2 times"),
        (as_zip(a__log=b"x", b__log=b"y"), "the archive holds no table"),
        (as_zip(**{"word/document__xml": b"<x/>"}), "a Word document. Export the table"),
        (b'{"ID": 1, "ID": 2}', "line 1 is no JSON object"),
        (b'{"ID": 1}\n{"ID": {"a": 1}}', "line 2 is no JSON object"),
        (b'{"ID": 1}\n\n{"ID": NaN}', "line 3 is no JSON object"),
        (b'{"ID": "\\ud800"}', "line 1 is no JSON object"),
        (b'{"ID": "\\u0000"}', "line 1 is no JSON object"),
        (b'{\n"ID": 1\n}', "line 1 is no JSON object"),
        (as_parquet(ID=[[1]]), "column 'ID' holds list<"),
        (as_parquet(ID=[{"a": 1}]), "column 'ID' holds struct<"),
        (as_parquet(ID=[dt.time(1)]), "column 'ID' holds time64"),
        (as_parquet(ID=pa.array([b"\xff"])), "its data cannot be read"),
        (as_parquet(ID=["1"], a=["x"])[:-20] + b"x" * 12 + b"PAR1\0\0\0\0"[:8], "no Parquet file"),
        (as_xlsx({"a": []}), "the workbook is empty."),
        (as_xlsx({"a": [["Our customers"], ["ID", "a"], [1, 2]]}), "only one name ('Our custom"),
        (as_xlsx({"a": [["ID", "a"], [1, ('<c r="PLACE"><f>1+1</f></c>',)]]}), "never computed"),
        (as_xlsx({"a": [["ID", "a", "a"], [1, 2, 3]]}), "names ['a'] more than once"),
        (as_xlsx({"a": [["ID", "a"], [1, ('<c r="XFD1048576"><v>1</v></c>',)]]}), "row 1048576"),
        (as_xlsx({"a": [["ID", "a"]]}), "there is a header but no row below it"),
    ],
    # Not the bytes, in which an archive notes the time.
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_what_is_not_read_is_refused_by_what_it_is_and_what_to_do(
    content: bytes, says: str, landed: Callable[..., Landed], tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        landed(content)
    assert says in str(caught.value)
    assert "export.csv" in str(caught.value)
    assert not (tmp_path / "landed.parquet").exists()


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: as_zip(a__csv=content)])
def test_a_packed_file_that_unfolds_to_too_much_is_refused(
    pack: Callable[[bytes], bytes], landed: Callable[..., Landed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customer_segmentation.sources.packed.MAX_UNFOLDED", 1 << 20)
    content = pack(b"ID,a\n" + b"1,2\n" * 1_000_000)
    assert 200 * len(content) < 4_000_000
    with pytest.raises(UserError, match=r"export\.csv: it has \d+ bytes and unfolds to more than"):
        landed(content)
    assert landed(pack(TEXT)).rows == 3
