"""`make staging`: a command runs against an S3 server of its own, which ends with it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from customer_segmentation.errors import UserError
from tools import rehearsal

KEPT = Path("data/staging/s3/customer-segmentation-staging")
STORE = """
import os, boto3
client, bucket = boto3.client("s3"), os.environ["SEGMENTATION_BUCKET"]
"""
LIST = (
    'print([found["Key"] for found in client.list_objects_v2(Bucket=bucket).get("Contents", [])])'
)
WAIT = 'print("ready", flush=True); import time; time.sleep(60)'

ROOT = Path(__file__).parents[2]
Rehearse = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def rehearse(tmp_path: Path) -> Iterator[Rehearse]:
    """Start a rehearsal of a Python program in a folder, for a person with an S3 of their own."""
    started = []
    own = {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_PROFILE": "company",
        "AWS_SESSION_TOKEN": "token",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }

    def start(*command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 - this Python, these programs
            [sys.executable, "-m", "tools.rehearsal", "--", *command],
            cwd=tmp_path,
            env=os.environ | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # As a terminal has it: its processes are a group, which Ctrl-C is sent to.
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def program(text: str) -> list[str]:
    return [sys.executable, "-c", STORE + text]


def announcement(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    lines = ""
    # The command is printed too, which here is of several lines.
    while "is kept in" not in lines:
        line = process.stdout.readline()
        assert line, lines
        lines += line
    return lines


def answers(line: str) -> bool:
    """Whether a server is at the address that a rehearsal printed."""
    found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
    assert found
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(found[1]))) == 0


def ends(condition: Callable[[], bool]) -> bool:
    """Whether something is over, at once or soon."""
    until = time.monotonic() + 60
    while condition() and time.monotonic() < until:
        time.sleep(0.1)
    return not condition()


def test_a_command_has_a_bucket_and_its_exit_code_is_passed_on(rehearse, tmp_path):
    process = rehearse(*program(LIST + "; raise SystemExit(3)"))
    printed, _ = process.communicate()
    assert process.returncode == 3
    assert printed.startswith(f"Rehearsal: {sys.executable} -c ")
    assert printed.endswith(f"is kept in {KEPT}\n[]\n")
    assert not answers(printed)
    # What the run wrote, and nothing else.
    assert list((tmp_path / KEPT).iterdir()) == []
    assert list((tmp_path / KEPT.parent).iterdir()) == [tmp_path / KEPT]


def test_the_next_rehearsal_finds_what_the_last_left(rehearse, tmp_path):
    put = 'client.put_object(Bucket=bucket, Key=key, Body=b"1")'
    rehearse(
        *program(f'for key in ("gold/a.parquet", "gold/b", "gold/.run-lease.json"): {put}')
    ).communicate()
    assert (tmp_path / KEPT / "gold" / "a.parquet").read_bytes() == b"1"

    remove = 'client.delete_object(Bucket=bucket, Key="gold/b")'
    printed, _ = rehearse(*program(f"{LIST}; {remove}")).communicate()
    assert printed.endswith("['gold/a.parquet', 'gold/b']\n")
    kept = [path.name for path in (tmp_path / KEPT).rglob("*") if path.is_file()]
    assert kept == ["a.parquet"]


def test_what_the_next_rehearsal_finds_has_the_etag_that_the_ledger_knows(rehearse):
    tag = 'print(client.head_object(Bucket=bucket, Key="gold/big")["ETag"])'
    put = 'client.put_object(Bucket=bucket, Key="gold/big", Body=bytes(20_000_000))'
    first, _ = rehearse(*program(f"{put}; {tag}")).communicate()
    second, _ = rehearse(*program(tag)).communicate()
    assert first.splitlines()[-1] == second.splitlines()[-1]


@pytest.mark.parametrize(
    ("send", "code"),
    [
        (lambda rehearsal: os.killpg(rehearsal.pid, signal.SIGINT), 128 + signal.SIGINT),
        (lambda rehearsal: rehearsal.terminate(), 128 + signal.SIGTERM),
    ],
    ids=["Ctrl-C", "terminated"],
)
def test_an_ended_command_leaves_no_server_and_keeps_the_bucket(rehearse, tmp_path, send, code):
    put = 'client.put_object(Bucket=bucket, Key="a", Body=b"1")'
    process = rehearse(*program(f"{put}; {WAIT}"))
    line = announcement(process)
    assert process.stdout.readline() == "ready\n"
    assert answers(line)
    send(process)
    process.communicate()
    assert process.returncode == code
    assert not answers(line)
    assert (tmp_path / KEPT / "a").read_bytes() == b"1"


def test_the_server_ends_with_a_killed_rehearsal(rehearse):
    process = rehearse(*program(WAIT))
    line = announcement(process)
    assert answers(line)
    process.kill()
    assert ends(lambda: answers(line))


def test_two_rehearsals_at_once_are_refused(rehearse):
    first = rehearse(*program(WAIT))
    announcement(first)
    second = rehearse("true")
    printed, _ = second.communicate()
    assert second.returncode == 1
    assert f"data/staging/s3 is in use by run rehearsal (host {socket.gethostname()}" in printed
    first.terminate()
    first.wait()


def test_a_command_that_is_not_there_is_said(rehearse):
    process = rehearse("no-such-command")
    printed, _ = process.communicate()
    assert process.returncode == 1
    assert printed.endswith("Error: no-such-command: No such file or directory\n")


def test_without_moto_the_way_to_it_is_said(monkeypatch):
    monkeypatch.setattr(rehearsal, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="run make staging"), rehearsal.serve_moto():
        pass
