"""A run that has no reason to learn ends well, also where click does not end the process."""

from __future__ import annotations

import sys

import click
import pytest

from customer_segmentation import __main__ as package
from customer_segmentation.errors import NothingDue, UserError


def of(error: click.ClickException) -> click.Command:
    @click.command()
    def run() -> None:
        raise error

    return run


def test_a_task_of_databricks_ends_well_where_nothing_is_due_and_fails_where_something_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As in its tasks.
    monkeypatch.setattr(sys, "ps1", "", raising=False)
    nothing, wrong = of(NothingDue("nothing is due: 3 days old")), of(UserError("no champion"))
    monkeypatch.setattr(package, "find_run_command", lambda _: nothing)
    assert package.main([]) is None
    assert capsys.readouterr().out == "nothing is due: 3 days old\n"
    monkeypatch.setattr(package, "find_run_command", lambda _: wrong)
    with pytest.raises(UserError, match="no champion"):
        package.main([])


def test_a_shell_gets_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(sys, "ps1", raising=False)
    nothing = of(NothingDue("nothing is due: 3 days old"))
    monkeypatch.setattr(package, "find_run_command", lambda _: nothing)
    with pytest.raises(SystemExit) as ended:
        package.main([])
    assert ended.value.code == 0
    assert "nothing is due" in capsys.readouterr().out
