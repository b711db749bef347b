"""A Power BI project over gold tables: a semantic model in TMDL and a report in PBIR."""

from __future__ import annotations

from tools.deploy.powerbi.model import model_documents
from tools.deploy.powerbi.names import FOLDER, PROJECT
from tools.deploy.powerbi.report import report_documents
from tools.deploy.powerbi.writing import as_json, identity

_SCHEMAS = "https://developer.microsoft.com/json-schemas/fabric"


def documents() -> dict[str, str]:
    """Each file by its path below `deploy/`."""
    project = {
        f"{PROJECT}.pbip": as_json(
            {
                "$schema": f"{_SCHEMAS}/pbip/pbipProperties/1.0.0/schema.json",
                "version": "1.0",
                "artifacts": [{"report": {"path": f"{PROJECT}.Report"}}],
                "settings": {"enableAutoRecovery": True},
            }
        ),
        # Power BI Desktop keeps the imported rows there.
        ".gitignore": "**/.pbi/localSettings.json\n**/.pbi/cache.abf\n",
        f"{PROJECT}.Report/.platform": _platform("Report"),
        f"{PROJECT}.SemanticModel/.platform": _platform("SemanticModel"),
    }
    parts = {
        "SemanticModel": model_documents(),
        "Report": report_documents(),
    }
    for kind, files in parts.items():
        project |= {f"{PROJECT}.{kind}/{path}": text for path, text in files.items()}
    return {f"{FOLDER}/{path}": text for path, text in project.items()}


def _platform(kind: str) -> str:
    """What Fabric's git integration knows a part by."""
    return as_json(
        {
            "$schema": f"{_SCHEMAS}/gitIntegration/platformProperties/2.0.0/schema.json",
            "metadata": {"type": kind, "displayName": "Customer segments"},
            "config": {"version": "2.0", "logicalId": identity(kind)},
        }
    )
