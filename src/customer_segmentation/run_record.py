"""The record of a run, for those who write on its behalf: its id and the commit of its code."""

from __future__ import annotations

import subprocess
from contextvars import ContextVar
from pathlib import Path

# Empty outside a run, for instance in a notebook.
current_run: ContextVar[dict[str, str]] = ContextVar("current_run", default={})  # noqa: B039 - never changed in place

# Its key for the environment that the run reads from, if that is another one.
LENDER = "read_from"


def describe_run(run_id: str, environment: str, project: Path, lender: str = "") -> dict[str, str]:
    """The record of a run; without git or outside a checkout, the commit is unknown."""
    try:
        told = subprocess.run(  # noqa: S603 - nothing of it comes from outside
            ["git", "-C", str(project), "rev-parse", "--verify", "HEAD"],  # noqa: S607 - whichever git there is
            capture_output=True,
            text=True,
            check=False,
        )
        commit = told.stdout.strip()
    except OSError:
        commit = ""
    record = {"run_id": run_id, "commit": commit or "unknown", "environment": environment}
    return record | ({LENDER: lender} if lender else {})
