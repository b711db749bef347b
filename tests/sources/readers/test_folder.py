"""A landing folder: each file once, in order, and a stated answer to whatever else lies there."""

from __future__ import annotations

import gzip
import itertools
import os
import re
from collections.abc import Callable
from pathlib import Path
from time import process_time, time
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from s3fs import S3FileSystem

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.sources.arrivals.parts import Arrival, Part, Parts, land_arrivals
from customer_segmentation.sources.folder.listing import list_folder
from customer_segmentation.sources.folder.memory import Taken, position_of
from customer_segmentation.sources.readers.folder import FolderReader
from tests.services.s3 import S3Server

_TIMES = itertools.count(1_600_000_000)
Look = Callable[..., list[Part]]


class Inbox:
    """A landing folder, and the parts of what is read of it."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "inbox"
        self.place.mkdir()
        self.parts = Parts(str(folder / "parts"))

    def put(self, name: str, content: str | bytes, seconds: int | None = None) -> Path:
        """Put a file, a second after the one before unless told."""
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        modified = next(_TIMES) if seconds is None else seconds
        os.utime(path, (modified, modified))
        return path

    def look(self, **options: Any) -> list[Part]:
        """Land what is new."""
        settled = {"settled_seconds": 0.0} | options
        return land_arrivals(FolderReader(place=str(self.place), **settled), self.parts)

    def rows(self) -> list[dict[str, str]]:
        """Every row of all parts."""
        return [row for part in self.parts.all() for row in self.parts.rows(part).to_pylist()]

    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows()]

    def notes(self) -> str:
        return "\n".join(note for part in self.parts.all() for note in part.notes)


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


def test_new_files_are_landed_in_the_order_of_their_times_and_once(inbox: Inbox) -> None:
    inbox.put("b.csv", "id,n\n1,a\n")
    inbox.put("sub/a.csv", "id,n\n2,b\n")
    assert [part.rows for part in inbox.look()] == [2]
    assert [(row["id"], row["source_file"]) for row in inbox.rows()] == [
        ("1", "b.csv"),
        ("2", "sub/a.csv"),
    ]
    assert inbox.look() == []
    inbox.put("c.jsonl", '{"id": "3", "n": 7.0}\n')
    assert len(inbox.look()) == 1
    assert inbox.rows()[-1] == {"id": "3", "n": "7", "source_file": "c.jsonl"}
    assert inbox.look() == []


def test_files_of_one_time_come_by_name(inbox: Inbox) -> None:
    for name in ("c.csv", "a.csv", "b.csv"):
        inbox.put(name, f"id,n\n{name},1\n", seconds=1_600_000_000)
    inbox.look()
    assert inbox.ids() == ["a.csv", "b.csv", "c.csv"]


def test_a_file_with_an_old_time_that_comes_late_is_landed(inbox: Inbox) -> None:
    inbox.put("new.csv", "id,n\n1,a\n")
    inbox.look()
    inbox.put("kept.csv", "id,n\n2,a\n", seconds=1_000_000_000)
    inbox.look()
    assert inbox.ids() == ["1", "2"]


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.filepart", ".a.csv", "_tmp/a.csv", "a.tmp"])
def test_what_is_named_as_unfinished_waits_until_it_is_renamed(inbox: Inbox, name: str) -> None:
    written = inbox.put(name, "id,n\n1,a\n")
    assert inbox.look() == []
    written.rename(inbox.place / "a.csv")
    inbox.look()
    assert inbox.ids() == ["1"]


def test_a_file_that_changed_a_moment_ago_waits_and_holds_back_what_came_after(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    # Whatever time its uploader set: what the disk has seen counts.
    inbox.put("a.csv", "id,n\n1,a\n", seconds=1_000_000_000)
    assert inbox.look(settled_seconds=30.0) == []
    assert "a.csv is left for the next time" in caplog.text
    inbox.look()
    assert inbox.ids() == ["1"]


@pytest.mark.parametrize(
    ("name", "whole", "cut"),
    [
        ("a.csv", b'id,n\n1,"a b"\n', 9),
        ("a.csv", b"id,n\n1,1957\n", 8),
        ("a.jsonl", b'{"id": "1", "n": 1}\n', 12),
        ("a.csv.gz", gzip.compress(b"id,n\n1,a\n"), 20),
    ],
    ids=["open quote", "cut cell", "cut object", "cut gzip"],
)
def test_half_a_file_is_left_until_it_is_whole(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, name: str, whole: bytes, cut: int
) -> None:
    inbox.put(name, whole[:cut])
    _later(monkeypatch, 20.0)
    assert inbox.look(settled_seconds=10.0) == []
    inbox.put(name, whole)
    inbox.look(settled_seconds=10.0)
    assert inbox.ids() == ["1"]


def test_half_a_parquet_file_is_left_and_in_the_end_set_aside(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pl.DataFrame({"id": ["1"], "n": [3]}).write_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    inbox.put("a.parquet", whole[:-20])
    inbox.put("b.csv", "id,n\n2,a\n")
    _later(monkeypatch, 20.0)
    # The order holds: what came after it waits too, for a bounded time.
    assert inbox.look(settled_seconds=10.0) == []
    _later(monkeypatch, 700.0)
    inbox.look(settled_seconds=10.0)
    assert inbox.ids() == ["2"]
    assert "a.parquet: it was set aside and nothing of it landed" in inbox.notes()
    assert inbox.look(settled_seconds=10.0) == []
    inbox.put("a.parquet", whole)
    inbox.look()
    assert inbox.ids() == ["2", "1"]
    assert "a.parquet: it was set aside before, and is landed now" in inbox.notes()


def test_a_file_without_a_last_line_end_is_landed_after_a_while_and_told(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.put("a.csv", "id,n\n1,a")
    _later(monkeypatch, 20.0)
    assert inbox.look(settled_seconds=10.0) == []
    _later(monkeypatch, 700.0)
    inbox.look(settled_seconds=10.0)
    assert inbox.ids() == ["1"]
    assert "a.csv: it does not end in a line end: its last row may be cut off" in inbox.notes()


def _later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr("customer_segmentation.sources.folder.look.time", lambda: time() + seconds)


def test_the_same_bytes_are_landed_once_under_whatever_name(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    first = inbox.put("a.csv", "id,n\n1,a\n")
    inbox.look()
    inbox.put("a (1).csv", "id,n\n1,a\n")
    inbox.look()
    assert "a (1).csv: it is a repeat of a.csv" in caplog.text
    first.rename(inbox.place / "done.csv")
    inbox.look()
    assert "done.csv: it is renamed of a.csv" in caplog.text
    inbox.put("a.csv", "id,n\n1,a\n")
    inbox.look()
    assert inbox.ids() == ["1"]
    assert inbox.look() == []
    assert "its bytes were landed before: they were not landed again" in inbox.notes()


def test_where_each_file_is_a_message_the_same_bytes_are_landed_again(inbox: Inbox) -> None:
    for name, cell in (("1.jsonl", "a"), ("2.jsonl", "b"), ("3.jsonl", "a")):
        inbox.put(name, f'{{"id": "1", "n": "{cell}"}}\n')
    inbox.look(repeats="land")
    assert [row["n"] for row in inbox.rows()] == ["a", "b", "a"]
    # A new time is no new file.
    inbox.put("3.jsonl", '{"id": "1", "n": "a"}\n')
    inbox.look(repeats="land")
    assert len(inbox.rows()) == 3


def test_other_bytes_under_a_known_name_are_landed_after_the_first_and_told(inbox: Inbox) -> None:
    inbox.put("a.csv", "id,n\n1,a\n")
    inbox.look()
    inbox.put("a.csv", "id,n\n1,b\n")
    inbox.look()
    assert [row["n"] for row in inbox.rows()] == ["a", "b"]
    assert "a.csv: it came again with other bytes" in inbox.notes()


@pytest.mark.parametrize("content", ["", "id,n\n"])
def test_an_empty_file_is_told_and_not_looked_at_again(inbox: Inbox, content: str) -> None:
    inbox.put("a.csv", content)
    inbox.put("b.csv", "id,n\n1,a\n")
    inbox.look()
    assert inbox.ids() == ["1"]
    assert "a.csv: it " in inbox.notes()
    assert "nothing was landed" in inbox.notes()
    assert inbox.look() == []
    inbox.put("a.csv", "id,n\n2,a\n")
    inbox.look()
    assert inbox.ids() == ["1", "2"]


def test_added_lacking_and_reordered_columns_are_landed_and_told(inbox: Inbox) -> None:
    inbox.put("a.csv", "id,n\n1,a\n")
    inbox.put("b.csv", "n,id\nb,2\n")
    inbox.put("c.csv", "id,n,city\n3,c,Bonn\n")
    inbox.put("d.csv", "id,city\n4,Kiel\n")
    assert [part.headers for part in inbox.look()] == [
        ("id", "n"),
        ("n", "id"),
        ("id", "n", "city"),
        ("id", "city"),
    ]
    assert inbox.ids() == ["1", "2", "3", "4"]
    notes = inbox.notes()
    assert "b.csv: its columns are in another order than those of the files before" in notes
    assert "c.csv: its columns are those of the files before with 'city'" in notes
    assert "d.csv: its columns are those of the files before without 'n'" in notes


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("name,n\nx,1\n", "it has no column 'id'"),
        ("id,landed__change\n1,removed\n", "names that landing adds"),
        ("<html><body>down for maintenance</body></html>\n", "an HTML page"),
        ("id,n\n1,a,b\n", "more cells than the header"),
        (b"id,n\n1,\xff\n", "not UTF-8"),
    ],
    ids=["no key", "taken name", "html", "long row", "encoding"],
)
def test_what_is_no_table_is_set_aside_with_its_reason_and_the_others_go_on(
    inbox: Inbox, content: str | bytes, why: str
) -> None:
    inbox.put("a.csv", "id,n\n1,a\n")
    inbox.put("bad.csv", content)
    inbox.put("c.csv", "id,n\n2,a\n")
    inbox.look(required=["id"])
    assert inbox.ids() == ["1", "2"]
    assert re.search(f"bad.csv: it was set aside.*{why}", inbox.notes())
    assert inbox.look(required=["id"]) == []


def test_what_was_set_aside_is_looked_at_again_once_the_catalog_is_mended(inbox: Inbox) -> None:
    inbox.put("a.csv", "id,n\n1,Köln\n".encode("cp1252"))
    inbox.look()
    assert inbox.rows() == []
    inbox.look(encoding="cp1252")
    assert [row["n"] for row in inbox.rows()] == ["Köln"]


def test_files_of_another_kind_do_not_mix_with_those_before(inbox: Inbox) -> None:
    inbox.put("a.csv", "id,n\n1,a\n")
    inbox.put("prices.csv", "product,price\nx,1\n")
    inbox.look()
    assert inbox.ids() == ["1"]
    assert "prices.csv: it was set aside" in inbox.notes()


def test_of_two_runs_at_the_same_time_one_is_refused_and_nothing_is_doubled(inbox: Inbox) -> None:
    inbox.put("a.csv", "id,n\n1,a\n")
    slow = FolderReader(place=str(inbox.place), settled_seconds=0.0)
    held = Parts(inbox.parts.place)
    arrivals = [*slow.read_after(held.all())]
    inbox.look()
    # It has listed the parts before the other appended its own.
    held.all = list  # type: ignore[method-assign]
    with pytest.raises(UserError, match="at the same time: run it once"):
        held.append(slow.name, arrivals[0])
    assert inbox.ids() == ["1"]
    assert inbox.look() == []


def test_a_file_that_is_removed_later_changes_nothing(inbox: Inbox) -> None:
    inbox.put("a.csv", "id,n\n1,a\n")
    inbox.look()
    (inbox.place / "a.csv").unlink()
    assert inbox.look() == []
    assert inbox.ids() == ["1"]


def test_a_pattern_names_the_files(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    inbox.put("orders/a.dat", "id,n\n1,a\n")
    inbox.put("other/b.dat", "id,n\n2,a\n")
    assert inbox.look() == []
    assert "no reader knows their endings: orders/a.dat, other/b.dat" in caplog.text
    inbox.look(pattern="orders/*.dat")
    assert inbox.ids() == ["1"]


def test_a_large_file_comes_in_pieces_and_a_stopped_run_goes_on_in_its_middle(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A tenth of the real size.
    monkeypatch.setattr("customer_segmentation.sources.folder.batch.MAX_ROWS", 5_000)
    monkeypatch.setattr("customer_segmentation.sources.cells.MAX_ROWS", 5_000)
    monkeypatch.setattr("customer_segmentation.sources.delimited.MAX_ROWS", 5_000)
    inbox.put("a.csv", "id,n\n0,a\n")
    lines = "".join(f"{number},a\n" for number in range(1, 12_345))
    inbox.put("large.csv", f"id,n\n{lines}")
    reader = FolderReader(place=str(inbox.place), settled_seconds=0.0)
    arrivals = reader.read_after([])
    for _ in range(2):
        inbox.parts.append(reader.name, next(arrivals))
    arrivals.close()
    # Nobody reads half of it.
    assert [part.rows for part in inbox.parts.complete()] == [1]
    inbox.put("b.csv", "id,n\nlast,a\n")
    inbox.look()
    assert inbox.ids() == [*map(str, range(12_345)), "last"]
    assert [part.rows for part in inbox.parts.complete()] == [
        part.rows for part in inbox.parts.all()
    ]
    assert inbox.look() == []


def test_a_large_file_that_is_changed_in_the_middle_is_landed_again_and_told(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customer_segmentation.sources.folder.batch.MAX_ROWS", 2)
    monkeypatch.setattr("customer_segmentation.sources.cells.MAX_ROWS", 2)
    monkeypatch.setattr("customer_segmentation.sources.delimited.MAX_ROWS", 2)
    inbox.put("a.csv", "id,n\n1,a\n2,a\n3,a\n")
    reader = FolderReader(place=str(inbox.place), settled_seconds=0.0)
    inbox.parts.append(reader.name, next(reader.read_after([])))
    inbox.put("a.csv", "id,n\n1,b\n2,b\n3,b\n")
    inbox.look()
    assert [row["n"] for row in inbox.rows()] == ["a", "a", "b", "b", "b"]
    assert "changed or removed before all of it was landed: its first 2 rows are" in inbox.notes()
    assert inbox.look() == []


def test_a_folder_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    parts = Parts(str(tmp_path / "parts"))
    with pytest.raises(UserError, match="there is no such folder: make it"):
        land_arrivals(FolderReader(place=str(tmp_path / "none")), parts)
    with pytest.raises(UserError, match=r"Protocol not known: none: mend reader.place"):
        land_arrivals(FolderReader(place="none://inbox"), parts)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"place": ""}, "reader.place"),
        ({"settled_seconds": -1.0}, "reader.settled_seconds"),
        ({"settled_seconds": float("nan")}, "reader.settled_seconds"),
        ({"repeats": "maybe"}, "reader.repeats"),
        ({"encoding": "utf-99"}, "encoding"),
    ],
)
def test_a_wrong_argument_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=named):
        FolderReader(**{"place": "inbox", **wrong})


def test_ten_thousand_files_are_listed_without_being_read(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10_000):
        (inbox.place / f"{number}.csv").write_bytes(b"id,n\n%d,a\n" % number)
    files, root = url_to_fs(str(inbox.place))
    known = [Taken(each.name, each.state, "", "landed") for each in list_folder(files, root).files]
    for start in range(0, len(known), 1_000):
        arrival = Arrival(pa.table({}), position_of(known[start : start + 1_000], None))
        inbox.parts.append("before", arrival)
    inbox.put("new.csv", "id,n\nnew,a\n")
    opened, open_file = set[str](), LocalFileSystem._open

    def noted(self: LocalFileSystem, path: str, *args: Any, **kwargs: Any) -> Any:
        opened.add(path)
        return open_file(self, path, *args, **kwargs)

    monkeypatch.setattr(LocalFileSystem, "_open", noted)
    # Of this process alone: the machine may be busy with others.
    started = process_time()
    parts = land_arrivals(
        FolderReader(place=str(inbox.place), settled_seconds=0.0), Parts(inbox.parts.place)
    )
    assert process_time() - started < 10.0
    assert {path for path in opened if Path(path).parent == inbox.place} == {
        str(inbox.place / "new.csv")
    }
    assert [part.rows for part in parts] == [1]
    assert inbox.ids() == ["new"]


def test_many_small_files_come_together_and_each_is_recorded_once(inbox: Inbox) -> None:
    for number in range(1_200):
        inbox.put(f"{number}.jsonl", f'{{"id": "{number}"}}\n')
    assert [part.rows for part in inbox.look()] == [1_000, 200]
    assert inbox.ids() == [*map(str, range(1_200))]
    assert inbox.look() == []


def test_in_the_catalog_the_key_is_required_and_a_later_row_takes_the_place(
    inbox: Inbox, tmp_path: Path
) -> None:
    inbox.put("a.csv", "id,n\n1,a\n2,a\n")
    inbox.put("b.csv", "n,other\nx,y\n")
    inbox.put("c.csv", "id,n\n1,b\n")
    source = ArrivingSource(
        reader={
            "type": "folder.FolderReader",
            "place": str(inbox.place),
            "settled_seconds": 0.0,
            "required": "id",
        },
        parts=inbox.parts.place,
        landing=str(tmp_path / "landing.parquet"),
        key="id",
    )
    rows = source.load().collect()
    assert rows["id", "n"].to_dicts() == [{"id": "2", "n": "a"}, {"id": "1", "n": "b"}]
    assert source.landed
    assert any("b.csv: it was set aside" in line for line in source.landed.lines())
    # Where each row is from stays in the parts.
    assert "source_file" not in rows.columns
    assert {row["source_file"] for row in inbox.rows()} == {"a.csv", "c.csv"}


def test_a_relative_folder_is_of_the_project_wherever_a_command_is_started(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.kedro]\npackage_name = "p"\nproject_name = "p"\nkedro_init_version = "1.7.0"\n'
    )
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    inbox.put("a.csv", "id,n\n1,a\n")
    source = ArrivingSource(
        reader={"type": "folder.FolderReader", "place": "inbox", "settled_seconds": 0.0},
        parts="parts",
        landing="landing.parquet",
    )
    assert source.load().collect()["id"].to_list() == ["1"]


def test_a_prefix_of_s3_is_a_landing_folder(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    # Its key lacks the endpoint.
    S3FileSystem.clear_instance_cache()
    files, _ = url_to_fs("s3://landing-inbox", use_listings_cache=False)
    files.mkdir("landing-inbox")
    parts = Parts("s3://landing-inbox/parts")
    reader = FolderReader(place="s3://landing-inbox/inbox/", settled_seconds=0.0)
    assert land_arrivals(reader, parts) == []
    files.pipe_file("landing-inbox/inbox/2026/a.csv", b"id,n\n1,a\n")
    files.pipe_file("landing-inbox/inbox/b.csv.tmp", b"id,n\n2")
    files.pipe_file("landing-inbox/inbox/empty.csv", b"")
    land_arrivals(reader, parts)
    assert land_arrivals(reader, Parts(parts.place)) == []
    files.mv("landing-inbox/inbox/b.csv.tmp", "landing-inbox/inbox/b.csv")
    files.pipe_file("landing-inbox/inbox/b.csv", b"id,n\n2,a\n")
    files.copy("landing-inbox/inbox/2026/a.csv", "landing-inbox/inbox/again.csv")
    land_arrivals(reader, parts)
    rows = [row for part in parts.all() for row in parts.rows(part).to_pylist()]
    found = [(row["id"], row["source_file"]) for row in rows]
    assert found == [("1", "2026/a.csv"), ("2", "b.csv")]
    S3FileSystem.clear_instance_cache()
