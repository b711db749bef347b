"""A customer's history: files or a Delta table, as it is known now or was on an earlier day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import polars as pl
import pytest
from deltalake import write_deltalake

from customer_segmentation.errors import UserError
from customer_segmentation.serving.history import StoredHistory
from customer_segmentation.tables.history import Statement
from tests.serving.process import serving

JUNE, JULY = date(2014, 6, 30), date(2014, 7, 31)
# When it was recorded, the day it is of, and each customer's segment.
Said = tuple[int, date, dict[str, str]]
# June was said again by a run that knows one customer less.
SAID: list[Said] = [
    (1, JUNE, {"0": "s0", "10476": "s1"}),
    (2, JULY, {"0": "s0", "10476": "s2"}),
    (3, JUNE, {"0": "s1"}),
]
Write = Callable[[Sequence[Said], Path], str]


def rows(recorded: int, as_of: date, segments: dict[str, str]) -> tuple[Statement, pl.DataFrame]:
    # What is recorded from the tenth on is a stream's.
    is_stream = recorded >= 10
    moment = f"2026-01-{recorded:02}T12:00:00.000000Z"
    statement = Statement(moment, as_of, is_partial=is_stream)
    constant = {
        "as_of": datetime(as_of.year, as_of.month, as_of.day),  # noqa: DTZ001 - a day
        "runner_up": "s9",
        "margin": 0.25,
        "artifact_version": f"version {recorded}",
        "run_id": f"stream-{recorded}" if is_stream else f"run {recorded}",
        "recorded_at": statement.recorded_at,
    }
    names = [name.upper() for name in segments.values()]
    columns = {"customer_id": list(segments), "segment": list(segments.values())}
    table = pl.DataFrame(columns | {"segment_name": names})
    return statement, table.with_columns(**{name: pl.lit(v) for name, v in constant.items()})


def parquet(said: Sequence[Said], folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    for statement, table in (rows(*each) for each in said):
        table.write_parquet(folder / statement.part)
    return str(folder)


def delta(said: Sequence[Said], folder: Path) -> str:
    for _, table in (rows(*each) for each in said):
        write_deltalake(folder, table.to_arrow(), mode="append")
    return str(folder)


def told(history: StoredHistory, customer: str, known_on: date | None = None) -> list[tuple]:
    found, _ = history.find(customer, known_on)
    return [(one.as_of, one.segment, one.run_id) for one in found]


@pytest.mark.parametrize("write", [parquet, delta])
def test_the_newest_day_is_first_and_each_day_is_as_it_was_said_last(
    write: Write, tmp_path: Path
) -> None:
    history = StoredHistory(write(SAID, tmp_path / "history"))
    assert told(history, "0") == [(JULY, "s0", "run 2"), (JUNE, "s1", "run 3")]
    # Of June nobody says anything of this one any more.
    assert told(history, "10476") == [(JULY, "s2", "run 2")]
    assert told(history, "nobody") == []


@pytest.mark.parametrize("write", [parquet, delta])
def test_what_a_stream_said_of_a_customer_takes_the_place_of_what_a_run_said_of_all(
    write: Write, tmp_path: Path
) -> None:
    streamed: list[Said] = [(10, JULY, {"0": "s5"}), (11, JULY, {"0": "s6"})]
    history = StoredHistory(write([*SAID, *streamed], tmp_path / "history"))
    assert told(history, "0") == [(JULY, "s6", "stream-11"), (JUNE, "s1", "run 3")]
    assert told(history, "10476") == [(JULY, "s2", "run 2")]
    assert told(history, "0", date(2026, 1, 10))[0] == (JULY, "s5", "stream-10")


@pytest.mark.parametrize("write", [parquet, delta])
def test_what_was_known_on_an_earlier_day_can_be_asked(write: Write, tmp_path: Path) -> None:
    history = StoredHistory(write(SAID, tmp_path / "history"))
    assert told(history, "10476", date(2026, 1, 2)) == [
        (JULY, "s2", "run 2"),
        (JUNE, "s1", "run 1"),
    ]
    assert told(history, "0", date(2026, 1, 1)) == [(JUNE, "s0", "run 1")]
    assert told(history, "0", date(2025, 12, 31)) == []


@pytest.mark.parametrize("write", [parquet, delta])
def test_a_new_statement_is_told_at_once(write: Write, tmp_path: Path) -> None:
    history = StoredHistory(write(SAID[:1], tmp_path / "history"))
    before, state = history.find("10476")
    write(SAID[1:], tmp_path / "history")
    after, other = history.find("10476")
    assert (len(before), len(after)) == (1, 1)
    assert (before[0].as_of, after[0].as_of) == (JUNE, JULY)
    assert state != other


def test_a_file_that_was_written_anew_without_a_customer_is_told_at_once(tmp_path: Path) -> None:
    history = StoredHistory(parquet(SAID[:1], tmp_path / "history"))
    assert told(history, "10476")
    parquet([(1, JUNE, {"0": "s0"})], tmp_path / "history")
    assert told(history, "10476") == []


def test_nothing_of_an_earlier_history_is_kept(tmp_path: Path) -> None:
    history = StoredHistory(parquet(SAID[:2], tmp_path / "history"))
    for customer in ("0", "10476", "0"):
        told(history, customer)
    assert history._find.cache_info().currsize == 2
    parquet([(10, JULY, {"0": "s5"})], tmp_path / "history")
    assert told(history, "0")[0] == (JULY, "s5", "stream-10")
    assert history._find.cache_info().currsize == 1


def test_what_is_asked_with_a_long_id_is_not_kept(tmp_path: Path) -> None:
    history = StoredHistory(parquet(SAID, tmp_path / "history"))
    for customer_id in ("10476", "nobody", "x" * 257):
        history.find(customer_id)
    assert history._find.cache_info().currsize == 2


@pytest.mark.parametrize("folder", ["nothing", "empty"])
def test_without_a_statement_there_is_no_history(folder: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError):
        StoredHistory(str(tmp_path / folder)).find("0")


def test_a_damaged_file_is_named_and_the_customer_is_not(tmp_path: Path) -> None:
    path = parquet(SAID, tmp_path / "history")
    for part in Path(path).iterdir():
        part.write_bytes(b"PAR1 no table PAR1")
    with pytest.raises(UserError, match="the history cannot be read") as refusal:
        StoredHistory(path).find("SECRET")
    assert "SECRET" not in str(refusal.value)


def test_over_http(bundle: Path, tmp_path: Path) -> None:
    said = [*SAID, (4, JULY.replace(month=8), dict.fromkeys(["A/1", "x/history", "50%"], "s0"))]
    path = parquet(said, tmp_path / "history")
    options = ["--history", path, "--job-workers", "0"]
    with serving(bundle, tmp_path, *options) as server, httpx.Client(base_url=server.url) as client:
        first = client.get("/v1/history/0")
        assert first.json()[0] == {
            "as_of": "2014-07-31",
            "segment": "s0",
            "segment_name": "S0",
            "runner_up": "s9",
            "margin": 0.25,
            "artifact_version": "version 2",
            "run_id": "run 2",
            "recorded_at": "2026-01-02T12:00:00.000000Z",
        }
        etag = {"if-none-match": first.headers["etag"]}
        assert client.get("/v1/history/0", headers=etag).status_code == 304
        earlier = client.get("/v1/history/0?known_on=2026-01-01", headers=etag)
        assert [one["run_id"] for one in earlier.json()] == ["run 1"]
        assert "private" in earlier.headers["cache-control"]
        for key in ("A/1", "x/history", "50%"):
            assert len(client.get(f"/v1/history/{quote(key, safe='')}").json()) == 1
        unknown = client.get("/v1/history/nobody")
        assert unknown.status_code == 404
        assert "no such customer" in unknown.json()["detail"]
        wrong = client.get("/v1/history/0?known_on=soon")
        assert wrong.status_code == 400
        assert "known_on is no day" in wrong.json()["detail"]


def test_before_any_run_it_says_what_to_run(client: httpx.Client) -> None:
    missing = client.get("/v1/history/1")
    assert missing.status_code == 404
    assert "kedro run" in missing.json()["detail"]
