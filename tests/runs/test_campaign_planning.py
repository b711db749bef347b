"""`kedro run --pipeline=campaign_planning`: a plan within its limits, or why there is none."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

from customer_segmentation.campaigns.consent import has_consent
from customer_segmentation.campaigns.consent_file import read_statements
from customer_segmentation.campaigns.planning import make_plan
from customer_segmentation.serving.campaigns.stored import StoredCampaign
from customer_segmentation.serving.campaigns.views import describe_plan
from customer_segmentation.sources.optional import OptionalSource
from customer_segmentation.tables.campaign import WHY
from tests.marketing import SCHEMA
from tests.runs.project import Project

SETTING = "SEGMENTATION_CONSENTS"


@pytest.fixture(scope="module")
def project(quick_run: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of this module's, in which a whole run and then a plan have succeeded."""
    root = tmp_path_factory.mktemp("campaign") / "project"
    shutil.copytree(quick_run.root, root)
    return Project(root)


def plan(project: Project, *params: str) -> Result:
    given = ",".join(f"campaign_planning.{one}" for one in params)
    return project.run("--pipeline=campaign_planning", *([f"--params={given}"] if given else []))


def table(project: Project) -> pd.DataFrame:
    return pd.read_parquet(project.root / "data" / "gold" / "campaign.parquet")


def summary(project: Project) -> dict[str, object]:
    return json.loads((project.root / "data" / "reporting" / "campaign.json").read_text())


def test_a_plan_says_of_every_customer_what_becomes_of_them_and_why(project: Project) -> None:
    result = plan(project)
    assert result.exit_code == 0, result.output
    found = table(project)
    segments = pd.read_parquet(project.root / "data" / "gold" / "segments.parquet")
    assert set(found["customer_id"]) == set(segments["customer_id"])
    assert found["customer_id"].is_unique
    contacted, held = found["is_contacted"] == 1, found["in_hold_out"] == 1
    assert contacted.any()
    assert held.any()
    assert not (contacted & held).any()
    assert (found["offer"].ne("") == (contacted | held)).all()
    assert set(found.loc[contacted, "why"]) == {"chosen"}
    assert set(found.loc[held, "why"]) == {"held out"}
    # In the file a contact costs 3 and an answer is worth 11.
    expected = (11.0 * found["p_response"] - 3.0).where(found["offer"].ne(""), 0.0)
    assert (found["expected_profit"] - expected).abs().max() < 1e-9
    assert found.loc[found["why"] == "does not pay", "p_response"].max() <= 3.0 / 11.0


def test_the_server_plans_as_the_run_did_for_every_customer(project: Project) -> None:
    assert plan(project, "budget=300").exit_code == 0
    places = ("gold/campaign.parquet", "reporting/campaign.json")
    stored = StoredCampaign(*(str(project.root / "data" / place) for place in places)).current()
    again = make_plan(stored.candidates, stored.parameters, stored.chances)
    found = table(project).set_index("customer_id").loc[stored.candidates.ids]
    assert found["is_contacted"].tolist() == again.contacted.tolist()
    assert found["in_hold_out"].tolist() == again.held_out.tolist()
    assert found["why"].tolist() == [WHY[code] for code in again.why]
    told = describe_plan(stored, stored.parameters, again)
    assert told.cost == found.loc[found["is_contacted"] == 1, "cost"].sum()
    planned = summary(project)["lists"]["plan"]
    bounds = [planned[name] for name in ("profit", "low", "high")]
    assert [told.expected_profit, told.low, told.high] == pytest.approx(bounds, abs=0.01)


def test_nobody_without_consent_on_the_day_is_planned(project: Project) -> None:
    assert plan(project).exit_code == 0
    source = OptionalSource(place=str(project.root / "data" / "sample" / "consents.csv"))
    agreed = has_consent(read_statements(source.load(), SCHEMA), "e_mail", date(2014, 6, 30))
    found = table(project)
    planned = set(found.loc[found["offer"] != "", "customer_id"])
    assert planned <= agreed
    assert set(found.loc[found["why"] == "no consent", "customer_id"]).isdisjoint(agreed)
    later = plan(project, "day=2014-12-31")
    assert later.exit_code == 0, later.output
    after = has_consent(read_statements(source.load(), SCHEMA), "e_mail", date(2014, 12, 31))
    found = table(project)
    assert set(found.loc[found["offer"] != "", "customer_id"]) <= after
    # Some took it back in between.
    assert planned - after


