"""Runs say what drifted, since when and whom it concerns, and are silent where nothing did."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from customer_segmentation.bundles.bundle import BASELINE
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.monitoring.findings import Finding
from customer_segmentation.monitoring.hours import hour_file
from customer_segmentation.monitoring.summary import Baseline, Summary
from tests.runs.project import Project
from tests.runs.test_belonging import run

KEY = ["window_start", "source", "subject", "name", "measure", "recorded_at"]


def told(project: Project) -> dict[str, Any]:
    return json.loads((project.root / "data/reporting/monitoring.json").read_text())


def table(project: Project) -> pd.DataFrame:
    return pd.read_parquet(project.root / "data/gold/monitoring").sort_values(KEY)


def page(project: Project) -> str:
    return (project.root / "data/reporting/monitoring.html").read_text()


def report(project: Project) -> str:
    return (project.root / "data/reporting/report.html").read_text()


def scored(project: Project, day: str, *arguments: str) -> str:
    """What a run says that scores the source as of a day."""
    given = f"--params=customers.as_of={day}"
    result = project.run("--pipeline=scoring", given, *arguments)
    assert result.exit_code == 0, result.output
    return str(result.output)


def raise_incomes(project: Project) -> None:
    """By half a standard deviation of those that are no extremes."""
    sample = project.root / "data/sample/customers.csv"
    sent = pd.read_csv(sample, sep="\t", dtype=str, keep_default_na=False)
    incomes = pd.to_numeric(sent["Income"], errors="coerce")
    raised = incomes + 0.5 * incomes[incomes < 200_000].std()
    sent["Income"] = raised.round().astype("Int64").astype(str).replace("<NA>", "")
    sent.to_csv(sample, sep="\t", index=False)


def champion(project: Project) -> Baseline:
    bundle = BundleStore(str(project.root / "data/models"), "dev").champion()
    assert bundle
    return Baseline.of(bundle.files[BASELINE])


def answer(project: Project, hour: str, summary: Summary) -> None:
    """As the API leaves what it counted in an hour."""
    place = hour_file(str(project.root / "data/monitoring"), "api", hour, summary.baseline, "w")
    Path(place).parent.mkdir(parents=True)
    Path(place).write_text(json.dumps(summary.stated()))


def all_of_one_kind(summary: Summary, column: str) -> Summary:
    """The same, but everybody is in one bin of a column."""
    counts = np.zeros_like(summary.columns[column])
    counts[1] = summary.columns[column].sum()
    return replace(summary, columns={**summary.columns, column: counts})


def test_the_first_run_says_that_there_is_nothing_to_compare_with(quick_run: Project) -> None:
    found = told(quick_run)
    (window,) = found["windows"]
    assert (window["source"], window["start"], window["baseline"]) == ("batch", "2014-06-30", "")
    (line,) = found["lines"]
    assert line == (
        "Monitoring: the customers of 2014-06-30 are compared with nothing: no champion was live "
        "before this run."
    )
    rows = table(quick_run)
    assert set(rows["measure"]) == {"customers", "left_out_share"}
    assert rows["is_alarm"].sum() == 0
    for text in (report(quick_run), page(quick_run)):
        assert "no champion was live before this run" in text
        assert "a change of the concept" in text


def test_equal_customers_have_not_drifted_and_what_was_said_once_is_not_said_again(
    used_project: Project,
) -> None:
    first = table(used_project)
    # By now the run's own candidate is the champion.
    result = used_project.run("--pipelines=monitoring,reporting")
    assert result.exit_code == 0, result.output
    assert "Monitoring:" not in result.output
    second = table(used_project)
    assert second["recorded_at"].nunique() == 2
    assert not second["is_alarm"].any()
    new = second[~second["recorded_at"].isin(first["recorded_at"])]
    assert set(new["artifact_version"]) == {champion(used_project).version}
    compared = new[new["measure"].isin(["psi", "wasserstein"]) & (new["subject"] == "input")]
    assert len(compared) > 40
    # Sums of another order differ in the last digits.
    assert compared["value"].max() < 1e-6
    assert "nothing has drifted" in report(used_project)
    before = report(used_project)
    run(used_project, "--pipelines=monitoring,reporting")
    # A third statement would only repeat the second, and the report tells no time.
    assert len(table(used_project)) == len(second)
    assert report(used_project) == before


def test_a_shifted_input_is_found_in_one_run_named_first_and_dated_by_the_next(
    used_project: Project,
) -> None:
    raise_incomes(used_project)
    said = scored(used_project, "2014-07-31")
    (line, *_), found = [x for x in said.splitlines() if "Monitoring:" in x], told(used_project)
    assert line.startswith("Monitoring: income differs from the training data")
    assert f"Page: {used_project.root}/data/reporting/monitoring.html" in said
    findings = [Finding.of(one) for one in found["findings"]]
    assert findings[0].name == "income"
    assert findings[0].is_alarm
    # What income moves comes after it, and no other input is beyond its bound.
    assert {one.name for one in findings if one.is_alarm and one.subject == "input"} == {"income"}
    assert findings[0].since == "2014-07-31"
    assert 0 < findings[0].affected <= 2_202
    assert found["pictures"][0]["label"] == "yearly income"
    assert sum(found["pictures"][0]["window"]) == 2_202
    said = scored(used_project, "2014-08-31")
    assert "(since 2014-07-31)" in said
    rows = table(used_project)
    drifted = rows[(rows["name"] == "income") & (rows["measure"] == "psi")]
    assert drifted["is_alarm"].tolist() == [1, 1]
    assert drifted["since"].tolist() == ["2014-07-31", "2014-07-31"]
    before = rows[(rows["name"] == "income") & (rows["measure"] == "psi_before")]
    # Between the two snapshots nothing has changed.
    assert before["value"].max() < 1e-6
    with sqlite3.connect(used_project.root / "mlflow.db") as database:
        query = "select value from metrics where key = 'monitoring.batch.input.income.psi'"
        values = [value for (value,) in database.execute(query).fetchall()]
    assert values == pytest.approx(drifted["value"].tolist())


def test_days_of_the_api_are_windows_beside_the_run(used_project: Project) -> None:
    baseline = champion(used_project)
    usual = baseline.summary
    answer(used_project, "2014-07-01T09", usual)
    answer(used_project, "2014-07-03T09", all_of_one_kind(usual, "recency_days"))
    run(used_project, "--pipeline=monitoring")
    found = told(used_project)
    windows = [(each["source"], each["start"], each["customers"]) for each in found["windows"]]
    assert windows == [
        ("batch", "2014-06-30", 2_202),
        ("api", "2014-07-01", 2_202),
        ("api", "2014-07-02", 0),
        ("api", "2014-07-03", 2_202),
    ]
    alarms = [Finding.of(one) for one in found["findings"] if one["is_alarm"]]
    assert {(one.window.start, one.name) for one in alarms} == {("2014-07-03", "recency_days")}
    assert "The answers of the API on 2014-07-03" in found["lines"][0].replace("the", "The", 1)
    # The same day goes on: what was said of it is told anew, and the days before are not.
    answer(used_project, "2014-07-03T10", usual)
    run(used_project, "--pipeline=monitoring")
    windows = [
        (each["source"], each["start"], each["customers"]) for each in told(used_project)["windows"]
    ]
    assert windows == [("batch", "2014-06-30", 2_202), ("api", "2014-07-03", 4_404)]
    rows = table(used_project)
    days = rows[(rows["source"] == "api") & (rows["measure"] == "customers")]
    assert days["window_start"].tolist() == ["2014-07-01", "2014-07-02", *["2014-07-03"] * 2]


def test_a_champion_from_before_there_was_monitoring_is_no_error_and_it_is_said(
    used_project: Project,
) -> None:
    (bundle,) = (used_project.root / "data/models/bundles").iterdir()
    (bundle / BASELINE).unlink()
    said = used_project.run("--pipeline=monitoring").output
    assert f"bundle {bundle.name} has no baseline" in said
    (bundle / BASELINE).write_text("{}")
    said = used_project.run("--pipeline=monitoring").output
    assert f"{BASELINE} of bundle {bundle.name} is damaged" in said


def test_what_monitoring_remembers_may_be_lost(used_project: Project) -> None:
    (used_project.root / "data/monitoring/memory.json").write_text('{"windows": 1}')
    run(used_project, "--pipeline=monitoring")
    assert json.loads((used_project.root / "data/monitoring/memory.json").read_text())["windows"]
    shutil.rmtree(used_project.root / "data/monitoring")
    run(used_project, "--pipeline=monitoring")
    assert table(used_project)["recorded_at"].nunique() == 3


def test_the_page_fits_a_phone_can_be_read_aloud_and_needs_nothing_else(
    used_project: Project, browser: Browser
) -> None:
    baseline = champion(used_project)
    answer(used_project, "2014-07-01T09", baseline.summary)
    answer(used_project, "2014-07-02T09", all_of_one_kind(baseline.summary, "recency_days"))
    run(used_project, "--pipeline=monitoring")
    for width, height in ((390, 844), (1280, 900)):
        shown = browser.new_page(viewport={"width": width, "height": height})
        asked: list[str] = []
        shown.on("request", lambda request, asked=asked: asked.append(request.url))
        shown.goto((used_project.root / "data/reporting/monitoring.html").as_uri())
        for details in shown.locator("details").all():
            details.locator("summary").click()
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert Axe().run(shown).violations_count == 0
        assert len(asked) == 1
        # A picture of the input, and a line of windows each of runs and of the API.
        assert shown.locator("figure svg[role=img]").count() == 3
        assert (
            "Look at how recency_days is measured" in shown.locator("#beyond + table").inner_text()
        )
        shown.close()
