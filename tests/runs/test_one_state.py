"""One run is one state: all of its tables and files are of it, or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.datasets import pending
from customer_segmentation.errors import UserError
from customer_segmentation.lineage import publishing
from customer_segmentation.lineage.ledger import Ledger, read_ledger
from customer_segmentation.pipelines.reporting import nodes as reporting
from tests.runs.project import Project
from tests.runs.test_belonging import change_source, refused, run


class Killed(BaseException):
    """What no code of a run handles: the process is gone."""


def ledger(project: Project) -> Ledger:
    return read_ledger(str(project.root / "data" / "lineage.json"))


def waiting(project: Project) -> list[Path]:
    return list((project.root / "data").rglob(".pending"))


@pytest.fixture
def broken_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that cannot be made: the last step but one."""

    def fail(*_: object) -> None:
        message = "no report"
        raise UserError(message)

    monkeypatch.setattr(reporting, "explain_cleaning", fail)


@pytest.mark.usefixtures("broken_report")
def test_a_run_that_fails_near_its_end_leaves_everything_as_it_was(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_source(used_project)
    before = used_project.files()
    assert "no report" in refused(used_project)
    monkeypatch.undo()
    assert used_project.files() == before
    run(used_project, "--pipeline=reporting")


@pytest.mark.usefixtures("broken_report")
def test_a_first_run_that_fails_leaves_nothing(new_project: Project) -> None:
    new_project.make_quick()
    before = new_project.files()
    refused(new_project)
    assert new_project.files() == before


def test_until_the_end_of_a_run_others_read_the_state_before_it(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_source(used_project)
    before, seen = used_project.files(), {}

    def look(*_: Any) -> None:
        seen.update(used_project.files())
        raise Killed

    monkeypatch.setattr(publishing, "write_ledger", look)
    with pytest.raises(Killed):
        used_project.run()
    assert {name: seen[name] for name in before} == before
    # Bundles stand side by side: which one is live says the log, which is as it was.
    aside = (".pending", ".run.lock", "models/bundles/")
    assert all(any(name in new for name in aside) for new in seen.keys() - before.keys())


def test_a_run_that_is_killed_while_it_publishes_is_finished_by_the_next(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next ones are killed too, each somewhat later, until one is not."""
    change_source(used_project)
    old = {entry.source_sha256 for entry in ledger(used_project).entries.values()}
    for moves, pipelines in ((0, []), (7, ["--pipeline=reporting"]), (25, ["--pipeline=eda"])):
        monkeypatch.setattr(publishing, "publish", killed_after(moves))
        with pytest.raises(Killed):
            used_project.run(*pipelines)
        assert ledger(used_project).publishing
        assert waiting(used_project)
    monkeypatch.undo()
    run(used_project, "--pipeline=reporting")
    found = ledger(used_project)
    assert found.publishing is None
    (new,) = {entry.source_sha256 for entry in found.entries.values()}
    assert new not in old
    assert waiting(used_project) == []
    # Each of them is what the ledger says, or this would be refused.
    run(used_project, "--only-missing-outputs")


def killed_after(moves: int) -> Callable[[str, str], None]:
    left = moves

    def publish(source: str, target: str) -> None:
        nonlocal left
        if not left:
            raise Killed
        left -= 1
        pending.publish(source, target)

    return publish


def test_what_a_killed_run_let_wait_is_removed_by_the_next(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = used_project.files()

    def killed(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(publishing, "write_ledger", killed)
    with pytest.raises(Killed):
        used_project.run("--pipelines=preprocessing,eda")
    monkeypatch.undo()
    assert waiting(used_project)
    run(used_project, "--pipeline=reporting")
    assert waiting(used_project) == []
    tables = {name for name in before if name.endswith((".parquet", ".onnx", ".csv"))}
    assert {name: used_project.files()[name] for name in tables} == {n: before[n] for n in tables}
