"""Files of some kB that unfold to GB, and text that a spreadsheet would run, posted as jobs."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.security.test_heads import worked
from tests.serving.jobs.posting import (
    CSV,
    HEADER,
    LINES,
    PARQUET,
    done,
    ended,
    fetched,
    post,
    workers_of,
)
from tests.serving.process import ServerProcess
from tests.sources.made import as_zip

ROW = "1960,Single,5,0,0"
RIGHT = {"Year_Birth": 1960, "Marital_Status": "Single", "Income": 5, "Kidhome": 0, "Teenhome": 0}
COLUMNS = 1_000_000
MANY = 100_000
# The cap of `job_memory` is above; none of these comes near it.
MAX_MEMORY = 1_200_000_000


@contextmanager
def peaks(server: ServerProcess) -> Iterator[list[int]]:
    """The most memory that any worker held at once, in a list of one."""
    peak, is_over = [0], threading.Event()

    def look() -> None:
        while not is_over.wait(0.02):
            for pid in workers_of(server.process.pid):
                status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
                found = [line.split()[1] for line in status.splitlines() if "VmHWM" in line]
                peak[0] = max(peak[0], *(1024 * int(kilobytes) for kilobytes in found), 0)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peak
    finally:
        is_over.set()
        looking.join()


def work_of(server: ServerProcess) -> float:
    """The processor's seconds of the server and its workers so far."""
    return sum(map(worked, [server.process.pid, *workers_of(server.process.pid)]))


def table(rows: int, **columns: Any) -> bytes:
    """Customers in Parquet, with these columns beside what the model needs."""
    written = io.BytesIO()
    every = {name: [value] * rows for name, value in RIGHT.items()}
    # Without Arrow's own schema a column of `alike` is read as plain text, like any other's file.
    parquet.write_table(
        pa.table({**every, **columns}), written, compression="zstd", store_schema=False
    )
    return written.getvalue()


def alike(rows: int, cell: str) -> pa.DictionaryArray:
    """A column that holds one cell again and again, which is kept here but once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), [cell])


def refused(client: httpx.Client, content: Any, kind: str, seconds: float = 60.0) -> str:
    job = ended(client, post(client, content, kind).json(), seconds)
    assert job["state"] == "failed", job
    return str(job["message"])


def test_a_million_columns_are_refused_before_anything_is_asked_of_their_names(
    server: ServerProcess, client: httpx.Client
) -> None:
    header = ",".join(f"c{number}" for number in range(COLUMNS))
    before = work_of(server)
    message = refused(client, f"{header}\n1,2\n".encode(), CSV)
    assert message == "the file: it has more than 1000 columns. Leave out those of no use."
    assert work_of(server) - before < 5.0


@pytest.mark.parametrize("kind", [LINES, PARQUET])
def test_other_formats_have_the_same_limit_of_columns(client: httpx.Client, kind: str) -> None:
    names = [f"c{number}" for number in range(1_001)]
    if kind == LINES:
        content = json.dumps(dict.fromkeys(names, 1)).encode()
    else:
        content = table(1, **{name: ["x"] for name in names})
    assert "more than 1000" in refused(client, content, kind)


def test_a_thousand_columns_are_read(client: httpx.Client) -> None:
    more = [f"c{number}" for number in range(994)]
    content = f"{HEADER},{','.join(more)}\n1,{ROW},{','.join(more)}\n"
    assert done(client, content.encode())["rows_done"] == 1


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("x" * 70_000 + f",{ROW}\n", "row 1 has a cell of more than 65536 bytes"),
        ('"' + "x\n" * 40_000 + f'",{ROW}\n', "row 1 has a cell of more than 65536 bytes"),
        ("x" * 3_000_000, "row 1 has more than 1048576 bytes"),
        (f"1,{ROW}\r2," + "x" * 70_000, "row 2 has a cell of more than 65536 bytes"),
        (f"1,{ROW}\r2," + " " * 3_000_000, "row 2 has more than 1048576 bytes"),
        ('1,"' + f"1,{ROW}\n" * 300_000, 'a quote (") that opens in row 1 is never closed'),
    ],
    ids=["cell", "cell of lines", "no line end", "lone returns", "no end of them", "quote"],
)
def test_long_cells_and_rows_of_csv_are_refused(
    client: httpx.Client, cells: str, says: str
) -> None:
    assert says in refused(client, f"{HEADER}\n{cells}".encode(), CSV)


def test_a_long_name_is_refused_in_every_format(client: httpx.Client) -> None:
    name = "n" * 1_001
    files = {
        CSV: f"ID,{name}\n1,2\n".encode(),
        LINES: json.dumps({"ID": 1, name: 2}).encode(),
        PARQUET: table(1, **{name: ["x"]}),
    }
    for kind, content in files.items():
        assert "name of a column has more than 1000 bytes" in refused(client, content, kind)


def test_long_cells_of_json_and_parquet_are_refused(client: httpx.Client) -> None:
    cell = "x" * 70_000
    line = json.dumps({**RIGHT, "ID": cell}).encode()
    assert "line 1: 'ID' has more than 65536 bytes" in refused(client, line, LINES)
    rows = table(1, ID=[cell])
    assert "column 'ID' has more than 65536 bytes" in refused(client, rows, PARQUET)


def test_a_long_description_of_parquet_is_not_read(client: httpx.Client) -> None:
    content = b"PAR1" + bytes(100) + (1 << 30).to_bytes(4, "little") + b"PAR1"
    assert "its footer has more than" in refused(client, content, PARQUET)


def test_a_number_of_rows_that_cannot_be_costs_no_job(client: httpx.Client) -> None:
    """As compact Thrift writes it; the job's row was taken for damaged, and removed."""
    five, below_0 = b"\x16\x0a", b"\x16\x09"
    content = table(5, ID=["1"] * 5).replace(five, below_0)
    assert "its data cannot be read" in refused(client, content, PARQUET)


