"""Two runs at once on one environment do not interleave: the second is refused."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.run_lock import LEASE, LOCK, lease, run_lock
from customer_segmentation.streaming.turns import in_turn
from tests.services.s3 import S3Server, serve_moto

# Takes the lock, says whether it did, and ends with its standard input.
HOLDER = """
import select
import sys
from customer_segmentation.errors import UserError
from customer_segmentation.run_lock import run_lock
try:
    run_lock(sys.argv[1], sys.argv[2], expiry=float(sys.argv[3])).acquire()
    print("held", flush=True)
except UserError as error:
    print(error, flush=True)
# A signal that comes just before a read without end would wait for its end.
while not select.select([sys.stdin], [], [], 0.1)[0]:
    pass
"""
# A lease is free for others one second later, since the server's times have no fractions; and its
# age is known to a second only. A busy machine's pauses must be shorter than the expiry.
EXPIRY = 3.0
FREE_AFTER = EXPIRY + 2.5

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process that tries to hold a root."""
    started = []

    def start_one(root: str, holder: str = "first", expiry: float = 60) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 - this Python, this program
            [sys.executable, "-c", HOLDER, root, holder, str(expiry)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


class TestFolder:
    def test_the_second_run_is_refused_and_told_who_is_on(self, tmp_path, start):
        first = start(str(tmp_path))
        assert said(first) == "held"
        with pytest.raises(UserError) as refused:
            run_lock(str(tmp_path), "second").acquire()
        message = str(refused.value)
        assert message.startswith(
            f"{tmp_path} is in use by run first (host {socket.gethostname()}, process {first.pid}, "
            "since 20"
        )
        assert message.endswith("wait until it has ended, or end it, and run again")

    def test_a_killed_run_is_in_nobodys_way(self, tmp_path, start):
        first = start(str(tmp_path))
        assert said(first) == "held"
        kill(first)
        assert (tmp_path / LOCK).exists()
        with run_lock(str(tmp_path), "second") as second:
            second.require_held()

    def test_a_released_lock_leaves_nothing(self, tmp_path):
        for _ in range(2):
            with run_lock(str(tmp_path / "new"), "one"):
                assert (tmp_path / "new" / LOCK).exists()
            assert not list((tmp_path / "new").iterdir())

    def test_a_lock_that_was_never_taken_is_not_held(self, tmp_path):
        lock = run_lock(str(tmp_path), "one")
        lock.release()
        with pytest.raises(UserError):
            lock.require_held()

    def test_of_eight_processes_one_wins(self, tmp_path, start):
        answers = [said(process) for process in [start(str(tmp_path)) for _ in range(8)]]
        assert answers.count("held") == 1
        assert all("is in use by" in answer for answer in answers if answer != "held")

    def test_threads_that_take_and_free_it_are_never_two_at_once(self, tmp_path):
        inside, maximum = [0], [0]

        def take(_: int) -> int:
            taken = 0
            for _attempt in range(200):
                try:
                    with run_lock(str(tmp_path), "one"):
                        inside[0] += 1
                        maximum[0] = max(maximum[0], inside[0])
                        inside[0] -= 1
                        taken += 1
                except UserError:
                    pass
            return taken

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(take, range(8))) > 0
        assert maximum == [1]

    def test_a_lock_file_that_is_removed_is_noticed(self, tmp_path):
        with run_lock(str(tmp_path), "one") as lock:
            (tmp_path / LOCK).unlink()
            with pytest.raises(UserError, match="was removed while the run was on"):
                lock.require_held()

    def test_a_folder_that_cannot_be_is_said(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(UserError, match=r"file.*: a run must be able to write there"):
            run_lock(str(tmp_path / "file"), "one").acquire()

    def test_another_store_is_not_locked_and_the_log_says_so(self, caplog):
        with run_lock("gs://bucket", "one") as lock:
            lock.require_held()
        assert "gs://bucket has no lock: start no second run on it" in caplog.text


@pytest.fixture
def root(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, request: Any) -> str:
    """A folder in a new bucket, with the environment that a run on it has."""
    set_environment(s3_server, monkeypatch)
    bucket = f"lock-{abs(hash(request.node.name))}"
    s3_server.make_bucket(bucket)
    return f"s3://{bucket}/tables"


def set_environment(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


def lease_object(root: str) -> dict[str, str]:
    bucket, _, folder = root.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": f"{folder}/{LEASE}"}


class TestLease:
    def test_the_second_run_is_refused_and_told_who_is_on(self, root):
        with (
            run_lock(root, "first"),
            # The same bucket, as Spark names it.
            pytest.raises(UserError) as refused,
        ):
            run_lock(root.replace("s3://", "s3a://"), "second").acquire()
        message = str(refused.value)
        assert f"in use by run first (host {socket.gethostname()}, process {os.getpid()}" in message
        assert message.endswith("(a killed run's hold ends by itself after 60 seconds)")

    def test_a_released_lease_leaves_nothing(self, root, s3_server):
        for _ in range(2):
            with run_lock(root, "one") as lock:
                lock.require_held()
            found = s3_server.client().list_objects_v2(Bucket=lease_object(root)["Bucket"])
            assert "Contents" not in found

    def test_a_bucket_itself_can_be_the_root(self, root):
        bucket = root.removesuffix("/tables")
        with run_lock(bucket, "first"), pytest.raises(UserError, match=f"{bucket} is in use"):
            run_lock(f"{bucket}/", "second").acquire()

    def test_a_killed_runs_lease_is_taken_over_once_it_has_expired(self, root, start, caplog):
        first = start(root, "killed", EXPIRY)
        assert said(first) == "held"
        kill(first)
        with pytest.raises(UserError, match="run killed"):
            run_lock(root, "second", EXPIRY).acquire()
        time.sleep(FREE_AFTER)
        with run_lock(root, "second", EXPIRY) as second:
            second.require_held()
        assert "Took over the lease of a run that ended: run killed" in caplog.text

    def test_an_interrupted_run_frees_its_lease(self, root, start):
        first = start(root)
        assert said(first) == "held"
        first.send_signal(signal.SIGINT)
        first.wait()
        with run_lock(root, "second"):
            pass

    def test_renewal_keeps_a_lease_beyond_its_expiry(self, root):
        with run_lock(root, "first", EXPIRY) as first:
            until = time.monotonic() + FREE_AFTER + EXPIRY
            while time.monotonic() < until:
                with pytest.raises(UserError, match="run first"):
                    run_lock(root, "second", EXPIRY).acquire()
                first.require_held()
                time.sleep(0.2)

    def test_a_lost_lease_is_noticed_and_left_to_its_new_holder(self, root, s3_server):
        first = run_lock(root, "first", EXPIRY)
        first.acquire()
        other = b'{"run": "other", "host": "h", "pid": "1", "since": "noon"}'
        s3_server.client().put_object(**lease_object(root), Body=other)
        time.sleep(EXPIRY)
        with pytest.raises(UserError, match=r"lost its lease to run other \(host h, process 1"):
            first.require_held()
        first.release()
        kept = s3_server.client().get_object(**lease_object(root))["Body"].read()
        assert kept == other

    def test_a_lease_that_is_gone_is_lost(self, root, s3_server):
        with run_lock(root, "first", EXPIRY) as first:
            s3_server.client().delete_object(**lease_object(root))
            time.sleep(EXPIRY)
            with pytest.raises(UserError, match="lost its lease to another run"):
                first.require_held()

    def test_after_a_laptops_sleep_the_server_is_asked_first(self, root, s3_server):
        with run_lock(root, "first") as first:
            s3_server.client().delete_object(**lease_object(root))
            # The renewal is 20 seconds away, and the process' own clock stood still.
            first.require_held()
            monotonic, wall = first._renewed
            first._renewed = (monotonic, wall - 3600)
            with pytest.raises(UserError, match="lost its lease"):
                first.require_held()

    def test_a_renewal_whose_answer_was_lost_is_no_loss(self, root):
        with run_lock(root, "first") as first:
            known = first._etag
            first._renew()
            first._etag = known
            first._renew()
            first.require_held()
            assert first._lost_to is None

    def test_a_first_request_whose_answer_was_lost_is_no_refusal(self, root):
        first = run_lock(root, "first")
        first.acquire()
        first._take()
        first.require_held()
        first.release()
        with run_lock(root, "second"):
            pass

    def test_of_eight_that_ask_at_the_same_moment_one_wins(self, root, monkeypatch):
        self.race(root, monkeypatch, expiry=60)

    def test_of_eight_that_take_over_at_the_same_moment_one_wins(
        self, root, monkeypatch, s3_server
    ):
        s3_server.client().put_object(**lease_object(root), Body=b"left by nobody")
        time.sleep(FREE_AFTER)
        self.race(root, monkeypatch, EXPIRY)

    @staticmethod
    def race(root: str, monkeypatch: pytest.MonkeyPatch, expiry: float) -> None:
        together = threading.Barrier(8)
        # One client for all, since each takes a while to make.
        client = lease._s3_client(root)

        def wait_for_all(_: str) -> Any:
            together.wait()
            return client

        monkeypatch.setattr(lease, "_s3_client", wait_for_all)
        locks = [run_lock(root, f"run {number}", expiry) for number in range(8)]

        def wins(lock: Any) -> bool:
            try:
                lock.acquire()
            except UserError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(wins, locks))
        for lock in locks:
            lock.release()
        assert won.count(True) == 1


class TestOutage:
    def test_a_run_goes_on_until_its_lease_may_be_anothers(self, monkeypatch):
        with serve_moto() as server:
            set_environment(server, monkeypatch)
            server.make_bucket("tables")
            lock = run_lock("s3://tables", "one", expiry=2)
            lock.acquire()
        lock.require_held()
        time.sleep(2)
        with pytest.raises(UserError, match=f"nothing answers at {server.endpoint}"):
            lock.require_held()
        # A run's own error is not hidden by one of the release.
        lock.release()


def test_a_holder_that_cannot_be_told_for_a_moment_is_waited_for(
    tmp_path: Path,
) -> None:
    held = run_lock(str(tmp_path), "first")
    held.acquire()
    (tmp_path / LOCK).write_bytes(b"")
    threading.Timer(0.2, held.release).start()
    with run_lock(str(tmp_path), "second"):
        pass


def test_a_stream_waits_for_a_run_but_not_for_a_root_that_it_cannot_write_to(
    tmp_path: Path,
) -> None:
    held = run_lock(str(tmp_path), "first")
    held.acquire()
    waited: list[None] = []

    def waiting() -> None:
        waited.append(None)
        held.release()

    with in_turn(str(tmp_path), waiting):
        assert waited
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match="must be able to write there"),
        in_turn(str(tmp_path / "file")),
    ):
        pass
