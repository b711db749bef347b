"""The stored answers of a batch run: a Parquet file or a Delta table, replaced while served."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import quote

import httpx
import polars as pl
import pytest
from deltalake import write_deltalake

from customer_segmentation.serving.answers import DECIDED
from customer_segmentation.serving.stored import StoredAnswers
from tests.serving.process import serving


def answers(segment: str = "s1") -> pl.DataFrame:
    """Two customers, as the batch run writes them."""
    return pl.DataFrame(
        {
            "customer_id": ["0", "10476"],
            "as_of": [date(2014, 6, 30)] * 2,
            "segment": ["s0", segment],
            "segment_id": [0, 1],
            "margin": [0.5, 0.25],
            "artifact_version": ["0123456789ab"] * 2,
        }
    )


def parquet(rows: pl.DataFrame, path: Path) -> str:
    beside = path.with_name("beside")
    rows.write_parquet(beside)
    beside.replace(path.with_suffix(".parquet"))
    return str(path.with_suffix(".parquet"))


def delta(rows: pl.DataFrame, path: Path) -> str:
    write_deltalake(path, rows.to_arrow(), mode="overwrite")
    return str(path)


@pytest.mark.parametrize("write", [parquet, delta])
def test_a_stored_answer_is_found_with_its_day_and_version(
    write: Callable[[pl.DataFrame, Path], str], tmp_path: Path
) -> None:
    stored = StoredAnswers(write(answers(), tmp_path / "segments"))
    found, _ = stored.find("10476")
    assert found == {
        "customer_id": "10476",
        "as_of": date(2014, 6, 30),
        "segment": "s1",
        "margin": 0.25,
        "artifact_version": "0123456789ab",
        # What the run did not answer.
        **dict.fromkeys(DECIDED),
    }
    assert stored.find("0")[0]["segment"] == "s0"
    assert stored.find("1")[0] is None


@pytest.mark.parametrize("write", [parquet, delta])
def test_a_new_run_empties_what_is_kept(
    write: Callable[[pl.DataFrame, Path], str], tmp_path: Path
) -> None:
    stored = StoredAnswers(write(answers(), tmp_path / "segments"))
    before, state = stored.find("10476")
    write(answers("s2"), tmp_path / "segments")
    after, other = stored.find("10476")
    assert (before["segment"], after["segment"]) == ("s1", "s2")
    assert state != other


def test_a_row_that_was_read_as_the_table_changed_is_not_kept_for_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up in the old table may end after the first one in the new table."""
    path = parquet(answers(), tmp_path / "segments")
    stored = StoredAnswers(path)
    scan = stored._scan

    def replaced_meanwhile() -> pl.LazyFrame:
        rows = scan().collect().lazy()
        monkeypatch.undo()
        parquet(answers("s2"), tmp_path / "segments")
        assert stored.find("0")[0] is not None
        return rows

    monkeypatch.setattr(stored, "_scan", replaced_meanwhile)
    assert stored.find("10476")[0]["segment"] == "s1"
    assert stored.find("10476")[0]["segment"] == "s2"


@pytest.mark.parametrize("customer_id", ["A/1", "A//1", "ü 1", "50%"])
def test_a_key_may_hold_any_sign(bundle: Path, tmp_path: Path, customer_id: str) -> None:
    rows = answers().with_columns(customer_id=pl.Series([customer_id, "A"]))
    path = parquet(rows, tmp_path / "segments")
    with serving(bundle, tmp_path, "--segments", path, "--job-workers", "0") as server:
        found = httpx.get(f"{server.url}/v1/customers/{quote(customer_id, safe='')}")
    assert found.json()["customer_id"] == customer_id


def test_a_client_that_has_the_answer_is_not_sent_it_again(bundle: Path, tmp_path: Path) -> None:
    path = parquet(answers(), tmp_path / "segments")
    with serving(bundle, tmp_path, "--segments", path, "--job-workers", "0") as server:
        url = f"{server.url}/v1/customers/10476"
        first = httpx.get(url)
        assert first.json()["segment"] == "s1"
        etag = {"if-none-match": first.headers["etag"]}
        again = httpx.get(url, headers=etag)
        assert (again.status_code, again.content) == (304, b"")
        parquet(answers("s2"), tmp_path / "segments")
        changed = httpx.get(url, headers=etag)
        assert (changed.status_code, changed.json()["segment"]) == (200, "s2")
        unknown = httpx.get(f"{server.url}/v1/customers/nobody")
        assert unknown.status_code == 404
        assert "no such customer" in unknown.json()["detail"]


def test_before_any_run_it_says_what_to_run(client: httpx.Client) -> None:
    missing = client.get("/v1/customers/1")
    assert missing.status_code == 404
    assert "kedro run" in missing.json()["detail"]
