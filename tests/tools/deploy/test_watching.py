"""Rules and dashboard: read by Prometheus's own tool, raised and silent where they should be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from customer_segmentation.monitoring.objectives import Latency
from customer_segmentation.serving import metrics
from customer_segmentation.streaming.progress import Progress
from tests.services.prometheus import Promtool
from tools.deploy.declared import DEPLOY
from tools.deploy.watching import expressions as ask
from tools.deploy.watching.dashboard import expressions
from tools.deploy.watching.declared import objectives
from tools.deploy.watching.rules import alert_names

RULES = DEPLOY / "monitoring/prometheus/rules.yml"
DASHBOARD = DEPLOY / "monitoring/grafana/dashboard.json"
SECONDS = 'segmentation_request_seconds_{}{{route="/v1/segments",status="{}"{}}}'
# Something has to be there, or its absence is an alert of its own.
ALIVE = {"segmentation_requests_in_flight": "0x6000"}


def series(slow: str, fast: str, failed: str = "0x6000") -> dict[str, str]:
    """Requests of `/v1/segments`: all that are answered, the fast ones, and those that failed."""
    return {
        SECONDS.format("count", 200, ""): slow,
        SECONDS.format("bucket", 200, ',le="0.25"'): fast,
        SECONDS.format("count", 500, ""): failed,
        **ALIVE,
    }


def every_alert() -> dict[tuple[str, str], dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return {(rule["alert"], rule["labels"]["severity"]): rule for rule in rules}


STREAM = "segmentation_stream_answers_"
LAG = STREAM + 'lag{partition="0"}'
DROPPED = "segmentation_monitoring_dropped_total"
# What is there, each how long, and which alerts are raised at which minutes.
CASES: Mapping[str, tuple[str, dict[str, str], dict[str, set[tuple[str, str]]]]] = {
    "all is well": ("5m", series("0+300x30", "0+300x30"), {"30m": set(), "2h": set()}),
    "a third is slow for an hour, and then nothing": (
        "1m",
        series("0+60x200", "0+40x65 2660+60x130"),
        {
            "60m": {("SegmentationSlowAnswers", "page"), ("SegmentationSlowAnswers", "ticket")},
            # It was much, and it is over: no reason to get up.
            "100m": {("SegmentationSlowAnswers", "ticket")},
        },
    ),
    "some per cent are slow, which the long windows tell": (
        "5m",
        series("0+100x80", "0+92x80"),
        {"6h": {("SegmentationSlowAnswers", "page"), ("SegmentationSlowAnswers", "ticket")}},
    ),
    "a few requests, all slow": ("1m", series("0+1x90", "0x90"), {"60m": set()}),
    "five of a hundred fail": (
        "1m",
        series("0+95x90", "0+95x90", "0+5x90"),
        {
            "60m": {
                ("SegmentationFailingRequests", "page"),
                ("SegmentationFailingRequests", "ticket"),
            }
        },
    ),
    "two of a thousand fail for days": (
        "30m",
        series("0+998x150", "0+998x150", "0+2x150"),
        {"72h": {("SegmentationFailingRequests", "ticket")}},
    ),
    "one of two thousand fails for days": (
        "30m",
        series("0+1999x150", "0+1999x150", "0+1x150"),
        {"72h": set()},
    ),
    "features of the day before are new enough until the morning": (
        "30m",
        {ask.FEATURES: "1x80", ask.STORED: "0x80", **ALIVE},
        {"29h": set(), "31h": {("SegmentationOldFeatures", "ticket")}},
    ),
    "stored answers grow old, and a second server has those of today": (
        "30m",
        {
            ask.STORED + '{instance="a"}': "1x80",
            ask.STORED + '{instance="b"}': "86400x80",
            **ALIVE,
        },
        {"31h": {("SegmentationOldStoredAnswers", "ticket")}},
    ),
    "many messages wait": (
        "1m",
        {LAG: "0x10 20000x20", STREAM + "events_total": "0+600000x40", **ALIVE},
        {"12m": set(), "20m": {("SegmentationStreamBehind", "page")}},
    ),
    "few wait, and nothing moves": (
        "1m",
        {LAG: "5x30", STREAM + "events_total": "7x30", **ALIVE},
        {"3m": set(), "10m": {("SegmentationStreamBehind", "page")}},
    ),
    "nothing waits, and nothing comes": (
        "1m",
        {LAG: "0x30", STREAM + "events_total": "7x30", **ALIVE},
        {"20m": set()},
    ),
    "some wait for a moment": (
        "1m",
        {LAG: "0x10 9x2 0x20", STREAM + "events_total": "0+60x40", **ALIVE},
        {"12m": set(), "30m": set()},
    ),
    "no server is there": ("1m", {}, {"4m": set(), "6m": {("SegmentationNoServer", "page")}}),
    "summaries are lost": (
        "1m",
        {DROPPED: "0x20 30x20", **ALIVE},
        {"15m": set(), "25m": {("SegmentationLostSummaries", "ticket")}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_alerts_are_raised_and_silent_where_they_should_be(
    name: str, promtool: Promtool, tmp_path: Path
) -> None:
    interval, there, raised = CASES[name]
    names = {alert for alert, _ in every_alert()}

    def expected(alert: str, moment: str) -> list[dict[str, Any]]:
        return [
            {"exp_labels": each["labels"], "exp_annotations": each["annotations"]}
            for key, each in every_alert().items()
            if key[0] == alert and key in raised[moment]
        ]

    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": interval,
        "tests": [
            {
                "interval": interval,
                "input_series": [{"series": key, "values": text} for key, text in there.items()],
                "alert_rule_test": [
                    {"eval_time": moment, "alertname": alert, "exp_alerts": expected(alert, moment)}
                    for moment in raised
                    for alert in sorted(names)
                ],
            }
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(test), "utf-8")
    promtool("test", "rules", file)


def test_every_alert_is_raised_by_a_case() -> None:
    raised = {
        key for _, _, moments in CASES.values() for found in moments.values() for key in found
    }
    slow_taking = {("SegmentationSlowTaking", each) for each in ("page", "ticket")}
    # It is made as that of answers is.
    assert raised | slow_taking == {*every_alert()}


def test_prometheus_reads_the_rules_and_all_that_the_dashboard_asks(
    promtool: Promtool, tmp_path: Path
) -> None:
    promtool("check", "rules", RULES)
    # There is no command for one expression in all versions; a rule is one.
    rules = [
        {"record": f"asked:{place}", "expr": expr.replace("$__rate_interval", "5m")}
        for place, expr in enumerate(expressions())
    ]
    file = tmp_path / "asked.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}), "utf-8")
    promtool("check", "rules", file)


def exposed(tmp_path: Path) -> set[str]:
    """The names of all series that servers and streams tell."""
    told = metrics.Metrics()
    progress = Progress(tmp_path / "progress.json", "answers")
    text = generate_latest(told.registry) + generate_latest(_registry(progress))
    names = {line.split()[2] for line in text.decode().splitlines() if line.startswith("# TYPE")}
    parts = {f"{name}_{part}" for name in names for part in ("bucket", "count", "sum", "total")}
    return names | parts


def _registry(progress: Progress) -> CollectorRegistry:
    registry = CollectorRegistry()
    for each in (progress._events, progress._lag):
        registry.register(each)
    return registry


def test_every_metric_that_is_asked_for_is_told(tmp_path: Path) -> None:
    asked = " ".join([RULES.read_text("utf-8"), *expressions()])
    # The series that the rules make themselves have a colon.
    named = {*re.findall(r"\bsegmentation_[a-z0-9_]+\b(?!:)", asked)}
    assert sorted(named - exposed(tmp_path)) == []


def test_the_bounds_of_latency_are_bounds_of_the_histogram() -> None:
    assert {one.seconds for one in objectives().latency.values()} <= {*metrics._SECONDS}


def test_the_dashboard_is_one_of_grafana_and_shows_each_promise() -> None:
    told = json.loads(DASHBOARD.read_text("utf-8"))
    panels = told["panels"]
    assert [panel["id"] for panel in panels] == [*range(1, len(panels) + 1)]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len({*places}) == len(places)
    assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in panels)
    assert all(target["refId"] and target["expr"] for p in panels for target in p["targets"])
    assert {panel["datasource"]["uid"] for panel in panels} == {"${source}"}
    assert [one["name"] for one in told["templating"]["list"]] == ["source"]
    shown = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    for one in objectives().latency.values():
        assert ask.bad(one, "$__rate_interval") in shown


def test_alerts_name_their_lines_of_the_runbook() -> None:
    assert {*alert_names().values()} >= objectives().runbooks
    assert isinstance(objectives().latency["answers"], Latency)
