"""API keys: what is kept of them, and who may do what."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.serving.__main__ import _pass_on_hup
from customer_segmentation.serving.access import Route
from customer_segmentation.serving.admission import Admission
from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.keys import ANYBODY, Keys, add_key
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.settings import Settings
from tests.serving.example import write_bundle
from tests.serving.jobs.posting import workers_of
from tests.serving.process import ServerProcess, serving

# No hash: comparing it would fail.
UNUSABLE = '[{"name": "x", "sha256": "\u00e9", "roles": ["score"]}]'


def test_a_key_is_found_by_its_secret_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first, second = add_key(path, "shop", ("score",)), add_key(path, "desk", ("read",))
    keys = Keys(path)
    assert [keys.find(first).name, keys.find(second).name] == ["shop", "desk"]
    for wrong in (None, "", first[:-1], first + "x", second.upper(), "shop", "cs_", "é"):
        assert keys.find(wrong) is None


def test_the_secret_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    secret = add_key(path, "shop", ("score",))
    assert secret not in path.read_text()
    assert secret.removeprefix("cs_") not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_roles_are_held_apart_and_an_admin_has_all(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    secrets = {role: add_key(path, role, (role,)) for role in ("score", "read", "ingest", "admin")}
    keys = Keys(path)
    rights = {
        name: [role for role in secrets if keys.find(secret).may(role)]
        for name, secret in secrets.items()
    }
    assert rights == {
        "score": ["score"],
        "read": ["read"],
        "ingest": ["ingest"],
        "admin": ["score", "read", "ingest", "admin"],
    }


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    add_key(path, "shop", ("score",))
    with pytest.raises(UserError, match="there is a key named shop already"):
        add_key(path, "shop", ("read",))
    assert len(Keys(path).known) == 1


@pytest.mark.parametrize("content", [None, "", "{}", '[{"name": "x"}]', "[][", UNUSABLE])
def test_a_file_without_keys_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match="holds no API keys"):
        Keys(path)


def test_a_file_that_holds_an_empty_list_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("[]")
    with pytest.raises(UserError, match="holds no API keys"):
        Keys(path)


def test_without_a_file_anybody_may_do_everything() -> None:
    assert Keys(None).find(None) is ANYBODY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def first(path: Path) -> str:
    return add_key(path, "first", ("score",))


@pytest.fixture
def followed(bundle: Path, tmp_path: Path, path: Path, first: str) -> Iterator[ServerProcess]:
    """A server with one key, which it looks for all the time."""
    assert first
    options = ["--look-seconds", "0.05", "--job-workers", "0", "--wrong-keys-per-second", "0"]
    with serving(bundle, tmp_path, "--keys", path, *options) as server:
        yield server


def asked(server: ServerProcess, secret: str) -> int:
    """What a route says that asks for a key, on a connection of its own."""
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    return httpx.get(server.url + "/v1/bundle", headers=headers).status_code


def is_soon(condition: Callable[[], bool]) -> bool:
    """Whether something holds within a minute."""
    until = monotonic() + 60.0
    while not condition():
        if monotonic() > until:
            return False
        sleep(0.05)
    return True


def comes(server: ServerProcess, secret: str, status: int, *, times: int = 1) -> bool:
    """Whether a key is answered so soon, and then always."""
    return is_soon(lambda: all(asked(server, secret) == status for _ in range(times)))


def versions(server: ServerProcess) -> set[str]:
    """Of the artifacts that answer; each request may reach another process."""
    answers = [httpx.get(server.url + "/healthz") for _ in range(20)]
    return {answer.headers["artifact-version"] for answer in answers}


def remove(path: Path, name: str) -> None:
    kept = [key for key in json.loads(path.read_text()) if key["name"] != name]
    path.write_text(json.dumps(kept))


def test_a_key_is_taken_up_and_taken_back_while_the_server_runs(
    followed: ServerProcess, path: Path, first: str
) -> None:
    second = add_key(path, "second", ("score",))
    assert comes(followed, second, 200)
    assert asked(followed, first) == 200
    remove(path, "first")
    # On a connection that is kept, too.
    with httpx.Client(base_url=followed.url, headers={"authorization": f"Bearer {first}"}) as kept:
        until = monotonic() + 60.0
        while kept.get("/v1/bundle").status_code == 200 and monotonic() < until:
            sleep(0.05)
        assert kept.get("/v1/bundle").status_code == 401
    assert asked(followed, second) == 200


@pytest.mark.parametrize("content", [None, "", "[", "{}", '[{"name": "x"}]', UNUSABLE])
def test_a_file_that_can_no_longer_be_read_keeps_the_old_keys_and_is_told_once(
    path: Path, first: str, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    keys, kept = Keys(path), path.read_text()
    path.unlink() if content is None else path.write_text(content)
    for _ in range(3):
        keys.refresh()
    assert caplog.text.count("the new keys are refused, the old ones stay") == 1
    assert keys.find(first).name == "first"
    assert keys.find(None) is keys.find("cs_wrong") is None
    path.write_text(kept)
    second = add_key(path, "second", ("score",))
    keys.refresh()
    assert keys.find(second).name == "second"


def test_a_list_that_is_emptied_lets_nobody_in_from_then_on(
    followed: ServerProcess, path: Path, first: str
) -> None:
    path.write_text("[]")
    assert comes(followed, first, 401)
    assert asked(followed, "") == 401
    # It is still no server without keys, which would refuse another name.
    foreign = httpx.get(followed.url + "/healthz", headers={"host": "shop.example"})
    assert foreign.status_code == 200
    assert comes(followed, add_key(path, "second", ("score",)), 200)


def test_a_key_that_comes_later_leaves_the_first_half_of_the_places(path: Path, first: str) -> None:
    keys = Keys(path)
    admission = Admission(keys, Settings(keys=path, max_waiting=4))
    route, key = Route("/v1/segments", "score"), keys.find(first)
    places = [admission.enter(route, key) for _ in range(4)]
    for place in places[:2]:
        admission.leave(place)
    add_key(path, "second", ("score",))
    keys.refresh()
    with pytest.raises(RefusedError, match="busy"):
        admission.enter(route, key)


@pytest.mark.parametrize("workers", [1, 2])
def test_sighup_takes_up_keys_and_champion_at_once(
    tmp_path: Path, path: Path, first: str, workers: int
) -> None:
    """In every process, none of which ends; by itself it would look in an hour."""
    folder = write_bundle(tmp_path / "bundle")
    options = ["--look-seconds", "3600", "--wrong-keys-per-second", "0"]
    many = ["--workers", str(workers)]
    with serving(folder, tmp_path / "run", "--keys", path, *options, *many) as server:
        second = add_key(path, "second", ("score",))
        remove(path, "first")
        write_bundle(folder, 4)
        assert [asked(server, secret) for secret in (first, second)] == [200, 401]
        job_workers = workers_of(server.process.pid)
        for process in (server.process.pid, *job_workers):
            os.kill(process, signal.SIGHUP)
        # Each request may be answered by another process.
        assert comes(server, second, 200, times=20)
        assert comes(server, first, 401, times=20)
        wanted = Champion(str(folder)).current.version
        # The champion is loaded beside the keys, and may be later.
        assert is_soon(lambda: versions(server) == {wanted})
        assert server.stderr().count("Started server process") == workers
        assert workers_of(server.process.pid) == job_workers
    assert server.process.returncode == 0


def test_a_worker_that_was_not_told_of_sighup_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would go on with keys that were taken back; one that is busy is waited for."""
    told: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, _: told.append(process))
    patience = {71: 20, 72: 10_000, 73: 0}
    workers: list[Any] = [
        SimpleNamespace(pid=pid, is_ready=lambda timeout, needs=needs: timeout >= needs)
        for pid, needs in patience.items()
    ]
    supervisor: Any = SimpleNamespace(processes=workers)
    _pass_on_hup(supervisor)
    assert told == [71, 73]
    (warning,) = caplog.messages
    assert "SIGHUP was not passed on to worker 72" in warning
