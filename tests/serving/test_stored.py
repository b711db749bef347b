"""The stored answers of a batch run: a Parquet file or a Delta table, replaced while served."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import quote

import httpx
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from customer_segmentation.serving.answers import decided_of
from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.stored import StoredAnswers
from tests.marketing import SCHEMA
from tests.serving.example import write_bundle
from tests.serving.process import serving


def answers(segment: str = "s1", version: str = "0123456789ab") -> pl.DataFrame:
    """Two customers, as the batch run writes them."""
    return pl.DataFrame(
        {
            "customer_id": ["0", "10476"],
            "as_of": [date(2014, 6, 30)] * 2,
            "segment": ["s0", segment],
            "segment_id": [0, 1],
            "margin": [0.5, 0.25],
            "artifact_version": [version] * 2,
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
    }
    assert stored.find("0")[0]["segment"] == "s0"
    assert stored.find("1")[0] is None


def test_what_a_stream_merges_is_told_at_once_and_only_new_commits_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = delta(answers(), tmp_path / "segments")
    stored = StoredAnswers(path)
    assert stored.find("10476")[0]["segment"] == "s1"
    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.ls", None)
    for segment in ("s2", "s3", "s4"):
        changed = answers(segment).tail(1).to_arrow()
        merge = DeltaTable(path).merge(
            changed, "old.customer_id = new.customer_id", source_alias="new", target_alias="old"
        )
        merge.when_matched_update_all().execute()
        assert stored.find("10476")[0]["segment"] == segment
    assert stored.find("0")[0]["segment"] == "s0"


def test_a_table_that_is_made_anew_is_opened_anew(tmp_path: Path) -> None:
    path = delta(answers(), tmp_path / "segments")
    stored = StoredAnswers(path)
    stored.find("10476")
    shutil.rmtree(path)
    with pytest.raises(FileNotFoundError):
        stored.find("10476")
    delta(answers("s9"), tmp_path / "segments")
    assert stored.find("10476")[0]["segment"] == "s9"


def test_what_is_asked_with_a_long_id_is_not_kept(tmp_path: Path) -> None:
    """Ten thousand of them would take hundreds of MB."""
    stored = StoredAnswers(parquet(answers(), tmp_path / "answers"))
    for customer_id in ("10476", "nobody", "x" * 257):
        stored.find(customer_id)
    assert stored._find.cache_info().currsize == 2


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
    scan = stored._table.scan

    def replaced_meanwhile() -> pl.LazyFrame:
        rows = scan().collect().lazy()
        monkeypatch.undo()
        parquet(answers("s2"), tmp_path / "segments")
        assert stored.find("0")[0] is not None
        return rows

    monkeypatch.setattr(stored._table, "scan", replaced_meanwhile)
    assert stored.find("10476")[0]["segment"] == "s1"
    assert stored.find("10476")[0]["segment"] == "s2"


def test_a_key_may_hold_any_sign(bundle: Path, tmp_path: Path) -> None:
    keys = ["A", "A/1", "A//1", "ü 1", "50%"]
    rows = pl.concat([answers().head(1)] * len(keys)).with_columns(customer_id=pl.Series(keys))
    path = parquet(rows, tmp_path / "segments")
    with serving(bundle, tmp_path, "--segments", path, "--job-workers", "0") as server:
        found = [httpx.get(f"{server.url}/v1/customers/{quote(key, safe='')}") for key in keys]
    assert [answer.json()["customer_id"] for answer in found] == keys


def test_a_client_that_has_the_answer_is_not_sent_it_again(bundle: Path, tmp_path: Path) -> None:
    path = parquet(answers(), tmp_path / "segments")
    with serving(bundle, tmp_path, "--segments", path, "--job-workers", "0") as server:
        url = f"{server.url}/v1/customers/10476"
        first = httpx.get(url)
        assert first.json()["segment"] == "s1"
        # What the run did not answer.
        assert first.json().items() >= dict.fromkeys(decided_of(SCHEMA)).items()
        etag = {"if-none-match": first.headers["etag"]}
        again = httpx.get(url, headers=etag)
        assert (again.status_code, again.content) == (304, b"")
        parquet(answers("s2"), tmp_path / "segments")
        changed = httpx.get(url, headers=etag)
        assert (changed.status_code, changed.json()["segment"]) == (200, "s2")
        unknown = httpx.get(f"{server.url}/v1/customers/nobody")
        assert unknown.status_code == 404
        assert "no such customer" in unknown.json()["detail"]


@pytest.mark.parametrize("write", [parquet, delta])
def test_beside_a_trial_stored_answers_are_said_not_to_be_the_champions(
    write: Callable[[pl.DataFrame, Path], str], tmp_path: Path
) -> None:
    """From the run that stored them until the champion is the artifact that gave them."""
    champion, trial = (write_bundle(tmp_path / name, n) for name, n in (("live", 3), ("trial", 4)))
    old, new = (Champion(str(folder)).current.version for folder in (champion, trial))
    path = write(answers("s1", old), tmp_path / "segments")
    options = ["--segments", path, "--job-workers", "0", "--look-seconds", "0.05"]
    with (
        serving(champion, tmp_path, *options) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        customer, bundle = "/v1/customers/10476", "/v1/bundle"
        first, described = client.get(customer), client.get(bundle)
        assert (first.json()["segment"], first.headers["artifact-version"]) == ("s1", old)
        assert not {"note", "champion_version"} & first.json().keys()
        assert described.json()["segments"][1]["customers"] == 1
        write(answers("s2", new), tmp_path / "segments")
        etags = [{"if-none-match": answer.headers["etag"]} for answer in (first, described)]
        second, described = (
            client.get(p, headers=e) for p, e in zip((customer, bundle), etags, strict=True)
        )
        told = second.json()
        assert (told["artifact_version"], told["champion_version"]) == (new, old)
        assert f"artifact {new} gave this answer, and {old} is the champion" in told["note"]
        assert second.headers.get_list("artifact-version") == [new]
        assert described.headers.get_list("artifact-version") == [old]
        stored = {"customers": 2, "artifact_version": new, "is_of_champion": False}
        assert described.json()["stored"] == stored
        assert {s["customers"] for s in described.json()["segments"]} == {None}
        write_bundle(champion, 4)
        etag = {"if-none-match": second.headers["etag"]}
        until = monotonic() + 60.0
        while client.get(customer, headers=etag).status_code == 304 and monotonic() < until:
            sleep(0.01)
        assert "note" not in client.get(customer, headers=etag).json()
        assert client.get(bundle).json()["stored"]["is_of_champion"]


def test_a_table_of_two_artifacts_is_of_no_champion(tmp_path: Path) -> None:
    rows = pl.concat([answers(version="b").head(1), answers(version="a").tail(1)])
    assert StoredAnswers(parquet(rows, tmp_path / "segments")).summary().artifact_version == "a, b"


@pytest.mark.parametrize("column", [None, pl.lit(None, pl.String)], ids=["no column", "null"])
def test_a_table_that_names_no_artifact_is_of_an_unknown_one(
    bundle: Path, tmp_path: Path, column: pl.Expr | None
) -> None:
    rows = answers().drop("artifact_version")
    rows = rows if column is None else rows.with_columns(artifact_version=column)
    path = parquet(rows, tmp_path / "segments")
    with serving(bundle, tmp_path, "--segments", path, "--job-workers", "0") as server:
        found = httpx.get(f"{server.url}/v1/customers/10476")
        assert "artifact unknown gave this answer" in found.json()["note"]
        assert found.headers["artifact-version"] == "unknown"
        stored = httpx.get(f"{server.url}/v1/bundle").json()["stored"]
        assert (stored["artifact_version"], stored["is_of_champion"]) == ("unknown", False)


def test_before_any_run_it_says_what_to_run(client: httpx.Client) -> None:
    missing = client.get("/v1/customers/1")
    assert missing.status_code == 404
    assert "kedro run" in missing.json()["detail"]
