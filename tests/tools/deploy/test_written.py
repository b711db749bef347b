"""What is generated below `deploy/` is what the project says now."""

from __future__ import annotations

import pytest

from tools.deploy.__main__ import documents
from tools.deploy.declared import DEPLOY
from tools.deploy.project import registered, steps


# Kedro's plugins, which a command imports, have warnings of their own.
@pytest.mark.filterwarnings("ignore")
def test_what_is_committed_is_what_would_be_written() -> None:
    written = documents()
    stale = [
        path
        for path, text in written.items()
        if not (DEPLOY / path).is_file() or (DEPLOY / path).read_text("utf-8") != text
    ]
    assert not stale, "run make deploy"


def test_jobs_run_each_step_of_a_whole_run_once_and_after_what_they_read() -> None:
    told = [
        node.name for step in steps() for p in step.job.pipelines for node in registered()[p].nodes
    ]
    assert sorted(told) == sorted(node.name for node in registered()["__default__"].nodes)
    done: set[str] = set()
    for step in steps():
        assert {*step.after} <= done
        done.add(step.name)