def test_the_list_for_the_mailing_tool_holds_who_is_contacted_and_nobody_else(
    project: Project,
) -> None:
    assert plan(project, "budget=150").exit_code == 0
    with (project.root / "data" / "gold" / "campaign_list.csv").open(encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    found = table(project).set_index("customer_id")
    assert [*rows[0]] == ["customer_id", "offer", "channel", "segment"]
    assert {row["customer_id"] for row in rows} == set(found.index[found["is_contacted"] == 1])
    assert 3.0 * len(rows) <= 150.0
    assert {row["segment"] for row in rows} <= set(found["segment"])


def test_a_run_ends_with_what_a_marketer_reads(project: Project) -> None:
    result = plan(project, "budget=150")
    told = summary(project)
    page = (project.root / "data" / "reporting" / "campaign.html").read_text()
    start = f"Campaign spring, planned for 2014-06-30: {told['contacted']} of"
    for said in (
        start,
        "Expected profit: ",
        "in 90% of cases between",
        "contact everybody: ",
        "as many, drawn by chance: ",
        "Held out, to measure what the campaign brings: ",
        "Left out: does not pay",
        "What keeps the profit lower: budget: 150.00 monetary units",
        "campaign.html",
    ):
        assert said in result.output
    assert f"Contact {told['contacted']} of" in page
    assert "budget: 150.00 monetary units" in page


_HEADER = "customer_id,purpose,status,on\n"


@pytest.mark.parametrize(
    ("settings", "params", "told"),
    [
        # Another source than the sample, and no file of its consents.
        (
            {"SEGMENTATION_SOURCE": "customers.csv"},
            [],
            f"nobody is contacted without it. Either set {SETTING} to a file of consents",
        ),
        (
            {SETTING: f"{_HEADER}1,fax,given,2014-01-01\n"},
            [],
            "row 1: purpose 'fax' is none of e_mail, post",
        ),
        ({}, ["offers.voucher.purpose=email"], "declares no purpose `email`: did you mean e_mail?"),
        ({}, ["shares.low_spent.least=0.1"], "no segment `low_spent`: did you mean low_spend?"),
        ({}, ["shares.low_spend.least=0.5", "budget=3"], "at least, and the budget is 3.00"),
        ({}, ["budget=-1"], "campaign_planning.budget"),
    ],
)
def test_what_cannot_be_planned_is_refused_and_nothing_is_changed(  # noqa: PLR0913, PLR0917 - fixtures
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    params: list[str],
    told: str,
) -> None:
    for name, content in settings.items():
        file = tmp_path / "file.csv"
        file.write_text(content)
        monkeypatch.setenv(name, str(file))
    before = project.files()
    result = plan(project, *params)
    assert result.exit_code != 0
    assert told in result.output
    assert "Traceback" not in result.output
    after = project.files()
    assert {name: one for name, one in after.items() if name in before} == before


def test_another_ground_than_consent_is_recorded_and_told(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "consents.csv"
    assert plan(project).exit_code == 0
    found = table(project)
    one = found.loc[found["p_response"].idxmax(), "customer_id"]
    file.write_text(f"{_HEADER}{one},e_mail,withdrawn,2014-01-01\n")
    monkeypatch.setenv(SETTING, str(file))
    result = plan(project, "without_consent=customers of ours")
    assert result.exit_code == 0, result.output
    assert "without a known consent, on the ground stated: customers of ours" in result.output
    assert summary(project)["consent"]["ground"] == "customers of ours"
    found = table(project).set_index("customer_id")
    # Who took it back is not contacted on any ground.
    assert found.loc[one, "why"] == "no consent"
    assert (found["why"] == "no consent").sum() == 1


@pytest.mark.parametrize(
    ("params", "told"),
    [
        (["budget=0"], "budget: 0.00 monetary units"),
        (["offers.voucher.cost=12"], "costs: no contact pays; the best would be voucher"),
    ],
)
def test_what_does_not_pay_is_a_plan_of_nobody_that_says_so(
    project: Project, params: list[str], told: str
) -> None:
    result = plan(project, *params)
    assert result.exit_code == 0, result.output
    assert told in result.output
    assert "0 of 2," in result.output
    assert not (table(project)["offer"] != "").any()
    page = (project.root / "data" / "reporting" / "campaign.html").read_text()
    assert "Nobody is contacted." in page
