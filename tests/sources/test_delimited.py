"""Delimited text as it is landed: what is read, and what is refused with what to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from customer_segmentation.customers.quarantine import ADDED
from customer_segmentation.errors import UserError
from customer_segmentation.sources import content as content_module
from customer_segmentation.sources import delimited, landing
from customer_segmentation.sources.cells import Cells
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.delimited import delimited_cells
from customer_segmentation.sources.header import read_header
from customer_segmentation.sources.landed import METADATA, Landed
from customer_segmentation.sources.landing import land


@pytest.fixture
def landed(tmp_path: Path) -> Callable[..., Landed]:
    """A file's bytes, or those of a folder's files -> what was landed of them."""

    def one(content: bytes | None = None, **parts: bytes) -> Landed:
        source = tmp_path / ("export.csv" if content is not None else "export")
        if content is not None:
            source.write_bytes(content)
        else:
            source.mkdir(exist_ok=True)
        for name, part in parts.items():
            (source / f"{name}.csv").write_bytes(part)
        return land(str(source), str(tmp_path / "landed" / "source.parquet"))

    return one


@pytest.fixture
def refusal(landed: Callable[..., Landed], tmp_path: Path) -> Callable[..., str]:
    """The same -> the message of the error, which names the file; nothing is landed."""

    def message(content: bytes | None = None, **parts: bytes) -> str:
        with pytest.raises(UserError) as caught:
            landed(content, **parts)
        assert "export" in str(caught.value).split(": ")[0]
        assert not list((tmp_path / "landed").glob("*"))
        return str(caught.value)

    return message


def rows_of(content: bytes) -> list[list[str]]:
    """A file's cells by Arrow, as far as it goes."""
    cells = delimited_cells(Content("export.csv", partial(pa.BufferReader, content)))
    batches = cells.batches(cells.headers)
    return [list(row.values()) for batch in batches for row in batch.to_pylist()]


def test_a_folder_is_read_in_the_order_of_the_names_and_every_other_entry_is_named(
    tmp_path: Path, landed: Callable[..., Landed]
) -> None:
    parts = {"b": b"ID,a\n3,4\n5,6\n", "a": b"\xef\xbb\xbfID,a\r\n1,2", "c": b"\nID,a\n"}
    folder = tmp_path / "export"
    folder.mkdir()
    for name in ("a.csv.crc", "_SUCCESS.csv", ".hidden.csv", "notes.txt", "d.bak"):
        (folder / name).write_text("no table")
    (folder / "2013").mkdir()
    found = landed(**parts)
    assert (found.name, found.rows) == ("export", 3)
    assert [(Path(name).name, rows) for name, rows in found.files] == [
        ("a.csv", 1),
        ("b.csv", 2),
        ("c.csv", 0),
    ]
    skipped = {Path(name).name: why for name, why in found.skipped}
    assert set(skipped) == {
        *("a.csv.crc", "_SUCCESS.csv", ".hidden.csv", "notes.txt", "d.bak", "2013")
    }
    assert skipped["2013"] == "it is a folder"
    assert "the header is one column" in skipped["notes.txt"]
    whole = b"".join(content for _, content in sorted(parts.items()))
    assert found.sha256 == hashlib.sha256(whole).hexdigest()


def test_a_folder_with_capital_endings_and_text_files_is_read_whole(
    tmp_path: Path, landed: Callable[..., Landed]
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    for name in ("A.CSV", "b.csv", "c.txt", "D.Tsv"):
        (folder / name).write_text("ID,a\n1,2\n")
    assert (landed().rows, landed().skipped) == (4, ())
    (folder / "b.txt").write_text("ID,other\n1,2\n")
    found = landed()
    assert found.rows == 4
    assert [Path(name).name for name, _ in found.skipped] == ["b.txt"]
    assert "its header is not that of" in found.skipped[0][1]


def test_a_pattern_names_several_files_and_a_file_of_that_name_only_itself(tmp_path: Path) -> None:
    for name in ("a1.csv", "a2.dat", "b.csv", "a[12].csv"):
        (tmp_path / name).write_text("ID,a\n1,2\n")
    (tmp_path / "folder[1]").mkdir()
    (tmp_path / "folder[1]" / "a.csv").write_text("ID,a\n1,2\n")
    target = str(tmp_path / "landed.parquet")
    assert land(f"{tmp_path}/a?.*", target).rows == 2
    assert land(f"{tmp_path}/a[12].csv", target).rows == 1
    assert land(f"{tmp_path}/folder[1]", target).rows == 1


@pytest.mark.parametrize(
    ("content", "headers", "rows"),
    [
        (b"sep=;\nID;a,b\n1;2,5\n", ["ID", "a,b"], [["1", "2,5"]]),
        (b'\xef\xbb\xbf"sep=|"\r\nID|a,b,c\r\n1|2\r\n', ["ID", "a,b,c"], [["1", "2"]]),
        (b"SEP=\t\nID\ta;b;c\n1\t2\n", ["ID", "a;b;c"], [["1", "2"]]),
        (b"ID|a\n1|2\n", ["ID", "a"], [["1", "2"]]),
        (b"ID,a,,,\n1,2,,,\n3,4,,,\n", ["ID", "a"], [["1", "2"], ["3", "4"]]),
        (b'\n ID ;"a;b,c,d,e";\n1;2;3\n', [" ID ", "a;b,c,d,e", ""], [["1", "2", "3"]]),
    ],
)
def test_the_delimiter_is_declared_by_the_first_line_or_found_in_the_header(
    content: bytes, headers: list[str], rows: list[list[str]]
) -> None:
    cells = delimited_cells(Content("export.csv", partial(pa.BufferReader, content)))
    assert list(cells.headers) == headers
    assert rows_of(content) == rows


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-8"]
)
def test_unicode_with_a_byte_order_mark_is_read(encoding: str) -> None:
    mark = "\ufeff" if encoding.endswith("e") else ""
    text = f"{mark}ID,n\u00e4me\n1,\u20ac \U0001f600\n" + "2,x\n" * 300_000
    rows = rows_of(text.encode(encoding))
    assert rows[0] == ["1", "\u20ac \U0001f600"]
    assert len(rows) == 300_001


