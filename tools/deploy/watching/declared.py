"""The objectives of the checkout, and where its runbook is."""

from __future__ import annotations

from functools import cache

from customer_segmentation.monitoring.objectives import Objectives, read_objectives
from tools.deploy.declared import DEPLOY

RUNBOOK = "docs/runbook.md"


@cache
def objectives() -> Objectives:
    """What `deploy/objectives.yml` says."""
    return read_objectives(DEPLOY / "objectives.yml")


def runbook(line: str) -> str:
    """Where a line of the runbook is."""
    return f"{RUNBOOK}#{line}"
