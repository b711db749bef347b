"""A dashboard of Grafana: the promises, what is left of their budgets, and what is answered."""

from __future__ import annotations

import json
from typing import Any

from tools.deploy.watching import expressions as ask
from tools.deploy.watching.declared import objectives
from tools.deploy.watching.rules import budgets

Panel = dict[str, Any]
# Of each step of what is shown.
_RATE = "$__rate_interval"
_HALF, _HEIGHT, _SCHEMA = 12, 8, 39
_SOURCE = {"type": "prometheus", "uid": "${source}"}


def text() -> str:
    """The dashboard, as Grafana imports or provisions it."""
    dashboard = {
        "uid": "customer-segmentation",
        "title": "Customer segmentation: what is promised and what is answered",
        "description": "Written by make deploy of deploy/objectives.yml",
        "tags": ["customer-segmentation"],
        "schemaVersion": _SCHEMA,
        "timezone": "utc",
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": [_placed(place, panel) for place, panel in enumerate(_panels())],
    }
    return json.dumps(dashboard, indent=2) + "\n"


def expressions() -> list[str]:
    """All that the dashboard asks for."""
    return [target["expr"] for panel in _panels() for target in panel["targets"]]


def _panels() -> list[Panel]:
    said = objectives()
    # Prometheus need not keep as many days as are promised.
    left = [
        (f"1 - ({ask.bad(one, f'{said.days}d')}) / {one.allowed:g}", name.replace("_", " "))
        for name, one in budgets(said).items()
    ]
    shares = [
        _panel(
            f"Share of requests: {name.replace('_', ' ')}",
            f"{one.about}, beyond {one.allowed:.2%} over {said.days} days",
            [(ask.bad(one, _RATE), "share")],
            "percentunit",
            one.allowed,
        )
        for name, one in budgets(said).items()
    ]
    every = f"{ask.SECONDS}_bucket"
    by_route = f"sum by (le, route) (rate({every}[{_RATE}]))"
    ages = {"features": ask.FEATURES, "stored_answers": ask.STORED}
    lag = next(iter(said.lag.values()))
    return [
        _panel(
            f"Left of the budget of {said.days} days",
            "1 is all of it; below 0 the promise is broken",
            left,
            "percentunit",
        ),
        *shares,
        _panel(
            "Seconds of a request, p99 by route",
            "Within the histogram's bounds",
            [(f"histogram_quantile(0.99, {by_route})", "{{route}}")],
            "s",
        ),
        _panel(
            "Requests a second",
            "By route and status",
            [
                (
                    f"sum by (route, status) (rate({ask.SECONDS}_count[{_RATE}]))",
                    "{{route}} {{status}}",
                )
            ],
            "reqps",
        ),
        _panel(
            "Customers a second",
            "By segment",
            [(f"sum by (segment) (rate(segmentation_answers_total[{_RATE}]))", "{{segment}}")],
            "short",
        ),
        _panel(
            "Wrong fields a second",
            "By field and problem; no values",
            [
                (
                    f"sum by (field, problem) (rate(segmentation_rejections_total[{_RATE}]))",
                    "{{field}}: {{problem}}",
                )
            ],
            "short",
        ),
        _panel(
            "Age",
            "Since the beginning of the day that it is of",
            [(ask.age(ages[name]), name.replace("_", " ")) for name in said.freshness],
            "s",
            min(one.hours for one in said.freshness.values()) * 3_600,
        ),
        _panel(
            "Messages that wait",
            "In the topic of the stream's events",
            [(f"sum({ask.WAITING})", "messages")],
            "short",
            lag.events,
        ),
        _panel(
            "Seconds that the stream is behind",
            "At its rate of the last minutes",
            [(ask.behind("5m"), "seconds")],
            "s",
            lag.seconds,
        ),
        _panel("Requests being answered", "Now", [(f"sum({ask.IN_FLIGHT})", "requests")], "short"),
        _panel(
            "Not summarised",
            "Customers whose answers drift is not told of, a second",
            [(f"sum(rate({ask.DROPPED}[{_RATE}]))", "customers")],
            "short",
        ),
        _panel(
            "Artifact in use",
            "By version",
            [("max by (version) (segmentation_artifact)", "{{version}}")],
            "short",
        ),
    ]


def _panel(
    title: str, about: str, asked: list[tuple[str, str]], unit: str, bound: float | None = None
) -> Panel:
    steps: list[Panel] = [{"color": "green", "value": None}]
    if bound is not None:
        steps.append({"color": "red", "value": bound})
    return {
        "type": "timeseries",
        "title": title,
        "description": about,
        "datasource": _SOURCE,
        "targets": [
            {"refId": chr(ord("A") + place), "expr": expr, "legendFormat": legend}
            for place, (expr, legend) in enumerate(asked)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": {"thresholdsStyle": {"mode": "off" if bound is None else "line"}},
            },
            "overrides": [],
        },
    }


def _placed(place: int, panel: Panel) -> Panel:
    x, y = _HALF * (place % 2), _HEIGHT * (place // 2)
    return {"id": place + 1, "gridPos": {"x": x, "y": y, "w": _HALF, "h": _HEIGHT}, **panel}
