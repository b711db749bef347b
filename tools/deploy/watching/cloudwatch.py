"""What the API promises, as CloudWatch's alarms need it."""

from __future__ import annotations

from typing import Any

from customer_segmentation.monitoring.objectives import Errors, Latency
from tools.deploy.watching.declared import objectives, runbook
from tools.deploy.watching.rules import budgets

# A period of CloudWatch's is a day at most.
_MOST_HOURS = 24


def promised() -> dict[str, Any]:
    """Each budget by the line of its alert, with its windows; and how many requests they need."""
    said = objectives()
    return {
        "least_requests": said.burn.least_requests,
        "budgets": {one.runbook: _budget(one) for one in budgets(said).values()},
    }


def _budget(one: Latency | Errors) -> dict[str, Any]:
    return {
        "about": one.about,
        "runbook": runbook(one.runbook),
        # Of requests, in seconds; those that fail have none.
        "slow_seconds": one.seconds if isinstance(one, Latency) else None,
        "windows": [
            {
                "severity": rate.window.severity,
                "minutes": [rate.window.hours * 60, rate.window.minutes],
                "above": rate.bound,
            }
            for rate in objectives().burn_rates(one.allowed)
            if rate.window.hours <= _MOST_HOURS
        ],
    }
