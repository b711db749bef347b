"""Each alert that can be raised has a line of the runbook, and no line is of none."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import numpy as np

from customer_segmentation.monitoring.alerts.message import line_of
from customer_segmentation.monitoring.alerts.report import Report, silence
from customer_segmentation.monitoring.bins import category_bins, number_bins
from customer_segmentation.monitoring.bounds import Bounds
from customer_segmentation.monitoring.measures import measure
from customer_segmentation.monitoring.summary import Baseline, Summary, nobody
from customer_segmentation.pipelines.monitoring.calibrated import CALIBRATION
from customer_segmentation.pipelines.monitoring.observed import GONE, MOVED
from customer_segmentation.schema.limits import NO_CATEGORY
from tests.monitoring.alerts.reports import NOON, window
from tools.deploy.declared import DEPLOY, declared
from tools.deploy.watching.rules import alert_names

ROWS = 20_000
LINES = {
    *re.findall(
        r"^### (\S+)$", (DEPLOY.parent / "docs/runbook.md").read_text("utf-8"), re.MULTILINE
    )
}
# Of Terraform alone: modules/monitoring.
AWS = {"stuck-runs", "dead-messages"}
# Of the pipeline, which knows who moved or is gone, and what outcomes say.
OF_RUNS = {
    *(line_of("segment", MOVED), line_of("rows", GONE)),
    line_of("response", CALIBRATION),
}


def summaries() -> tuple[Baseline, Summary]:
    """What was learned from, and a window in which all is otherwise."""
    draw = np.random.default_rng(1)
    incomes = draw.normal(size=ROWS)
    bins = {"income": number_bins(incomes), "status": category_bins(["single", "married"])}
    empty = Baseline("v1", "2014-06-30", ("high", "low"), bins, nobody("v1", 2))

    def summary(shift: float, share: float, why: dict[str, int]) -> Summary:
        values = incomes + shift
        values[: int(share * ROWS / 4)] = np.nan
        matrix = np.column_stack([values, draw.random(ROWS) < share])
        segments = np.where(draw.random(ROWS) < share, 0, 1)
        segments[: int(share * ROWS / 5)] = -1
        outputs = {
            "segment": segments,
            "margin": draw.random(ROWS) * share,
            "p_response": draw.random(ROWS) * share,
        }
        return empty.summarise(("income", "status"), matrix, outputs).with_rejected(why)

    before = summary(0.0, 0.1, {"age: below 0": 10})
    after = summary(1.0, 0.8, {"age: below 0": 9_000, f"status: {NO_CATEGORY}": 9_000})
    return replace(empty, summary=before), after


def test_the_runbook_has_a_line_for_each_alert_and_no_other() -> None:
    baseline, now = summaries()
    findings = measure(window(source="batch"), baseline, now, baseline.summary, Bounds())
    found = {line_of(one.subject, one.measure) for one in findings if one.is_alarm}
    silent = silence(Report(NOON, (), (), ()), NOON + timedelta(days=3), 30.0)
    found |= {line_of(silent.subject, silent.measure), *OF_RUNS}
    declared_alarms = {name.replace("_", "-") for name in declared().alarms}
    assert found | {*alert_names().values()} | declared_alarms | AWS == LINES


def test_each_line_says_what_it_means_where_to_look_and_what_to_do() -> None:
    text = (DEPLOY.parent / "docs/runbook.md").read_text("utf-8")
    for part in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        line = part.splitlines()[1]
        assert [word for word in ("Means", "Look", "do") if word.lower() not in line.lower()] == []
