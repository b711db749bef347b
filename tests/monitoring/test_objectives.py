"""What the service promises is read from a file, and a file that cannot hold is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.objectives import read_objectives

DECLARED = Path(__file__).parents[2] / "deploy" / "objectives.yml"


def changed(folder: Path, path: str, value: Any) -> Path:
    told: Any = yaml.safe_load(DECLARED.read_text("utf-8"))
    *parents, last = path.split(".")
    place = told
    for each in parents:
        place = place[each]
    place[last] = value
    file = folder / "objectives.yml"
    file.write_text(yaml.safe_dump(told), "utf-8")
    return file


def test_the_bounds_of_shares_of_bad_requests_are_those_of_the_book() -> None:
    """Table 5-8 of the workbook: 14.4 and 6 page, 3 and 1 make a ticket, of thirty days."""
    rates = [*read_objectives(DECLARED).burn_rates(0.001)]
    assert [(r.window.hours, r.window.minutes, r.window.severity, r.factor) for r in rates] == [
        (1, 5, "page", 14.4),
        (6, 30, "page", 6.0),
        (24, 120, "ticket", 3.0),
        (72, 360, "ticket", 1.0),
    ]
    assert [r.bound for r in rates] == [0.0144, 0.006, 0.003, 0.001]


def test_what_a_percentile_allows_is_the_rest() -> None:
    latency = read_objectives(DECLARED).latency["answers"]
    assert (latency.allowed, latency.seconds) == (0.01, 0.25)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("latency.answers.percentile", 100, "latency.answers.percentile"),
        ("latency.answers.milliseconds", 0, "latency.answers.milliseconds"),
        ("latency.answers.runbook", "Slow answers", "latency.answers.runbook"),
        ("errors.requests.percentage", 1, "errors.requests.percentage"),
        ("freshness.tables", {"hours": 1, "about": "x", "runbook": "x"}, "freshness.tables"),
        ("latency.answers.percentile", 90, "answers: 2% of its budget in 1 h is more than all"),
    ],
)
def test_a_wrong_objective_is_refused_by_its_name(
    tmp_path: Path, path: str, value: Any, told: str
) -> None:
    with pytest.raises(UserError, match=r"objectives\.yml") as refused:
        read_objectives(changed(tmp_path, path, value))
    assert told in refused.value.message


def test_a_file_that_is_missing_or_no_yaml_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not there"):
        read_objectives(tmp_path / "none.yml")
    (tmp_path / "odd.yml").write_text("days: [", "utf-8")
    with pytest.raises(UserError, match="is no YAML"):
        read_objectives(tmp_path / "odd.yml")
