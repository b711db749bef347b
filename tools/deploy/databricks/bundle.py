"""`databricks.yml`: the targets, and what a person says of a workspace."""

from __future__ import annotations

from tools.access.roles import declared as access_declared
from tools.capacity.plan import plan
from tools.deploy.databricks.written import Document
from tools.deploy.declared import declared

# The newest that the bundle needs is a dashboard's own catalog.
_CLI = ">= 0.281.0"
_RUNTIME = "17.3.x-scala2.13"
# Environments in which one service principal deploys and runs everything.
_RUN_BY_ONE = {"staging", "prod"}


def document() -> Document:
    """The bundle."""
    return {
        "bundle": {"name": declared().project, "databricks_cli_version": _CLI},
        "include": ["resources/*.yml"],
        # Of the checkout: what a job reads beside the package.
        "sync": {"paths": [".", "../../conf", "../../requirements", "../sql/databricks"]},
        "artifacts": {
            "package": {
                "type": "whl",
                "path": "../..",
                "build": "python -m pip wheel --quiet --no-deps --wheel-dir dist .",
            }
        },
        "variables": _variables(),
        "targets": {name: _target(name) for name in declared().environments},
    }


def _variables() -> Document:
    sizes = declared().sizes["databricks"]
    said: Document = {
        "catalog": {"description": "The catalog of Unity Catalog"},
        "below": {"description": "The catalog that a promotion takes the champion from"},
        "promotes": {"description": "below or here: which bundle goes through the gates"},
        "notify": {"description": "Address that is told of failed runs and of alerts"},
        "alert_webhook": {
            "description": "Where drift is told: a secret, {{secrets/SCOPE/KEY}}; none without it",
            "default": "",
        },
        "runtime": {"description": "Databricks Runtime of the jobs", "default": _RUNTIME},
        "node": {"description": "Machines of the jobs", "default": sizes["node"]},
        "workers": {"description": "How many besides the driver", "default": 1},
        "scoring_runtime": {
            "description": "Databricks Runtime that scores; a -gpu-ml- one for scoring_device cuda",
            "default": _RUNTIME,
        },
        "scoring_node": {"description": "Machines that score", "default": sizes["node"]},
        "scoring_device": {"description": "cpu or cuda", "default": "cpu"},
        "scoring_onnxruntime": {
            "description": "onnxruntime, or onnxruntime-gpu for scoring_device cuda",
            "default": "onnxruntime",
        },
    }
    for name, role in access_declared().roles.items():
        said[name] = {"description": f"Group: {role.about}", "default": f"segmentation-{name}"}
    return said


def _target(name: str) -> Document:
    """A target: dev is for one's own trials, and nothing starts there by itself."""
    named = [*declared().environments]
    place = named.index(name)
    variables = {
        "catalog": declared().environments[name].prefix,
        "below": declared().environments[named[max(0, place - 1)]].prefix,
        "promotes": "below" if place else "here",
        "workers": plan(name).databricks_workers,
    }
    if name not in _RUN_BY_ONE:
        # Not `mode: development`, which gives schemas a name of the developer's.
        return {
            "default": True,
            "presets": {"trigger_pause_status": "PAUSED", "tags": {"environment": name}},
            "variables": variables,
        }
    return {
        "mode": "production",
        # Who deploys: the tool takes nobody else where a bundle has a dashboard or an endpoint.
        "run_as": {"service_principal_name": "${workspace.current_user.userName}"},
        "variables": variables,
    }