def test_text_of_parquet_that_is_no_utf8_is_refused(client: httpx.Client) -> None:
    """Polars takes it as it is, and reads on behind its end."""
    written = io.BytesIO()
    every = {name: [value] for name, value in RIGHT.items()}
    parquet.write_table(pa.table({**every, "ID": ["some-text"]}), written, compression="none")
    content = written.getvalue().replace(b"some-text", b"some-tex\xf4")
    assert "Invalid UTF8" in refused(client, content, PARQUET)


def test_an_archive_of_thousands_of_files_is_refused_at_once(
    server: ServerProcess, client: httpx.Client
) -> None:
    """Its list was read again for each of them."""
    files = {f"f{number}__csv": f"{HEADER}\n1,{ROW}\n".encode() for number in range(5_000)}
    before = work_of(server)
    assert "5000 files and folders" in refused(client, as_zip(**files), "application/zip")
    assert work_of(server) - before < 10.0


def test_an_encoding_that_takes_no_text_is_refused(client: httpx.Client) -> None:
    assert post(client, ROW.encode(), f"{CSV}; charset=undefined").status_code == 415


@pytest.mark.security
def test_a_nested_column_does_not_hide_the_size_of_those_behind_it(client: httpx.Client) -> None:
    nested = pa.array([{f"part{number}": 1 for number in range(20)}])
    written = io.BytesIO()
    cell = ["i" * 300_000_000]
    every = {name: [value] for name, value in RIGHT.items()}
    parquet.write_table(pa.table({"x": nested, **every, "ID": cell}), written, compression="zstd")
    assert "column 'ID' takes 3000000" in refused(client, written.getvalue(), PARQUET)


def test_columns_of_no_use_are_not_read_and_their_cells_not_told(client: httpx.Client) -> None:
    rows = table(2, ID=["1", ""], remark=["x" * 5_000_000] * 2)
    job = done(client, rows, PARQUET)
    assert (job["rows_done"], job["rows_rejected"]) == (2, 1)
    rejected = pl.read_parquet(fetched(client, job, "rejected"))
    assert rejected["reasons"].to_list() == ["customer_id: missing"]
    assert [name for name in rejected.columns if name.startswith("sent_")] == [
        "sent_Year_Birth",
        "sent_Marital_Status",
        "sent_Income",
        "sent_Kidhome",
        "sent_Teenhome",
        "sent_ID",
    ]


@pytest.mark.security
@pytest.mark.parametrize("attack", ["cell", "page", "ids", "remarks"])
def test_parquet_of_some_kilobytes_does_not_take_the_workers_memory(
    server: ServerProcess, client: httpx.Client, attack: str
) -> None:
    content = {
        "cell": lambda: table(1, ID=["i" * 500_000_000]),
        "page": lambda: table(1, ID=["i" * 200_000_000]),
        "ids": lambda: table(MANY, ID=alike(MANY, "i" * 60_000)),
        "remarks": lambda: table(
            MANY, ID=[str(number) for number in range(MANY)], remark=alike(MANY, "i" * 20_000)
        ),
    }[attack]()
    assert len(content) < 300_000
    with peaks(server) as peak:
        job = ended(client, post(client, content, PARQUET).json())
        says = {
            "cell": "column 'ID' takes 5000000",
            "page": "a cell of column 'ID' has more than 65536 bytes",
        }
        assert says.get(attack, "") in job.get("message", ""), job
        assert job["state"] == ("failed" if attack in says else "done")
        assert done(client, f"{HEADER}\n1,{ROW}\n".encode())["rows_done"] == 1
    assert 0 < peak[0] < MAX_MEMORY


