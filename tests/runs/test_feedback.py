"""`kedro run --pipeline=feedback`: outcomes that arrive are kept once, in every environment."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import Result
from playwright.sync_api import Browser

from customer_segmentation.delivery.log import FOLDER
from tests.runs.project import Project, make_project
from tests.runs.tables import read_table
from tests.runs.test_campaign_measurement import CUSTOMERS, write_log
from tests.services.s3 import S3Server
from tests.tables.declared import require_declared

INBOX = "inbox/outcomes"
# As conf/base/catalog_feedback.yml says.
SETTLED_SECONDS = 1.0
# Of two runs that say the same, at other times.
WHEN = ["received_at", "recorded_at", "run_id"]


def write_inbox(data: Path, name: str, lines: list[str]) -> None:
    folder = data / INBOX
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("\n".join([*lines, ""]))
    # A file that changed a moment ago is left for the next run, by the file system's own clock.
    while time.time() - file.stat().st_ctime <= SETTLED_SECONDS:
        time.sleep(0.02)


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


def test_a_night_without_a_plan_and_without_outcomes_ends_well(new_project: Project) -> None:
    result = new_project.run("--pipeline=feedback")
    assert result.exit_code == 0, result.output
    assert "Traceback" not in result.output


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


@pytest.mark.spark
def test_staging_and_prod_keep_the_same(
    first: Result, tmp_path: Path, tracking: Path, moto_server: S3Server, spark: Any
) -> None:
    del spark
    assert first.exit_code == 0
    project = make_project(tmp_path / "project", tracking)
    moto_server.make_bucket("feedback")
    settings = moto_server.environment() | {"SEGMENTATION_BUCKET": "feedback"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        data = {name: project.root / "data" / name for name in ("staging", "prod")}
        places = {"staging": "s3://feedback", "prod": str(data["prod"])}
        found = {}
        for environment, place in places.items():
            write_log(f"{place}/{FOLDER}")
            write_inbox(data[environment], "first.csv", outcomes())
            assert feedback(project, f"--env={environment}").exit_code == 0
            late = [outcomes()[0], "late,7,spring,1,2031-01-01", "late,7,spring,0,2031-01-01"]
            write_inbox(data[environment], "late.csv", late)
            result = feedback(project, f"--env={environment}")
            assert result.exit_code == 0, result.output
            assert "1 are new" in result.output
            # Nothing new is nothing to append.
            assert ", 0 are new" in feedback(project, f"--env={environment}").output
            found[environment] = read_table(place, "gold_outcomes").drop(columns=WHEN)
            assert len(read_table(place, "silver_outcomes_apart")) == 1
            require_declared(place, "gold_outcomes")
    pd.testing.assert_frame_equal(found["staging"], found["prod"], check_dtype=False)
    assert len(found["prod"]) == len(outcomes())


@pytest.fixture(scope="module")
def turned(quick_run: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Result]:
    """A campaign that was planned, delivered, and hardly answered."""
    root = tmp_path_factory.mktemp("turned") / "project"
    shutil.copytree(quick_run.root, root)
    project = Project(root)
    named = "--params=campaign_planning.name=spring"
    assert project.run("--pipeline=campaign_planning", named).exit_code == 0
    to = project.root / "sent"
    to.mkdir()
    result = project.kedro("campaign", "deliver", f"--to={to}", "--on=2014-07-01")
    assert result.exit_code == 0, result.output
    plan = read_table(str(root / "data"), "gold_campaign")
    contacted = plan[plan["is_contacted"] == 1].sort_values("customer_id")
    draw = random.Random(3)  # noqa: S311 - no secret
    rows = ["outcome_id,customer_id,campaign,answered,happened_at"]
    rows += [
        f"{place},{row.customer_id},spring,1,2014-07-10"
        for place, row in enumerate(contacted.itertuples())
        if draw.random() < 0.35 * row.p_response
    ]
    write_inbox(project.root / "data", "answers.csv", rows)
    params = "--params=feedback.day=2014-08-01"
    result = project.run("--pipeline=feedback", params)
    assert result.exit_code == 0, result.output
    return project, result


def reported(project: Project, name: str) -> dict[str, Any]:
    return json.loads((project.root / "data" / "reporting" / f"{name}.json").read_text())


def test_a_response_model_that_is_wrong_is_told_by_what_was_planned_and_sent(
    turned: tuple[Project, Result],
) -> None:
    project, result = turned
    assert "Warning: Response model" in result.output
    outcomes = read_table(str(project.root / "data"), "gold_outcomes")
    plan = read_table(str(project.root / "data"), "gold_campaign").set_index("customer_id")
    expected = plan.loc[outcomes["customer_id"], "p_response"]
    assert outcomes["p_response"].tolist() == expected.tolist()
    [(version, told)] = reported(project, "calibration")["versions"].items()
    assert set(outcomes["response_version"]) == {version}
    assert told["contacts"] == plan["is_contacted"].sum()
    assert told["departs"]
    assert told["answers"] < told["expected"] / 2
    require_declared(str(project.root / "data"), "gold_outcomes", "gold_campaign_inputs")
    page = (project.root / "data" / "reporting" / "feedback.html").read_text()
    assert version in page


@pytest.mark.usefixtures("first")
def test_the_page_fits_a_phone_can_be_read_aloud_and_needs_nothing_else(
    project: Project, turned: tuple[Project, Result], browser: Browser
) -> None:
    for root, said in (
        (project.root, "By segment"),
        (turned[0].root, "Plans use the updated calibration"),
    ):
        for width, height in ((390, 844), (1280, 900)):
            shown = browser.new_page(viewport={"width": width, "height": height})
            asked: list[str] = []
            shown.on("request", lambda request, asked=asked: asked.append(request.url))
            shown.goto((root / "data" / "reporting" / "feedback.html").as_uri())
            assert said in shown.locator("body").inner_text()
            assert shown.evaluate("document.documentElement.scrollWidth") <= width
            assert Axe().run(shown).violations_count == 0
            assert len(asked) == 1
            shown.close()


def test_the_next_plan_is_made_with_what_came_back_unless_a_parameter_says_no(
    turned: tuple[Project, Result],
) -> None:
    project, _ = turned
    before = reported(project, "campaign")["contacted"]
    # Days after everybody was contacted.
    named = "campaign_planning.name=summer,campaign_planning.day=2014-09-01"
    again = f"--params={named}"
    result = project.run("--pipeline=campaign_planning", again)
    assert result.exit_code == 0, result.output
    assert "Probabilities are corrected by the outcomes of" in result.output
    assert reported(project, "campaign")["contacted"] < before / 2
    off = f"{again},campaign_planning.updated_calibration=false"
    result = project.run("--pipeline=campaign_planning", off)
    assert result.exit_code == 0, result.output
    assert "Probabilities are corrected" not in result.output
    assert reported(project, "campaign")["contacted"] > before / 2
    known = read_table(str(project.root / "data"), "gold_campaign_inputs")
    # As the model said, whatever a plan made of it.
    assert known.groupby("customer_id")["p_response"].nunique().max() == 1


def test_a_customer_is_forgotten_where_outcomes_and_plans_are_kept(
    turned: tuple[Project, Result],
) -> None:
    project, _ = turned
    data = str(project.root / "data")
    customer = read_table(data, "gold_outcomes")["customer_id"].iloc[0]
    result = project.kedro("forget", customer, "--do")
    assert result.exit_code == 0, result.output
    for place in ("gold/outcomes/", "gold/campaign_inputs/", "outcomes/parts/folder/"):
        assert f"data/{place}" in result.output
    assert "inbox/outcomes: the source" in result.output
    for name in ("gold_outcomes", "gold_campaign_inputs"):
        assert customer not in set(read_table(data, name)["customer_id"])
    again = project.run("--pipeline=feedback", "--params=feedback.day=2014-08-01")
    assert again.exit_code == 0, again.output
    assert ", 0 are new" in again.output
