"""A SQL warehouse, the dashboard over it, and alerts on what is watched."""

from __future__ import annotations

from tools.deploy.databricks.cron import quartz
from tools.deploy.databricks.dashboard import FILE, TITLE
from tools.deploy.databricks.written import CATALOG, Document, permissions, tags
from tools.deploy.declared import declared

WAREHOUSE = "${resources.sql_warehouses.analysts.id}"
_IDLE_MINUTES = 10
_HOURLY = "0 * * * *"
# Of each alarm that is a number of the tables: its query, of one row and one column `value`.
_WATCHED = {
    "quarantined_share": """
SELECT CAST(refused.number AS DOUBLE) / NULLIF(refused.number + kept.number, 0) AS value
FROM (SELECT COUNT(*) AS number FROM {catalog}.silver.quarantine) AS refused
CROSS JOIN (SELECT COUNT(*) AS number FROM {catalog}.silver.customers) AS kept
""",
    "hours_since_gold": """
SELECT (UNIX_TIMESTAMP() - UNIX_TIMESTAMP(TO_TIMESTAMP(MAX(recorded_at)))) / 3600.0 AS value
FROM {catalog}.gold.history
""",
}


def document() -> Document:
    """The resources, and who may see them in each target."""
    size = declared().sizes["databricks"]["warehouse"]
    dashboard: Document = {
        "display_name": f"{TITLE} (${{bundle.target}})",
        "file_path": f"../{FILE}",
        "warehouse_id": WAREHOUSE,
        "dataset_catalog": CATALOG,
        "dataset_schema": "gold",
    }
    warehouse: Document = {
        "name": f"{declared().project} (${{bundle.target}})",
        "cluster_size": size,
        "min_num_clusters": 1,
        "max_num_clusters": 1,
        "auto_stop_mins": _IDLE_MINUTES,
        "warehouse_type": "PRO",
        "enable_serverless_compute": True,
        "tags": {"custom_tags": [{"key": key, "value": value} for key, value in tags().items()]},
    }
    return {
        "resources": {
            "sql_warehouses": {"analysts": warehouse},
            "dashboards": {"segments": dashboard},
            "alerts": {name: _alert(name) for name in _WATCHED},
        },
        "targets": {name: {"resources": _of_target(name)} for name in declared().environments},
    }


def _of_target(name: str) -> Document:
    """Who may see them; and where nothing runs by itself, alerts do not ask by themselves."""
    found: Document = {}
    if may := permissions(name, "gold", "CAN_USE"):
        found["sql_warehouses"] = {"analysts": {"permissions": may}}
        shown = permissions(name, "gold", "CAN_READ")
        found["dashboards"] = {"segments": {"permissions": shown}}
    if not declared().scheduled(name):
        paused = {"schedule": {"pause_status": "PAUSED"}}
        found["alerts"] = dict.fromkeys(_WATCHED, paused)
    return found


def _alert(name: str) -> Document:
    alarm = declared().alarms[name]
    return {
        "display_name": f"{declared().project} (${{bundle.target}}): {alarm.about}",
        "custom_summary": alarm.about,
        "query_text": " ".join(_WATCHED[name].format(catalog=CATALOG).split()),
        "warehouse_id": WAREHOUSE,
        "evaluation": {
            "comparison_operator": "GREATER_THAN",
            "source": {"name": "value", "display": "value", "aggregation": "MAX"},
            "threshold": {"value": {"double_value": alarm.above}},
            "notification": {
                "notify_on_ok": False,
                "retrigger_seconds": alarm.minutes * 60,
                "subscriptions": [{"user_email": "${var.notify}"}],
            },
        },
        "schedule": {"quartz_cron_schedule": quartz(_HOURLY), "timezone_id": "UTC"},
    }
