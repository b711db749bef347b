"""The inspection of a source's bytes: what it finds, and what it refuses with what to do."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from customer_segmentation.customers.quarantine import ADDED
from customer_segmentation.datasets import text_inspection
from customer_segmentation.datasets.text_inspection import TextInspection, inspect_text
from customer_segmentation.errors import UserError


@pytest.fixture
def inspect(tmp_path: Path) -> Callable[..., TextInspection]:
    """A file's bytes, or those of a folder's files -> what is found in them."""

    def inspected(content: bytes | None = None, **parts: bytes) -> TextInspection:
        folder = tmp_path / "export"
        folder.mkdir(exist_ok=True)
        for name, part in parts.items():
            (folder / f"{name}.csv").write_bytes(part)
        if content is None:
            return inspect_text(str(folder))
        path = tmp_path / "export.csv"
        path.write_bytes(content)
        return inspect_text(str(path))

    return inspected


@pytest.fixture
def refusal(inspect: Callable[..., TextInspection]) -> Callable[..., str]:
    """The same -> the message of the error, which names the file."""

    def message(content: bytes | None = None, **parts: bytes) -> str:
        with pytest.raises(UserError) as caught:
            inspect(content, **parts)
        assert "export" in str(caught.value).split(": ")[0]
        return str(caught.value)

    return message


@pytest.fixture(params=[16, 1 << 20], ids=["small blocks", "one block"])
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_inspection, "_BLOCK", request.param)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize(
    ("content", "rows", "found"),
    [
        (b"ID,a\n1,2\n3,4\n", 2, set()),
        (b"ID,a\r\n1,2\r\n3,4", 2, set()),
        (b"\xef\xbb\xbfID,a\n1,2\n\n  \n", 1, set()),
        (b"\n  \nID;a,b;c\n1\n2;x\n;;\n", 3, set()),
        (b"ID\ta\n\t\n5\"\t6'\n", 2, set()),
        (b"ID,a\n1,2,\n3,4,,\r\n", 2, set()),
        (b"ID,a\n1,2\n\t \n\n3,4\n", 2, {"has_blank_lines_between"}),
        (b'"ID","x,y"\n1,"2"\n3,"say ""hi"""\n"",""\n', 3, {"has_quoted_cells"}),
        (b'ID,a\n1,"2",""\n', 1, {"has_quoted_cells"}),
        (b'ID,a\n1,"x\n\ny"\n2,"\n"', 2, {"has_quoted_cells", "has_line_ends_in_cells"}),
        (b'ID,a\n1,"x\ry"\n2,3\n', 2, {"has_quoted_cells", "has_line_ends_in_cells"}),
        (b"ID,a\r1,2\r3,4\r", 2, {"is_irregular"}),
        (b"ID,a\n1,2\r3,4\n", 2, {"is_irregular"}),
        (b'ID,a\n1,"x"\n2,5"\n', 2, {"is_irregular"}),
        (b'ID,5"\n1,"x"\n2,5\n', 2, {"is_irregular"}),
        (b'ID,a\n1,"x"y\n', 1, {"is_irregular"}),
        (b'ID,a\n\rb\r\r,\ra"\r\rb\r " ', 5, {"is_irregular"}),
    ],
)
def test_rows_are_counted_and_what_parsers_must_know_is_found(
    content: bytes, rows: int, found: set[str], inspect: Callable[..., TextInspection]
) -> None:
    inspection = inspect(content)
    assert inspection.rows == rows
    if "is_irregular" in found:
        # What else holds of such text, nobody asks.
        assert inspection.is_irregular
    else:
        assert {name for name, value in vars(inspection).items() if value is True} == found
    assert inspection.sha256 == hashlib.sha256(content).hexdigest()


def test_one_file_says_its_name_its_delimiter_and_its_headers_as_sent(
    inspect: Callable[..., TextInspection],
) -> None:
    inspection = inspect(b'\n ID ;"a;b,c,d,e";\n1;2;3\n')
    assert inspection.name == "export.csv"
    assert inspection.delimiter == ";"
    assert inspection.headers == (" ID ", "a;b,c,d,e", "")
    assert [part.header_lines for part in inspection.parts] == [2]


def test_a_folder_is_its_csv_files_in_the_order_of_their_names(
    tmp_path: Path, inspect: Callable[..., TextInspection]
) -> None:
    parts = {"b": b"ID,a\n3,4\n5,6\n", "a": b"\xef\xbb\xbfID,a\r\n1,2", "c": b"\nID,a\n"}
    for name in ("a.csv.crc", "_SUCCESS.csv", ".hidden.csv", "notes.txt"):
        (tmp_path / "export").mkdir(exist_ok=True)
        (tmp_path / "export" / name).write_text("no table")
    inspection = inspect(**parts)
    assert inspection.name == "export"
    assert inspection.rows == 3
    assert [Path(part.file.path).name for part in inspection.parts] == ["a.csv", "b.csv", "c.csv"]
    assert [(part.rows_before, part.rows) for part in inspection.parts] == [(0, 1), (1, 2), (3, 0)]
    whole = b"".join(content for _, content in sorted(parts.items()))
    assert inspection.sha256 == hashlib.sha256(whole).hexdigest()


