"""Rules of Prometheus: shares of bad requests, and alerts when budgets burn too fast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from customer_segmentation.monitoring.objectives import Errors, Latency, Objectives, Severity
from tools.deploy.watching import expressions as ask
from tools.deploy.watching.declared import objectives, runbook

Rule = dict[str, Any]
_WRITTEN = "# Written by `make deploy` of deploy/objectives.yml.\n"
# Alerts beside the objectives: what each is about, and its line of the runbook.
GONE = ("no server tells Prometheus anything", "no-server")
DROPPED = ("what was answered was not all summarised: drift is told of the rest", "lost-summaries")


def text() -> str:
    """The file of rules."""
    groups = [*_groups(objectives())]
    return _WRITTEN + yaml.safe_dump({"groups": groups}, sort_keys=False, width=1_000)


def alert_names() -> dict[str, str]:
    """Each alert's line of the runbook."""
    rules = [rule for group in _groups(objectives()) for rule in group["rules"]]
    return {
        rule["alert"]: rule["annotations"]["runbook"].partition("#")[2]
        for rule in rules
        if "alert" in rule
    }


def _groups(said: Objectives) -> Iterator[Rule]:
    for name, one in budgets(said).items():
        yield {"name": f"segmentation-{name}", "rules": _burning(said, name, one)}
    yield {"name": "segmentation-age-and-lag", "rules": [*_lasting(said)]}


def budgets(said: Objectives) -> dict[str, Latency | Errors]:
    """What has a budget of bad requests, by the name of its series."""
    slow = {f"slow_{name}": one for name, one in said.latency.items()}
    return slow | {f"failed_{name}": one for name, one in said.errors.items()}


def record(name: str, minutes: int) -> str:
    """The series of the shares of bad requests."""
    return f"segmentation_{name}:ratio_rate{ask.span(minutes)}"


def _burning(said: Objectives, name: str, one: Latency | Errors) -> list[Rule]:
    """The shares over all windows, and an alert for each severity."""
    rates = [*said.burn_rates(one.allowed)]
    spans = sorted({each for r in rates for each in (r.window.hours * 60, r.window.minutes)})
    rules = [
        {"record": record(name, minutes), "expr": ask.bad(one, ask.span(minutes))}
        for minutes in spans
    ]
    severities: list[Severity] = ["page", "ticket"]
    for severity in severities:
        conditions = [
            f"({record(name, r.window.hours * 60)} > {r.bound:g} and "
            f"{record(name, r.window.minutes)} > {r.bound:g} and "
            f"{ask.requests(one, ask.span(r.window.hours * 60))} >= {said.burn.least_requests})"
            for r in rates
            if r.window.severity == severity
        ]
        if conditions:
            alert = _alert(one.runbook, " or ".join(conditions), severity, one.about, one.runbook)
            rules.append(alert)
    return rules


def _lasting(said: Objectives) -> Iterator[Rule]:
    minutes = said.lasting_minutes
    for name, fresh in said.freshness.items():
        metric = {"features": ask.FEATURES, "stored_answers": ask.STORED}[name]
        yield _alert(
            fresh.runbook,
            f"{ask.age(metric)} > {fresh.hours * 3_600:g}",
            "ticket",
            fresh.about,
            fresh.runbook,
            minutes,
        )
    for lag in said.lag.values():
        expr = (
            f"sum({ask.WAITING}) > {lag.events} or "
            f"{ask.behind(ask.span(said.lasting_minutes))} > {lag.seconds:g}"
        )
        yield _alert(lag.runbook, expr, "page", lag.about, lag.runbook, minutes)
    yield _alert(GONE[1], f"absent({ask.IN_FLIGHT})", "page", *GONE, minutes)
    yield _alert(DROPPED[1], f"sum(increase({ask.DROPPED}[1h])) > 0", "ticket", *DROPPED)


def _alert(  # noqa: PLR0913, PLR0917 - one for each part of a rule
    name: str, expr: str, severity: Severity, about: str, line: str, minutes: int = 0
) -> Rule:
    return {
        "alert": "Segmentation" + "".join(word.title() for word in name.split("-")),
        "expr": expr,
        **({"for": f"{minutes}m"} if minutes else {}),
        "labels": {"severity": severity},
        "annotations": {"summary": about, "runbook": runbook(line)},
    }
