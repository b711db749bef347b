"""What tests of applied Terraform share: the data side of an environment, on an emulator."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.services.terraform import Made
from tools.deploy.declared import DEPLOY
from tools.terraform import LACKS, Workspace

PAGE = DEPLOY.parent / "docs" / "deploy_aws.md"
# What deploy/aws/compute.tf calls has tests of its own.
COMPUTE = ("api", "lambda", "emr_serverless", "orchestration", "monitoring", "sagemaker")


@contextmanager
def applied(terraform: Made, found_by: dict[str, str], **variables: Any) -> Iterator[Workspace]:
    """The data side of an environment, made in an emulator that ends with the test.

    Args:
        terraform: Makes the workspace.
        found_by: The variables by which the emulator is found.
        variables: Terraform's own; `switches` are beside what emulators lack.
    """
    off = dict.fromkeys((*COMPUTE, *LACKS), False)
    workspace = terraform(
        {
            "region": "us-east-1",
            "emulated": True,
            "keep_data": False,
            **variables,
            "switches": off | variables.get("switches", {}),
        },
        found_by,
    )
    workspace.apply()
    yield workspace


def parts(workspace: Workspace) -> set[str]:
    """The modules that the state has resources of."""
    found = (re.match(r"module\.(\w+)(\[0\])?\.aws_", each) for each in workspace.resources())
    return {match[1] for match in found if match}


def table(first: str) -> list[dict[str, str]]:
    """The rows of the page's table whose first column is headed so, by header of column."""
    _, _, rest = PAGE.read_text("utf-8").partition(f"\n| {first} |")
    head, _, *rows = (f"| {first} |{rest}").partition("\n\n")[0].splitlines()
    names = _cells(head)
    return [dict(zip(names, _cells(row), strict=True)) for row in rows]


def _cells(row: str) -> list[str]:
    """Without the marks of code."""
    return [cell.strip().strip("`") for cell in row.strip()[1:-1].split("|")]


def told(emulator: str) -> set[str]:
    """The parts that the page says were applied to an emulator."""
    applied_to = {row["module"] for row in table("module") if row[emulator] == "applied"}
    return applied_to - {*COMPUTE}


def changes(workspace: Workspace) -> dict[str, set[str]]:
    """What a plan after an apply would change yet, by type of resource: its attributes."""
    workspace.run("plan", "-input=false", "-out=again.tfplan")
    plan = json.loads(workspace.run("show", "-json", "again.tfplan"))
    found: dict[str, set[str]] = {}
    for one in plan["resource_changes"]:
        before, after = one["change"]["before"] or {}, one["change"]["after"] or {}
        names = {name for name in after if before.get(name) != after[name]}
        if one["change"]["actions"] != ["no-op"]:
            found.setdefault(one["type"], set()).update(names)
    return found


def policy(text: Any) -> list[dict[str, Any]]:
    """The statements of a policy as AWS's clients give it."""
    return (text if isinstance(text, dict) else json.loads(text))["Statement"]
