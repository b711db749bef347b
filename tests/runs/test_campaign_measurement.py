"""A campaign is measured from the send log and a file of outcomes, alike in every environment."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from click.testing import Result

from customer_segmentation.delivery.log import FOLDER, SendLog
from customer_segmentation.delivery.records import Answer, Delivery
from tests.delivery.lists import TERMS
from tests.runs.project import Project, make_project
from tests.runs.tables import TOLERANCE, read_table
from tests.services.s3 import S3Server
from tests.tables.declared import require_declared

OUTCOMES = "SEGMENTATION_OUTCOMES"
BUCKET = "measurement"
CUSTOMERS = 3_000
SEGMENTS = ("high_spend", "low_spend")
KEY = ["campaign", "outcome", "level", "segment", "offer"]


def is_held_out(number: int) -> bool:
    return number % 10 == 0


def write_log(place: str, campaign: str = "spring", planned: float = 0.1) -> None:
    """A delivery of one part that the receiver has taken, and those held out of it."""
    numbers = range(CUSTOMERS)
    rows = pa.Table.from_pylist(
        [
            {
                "customer_id": str(number),
                "change": "held_out" if is_held_out(number) else "entered",
                "offer": "voucher",
                "channel": "e_mail",
                "segment": SEGMENTS[number % 3 == 0],
                "purpose": "e_mail",
                "batch": -1 if is_held_out(number) else 0,
            }
            for number in numbers
        ]
    )
    rows = rows.append_column("email_sha256", pa.nulls(CUSTOMERS, pa.string()))
    held_out = sum(map(is_held_out, numbers))
    sizes = {"batches": 1, "entered": CUSTOMERS - held_out, "changed": 0, "left": 0}
    about = {"campaign": campaign, "receiver": "crm", "day": "2026-11-29", "at": "", "token": "0"}
    log = SendLog(place)
    terms = replace(TERMS, hold_out=planned)
    delivery = Delivery(number=0, **about, **sizes, held_out=held_out, terms=terms)
    log.answered(log.begin(delivery, rows), 0, Answer("2026-11-29T00:00:00"))


def write_outcomes(file: Path) -> Path:
    """Contacted customers of `low_spend` answer thrice as often, the others as often."""
    draw = random.Random(1)  # noqa: S311 - no secret
    lines = ["Customer_ID,Answered"]
    for number in range(CUSTOMERS):
        is_helped = number % 3 == 0 and not is_held_out(number)
        lines.append(f"{number},{int(draw.random() < (0.45 if is_helped else 0.15))}")
    file.write_text("\n".join([*lines, "stranger,1", ""]))
    return file


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tracking: Path) -> Project:
    made = make_project(tmp_path_factory.mktemp("measurement") / "project", tracking)
    write_log(str(made.root / "data" / FOLDER))
    return made


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_outcomes(tmp_path_factory.mktemp("outcomes") / "outcomes.csv")


def measure_with(project: Project, outcomes: Path, *arguments: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(OUTCOMES, str(outcomes))
        return project.run("--pipeline=campaign_measurement", *arguments)


@pytest.fixture(scope="module")
def measured(project: Project, outcomes: Path) -> Result:
    result = measure_with(project, outcomes)
    assert result.exit_code == 0, result.output
    return result


def test_the_last_lines_say_what_the_campaign_brought_and_where(measured: Result) -> None:
    text = measured.output
    assert "Campaign spring: 2,700 customers contacted, 300 held out" in text
    assert "customers with outcomes who are not of the campaign: 1" in text
    assert "Answers: the campaign brought" in text
    assert "By segment, answers: more in low spend; no effect shown in 1 of 2" in text
    assert "campaign_results.html" in text
    assert "Warning" not in text


def test_table_summary_and_page_say_the_same(project: Project, measured: Result) -> None:
    assert measured.exit_code == 0
    table = read_table(str(project.root / "data"), "gold_campaign_results")
    reporting = project.root / "data" / "reporting"
    summary = json.loads((reporting / "campaign_results.json").read_text())
    told = pd.DataFrame([{"campaign": "spring", **one} for one in summary["results"]])
    pd.testing.assert_frame_equal(
        table, told.sort_values(KEY, ignore_index=True)[table.columns], check_dtype=False
    )
    page = (reporting / "campaign_results.html").read_text()
    low = table[(table["level"] == "segment") & (table["segment"] == "low_spend")].iloc[0]
    assert f"{low['incremental']:,.0f} ({low['low']:,.0f} to {low['high']:,.0f})" in page
    assert low["verdict"] == "brought"


def test_outcomes_are_not_kept(project: Project, measured: Result) -> None:
    assert measured.exit_code == 0
    assert not [name for name, content in project.files().items() if b"stranger" in content]


def test_without_a_file_of_outcomes_the_run_says_which_setting_names_it(
    project: Project, tmp_path: Path
) -> None:
    result = project.run("--pipeline=campaign_measurement")
    assert result.exit_code == 1
    assert f"set {OUTCOMES} to a file" in result.output
    result = measure_with(project, tmp_path / "none.csv")
    assert result.exit_code == 1
    assert "there is no such file" in result.output


def test_another_campaign_and_a_hold_out_that_is_off_are_told(
    project: Project, outcomes: Path
) -> None:
    result = measure_with(project, outcomes, "--params=campaign_planning.name=winter")
    assert result.exit_code == 1
    assert "set `campaign_planning.name` to one of spring" in result.output
    write_log(str(project.root / "data" / FOLDER), "autumn", 0.2)
    result = measure_with(project, outcomes, "--params=campaign_planning.name=autumn")
    assert result.exit_code == 0, result.output
    assert "Warning: 10.0 % were held out, and 20.0 % were planned" in result.output


@pytest.mark.spark
def test_staging_and_prod_measure_the_same(
    project: Project, measured: Result, outcomes: Path, moto_server: S3Server, spark: Any
) -> None:
    del spark
    assert measured.exit_code == 0
    # Another test has measured another campaign here.
    assert measure_with(project, outcomes).exit_code == 0
    expected = read_table(str(project.root / "data"), "gold_campaign_results")
    moto_server.make_bucket(BUCKET)
    with pytest.MonkeyPatch.context() as patch:
        settings = moto_server.environment() | {"SEGMENTATION_BUCKET": BUCKET}
        for name, value in settings.items():
            patch.setenv(name, value)
        places = {"staging": f"s3://{BUCKET}", "prod": str(project.root / "data" / "prod")}
        for environment, place in places.items():
            write_log(f"{place}/{FOLDER}")
            result = measure_with(project, outcomes, f"--env={environment}")
            assert result.exit_code == 0, result.output
            found = read_table(place, "gold_campaign_results")
            pd.testing.assert_frame_equal(
                found[expected.columns], expected, check_dtype=False, rtol=TOLERANCE
            )
            require_declared(place, "gold_campaign_results")
