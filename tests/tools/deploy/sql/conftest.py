"""A finished run of the shipped sample with two days of history and a measured campaign."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

from tests.runs.project import Project, make_project
from tests.runs.test_history import LATER, change_customers
from tests.services.receiver import serve_receiver


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs go through MLflow, SQLAlchemy and Kedro, whose warnings are theirs to mend."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(
                pytest.mark.filterwarnings("error:::customer_segmentation"), append=False
            )
            item.add_marker(pytest.mark.filterwarnings("ignore"), append=False)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """To look at, and not to change: runs of dev, with a history of features too."""
    project = make_project(tmp_path_factory.mktemp("finished") / "project")
    project.make_quick()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SEGMENTATION_SOURCE", "SEGMENTATION_CUSTOMERS", "SEGMENTATION_CONSENTS"):
            patch.delenv(name, raising=False)
        patch.setenv("SEGMENTATION_FEATURE_STORE", "sqlite")
        run(project)
        change_customers(project)
        break_customer(project)
        run(project, "--pipeline=scoring", LATER)
        run(project, "--pipeline=campaign_planning", LATER)
        with serve_receiver(project.root / "received") as server:
            sent = project.kedro("campaign", "deliver", f"--to={server.url}", "--on=2014-10-01")
            assert sent.exit_code == 0, sent.output
        patch.setenv("SEGMENTATION_OUTCOMES", str(write_outcomes(project)))
        run(project, "--pipeline=campaign_measurement")
    return project


def run(project: Project, *arguments: str) -> None:
    result = project.run(*arguments)
    assert result.exit_code == 0, result.output


def break_customer(project: Project) -> None:
    """One customer has no segment any more, for two reasons."""
    sample = project.root / "data/sample/customers.csv"
    table = pd.read_csv(sample, sep="\t", dtype=str, keep_default_na=False)
    table.loc[0, ["Year_Birth", "Income"]] = "1700", ""
    table.to_csv(sample, sep="\t", index=False)


def write_outcomes(project: Project) -> Path:
    """The contacted answer more often than those held out."""
    plan = pd.read_parquet(project.root / "data" / "gold" / "campaign.parquet")
    draw = random.Random(1)  # noqa: S311 - no secret
    lines = ["Customer_ID,Answered"]
    for row in plan[plan["offer"] != ""].itertuples():
        chance = 0.5 if row.is_contacted else 0.2
        lines.append(f"{row.customer_id},{int(draw.random() < chance)}")
    file = project.root / "outcomes.csv"
    file.write_text("\n".join([*lines, ""]))
    return file
