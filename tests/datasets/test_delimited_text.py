"""A delimited text file: every cell as it was sent, or an error that says what to do."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DatasetError

from customer_segmentation.customers.quarantine import ADDED, PROVENANCE
from customer_segmentation.datasets.delimited_text import DelimitedTextDataset
from customer_segmentation.errors import UserError

Cells = list[list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Callable[[bytes], pd.DataFrame]:
    """A file's bytes -> the table."""

    def table(content: bytes) -> pd.DataFrame:
        path = tmp_path / "export.csv"
        path.write_bytes(content)
        return DelimitedTextDataset(filepath=str(path)).load()

    return table


@pytest.fixture
def cells(load: Callable[[bytes], pd.DataFrame]) -> Callable[[bytes], Cells]:
    """A file's bytes -> the header and the cells of each row."""

    def listed(content: bytes) -> Cells:
        table = load(content).drop(columns=[*PROVENANCE])
        return [list(table.columns), *table.to_numpy().tolist()]

    return listed


@pytest.fixture
def refusal(load: Callable[[bytes], pd.DataFrame]) -> Callable[[bytes], str]:
    """A file's bytes -> the message of the error, which names the file."""

    def message(content: bytes) -> str:
        with pytest.raises(DatasetError) as caught:
            load(content)
        assert isinstance(caught.value.__cause__, UserError)
        text = str(caught.value.__cause__)
        assert "export.csv: " in text
        return text

    return message


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"], ids=["tab", "comma", "semicolon"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "mark"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "unended"])
def test_delimiter_line_ends_and_byte_order_mark_are_recognised(
    delimiter: str, line_end: str, mark: str, last: object, cells: Callable[[bytes], Cells]
) -> None:
    rows = [["ID", "Income"], ["1", "2"], ["3", "4"]]
    text = mark + line_end.join(delimiter.join(row) for row in rows) + line_end * bool(last)
    assert cells(text.encode()) == rows


def test_the_delimiter_is_the_one_that_stands_most_often_in_the_header(
    cells: Callable[[bytes], Cells],
) -> None:
    assert cells(b"ID;a,b;c\n1;2,3;4\n") == [["ID", "a,b", "c"], ["1", "2,3", "4"]]


def test_a_delimiter_in_a_quoted_header_does_not_count(cells: Callable[[bytes], Cells]) -> None:
    assert cells(b'ID;"a,b,c,d"\n1;2\n') == [["ID", "a,b,c,d"], ["1", "2"]]
    assert cells(b'"x,y","z,y"\n1,2\n') == [["x,y", "z,y"], ["1", "2"]]


def test_cells_and_headers_are_exactly_as_sent(cells: Callable[[bytes], Cells]) -> None:
    rows = [
        [" ID ", "Note", "\xa0x", "y"],
        ["  007 ", "NA", "null", "1e999"],
        ["", "\u2028", "'", "nan"],
        ["+1.50", '5"', "TRUE", "01-02-2013"],
    ]
    text = "\n".join("\t".join(row) for row in rows)
    assert cells(text.encode()) == rows


def test_a_quoted_cell_may_hold_delimiters_line_ends_and_quotes(
    cells: Callable[[bytes], Cells],
) -> None:
    content = b'"ID","Note"\r\n1,"a,b"\r\n2,"say ""hi"""\r\n3,"two\nlines"\r\n'
    assert cells(content)[1:] == [["1", "a,b"], ["2", 'say "hi"'], ["3", "two\nlines"]]


def test_a_row_that_ends_early_has_empty_cells(cells: Callable[[bytes], Cells]) -> None:
    assert cells(b"ID,a,b\n1\n2,x\n3,x,y\n")[1:] == [["1", "", ""], ["2", "x", ""], ["3", "x", "y"]]


def test_delimiters_at_the_end_of_every_row_lose_nothing(cells: Callable[[bytes], Cells]) -> None:
    assert cells(b"ID,a\n1,2,\n3,4,\n") == [["ID", "a"], ["1", "2"], ["3", "4"]]


def test_a_row_of_nothing_but_delimiters_is_a_row_and_a_blank_line_is_none(
    cells: Callable[[bytes], Cells],
) -> None:
    assert cells(b"\nID\ta\n\n1\t2\n\t\n   \n3\t4\n\n")[1:] == [["1", "2"], ["", ""], ["3", "4"]]