def test_a_pattern_names_several_files_and_a_file_of_that_name_only_itself(tmp_path: Path) -> None:
    for name in ("a1.csv", "a2.tsv", "b.csv", "a[12].csv"):
        (tmp_path / name).write_text("ID,a\n1,2\n")
    (tmp_path / "folder[1]").mkdir()
    (tmp_path / "folder[1]" / "a.csv").write_text("ID,a\n1,2\n")
    assert inspect_text(f"{tmp_path}/a?.*").rows == 2
    assert inspect_text(f"{tmp_path}/a[12].csv").rows == 1
    assert inspect_text(f"{tmp_path}/folder[1]").rows == 1


def test_quotes_that_one_part_gives_a_meaning_and_another_does_not_are_irregular(
    inspect: Callable[..., TextInspection],
) -> None:
    assert inspect(a=b'ID,a\n1,"2"\n', b=b'ID,a\n1,5"\n').is_irregular
    assert not inspect(a=b'ID,a\n1,"2"\n', b=b"ID,a\n1,5\n").is_irregular


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty. Export it again, with a header."),
        (b"\xef\xbb\xbf\r\n\r\n", "the file is empty. Export it again, with a header."),
        (b"ID,Income\r\n", "there is a header but no row below it. Export it with rows."),
        (b"ID,Income\r\n\r\n  \r\n", "there is a header but no row below it. Export it with"),
        (b"ID\n1\n", "the header is one column ('ID'). Separate the columns by tab, comma, semi"),
        (b"ID|Income\n1|2\n", "the header is one column ('ID|Income'). Separate the columns by"),
        (b"ID,a,ID\n1,2,3\n", "the header names ['ID'] more than once. Rename one."),
        (b'ID,a," a"\n1,2,3\n', "the header names ['a'] more than once. Rename one."),
        (b"ID,, \n1,2,3\n", "columns [2, 3] have no name. Name or remove them."),
        (b"ID,row_number\n1,2\n", "['row_number'] are names that ingestion adds. Rename them."),
        (b"ID, as_of\n1,2\n", "['as_of'] are names that ingestion adds. Rename them."),
        (b'ID,"a\nb"\n1,2\n', 'a quote (") in the header is not closed on its line. Write the'),
        (b"ID,a\n1,2\n3,\xe9\n", "line 3 is not UTF-8 text. Save the file as UTF-8."),
        (b"ID,a\n1,2\n3,\xc3", "line 3 is not UTF-8 text. Save the file as UTF-8."),
        ("ID,a\n1,2\n".encode("utf-16"), "line 1 is not UTF-8 text. Save the file as UTF-8."),
        ("ID,a\n1,2\n".encode("utf-16-le"), "line 1 is not UTF-8 text. Save the file as UTF-8."),
        (b"ID,a\n1,2\nx\x00y,4\n", "line 3 is not UTF-8 text. Save the file as UTF-8."),
        (b"ID,a\r1,2\r3,\xe9\n", "line 1 is not UTF-8 text. Save the file as UTF-8."),
        (
            b"ID,a\n1,2,3\n4,5\n",
            "line 2 has more cells than the header, which has 2. Mend the file; put a cell that",
        ),
        (b"\nID,a\n\n1,2\n4,5,6\n", "line 5 has more cells than the header, which has 2."),
        (b"ID,a\n1,2,,4\n5,6,7,8\n", "line 2 has more cells than the header, which has 2."),
        (b"ID,a\n1,2, \n", "line 2 has more cells than the header, which has 2."),
        (b'ID,a\n1, "x,y"\n', "line 2 has more cells than the header, which has 2."),
        (b'ID,a\n1,"x\n\ny"\n2,"3",4\n', "line 5 has more cells than the header, which has 2."),
        (b"ID,a\r1,2\r3,4,5\r", "line 3 has more cells than the header, which has 2."),
        (b'ID,a\n1,"x\n2,3\n', 'a quote (") that opens in row 1 is never closed. Mend the file'),
        (b'ID,a\n1,x\n2,"', 'a quote (") that opens in row 2 is never closed. Mend the file'),
        (b'ID,a\n1,"x"y\n2,3\n4,"', 'a quote (") that opens in row 3 is never closed. Mend the'),
        (
            b'ID,a\n1,"x"y\n2,"' + b"3,4\n" * 40_000,
            'a quote (") that opens in row 2 is never closed. Mend the file',
        ),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(
    content: bytes, says: str, refusal: Callable[..., str]
) -> None:
    assert says in refusal(content)