def test_another_encoding_is_read_where_it_is_declared(tmp_path: Path) -> None:
    source, target = tmp_path / "export.csv", str(tmp_path / "landed.parquet")
    source.write_bytes("ID,n\u00e4me\n1,\u20ac\n".encode("cp1252"))
    with pytest.raises(UserError, match=r"line 1 is not UTF-8.*cp1252.*SEGMENTATION_ENCODING"):
        land(str(source), target)
    assert land(str(source), target, encoding="cp1252").headers == ("ID", "n\u00e4me")
    source.write_bytes(b"ID,a\n1,\x81\n")
    with pytest.raises(UserError, match="byte 7 is no text in cp1252"):
        land(str(source), target, encoding="cp1252")


def test_rows_that_end_early_are_told_with_their_number_and_a_line(
    landed: Callable[..., Landed], tmp_path: Path
) -> None:
    found = landed(b"ID,a,b\n1,2,3\n4\n5,6,7\n8,9\n")
    stored = parquet.read_metadata(tmp_path / "landed" / "source.parquet").metadata
    assert json.loads(stored[METADATA.encode()]) == json.loads(json.dumps(asdict(found)))
    (note,) = found.notes
    assert note.endswith(
        "export.csv: 2 rows had fewer cells than the header, the first in line 3: "
        "the last ones were taken as empty."
    )


