"""The README's section on features: its commands print what it shows."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from customer_segmentation.feature_store.stores import SETTING
from tests.runs.project import Project, transcript
from tests.serving.process import serving

# What differs between two runs, two days or two machines: versions, ages, places; and margins, as
# a quick run measures less.
VARYING = re.compile(r"\b[0-9a-f]{12}\b|\d,\d{3} days|\"age_days\":\d+|\S*/data/features|0\.\d{6,}")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, quick_run: Project) -> Project:
    root = tmp_path_factory.mktemp("features") / "project"
    shutil.copytree(quick_run.root, root)
    return Project(root)


@pytest.fixture(scope="module")
def printed(project: Project) -> list[tuple[str, list[str], list[str]]]:
    """Each command, the lines that the README shows of it, and those that it prints."""
    done = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SETTING, "sqlite")
        commands = transcript("One customer's features")
        for command, shown in commands:
            if command.startswith("make serve"):
                break
            done.append((command, shown, in_project(project, command)))
        models = project.root / "data" / "models"
        with serving(models, project.root, "--job-workers", "0") as server:
            for command, shown in commands[len(done) + 1 :]:
                asked = shlex.split(command.replace("localhost:8000", server.url))
                said = subprocess.run(asked, capture_output=True, text=True, check=True)  # noqa: S603 - the README's own
                done.append((command, shown, said.stdout.splitlines()))
    return done


def in_project(project: Project, command: str) -> list[str]:
    arguments = (
        [["run", "--pipeline=feature_export"], ["feature", "apply"]]
        if command == "make feature-store"
        else [shlex.split(command)[1:]]
    )
    lines: list[str] = []
    for each in arguments:
        result = project.kedro(*each)
        assert result.exit_code == 0, result.output
        lines += result.output.splitlines()
    return lines


def test_the_readmes_commands_print_what_it_shows(
    printed: list[tuple[str, list[str], list[str]]],
) -> None:
    assert len(printed) >= 7
    for command, shown, lines in printed:
        given = [VARYING.sub("*", line) for line in lines]
        for line in shown:
            assert VARYING.sub("*", line) in given, (command, lines)


def test_a_list_is_answered_in_its_order(
    printed: list[tuple[str, list[str], list[str]]],
) -> None:
    (line,) = printed[-1][2]
    assert '"customer_id":"9365"' in line
    assert line.endswith(
        '{"customer_id":"nobody","problem":"the online store has no such customer on 2014-06-30"}]'
    )


def test_what_make_runs_is_what_the_readme_says(project: Project) -> None:
    assert (project.root / "data/features/feature_store.yaml").is_file()
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    target = makefile.partition("\nfeature-store:")[2].partition("\n\n")[0]
    assert "kedro run --pipeline=feature_export" in target
    assert "kedro feature apply" in target
