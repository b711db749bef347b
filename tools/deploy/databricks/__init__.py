"""The bundle of Databricks: jobs, catalog, SQL and serving of each environment."""

from __future__ import annotations

from tools.deploy.databricks import bundle, catalog, dashboard, jobs, serving, sql
from tools.deploy.databricks.written import Document, as_yaml


def documents() -> dict[str, str]:
    """Each file by its path below `deploy/`."""
    found: dict[str, Document] = {
        "databricks.yml": bundle.document(),
        "resources/catalog.yml": catalog.document(),
        "resources/jobs.yml": jobs.document(),
        "resources/sql.yml": sql.document(),
        "serving/databricks.yml": serving.document(),
    }
    written = {f"databricks/{path}": as_yaml(each) for path, each in found.items()}
    return written | {f"databricks/{dashboard.FILE}": dashboard.text()}
