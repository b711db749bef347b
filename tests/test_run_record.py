"""What a run says of itself to those who write for it."""

from __future__ import annotations

import subprocess
from contextvars import Context
from pathlib import Path

import pytest

from customer_segmentation.run_record import current_run, describe_run


@pytest.fixture(autouse=True)
def _no_checkout_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)


def git(folder: Path, *command: str) -> str:
    person = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(  # noqa: S603 - the commands stand in this file
        ["git", "-C", str(folder), *person, *command],  # noqa: S607 - whichever git there is
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_run_in_a_checkout_names_its_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--no-gpg-sign", "--message=first")
    assert describe_run("2026-11-22T10.00.00", "prod", tmp_path) == {
        "run_id": "2026-11-22T10.00.00",
        "commit": git(tmp_path, "rev-parse", "HEAD"),
        "environment": "prod",
    }


def test_before_the_first_commit_there_is_none_to_name(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert describe_run("1", "dev", tmp_path)["commit"] == "unknown"


def test_outside_a_checkout_the_commit_is_not_known(tmp_path: Path) -> None:
    assert describe_run("1", "dev", tmp_path)["commit"] == "unknown"


def test_without_git_the_commit_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_run("1", "dev", tmp_path)["commit"] == "unknown"


def test_outside_a_run_nothing_is_said() -> None:
    assert Context().run(current_run.get) == {}