def test_every_row_says_where_it_came_from(load: Callable[[bytes], pd.DataFrame]) -> None:
    content = b"\xef\xbb\xbfID,a\n7,x\n7,x\n"
    table = load(content)
    assert list(table.columns) == ["ID", "a", "source_name", "source_sha256", "row_number"]
    assert table["row_number"].tolist() == [1, 2]
    assert set(table["source_name"]) == {"export.csv"}
    assert set(table["source_sha256"]) == {hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty. Export it again, with a header."),
        (b"\xef\xbb\xbf\r\n\r\n", "the file is empty. Export it again, with a header."),
        (b"ID,Income\r\n", "there is a header but no row below it. Export it with rows."),
        (b"ID\n1\n", "the header is one column ('ID'). Separate the columns by tab, comma, semi"),
        (b"ID|Income\n1|2\n", "the header is one column ('ID|Income'). Separate the columns by"),
        (b"ID,a,ID\n1,2,3\n", "the header names ['ID'] more than once. Rename one."),
        (b'ID,a," a"\n1,2,3\n', "the header names ['a'] more than once. Rename one."),
        (b"ID,row_number\n1,2\n", "['row_number'] are names that ingestion adds. Rename them."),
        (b"ID, as_of\n1,2\n", "['as_of'] are names that ingestion adds. Rename them."),
        (b"ID,a\n1,2\n3,\xe9\n", "line 3 is not UTF-8 text. Save the file as UTF-8."),
        ("ID,a\n1,2\n".encode("utf-16"), "line 1 is not UTF-8 text. Save the file as UTF-8."),
        ("ID,a\n1,2\n".encode("utf-16-le"), "line 1 is not UTF-8 text. Save the file as UTF-8."),
        (b"ID,a\n1,2\nx\x00y,4\n", "line 3 is not UTF-8 text. Save the file as UTF-8."),
        (b'ID,a\n\rb\r\r,\ra"\r\rb\r " ', "possible malformed input file. Mend the file"),
        (
            b"ID,a\n1,2,3\n4,5\n",
            "line 2 has more cells than the header, which has 2. Mend the file",
        ),
        (
            b"ID,a\n1,2\n4,5,6\n",
            "line 3 has more cells than the header, which has 2. Mend the file",
        ),
        (
            b"ID,a\n1,2,3,4\n5,6,7,8\n",
            "line 2 has more cells than the header, which has 2. Mend the file",
        ),
        (b'ID,a\n1, "x,y"\n', "line 2 has more cells than the header, which has 2. Mend the file"),
        (b'ID,a\n1,"x\n2,3\n', 'a quote (") that opens in row 1 is never closed. Mend the file'),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(
    content: bytes, says: str, refusal: Callable[[bytes], str]
) -> None:
    assert says in refusal(content)


@pytest.mark.parametrize("name", ADDED)
def test_no_header_may_have_a_name_that_ingestion_adds(
    name: str, refusal: Callable[[bytes], str]
) -> None:
    assert name in refusal(f"ID,{name}\n1,2\n".encode())


def test_a_missing_file_is_named_with_where_to_set_it(tmp_path: Path) -> None:
    dataset = DelimitedTextDataset(filepath=str(tmp_path / "none.csv"))
    assert not dataset.exists()
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, UserError)
    assert "none.csv: there is no such file. Set SEGMENTATION_SOURCE" in str(caught.value.__cause__)


def test_a_source_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("ID,a\n1,2\n")
    with pytest.raises(DatasetError) as caught:
        DelimitedTextDataset(filepath=str(path)).save(pd.DataFrame())
    assert isinstance(caught.value.__cause__, (UserError, DatasetError))
    assert path.read_text() == "ID,a\n1,2\n"


def test_a_preview_shows_the_first_rows(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("ID,a\n" + "1,2\n" * 9)
    preview = DelimitedTextDataset(filepath=str(path), metadata={"kedro-viz": {}}).preview(3)
    assert len(preview["data"]) == 3


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
    table = DelimitedTextDataset(filepath=str(path)).load()
    assert table[["ID", "a", "b"]].to_numpy().tolist() == rows


@settings(max_examples=100)
@given(
    content=st.one_of(
        st.binary(max_size=40),
        st.text('ab,;\t"\n\r \0é', max_size=40).map(lambda text: f"ID,a\n{text}".encode()),
    )
)
def test_any_bytes_are_a_table_or_an_error_that_names_the_file(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("arbitrary") / "export.csv"
    path.write_bytes(content)
    try:
        table = DelimitedTextDataset(filepath=str(path)).load()
    except DatasetError as error:
        assert isinstance(error.__cause__, UserError), content  # noqa: PT017 - either is right
        assert "export.csv: " in str(error.__cause__)  # noqa: PT017
    else:
        assert not table.isna().any().any()
