"""A real server counts what it answers by hour, in files without anybody's values."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from customer_segmentation.bundles.bundle import BASELINE
from customer_segmentation.feature_store.sqlite import SqliteStore
from customer_segmentation.monitoring.summary import Baseline
from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.metrics import Metrics
from customer_segmentation.serving.monitoring.monitor import Monitor
from customer_segmentation.serving.online import FILE
from customer_segmentation.serving.settings import Settings
from customer_segmentation.serving.validation import Problem
from tests.serving.example import (
    a_customer,
    a_new_customer,
    add_baseline,
    who_may_answer,
    write_bundle,
)
from tests.serving.process import ServerProcess, serving, start_serving
from tests.serving.stored_features import fill
from tests.serving.watched import HOUR, beside, of_all, options, summary_of, until

MARK = "Xylophonia-77341"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Baseline]:
    """A bundle with a baseline."""
    folder = write_bundle(tmp_path_factory.mktemp("watched"))
    return folder, add_baseline(folder)


@dataclass(frozen=True)
class Watching:
    """A server, and where it keeps what it counts."""

    server: ServerProcess
    root: Path
    bundle: Path
    baseline: Baseline
    stored: Path


@pytest.fixture(scope="module")
def watching(
    watched: tuple[Path, Baseline], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watching]:
    """A server of that bundle, whose hour stands still."""
    folder = tmp_path_factory.mktemp("server")
    bundle, baseline = watched
    root, stored = folder / "monitoring", folder / "segments.parquet"
    told = [*options(root, monitoring_hour=HOUR), "--segments", str(stored)]
    with serving(bundle, folder, *told) as server:
        yield Watching(server, root, bundle, baseline, stored)


def post(server: ServerProcess, body: Any, path: str = "/v1/segments") -> Any:
    return httpx.post(server.url + path, json=body, timeout=60.0).raise_for_status().json()


def test_the_hours_counts_are_what_was_answered(watching):
    server, root, baseline = watching.server, watching.root, watching.baseline
    assert httpx.get(f"{server.url}/v1/bundle").json()["unmonitored"] is None
    one = post(server, a_customer())
    post(server, [a_customer(), {**a_customer(), "income": 90_000}])
    told = post(server, [who_may_answer()] * 3)
    columns = Champion(str(watching.bundle)).current.contract.columns
    post(server, {"inputs": [[1.0] * len(columns)] * 4}, "/invocations")
    post(server, [a_new_customer()] * 5)
    wrong = {**a_customer(), "income": -5, MARK: 1}
    assert httpx.post(f"{server.url}/v1/segments", json=wrong).status_code == 422
    of_all(root, baseline.version, 10)
    summary = until(
        lambda: whole if (whole := of_all(root, baseline.version, 10)).rejected else None
    )
    assert [path.name for path in (root / "summaries" / "api").iterdir()] == [HOUR]
    assert summary.segments.sum() == 10
    assert summary.segments[baseline.segments.index(one["segment"])] >= 1
    assert summary.columns["income"].sum() == 10
    place = np.searchsorted(baseline.bins["income"].edges, 90_000, side="right")
    assert summary.columns["income"][place] >= 1
    assert told[0]["p_response"] is not None
    assert summary.chances[:, :-1].sum() == 3
    assert summary.rejected == {"income: negative": 1, "other": 1}
    until(lambda: beside(root) == {"cold_start": 5, "dropped": 0} or None)


def test_those_who_are_asked_for_by_id_are_counted_too(watching):
    server, root, version = watching.server, watching.root, watching.baseline.version
    fill(SqliteStore(str(watching.stored.parent / FILE)), watching.bundle, {"7": a_customer()})
    before = until(lambda: summary_of(root, version)).customers
    customer = f"{server.url}/v1/customers/7/segment"
    assert httpx.get(customer, timeout=60.0).raise_for_status().json()["customer_id"] == "7"
    post(server, ["7", "7", "absent"], "/v1/customers/segments")
    assert httpx.post(customer, json={"income": -1}, timeout=60.0).status_code == 422
    of_all(root, version, before + 3)
    until(lambda: summary_of(root, version).rejected["income: negative"] == 2 or None)


def test_no_value_of_a_customer_is_in_the_files(watching):
    server, root, version = watching.server, watching.root, watching.baseline.version
    before = until(lambda: summary_of(root, version) or None)
    refused = sum(before.rejected.values())
    customer = {**a_customer(), "customer_id": MARK, "income": 77_341.25}
    post(server, [customer] * 3)
    for wrong in ({"marital_status": MARK}, {MARK: MARK}, {"income": MARK}):
        assert httpx.post(f"{server.url}/v1/segments", json=customer | wrong).status_code == 422
    of_all(root, version, before.customers + 3)
    # What was refused is written too, and may be later.
    until(lambda: sum(summary_of(root, version).rejected.values()) >= refused + 3 or None)
    # Not a file under way, which is renamed before it can be read.
    text = "".join(f"{path} {path.read_text()}" for path in root.rglob("[!.]*.json"))
    assert MARK not in text
    assert "77341" not in text


def test_the_metrics_tell_the_newest_day_of_the_stored_answers(watching):
    name = "segmentation_stored_answers_as_of_timestamp_seconds"

    def told() -> float:
        lines = httpx.get(f"{watching.server.url}/metrics").text.splitlines()
        return float(next(line for line in lines if line.startswith(name)).split()[1])

    assert told() == 0.0
    days = pl.Series(["2014-06-30", "2014-07-01"]).str.to_date()
    pl.DataFrame({"customer_id": ["1", "2"], "as_of": days}).write_parquet(watching.stored)
    until(lambda: told() == datetime(2014, 7, 1, tzinfo=UTC).timestamp() or None)


def test_workers_and_jobs_count_side_by_side_and_a_kill_doubles_nothing(watched, tmp_path):
    bundle, baseline = watched
    root = tmp_path / "monitoring"
    rows = [{**a_customer(), "customer_id": str(number)} for number in range(40)]
    rows += [{**rows[0], "customer_id": "wrong", "income": -1}]
    pl.DataFrame(rows).write_csv(tmp_path / "customers.csv")
    started = start_serving(bundle, tmp_path, *options(root, workers=2, job_workers=1))
    try:
        for _ in range(30):
            # Each on a connection of its own, which either worker takes.
            post(started, a_customer())
        job = f"{started.url}/v1/jobs"
        body, kind = (tmp_path / "customers.csv").read_bytes(), {"content-type": "text/csv"}
        sent = httpx.post(job, content=body, headers=kind, timeout=60.0).raise_for_status()
        job = f"{job}/{sent.json()['id']}"
        state = until(lambda: ended(httpx.get(job, timeout=60.0).json()["state"]))
        assert state == "done", httpx.get(job).json()
        summary = of_all(root, baseline.version, 70)
        # Perhaps written when the kill comes, and perhaps not.
        post(started, [a_customer()] * 7)
    finally:
        started.kill()
    assert summary.rejected == {"income: negative": 1}
    assert summary.margins.sum() == summary.segments.sum() == 70
    (hour, *_) = (root / "summaries" / "api").iterdir()
    # As a kill leaves it in the middle of writing.
    (hour / baseline.version / ".writing-0.json").write_text('{"customers": 4')
    kept = until(lambda: summary_of(root, baseline.version)).customers
    assert kept in {70, 77}
    with serving(bundle, tmp_path, *options(root)) as server:
        post(server, [a_customer()] * 5)
    assert of_all(root, baseline.version, kept + 5).segments.sum() == kept + 5


def ended(state: str) -> str | None:
    return state if state in {"done", "failed"} else None


def test_without_a_baseline_nothing_is_counted_and_that_is_said_once(server, client):
    post(server, [a_customer()] * 2)
    why = client.get("/v1/bundle").json()["unmonitored"]
    assert "is older than monitoring: kedro run makes a new one" in why
    assert server.stderr().count("answers are not counted") == 1
    assert not (server.log.parent / "data" / "monitoring").exists()


@pytest.mark.parametrize("damage", ["cut", "of another"])
def test_a_baseline_that_cannot_be_used_keeps_nobody_from_an_answer(watched, tmp_path, damage):
    bundle, baseline = watched
    content = (bundle / BASELINE).read_bytes()
    other = content.replace(baseline.version.encode(), b"0" * 12)
    folder = write_bundle(tmp_path)
    (folder / BASELINE).write_bytes({"cut": content[:-9], "of another": other}[damage])
    found = Champion(str(folder)).current
    assert found.baseline is None
    assert {"cut": "is damaged", "of another": "is of 000000000000"}[damage] in found.unmonitored
    assert found.answer_matrix(["one"], np.zeros((1, len(found.columns))))


def test_it_can_be_turned_off(watched, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monitor = Monitor(Settings(monitoring="off"), Metrics())
    found = Champion(str(watched[0]), watcher=monitor).current
    monitor.start()
    found.answer_matrix(["one"], np.zeros((1, len(found.columns))))
    monitor.rejected(found, [Problem("$.income", "negative", "")])
    monitor.look(found)
    monitor.end()
    assert monitor.why_not(found) == "monitoring is turned off in this server's settings"
    assert not [*tmp_path.iterdir()]


@contextmanager
def deaf_store() -> Iterator[tuple[str, threading.Event]]:
    """A store that takes connections and never answers; and whether any came."""
    was_asked, is_over = threading.Event(), threading.Event()
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def take() -> None:
            while not is_over.is_set():
                try:
                    taken.append(listening.accept()[0])
                except TimeoutError:
                    continue
                was_asked.set()

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", was_asked
        finally:
            is_over.set()
            thread.join()
            for connection in taken:
                connection.close()


def test_a_store_that_hangs_slows_no_answer_and_the_end_is_bounded(watched, tmp_path):
    bundle, _ = watched
    with deaf_store() as (endpoint, was_asked):
        environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }
        places = options("s3://watched/monitoring")
        with serving(bundle, tmp_path, *places, environment=environment) as server:
            post(server, a_customer())
            assert was_asked.wait(60.0)
            # While it hangs.
            for _ in range(20):
                post(server, [a_customer()] * 10)
            # Far below the minutes that botocore waits for an answer.
            server.stop(90.0)
    assert "could not be written in time" in server.stderr()