@settings(max_examples=300)
@given(
    text=st.one_of(
        st.text('ab,;\t"\n\r \u00e9', max_size=60),
        st.text('a,"\n\r ', max_size=60),
        st.lists(st.sampled_from(['"x\r\ny"', "a", '""', '"', "", " ", 'b"c']), max_size=30).map(
            lambda cells: "\n".join(
                f"{a},{b}" for a, b in zip(cells[::2], cells[1::2], strict=False)
            )
        ),
    ),
    block=st.sampled_from([4, 7, 16, 1 << 22]),
)
def test_arrow_and_the_csv_module_read_the_same_or_refuse_the_same(text: str, block: int) -> None:
    content = f"ID,a\n{text}".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_BLOCK", block)
        file = Content("export.csv", partial(pa.BufferReader, content))
        try:
            expected = list(delimited._Reader(file, read_header(file.name, content)).rows())
        except UserError as error:
            with pytest.raises(UserError) as caught:
                rows_of(content)
            assert str(caught.value) == str(error)  # noqa: PT017 - either is right
        else:
            assert rows_of(content) == expected


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty. Export it again, with a header."),
        (b"\xef\xbb\xbf\r\n\r\n", "the file is empty. Export it again, with a header."),
        (b"ID,Income\r\n", "there is a header but no row below it. Export it with rows."),
        (b"ID,Income\r\n\r\n  \r\n", "there is a header but no row below it. Export it with"),
        (b"ID\n1\n", "the header is one column ('ID'). Separate the columns by tab, comma, semi"),
        (b"ID:Income\n1:2\n", "the header is one column ('ID:Income'). Separate the columns by"),
        (b"sep=:\nID:a\n1:2\n", "its first line declares the delimiter ':'. Use tab, comma, sem"),
        (b"sep=;\nID,a\n1,2\n", "the header is one column ('ID,a'). Separate the columns by"),
        (b"sep=;\n", "the file is empty. Export it again, with a header."),
        (b"ID,a,ID\n1,2,3\n", "the header names ['ID'] more than once. Rename one."),
        (b'ID,a," a"\n1,2,3\n', "the header names ['a'] more than once. Rename one."),
        (b",ID,,a\n1,2,3,4\n", "columns [1, 3] have no name. Name or remove them."),
        (b"ID,a,, \n1,2,3,\n", "line 2 has more cells than the header, which has 2."),
        (b"ID,a,,\n1,2,,\n1,2\n", "the rows are to end in 2 empty cells beyond the header, and l"),
        (b"ID,row_number\n1,2\n", "['row_number'] are names that ingestion adds. Rename them."),
        (b"ID, as_of\n1,2\n", "['as_of'] are names that ingestion adds. Rename them."),
        (b'ID,"a\nb"\n1,2\n', 'a quote (") in the header is not closed on its line. Write the'),
        (b"ID,a\n1,2\n3,\xe9\n", "line 3 is not UTF-8 text. Save the file as UTF-8, or"),
        (b"ID,a\n1,2\n3,\xc3", "line 3 is not UTF-8 text. Save the file as UTF-8, or"),
        ("ID,a\n1,2\n".encode("utf-16-le"), "line 1 is not UTF-8 text. Save the file as UTF-8, or"),
        (b"ID,a\n1,2\nx\x00y,4\n", "line 3 is not UTF-8 text. Save the file as UTF-8, or"),
        (b"ID,a\r1,2\r3,\xe9\n", "line 3 is not UTF-8 text. Save the file as UTF-8, or"),
        (
            b"ID,a\n1,2,3\n4,5\n",
            "line 2 has more cells than the header, which has 2. Mend the file; put a cell that",
        ),
        (b"\nID,a\n\n1,2\n4,5,6\n", "line 5 has more cells than the header, which has 2."),
        (b"ID,a\n1,2,,4\n5,6,7,8\n", "line 2 has more cells than the header, which has 2."),
        (b"ID,a\n1,2, \n", "line 2 has more cells than the header, which has 2."),
        (b"ID,a\n1,2\n3,4,\n", "line 3 has more cells than the header, which has 2."),
        (b"ID,a\n1,58,5\n3,4,\n", "line 2 has more cells than the header, which has 2."),
        (
            b"ID,a\n1,2,\n3,4,,\n",
            "the rows are to end in 1 empty cell beyond the header, and line",
        ),
        (
            b"ID,a\n1,2,\n3,4\n",
            "the rows are to end in 1 empty cell beyond the header, and line",
        ),
        (b"ID,a\n1,2,,\n3\n", "the rows are to end in 2 empty cells beyond the header, and l"),
        (b"ID,a\n1,2,\n3,4,5\n", "line 3 has more cells than the header, which has 2."),
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
    refusal: Callable[..., str], landed: Callable[..., Landed]
) -> None:
    header = ",".join(map(str, range(40))).encode()
    cells = [b"x" * 60_000] * 20
    message = refusal(header + b"\n" + b",".join(cells) + b"\n")
    assert f"row 1 has more than 1048576 bytes. {ROW_END}" in message
    assert landed(header + b"\n" + b",".join(cells[:17]) + b"\n").rows == 1


def test_as_much_as_may_be_is_read(landed: Callable[..., Landed]) -> None:
    header = ",".join(f"{number:0>1000}" for number in range(1_000)).encode()
    assert len(landed(header + b"\n" + b"x" * 65_536 + b"\n").headers) == 1_000


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
        ("folder", "folder: the folder holds no file with a name that ends in .csv, .tsv, .tab"),
    ],
)
def test_a_source_that_is_not_there_is_named_with_where_to_set_it(
    filepath: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError) as caught:
        land(str(tmp_path / filepath), str(tmp_path / "landed.parquet"))
    assert says in str(caught.value)


@pytest.mark.parametrize("block", [3, 8])
def test_a_character_that_two_blocks_share_is_text(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_module, "_BLOCK", block)
    rows = [["1", "\u00e9\u00e9\u20ac"], ["2", "\u20ac" * 7]]
    text = "ID,a\n" + "".join(f"{','.join(row)}\n" for row in rows)
    assert rows_of(text.encode()) == rows
    assert rows_of(text.encode("utf-16")) == rows


def test_a_file_that_changes_while_it_is_landed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target = tmp_path / "export.csv", tmp_path / "landed.parquet"
    path.write_text("ID,a\n1,2\n3,4\n")
    land(str(path), str(target))
    before = target.read_bytes()
    monkeypatch.setattr(landing, "open_cells", partial(changed, path))
    with pytest.raises(UserError, match=r"export\.csv: it was changed while it was read"):
        land(str(path), str(target))
    assert target.read_bytes() == before


def changed(path: Path, content: Content, _: object) -> Cells:
    path.write_text("ID,a\n1,2\n")
    return delimited_cells(content)
