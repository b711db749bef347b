"""Events and records over HTTP, to real servers that are killed and whose store goes away."""

from __future__ import annotations

import contextlib
import json
import resource
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_segmentation.serving.keys import add_key
from tests.serving.process import ServerProcess, serving, start_serving
from tools.ports import free_port

EVENT = {"ID": 1, "bought": 3.5}


class Taking:
    """A server that takes events, with keys.

    Attributes:
        server: It.
        inbox: Where they land.
    """

    def __init__(self, server: ServerProcess, inbox: Path, keys: dict[str, str]) -> None:
        self.server, self.inbox, self._keys = server, inbox, keys

    def post(self, sent: Any = EVENT, *, to: str = "events", **headers: str) -> httpx.Response:
        """Send one body as a caller with the role `ingest`."""
        role = headers.pop("role", "ingest")
        content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        all_headers = {"content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        all_headers["authorization"] = f"Bearer {self._keys[role]}"
        url = f"{self.server.url}/v1/{to}"
        return httpx.post(url, content=content, headers=all_headers, timeout=30.0)

    def as_admin(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._keys['admin']}"}

    def landed(self, to: str = "events") -> list[Any]:
        """Every object of every file, in order."""
        paths = sorted((self.inbox / to).glob("2*/*.jsonl"))
        return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def options_of(folder: Path) -> tuple[list[str | Path], dict[str, str]]:
    keys = folder / "keys.json"
    secrets = {role: add_key(keys, role, (role,)) for role in ("score", "ingest", "admin")}
    secrets["other"] = add_key(keys, "other", ("ingest",))
    options: list[str | Path] = ["--keys", keys, "--job-workers", "0", "--max-body", "300000"]
    for kind in ("events", "records", "outcomes"):
        options += [f"--ingest-{kind}", folder / "inbox" / kind]
    return options, secrets


@pytest.fixture(scope="module")
def taking(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taking]:
    folder = tmp_path_factory.mktemp("taking")
    options, secrets = options_of(folder)
    with serving(bundle, folder, *options, "--requests-per-second", "20") as server:
        yield Taking(server, folder / "inbox", secrets)


def test_what_is_answered_202_has_landed_as_sent(taking: Taking) -> None:
    before = len(taking.landed())
    answer = taking.post(b'[{"ID": 1, "n": 1.10}, {"ID": "00123", "n": null}]')
    assert answer.status_code == 202
    assert answer.json()["objects"] == 2
    assert taking.landed()[before:] == [{"ID": 1, "n": 1.1}, {"ID": "00123", "n": None}]
    [path] = taking.inbox.glob(f"events/*/{answer.json()['receipt']}.jsonl")
    assert b'{"ID": 1, "n": 1.10}\n' in path.read_bytes()
    assert answer.headers["cache-control"] == "private, no-store"


def test_lines_and_records_are_taken_too(taking: Taking) -> None:
    body = b'{"ID": 1, "Income": 5}\n{"ID": 2}\n'
    answer = taking.post(body, to="records", content_type="application/x-ndjson; charset=utf-8")
    assert (answer.status_code, answer.json()["objects"]) == (202, 2)
    assert taking.landed("records") == [{"ID": 1, "Income": 5}, {"ID": 2}]


def test_outcomes_land_if_they_can_be_counted(taking: Taking) -> None:
    right = {"outcome_id": "o-1", "ID": 1, "campaign": "spring", "answered": 1}
    right |= {"happened_at": "2026-01-31T09:30:00Z"}
    assert taking.post(right, to="outcomes", idempotency_key="o").status_code == 202
    assert taking.post(right, to="outcomes", idempotency_key="o").status_code == 202
    assert taking.landed("outcomes") == [right]
    wrong = taking.post([right, {"ID": 2, "answered": 2}], to="outcomes")
    assert wrong.status_code == 422
    paths = [one["path"] for one in wrong.json()["errors"]]
    assert paths == [f"$[1].{n}" for n in ("outcome_id", "campaign", "answered", "happened_at")]
    assert taking.landed("outcomes") == [right]
    metrics = httpx.get(f"{taking.server.url}/metrics", headers=taking.as_admin()).text
    assert 'segmentation_ingested_total{kind="outcomes"}' in metrics


def test_what_breaks_the_contract_is_landed_since_the_batch_gives_its_reasons(
    taking: Taking,
) -> None:
    assert taking.post({"ID": 1, "Income": "much", "unknown": True}).status_code == 202
    assert taking.landed()[-1] == {"ID": 1, "Income": "much", "unknown": True}


def test_the_same_key_again_gives_the_same_receipt_and_lands_once(taking: Taking) -> None:
    answers = [taking.post({"ID": "once"}, idempotency_key="k-1") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert taking.landed().count({"ID": "once"}) == 1
    other = taking.post({"ID": "other"}, idempotency_key="k-1")
    assert other.status_code == 422
    assert "was used for other objects" in other.json()["detail"]
    # Another caller's key is another key, and so is that of another route.
    assert taking.post({"ID": "other"}, idempotency_key="k-1", role="other").status_code == 202
    assert taking.post({"ID": "r"}, to="records", idempotency_key="k-1").status_code == 202
    assert taking.landed().count({"ID": "other"}) == 1


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        ({"bought": 1}, {}, 422),
        ({"ID": 1, "n": [1]}, {}, 422),
        (b"ID\n1\n", {"content_type": "text/csv"}, 415),
        (EVENT, {"idempotency_key": "x" * 256}, 400),
        ([EVENT] * 20_000, {}, 413),
        (EVENT, {"role": "score"}, 403),
        (EVENT, {"role": "admin"}, 202),
    ],
)
def test_what_is_refused_lands_nothing(
    taking: Taking, sent: Any, headers: dict[str, str], status: int
) -> None:
    before = len(taking.landed())
    answer = taking.post(sent, **headers)
    assert answer.status_code == status
    assert (len(taking.landed()) > before) is (status == 202)
    if status == 413:
        assert "send fewer objects at a time" in answer.json()["detail"]


