"""Events reach a file or a server, and what becomes of them never troubles a run."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest

from customer_segmentation.lineage.openlineage import emitter
from customer_segmentation.lineage.openlineage.emitter import Emitter
from customer_segmentation.lineage.openlineage.events import Data, Told, event


class Taker(BaseHTTPRequestHandler):
    """Takes events, or does with them what it is told to."""

    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if server.status is None:
            server.go_on.wait(30.0)
        server.taken.append((self.path, self.headers.get("Authorization"), json.loads(body)))
        self.send_response(server.status or 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the library alone may take seconds to import."""
    monkeypatch.setattr(emitter, "_TIMEOUT_SECONDS", 60.0)
    monkeypatch.setattr(emitter, "_END_SECONDS", 60.0)


@pytest.fixture
def server() -> Iterator[Any]:
    found: Any = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    found.status, found.taken, found.go_on = 201, [], threading.Event()
    found.url = f"http://127.0.0.1:{found.server_port}"
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.go_on.set()
    found.shutdown()
    found.server_close()
    thread.join()


def told(job: str) -> Told:
    return Told(
        *("COMPLETE", "2026-01-01T00:00:00+00:00", str(uuid4()), "customer-segmentation/dev", job),
        kind="STEP",
        outputs=(Data("gold_segments", "file", "/data/gold/segments.parquet"),),
    )


def send(target: str, count: int = 3, key: str = "") -> float:
    """Send some events; returns the seconds that the run waits for."""
    sender = Emitter(target, key)
    for number in range(count):
        sender.emit(lambda number=number: event(told(f"step {number}")))
    began = monotonic()
    sender.close()
    return monotonic() - began


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.message for r in caplog.records if r.levelno == logging.WARNING]


def test_a_server_gets_every_event_in_order_and_its_key(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    send(server.url, key="a-key")
    assert [body["job"]["name"] for _, _, body in server.taken] == ["step 0", "step 1", "step 2"]
    assert {(path, key) for path, key, _ in server.taken} == {("/api/v1/lineage", "Bearer a-key")}
    assert warnings(caplog) == []


def test_an_address_with_a_path_of_its_own_is_used_as_it_is(server: Any) -> None:
    send(f"{server.url}/lineage/events", count=1)
    assert [path for path, _, _ in server.taken] == ["/lineage/events"]


def test_a_file_gets_a_line_an_event_behind_those_that_are_there(tmp_path: Path) -> None:
    file = tmp_path / "lineage" / "events.jsonl"
    send(str(file))
    send(str(file), count=1)
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [line["job"]["name"] for line in lines] == ["step 0", "step 1", "step 2", "step 0"]


def test_a_server_that_is_down_is_told_once_without_its_login(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    took = send(f"http://me:secret@127.0.0.1:{port}/x", count=50, key="a-key")
    assert took < 30.0
    (said,) = warnings(caplog)
    assert said == (
        "OpenLineage: 50 of 50 events did not get to http://127.0.0.1 (ConnectionError); the run "
        "is complete without"
    )
    assert "secret" not in caplog.text
    assert "a-key" not in caplog.text


def test_a_server_that_refuses_is_not_asked_for_ever(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.status = 403
    send(server.url, count=50)
    assert len(server.taken) == 3
    assert "50 of 50 events did not get to http://127.0.0.1 (it answers 403)" in caplog.text


def test_one_failure_among_others_loses_one_event(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sender = Emitter(server.url)
    sender.emit(lambda: event(told("first")))
    sender.emit(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    sender.emit(lambda: event(told("last")))
    sender.close()
    assert [body["job"]["name"] for _, _, body in server.taken] == ["first", "last"]
    assert "1 of 3 events did not get to" in caplog.text


def test_a_server_that_never_answers_does_not_hold_the_run_up(
    server: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emitter, "_TIMEOUT_SECONDS", 0.3)
    server.status = None
    emitted = threading.Event()

    def made() -> Any:
        # Were an event waited for, this would take a minute, and fail.
        assert emitted.wait(60.0)
        return event(told("step"))

    began = monotonic()
    sender = Emitter(server.url)
    for _ in range(1_000):
        sender.emit(made)
    emitted.set()
    sender.close()
    # A try of each would take five minutes.
    assert monotonic() - began < 30.0
    assert "1000 of 1000 events did not get to http://127.0.0.1 (ReadTimeout)" in caplog.text


def test_a_run_waits_some_seconds_and_no_more(
    server: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emitter, "_END_SECONDS", 0.2)
    server.status = None
    # The server answers after half a minute.
    assert send(server.url) < 20.0
    assert "(it does not answer in time)" in caplog.text


@pytest.mark.parametrize("target", ["s3://lake/events.jsonl", "file:///tmp/events.jsonl"])
def test_an_address_of_another_kind_is_told_and_makes_no_folder(
    target: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    send(target)
    assert "(name a file, or an address that begins with http)" in caplog.text
    assert [*tmp_path.iterdir()] == []


def test_without_the_library_it_says_what_to_install(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: Any) -> None:
        raise ImportError

    monkeypatch.setattr(emitter, "_transport", fails)
    send(str(tmp_path / "events.jsonl"))
    assert "(pip install openlineage-python)" in caplog.text
