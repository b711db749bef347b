"""Alerts and dashboards of what the server and the stream tell Prometheus."""

from __future__ import annotations

from tools.deploy.watching import dashboard, rules


def documents() -> dict[str, str]:
    """Each file by its path below `deploy/`."""
    return {
        "monitoring/prometheus/rules.yml": rules.text(),
        "monitoring/grafana/dashboard.json": dashboard.text(),
    }
