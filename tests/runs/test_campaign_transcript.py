"""The README's section on campaigns: its commands print what it shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result

from tests.runs.project import CHECKOUT, Project, transcript

RECEIVER = "http://127.0.0.1:8765"
# The day of a delivery.
DAY = re.compile(r"20\d\d-\d\d-\d\d")
Printed = list[tuple[str, list[str], str]]


@contextmanager
def receiver(root: Path) -> Iterator[str]:
    """The address of `python -m tools.receiver`, on a free port."""
    command = [sys.executable, "-u", "-m", "tools.receiver", "--port", "0"]
    settings = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(  # noqa: S603 - the README's own
        command, cwd=root, env=settings, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[2].rstrip(",")
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, whole_run: tuple[Project, Result]) -> Project:
    root = tmp_path_factory.mktemp("campaign") / "project"
    shutil.copytree(whole_run[0].root, root)
    return Project(root)


@pytest.fixture(scope="module")
def printed(project: Project) -> Printed:
    """Each command, the lines that the README shows of it, and what it prints."""
    with receiver(project.root) as address:
        return [
            (command, shown, in_project(project, command.replace(RECEIVER, address), address))
            for command, shown in transcript("A campaign")
        ]


def in_project(project: Project, command: str, address: str) -> str:
    """What a command prints, with the README's address."""
    if command.startswith("python -m tools.receiver"):
        return ""
    if command.startswith("python -m"):
        told = subprocess.run(  # noqa: S603 - the README's own
            [sys.executable, *shlex.split(command)[1:]],
            cwd=project.root,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=True,
        )
        return told.stdout
    words = shlex.split(command.replace("make run ARGS=", "kedro run "))
    with pytest.MonkeyPatch.context() as patch:
        while "=" in words[0]:
            patch.setenv(*words.pop(0).split("=", 1))
        result = project.kedro(*words[1:])
    assert result.exit_code == 0, result.output
    return result.output.replace(address, RECEIVER)


def test_the_readmes_commands_print_what_it_shows(printed: Printed) -> None:
    assert len(printed) == 6
    for command, shown, output in printed:
        lines = DAY.sub("*", output).splitlines()
        for line in shown:
            assert DAY.sub("*", line) in lines, (command, output)


def test_the_receiver_has_each_member_once_and_nobody_who_was_held_out(
    printed: Printed, project: Project
) -> None:
    assert printed
    (file,) = (project.root / "received").iterdir()
    sent = re.findall(r'"customer_id": "(\w+)"', file.read_text())
    assert len(sent) == len({*sent}) == 216
    answers = (project.root / "answers.csv").read_text().splitlines()[1:]
    assert len({line.partition(",")[0] for line in answers} - {*sent}) == 20