ROW_END = "Shorten it; see that it has a line end, and that its quotes are closed."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (",".join(map(str, range(1_001))), "it has more than 1000 columns. Leave out those of no"),
        (",".join(map(str, range(1_000_000))), "it has more than 1000 columns. Leave out those"),
        ('"' + '","' * 1_000 + '"', "it has more than 1000 columns. Leave out those of no use."),
        ("ID," + "n" * 1_001, "the name of a column has more than 1000 bytes. Shorten it."),
        ("ID," + "é" * 501, "the name of a column has more than 1000 bytes. Shorten it."),
        ("ID," + "n" * 200_000, "the name of a column has more than 1000 bytes. Shorten it."),
        ("ID," + "n" * 2_000_000, "the header has more than 1048576 bytes. Shorten its names."),
        ("ID,a\n1,2\n3," + "x" * 65_537, "row 2 has a cell of more than 65536 bytes. Shorten it."),
        ("ID,a\n3," + "é" * 32_769, "row 1 has a cell of more than 65536 bytes. Shorten it."),
        ("ID,a\r1,2\r3," + "x" * 65_537, "row 2 has a cell of more than 65536 bytes. Shorten"),
        ("ID,a\r1,2\r3," + "x" * 200_000, "row 2 has a cell of more than 65536 bytes. Shorten"),
        ('ID,a\n1,"' + "x" * 200_000 + '"\n', "row 1 has a cell of more than 65536 bytes."),
        ("ID,a\n1," + "x" * 2_000_000, f"row 1 has more than 1048576 bytes. {ROW_END}"),
        ("ID,a\r1," + "x" * 2_000_000, f"row 1 has more than 1048576 bytes. {ROW_END}"),
        ('ID,a\n1,"' + "x\n" * 2_000_000, 'a quote (") that opens in row 1 is never closed.'),
    ],
)
def test_what_is_beyond_the_limits_is_refused_and_not_held(
    content: str, says: str, refusal: Callable[..., str]
) -> None:
    assert says in refusal(content.encode())


def test_a_row_of_several_cells_is_too_long_where_no_cell_is(
    refusal: Callable[..., str], inspect: Callable[..., TextInspection]
) -> None:
    header = ",".join(map(str, range(40))).encode()
    cells = [b"x" * 60_000] * 20
    message = refusal(header + b"\n" + b",".join(cells) + b"\n")
    assert f"row 1 has more than 1048576 bytes. {ROW_END}" in message
    found = inspect(header + b"\n" + b",".join(cells[:17]) + b"\n")
    assert found.longest == 17 * 60_001


def test_as_much_as_may_be_is_read(inspect: Callable[..., TextInspection]) -> None:
    header = ",".join(f"{number:0>1000}" for number in range(1_000)).encode()
    assert len(inspect(header + b"\n" + b"x" * 65_536 + b"\n").headers) == 1_000


@pytest.mark.parametrize("name", ADDED)
def test_no_header_may_have_a_name_that_ingestion_adds(
    name: str, refusal: Callable[..., str]
) -> None:
    assert name in refusal(f"ID,{name}\n1,2\n".encode())


@pytest.mark.parametrize(
    "other", [b"ID,b\n1,2\n", b"a,ID\n1,2\n", b"ID;a\n1;2\n", b"ID,a,b\n1,2,3\n"]
)
def test_parts_with_different_headers_are_refused_by_name(
    other: bytes, refusal: Callable[..., str]
) -> None:
    message = refusal(first=b"ID,a\n1,2\n", second=other)
    assert "second.csv: its header is not that of " in message
    assert "first.csv. Give all files of a source the same columns in the same order" in message


def test_a_part_that_is_ragged_or_empty_is_named(refusal: Callable[..., str]) -> None:
    assert "second.csv: line 2 has more cells" in refusal(
        first=b"ID,a\n1,2\n", second=b"ID,a\n1,2,3\n"
    )
    assert "second.csv: the file is empty." in refusal(first=b"ID,a\n1,2\n", second=b"")


@pytest.mark.parametrize(
    ("filepath", "says"),
    [
        ("none.csv", "none.csv: there is no such file. Set SEGMENTATION_SOURCE to the customers'"),
        ("part-*.csv", "part-*.csv: there is no such file. Set SEGMENTATION_SOURCE to the cus"),
        ("folder", "folder: the folder holds no *.csv file. Set SEGMENTATION_SOURCE to the cus"),
    ],
)
def test_a_source_that_is_not_there_is_named_with_where_to_set_it(
    filepath: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError) as caught:
        inspect_text(str(tmp_path / filepath))
    assert says in str(caught.value)


def test_a_character_that_two_blocks_share_is_text(
    inspect: Callable[..., TextInspection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_inspection, "_BLOCK", 8)
    assert inspect("ID,a\n1,éé€\n2,€€€€€€€\n".encode()).rows == 2


def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_inspection, "_BLOCK", 1 << 14)
    path = tmp_path / "export.csv"
    row = ",".join(str(number) for number in range(30)) + "\r\n"
    path.write_text(row * 50_001)
    tracemalloc.start()
    try:
        assert inspect_text(str(path)).rows == 50_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 4
