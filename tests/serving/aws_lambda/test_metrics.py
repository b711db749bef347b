"""CloudWatch's metrics in the line of the log: as its format says, and nothing personal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customer_segmentation.serving.aws_lambda.metrics import NAMESPACE, SLOW, embedded
from tools.deploy.declared import DEPLOY


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMESPACE, "customer-segmentation-prod")
    monkeypatch.setenv(SLOW, "0.25")


def require_format(line: dict[str, Any]) -> None:
    """What Amazon's specification of the embedded metric format asks of a line."""
    about = line["_aws"]
    assert isinstance(about["Timestamp"], int)
    assert about["Timestamp"] > 1_500_000_000_000
    for told in about["CloudWatchMetrics"]:
        assert 1 <= len(told["Namespace"]) <= 1024
        for names in told["Dimensions"]:
            assert len(names) <= 30
            assert all(isinstance(line[name], str) and line[name] for name in names)
        assert len(told["Metrics"]) <= 100
        for metric in told["Metrics"]:
            value = line[metric["Name"]]
            assert isinstance(value, int | float)
            assert not isinstance(value, bool)
            assert metric["Unit"] in {"Count", "Seconds"}


@pytest.mark.parametrize(
    ("status", "seconds", "counts"),
    [
        (200, 0.1, {"Requests": 1, "Answered": 1, "Slow": 0, "Failed": 0}),
        (200, 0.3, {"Requests": 1, "Answered": 1, "Slow": 1, "Failed": 0}),
        # What a caller did wrong is answered; who failed is not slow besides.
        (422, 0.1, {"Requests": 1, "Answered": 1, "Slow": 0, "Failed": 0}),
        (503, 9.0, {"Requests": 1, "Answered": 0, "Slow": 0, "Failed": 1}),
    ],
)
def test_a_request_is_counted_as_it_was_promised(
    status: int, seconds: float, counts: dict[str, int]
) -> None:
    line = json.loads(json.dumps(embedded("scoring", status, seconds, 3)))
    require_format(line)
    assert {name: line[name] for name in counts} == counts
    assert (line["Seconds"], line["Customers"], line["function"]) == (seconds, 3, "scoring")


def test_without_a_namespace_there_are_no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAMESPACE)
    assert embedded("scoring", 200, 0.1, 1) == {}


def test_without_a_promise_nothing_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SLOW)
    assert embedded("scoring", 200, 1_000.0, 1)["Slow"] == 0


def test_alarms_and_dashboard_ask_for_metrics_that_are_told() -> None:
    told = embedded("scoring", 200, 0.1, 1)
    text = (DEPLOY / "aws/modules/monitoring/main.tf").read_text("utf-8")
    names = {one["Name"] for one in told["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert {"Slow", "Answered", "Failed", "Customers", "Seconds"} <= names
    assert all(f'"{name}"' in text for name in names - {"Requests"})