@pytest.mark.security
def test_a_cell_of_500_megabytes_of_csv_is_not_held(
    server: ServerProcess, client: httpx.Client
) -> None:
    def pieces() -> Iterator[bytes]:
        yield f"{HEADER}\n1,1960,Single,5,0,".encode()
        for _ in range(500):
            yield b"x" * 1_000_000

    with peaks(server) as peak:
        assert "row 1 has more than 1048576 bytes" in refused(client, pieces(), CSV)
    assert 0 < peak[0] < MAX_MEMORY


@pytest.mark.security
def test_many_names_and_a_million_empty_objects_are_answered_in_bounded_memory(
    server: ServerProcess, client: httpx.Client
) -> None:
    names = {f"n{number}": 1 for number in range(900)}
    first = json.dumps({**names, **RIGHT, "ID": "1"}).encode()
    with peaks(server) as peak:
        job = done(client, first + b"\n{}" * 1_000_000, LINES)
    assert job["rows_rejected"] == 1_000_000
    assert 0 < peak[0] < MAX_MEMORY
    client.delete(f"/v1/jobs/{job['id']}")


UNSEEN = {
    "zero-width space": "\u200b",
    "byte-order mark": "\ufeff",
    "space": " ",
    "no-break space": "\u00a0",
    "ideographic space": "\u3000",
    "tab": "\t",
    "control": "\x01",
    "soft hyphen": "\u00ad",
    "right-to-left": "\u202e",
    "word joiner": "\u2060",
    "variation selector": "\ufe0f",
    "Hangul filler": "\u3164",
    "tag": "\U000e0001",
    "Braille": "\u2800",
    "several": " \u200b\u00a0\ufeff",
}


def test_what_is_not_seen_before_a_formula_does_not_keep_it_from_being_defused(
    client: httpx.Client,
) -> None:
    cells = [f"{before}{sign}1+1" for before in UNSEEN.values() for sign in "=+-@\uff1d\ufe66"]
    wrong = [f'"k{number}{cell}",x,Single,5,0,0' for number, cell in enumerate(cells)]
    sent = [f'1,"{cell}",Single,5,0,0' for cell in cells]
    keys = [f'"{cell}",{ROW}' for cell in cells]
    job = done(client, "\n".join([HEADER, *keys, *sent, *wrong]).encode())
    results = pl.read_csv(fetched(client, job, "results"), infer_schema=False)
    assert results["customer_id"].str.starts_with("'").all()
    assert len(results) == len(cells)
    rejected = pl.read_csv(fetched(client, job, "rejected"), infer_schema=False)
    assert rejected["sent_Year_Birth"].head(len(cells)).to_list() == [f"'{cell}" for cell in cells]
    # What stands before is seen: such a cell is text.
    assert not rejected["sent_ID"].tail(len(cells)).str.starts_with("'").any()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_formula_behind_a_separator_in_a_cell_is_defused(
    client: httpx.Client, separator: str
) -> None:
    """A spreadsheet may split at another separator than the file's."""
    cells = ["x;=1", "x,=1", "x\t=1", "x\r=1", "x\n@y", 'x;"=1', "x; \u200b-a", "1,x|+a"]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    rows = [[cell, *ROW.split(",")] for cell in quoted]
    lines = [HEADER.split(","), *rows, ['"plain; text"', *ROW.split(",")]]
    job = done(client, "\n".join(separator.join(line) for line in lines).encode())
    text = fetched(client, job, "results")
    found = pl.read_csv(text, infer_schema=False, separator=separator)["customer_id"].to_list()
    safe = [re.sub("([=+@-])", r"'\1", cell) for cell in cells]
    assert found == [*safe, "plain; text"]


def test_numbers_stay_numbers_and_no_header_is_a_formula(client: httpx.Client) -> None:
    header = "ID,Year_Birth,Marital_Status,Income,=cmd,\u200b@x,Kidhome, Teenhome"
    content = f"{header}\n-5,1960,Single, -7 ,=1,=2,0,0\n"
    job = done(client, content.encode())
    text = fetched(client, job, "rejected").decode()
    assert "sent_Teenhome" in text
    assert "cmd" not in text
    for name in text.splitlines()[0].split(","):
        assert name[0].isalpha()
    rejected = pl.read_csv(text.encode(), infer_schema=False)
    assert rejected["customer_id"].to_list() == ["-5"]
    assert rejected["sent_Income"].to_list() == [" -7 "]
