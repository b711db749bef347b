"""The CI workflow: nothing reaches prod but what was tested, then integrated in staging."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).parents[1]
WORKFLOW = yaml.safe_load((CHECKOUT / ".github" / "workflows" / "ci.yml").read_text())
TARGETS = {*re.findall(r"^([a-z-]+):.*##", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)}


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def behind(name: str) -> list[str]:
    """The jobs that must have succeeded before one, the nearest first."""
    needed = WORKFLOW["jobs"][name].get("needs")
    return [needed, *behind(needed)] if needed else []


def test_every_step_is_a_make_target_that_runs_here() -> None:
    for name, job in WORKFLOW["jobs"].items():
        for command in commands(job):
            make, *targets = command.split(" ARGS=")[0].split()
            assert make == "make", (name, command)
            assert {*targets} <= TARGETS, (name, command)


def test_prod_comes_behind_staging_and_that_behind_the_tests() -> None:
    assert behind("prod") == ["staging", "rehearse", "test"]
    assert "make test-all" in commands(WORKFLOW["jobs"]["test"])
    assert commands(WORKFLOW["jobs"]["prod"]) == ["make release"]


def test_only_main_writes_to_staging_and_prod_and_only_by_their_own_role() -> None:
    for name in ("staging", "prod"):
        job = WORKFLOW["jobs"][name]
        assert "github.ref == 'refs/heads/main'" in job["if"]
        assert job["environment"] == name
        (login,) = (step for step in job["steps"] if "role-to-assume" in step.get("with", {}))
        assert login["with"]["role-to-assume"] == f"${{{{ vars.{name.upper()}_ROLE }}}}"


def test_no_secret_stands_in_it_and_a_job_may_only_read_the_code() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for job in WORKFLOW["jobs"].values():
        assert job.get("permissions", {}).get("contents", "read") == "read"
    assert "secrets." not in str(WORKFLOW)
