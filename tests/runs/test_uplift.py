"""A randomised test through the schema by configuration alone: the public file, where it is given.

The file's means are known: the men's e-mail to everybody brings 0.770 of spend and 7.7 points of
visits a customer over no e-mail.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.runs.project import Project

FOLDER = "SEGMENTATION_REAL_FOLDER"
QUICK = "--params=uplift.splits=1,uplift.permutations=100"
STEPS = "--pipelines=ingestion,preprocessing,uplift"
HEADER = "recency,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend"


def summary_of(project: Project) -> dict[str, Any]:
    return json.loads((project.root / "data" / "reporting" / "uplift.json").read_text())


def write_test(file: Path, customers: int, arms: tuple[str, ...]) -> Path:
    """A test in which buyers for men gain from the men's e-mail, others from the women's."""
    draw = random.Random(1)  # noqa: S311 - no secret
    lines = [HEADER]
    for _ in range(customers):
        arm, is_man = draw.choice(arms), draw.random() < 0.5
        helped = {"Mens E-Mail": is_man, "Womens E-Mail": not is_man}.get(arm)
        visit = int(draw.random() < {True: 0.5, False: 0.05, None: 0.1}[helped])
        history = round(draw.uniform(30.0, 900.0), 2)
        known = (draw.randint(1, 12), history, int(is_man), int(not is_man), "Urban", 0, "Web")
        lines.append(",".join(map(str, (*known, arm, visit, 0, visit * draw.randint(0, 90)))))
    file.write_text("\n".join([*lines, ""]))
    return file


@pytest.fixture(autouse=True)
def _schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENTATION_SCHEMA", "hillstrom")


def test_the_public_file_has_its_known_means_and_no_targeting_beats_the_mens_email(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (folder := os.environ.get(FOLDER)):
        pytest.skip(f"hillstrom.csv is not shipped: set {FOLDER} to its folder")
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(Path(folder) / "hillstrom.csv"))
    result = new_project.run(STEPS, QUICK)
    assert result.exit_code == 0, result.output
    summary = summary_of(new_project)
    assert (summary["customers"], summary["incomplete"]) == (64_000, 0)
    for outcome, brought in {"spend_after": 0.770, "visited": 0.077}.items():
        mens = next(
            one for one in summary["outcomes"][outcome]["constants"] if one["name"] == "mens_email"
        )
        assert mens["over_control"]["value"] == pytest.approx(brought, abs=5e-4)
        assert summary["outcomes"][outcome]["best"] == "mens_email"
    assert result.output.count("No targeting was shown to beat mens email to everybody") == 2
    page = (new_project.root / "data" / "reporting" / "uplift.html").read_text()
    assert page.count("No targeting was shown to beat mens email to everybody") == 2


def test_planted_differences_are_found(
    new_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_test(tmp_path / "test.csv", 4_000, ("Mens E-Mail", "Womens E-Mail", "No E-Mail"))
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(file))
    result = new_project.run(STEPS, QUICK)
    assert result.exit_code == 0, result.output
    visited = summary_of(new_project)["outcomes"]["visited"]
    assert all(one["is_better"] for one in visited["policies"] if "constant" not in one["name"])
    assert all(curve["is_shown"] for curve in visited["curves"])
    assert "beats" in result.output
    assert "Page: " in result.output


def test_what_cannot_be_tried_is_refused_with_what_to_do(
    new_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_arm = write_test(tmp_path / "arm.csv", 300, ("Mens E-Mail",))
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(one_arm))
    result = new_project.run(STEPS, QUICK)
    assert result.exit_code == 1
    assert "the test has too few customers in none (0)" in result.output
    result = new_project.run(STEPS, f"{QUICK},uplift.costs.profit=1")
    assert result.exit_code == 1
    assert "`uplift.costs`: profit is no outcome" in result.output
    monkeypatch.delenv("SEGMENTATION_SOURCE")
    monkeypatch.setenv("SEGMENTATION_SCHEMA", "marketing_campaign")
    result = new_project.run(STEPS, QUICK)
    assert result.exit_code == 1
    assert "has no `experiment`: uplift is learned from a randomised test alone" in result.output