def test_too_many_requests_are_told_when_to_send_again(bundle: Path, tmp_path: Path) -> None:
    options, keys = options_of(tmp_path)
    # So few a second that any machine and disk land more.
    with (
        serving(bundle, tmp_path, *options, "--requests-per-second", "2") as server,
        httpx.Client(base_url=server.url, timeout=60.0) as client,
    ):
        headers = {"authorization": f"Bearer {keys['ingest']}"}
        started = time.monotonic()
        found = [client.post("/v1/events", json=EVENT, headers=headers) for _ in range(60)]
        taken = time.monotonic() - started
    assert 4 <= sum(answer.status_code == 202 for answer in found) <= 5 + 2 * taken
    assert {answer.status_code for answer in found} == {202, 429}
    refused = next(answer for answer in found if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1


def test_what_was_landed_is_counted(taking: Taking) -> None:
    taking.post([EVENT, EVENT])
    headers = {"authorization": f"Bearer {taking._keys['admin']}"}
    text = httpx.get(f"{taking.server.url}/metrics", headers=headers).text
    [count] = [
        line
        for line in text.splitlines()
        if line.startswith("segmentation_ingested_total{") and "events" in line
    ]
    assert float(count.split()[-1]) >= 2


def test_a_server_without_a_place_says_how_it_would_take_events(client: httpx.Client) -> None:
    for kind in ("events", "records", "outcomes"):
        answer = client.post(f"/v1/{kind}", json=EVENT)
        assert answer.status_code == 404
        assert f"start it with --ingest-{kind}" in answer.json()["detail"]


def test_a_full_disk_is_told_and_leaves_nothing_half_written(bundle: Path, tmp_path: Path) -> None:
    options, secrets = options_of(tmp_path)
    with serving(bundle, tmp_path, *options) as server:
        taking = Taking(server, tmp_path / "inbox", secrets)
        large = [{"ID": 1, "n": "x" * 1_000}] * 200
        before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (100_000, -1))
        answer = taking.post(large, idempotency_key="large")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert taking.landed() == []
        assert [*(tmp_path / "inbox").rglob(".writing-*")] == []
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)
        assert taking.post(large, idempotency_key="large").status_code == 202
        assert len(taking.landed()) == 200
        assert "Traceback" not in server.stderr()


def test_a_store_that_is_away_is_told_in_time_and_the_others_are_answered(
    bundle: Path, tmp_path: Path
) -> None:
    options, secrets = options_of(tmp_path)
    options[options.index("--ingest-events") + 1] = "s3://away/events"
    environment = {
        # Nobody listens there.
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    with serving(bundle, tmp_path, *options, environment=environment) as server:
        taking = Taking(server, tmp_path / "inbox", secrets)
        started = time.monotonic()
        answer = taking.post(idempotency_key="away")
        assert time.monotonic() - started < 15.0
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        # Where the store is, the log tells and the answer does not.
        assert "127.0.0.1" not in answer.text
        assert "events were not landed: " in server.stderr()
        assert taking.post(to="records").status_code == 202
        assert "Traceback" not in server.stderr()


@pytest.mark.parametrize(
    "pattern",
    [pytest.param("_keys/*/*.json", marks=pytest.mark.faults), "2*/*.jsonl"],
    ids=["key", "objects"],
)
def test_a_server_that_is_killed_before_it_answers_lands_the_repeated_request_once(
    bundle: Path, tmp_path: Path, pattern: str
) -> None:
    options, secrets = options_of(tmp_path)
    port = free_port()
    server = start_serving(bundle, tmp_path, *options, port=port)
    taking = Taking(server, tmp_path / "inbox", secrets)
    body = [{"ID": number} for number in range(2_000)]
    told: list[int] = []
    sending = _in_thread(lambda: told.append(taking.post(body, idempotency_key="k").status_code))
    until = time.monotonic() + 30.0
    while not [*(tmp_path / "inbox" / "events").glob(pattern)]:
        assert time.monotonic() < until
    server.kill()
    sending.join()
    again = start_serving(bundle, tmp_path, *options, port=port)
    try:
        repeated = Taking(again, tmp_path / "inbox", secrets)
        answers = [repeated.post(body, idempotency_key="k") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert repeated.landed() == body
    finally:
        again.stop()


def _in_thread(send: Callable[[], None]) -> threading.Thread:
    def unless_killed() -> None:
        with contextlib.suppress(httpx.HTTPError):
            send()

    thread = threading.Thread(target=unless_killed)
    thread.start()
    return thread
