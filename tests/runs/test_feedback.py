"""`kedro run --pipeline=feedback`: outcomes that arrive are kept once, in every environment."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

from customer_segmentation.delivery.log import FOLDER
from tests.runs.project import Project, make_project
from tests.runs.tables import read_table
from tests.runs.test_campaign_measurement import CUSTOMERS, write_log
from tests.tables.declared import require_declared

INBOX = "inbox/outcomes"


def write_inbox(data: Path, name: str, lines: list[str]) -> None:
    folder = data / INBOX
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([*lines, ""]))


def outcomes(count: int = CUSTOMERS) -> list[str]:
    """Of those who answered: contacted customers thrice as often as the held-out."""
    header = "outcome_id,customer_id,campaign,answered,happened_at"
    who = [n for n in range(count) if n % (300 if n % 10 == 0 else 7) == 0]
    return [header, *(f"o-{n},{n},spring,1,2026-11-30" for n in who)]


def feedback(project: Project, *arguments: str) -> Result:
    params = "--params=feedback.answer_days=0,feedback.day=2026-12-31"
    return project.run("--pipeline=feedback", params, *arguments)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tracking: Path) -> Project:
    made = make_project(tmp_path_factory.mktemp("feedback") / "project", tracking)
    write_log(str(made.root / "data" / FOLDER))
    return made


@pytest.fixture(scope="module")
def first(project: Project) -> Result:
    rows = [*outcomes(), "x-1,stranger,spring,1,2026-11-30", "x-2,1,spring,1,2026-11-01"]
    write_inbox(project.root / "data", "first.csv", rows)
    result = feedback(project)
    assert result.exit_code == 0, result.output
    return result


def kept(project: Project) -> pd.DataFrame:
    return read_table(str(project.root / "data"), "gold_outcomes")


def test_the_last_lines_say_where_outcomes_went_and_what_campaigns_brought(
    project: Project, first: Result
) -> None:
    known = len(outcomes()) - 1
    assert f"Outcomes: {known + 2:,} have arrived, {known:,} are new" in first.output
    assert "Kept apart (silver_outcomes_apart): 1, since it happened before" in first.output
    assert "Campaign spring: answers: the campaign brought" in first.output
    assert len(kept(project)) == known
    apart = pd.read_parquet(project.root / "data" / "silver" / "outcomes_apart.parquet")
    assert set(apart["outcome_id"]) == {"x-1", "x-2"}
    require_declared(str(project.root / "data"), "gold_outcomes")


def test_another_run_and_another_copy_add_nothing_and_a_correction_one_row(
    project: Project, first: Result
) -> None:
    assert first.exit_code == 0
    before = kept(project)
    write_inbox(project.root / "data", "copy.csv", [*outcomes(), "late,7,spring,1,2031-01-01"])
    result = feedback(project)
    assert result.exit_code == 0, result.output
    assert f"1 are new, {len(before) + 1:,} are in force" in result.output
    again = feedback(project)
    assert ", 0 are new" in again.output
    assert len(kept(project)) == len(before) + 1
    correction = json.dumps(
        {"outcome_id": "o-7", "revision": 1, "customer_id": "7", "campaign": "spring"}
        | {"answered": 0, "happened_at": "2026-11-30T10:00:00+01:00"}
    )
    write_inbox(project.root / "data", "correction.jsonl", [correction])
    assert feedback(project).exit_code == 0
    found = kept(project)
    rows = found[found["outcome_id"] == "o-7"].sort_values("revision")
    assert rows["answered"].tolist() == [1.0, 0.0]
    assert rows["happened_at"].iloc[1] == "2026-11-30T09:00:00.000000Z"
