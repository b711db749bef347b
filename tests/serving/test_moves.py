"""Who moved while a stream runs: files or a Delta table, of which only what is new is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import httpx
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from customer_segmentation.errors import UserError
from customer_segmentation.serving.moves import stored as module
from customer_segmentation.serving.moves.stored import Move, StoredMoves
from tests.serving.process import serving

Write = Callable[[Path, int, Sequence[str]], None]


def moment(second: int) -> str:
    return f"2026-11-29T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000000Z"


def moved(second: int, customers: Sequence[str]) -> pl.DataFrame:
    names = ["from_segment", "from_name", "to_segment", "to_name", "artifact_version", "run_id"]
    return pl.DataFrame({"customer_id": customers}).with_columns(
        *(pl.lit(f"{name} {second}").alias(name) for name in names),
        cause=pl.lit("data"),
        as_of=pl.lit(date(2011, 12, 9)),
        recorded_at=pl.lit(moment(second)),
    )


def parquet(folder: Path, second: int, customers: Sequence[str]) -> None:
    folder.mkdir(exist_ok=True)
    moved(second, customers).write_parquet(folder / f"{second:08}.parquet")


def delta(folder: Path, second: int, customers: Sequence[str]) -> None:
    write_deltalake(folder, moved(second, customers).to_arrow(), mode="append")


@pytest.fixture(params=[parquet, delta])
def write(request: pytest.FixtureRequest) -> Write:
    return request.param


@pytest.fixture(autouse=True)
def _restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at once when asked."""
    monkeypatch.setattr("customer_segmentation.serving.paced._REST", 0.0)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read."""
    files: list[str] = []
    inner = module._read

    def noted(new: list[str]) -> list[Move]:
        files.extend(new)
        return inner(new)

    monkeypatch.setattr(module, "_read", noted)
    return files


def ids(moves: StoredMoves) -> list[str]:
    return [move.customer_id for move in moves.latest()]


def test_the_newest_moves_are_told_first(write: Write, tmp_path: Path) -> None:
    folder = tmp_path / "moves"
    write(folder, 1, ["a", "b"])
    write(folder, 2, ["a"])
    moves = StoredMoves(str(folder))
    assert ids(moves) == ["a", "b", "a"]
    first = moves.latest()[0]
    assert (first.to_name, first.recorded_at, first.as_of) == (
        "to_name 2",
        moment(2),
        date(2011, 12, 9),
    )


def test_only_what_is_new_is_read(write: Write, tmp_path: Path, read: list[str]) -> None:
    folder = tmp_path / "moves"
    write(folder, 1, ["a"])
    moves = StoredMoves(str(folder))
    moves.latest()
    read.clear()
    moves.latest()
    assert read == []
    write(folder, 2, ["b"])
    write(folder, 3, ["c"])
    assert ids(moves) == ["c", "b", "a"]
    assert len(read) == 2


def test_of_a_long_table_only_the_newest_end_is_read(
    write: Write, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FILES", 3)
    folder = tmp_path / "moves"
    for second in range(8):
        write(folder, second, [str(second)])
    moves = StoredMoves(str(folder))
    assert ids(moves) == ["7", "6", "5"]
    for second in range(8, 14):
        write(folder, second, [str(second)])
    assert ids(moves)[:3] == ["13", "12", "11"]
    assert len(read) <= 3 + 6


def test_who_was_forgotten_is_not_told_of_from_memory(tmp_path: Path) -> None:
    delta(tmp_path / "delta", 1, ["a", "b"])
    parquet(tmp_path / "removed", 1, ["a"])
    parquet(tmp_path / "removed", 2, ["b"])
    parquet(tmp_path / "rewritten", 1, ["a", "b"])
    names = ("delta", "removed", "rewritten")
    tables = [StoredMoves(str(tmp_path / name)) for name in names]
    assert [ids(moves) for moves in tables] == [["b", "a"]] * 3
    DeltaTable(tmp_path / "delta").delete("customer_id = 'b'")
    (tmp_path / "removed" / f"{2:08}.parquet").unlink()
    parquet(tmp_path / "rewritten", 1, ["a"])
    assert [ids(moves) for moves in tables] == [["a"]] * 3


def test_files_that_are_put_together_tell_nothing_new(tmp_path: Path) -> None:
    folder = tmp_path / "moves"
    delta(folder, 1, ["a"])
    moves = StoredMoves(str(folder))
    moves.latest()
    delta(folder, 2, ["b"])
    DeltaTable(folder).optimize.compact()
    delta(folder, 3, ["c"])
    assert ids(moves) == ["c", "b", "a"]
    assert ids(StoredMoves(str(folder))) == ["c", "b", "a"]


def test_a_table_that_is_made_anew_is_read_anew(tmp_path: Path) -> None:
    folder = tmp_path / "moves"
    delta(folder, 1, ["a"])
    moves = StoredMoves(str(folder))
    moves.latest()
    folder.rename(tmp_path / "gone")
    delta(folder, 5, ["b"])
    assert ids(moves) == ["b"]


def test_before_anybody_moved_there_is_nothing(tmp_path: Path) -> None:
    moves = StoredMoves(str(tmp_path / "moves"))
    with pytest.raises(FileNotFoundError):
        moves.latest()
    (tmp_path / "moves").mkdir()
    with pytest.raises(FileNotFoundError):
        moves.latest()
    parquet(tmp_path / "moves", 1, ["a"])
    assert ids(moves) == ["a"]


def test_a_broken_part_is_refused_until_it_is_mended_and_names_no_customer(tmp_path: Path) -> None:
    folder = tmp_path / "moves"
    folder.mkdir()
    (folder / "00000001.parquet").write_bytes(b"customer 77310")
    moves = StoredMoves(str(folder))
    for _ in range(2):
        with pytest.raises(UserError, match=r"00000001\.parquet: the moves cannot be") as caught:
            moves.latest()
        assert "77310" not in str(caught.value)
    parquet(folder, 1, ["a"])
    assert ids(moves) == ["a"]


def test_a_server_tells_who_moved_and_where_customers_are_now(bundle: Path, tmp_path: Path) -> None:
    folder, segments = tmp_path / "moves", tmp_path / "segments.parquet"
    answers = {"customer_id": ["a", "b", "c"], "segment": ["s0", "s0", "older"], "offer": ["x"] * 3}
    pl.DataFrame(answers).write_parquet(segments)
    options: list[str | Path] = ["--moves", folder, "--segments", segments, "--job-workers", "0"]
    with serving(bundle, tmp_path, *options) as server, httpx.Client(base_url=server.url) as asked:
        nothing = asked.get("/v1/moves")
        assert nothing.status_code == 404
        assert "no stream has told of a move yet" in nothing.json()["detail"]
        parquet(folder, 1, ["a"])
        parquet(folder, 2, [f"c{number:03}" for number in range(120)])
        answer = asked.get("/v1/moves")
        told = answer.json()
        assert (told["last"], len(told["moves"]), told["left_out"]) == (moment(2), 100, 21)
        assert {each["segment"]: each["customers"] for each in told["segments"]} == {
            "s0": 2,
            "s1": 0,
            "s2": 0,
            "older": 1,
        }
        assert told["segments"][0]["segment_name"] == "Segment 0"
        etag = {"if-none-match": answer.headers["etag"]}
        assert asked.get("/v1/moves", headers=etag).status_code == 304
        assert asked.get("/v1/moves", params={"after": moment(2)}).json()["moves"] == []
        later = asked.get("/v1/moves", params={"after": moment(1)}).json()
        assert (len(later["moves"]), later["left_out"]) == (100, 20)
        assert asked.get("/v1/moves", params={"after": "yesterday"}).status_code == 400
