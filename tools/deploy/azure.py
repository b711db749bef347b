"""Azure ML: environments, pipeline jobs, schedules and an online endpoint.

Staging's catalog is S3's, so that a workspace has two environments: dev learns, and prod promotes
from it. Both keep what they have in a folder of a datastore, mounted as the project's `data`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from tools.capacity.plan import plan
from tools.deploy.declared import Job, declared
from tools.deploy.project import Step, measuring, steps

_WRITTEN = "# Written by `make deploy`: docs/elsewhere.md.\n"
_BATCH, _API = "customer-segmentation-batch", "customer-segmentation-api"
_COMPUTE = "azureml:cpu-cluster"
# Of the machine that answers, as its image has a worker a core.
_CORES = 2
_DATA = "azureml://datastores/workspaceblobstore/paths/customer-segmentation/data"
# A deployment finds a model below its name and version, as the folder that it was.
_MODEL, _VERSION, _MODELS = "customer-segmentation-bundle", "1", "models"
_MOUNTED = f"/var/azureml-app/azureml-models/{_MODEL}/{_VERSION}/{_MODELS}"
# Where the images hold the project, and the port of its API.
_PROJECT, _PORT = "/opt/segmentation", 8000
_Document = dict[str, Any]


def documents() -> dict[str, str]:
    """Each file by its path below `deploy/`."""
    told = declared()
    gate, scoring = Step("promotion", told.gate, ()), Step("scoring", told.scoring, ())
    feedback = Step("feedback", told.feedback, ())
    retraining = Step("retraining", told.retraining, ())
    found = {
        "environment_batch.yml": _environment(_BATCH, {"build": _build()}),
        "environment_api.yml": _environment(_API, _served()),
        "job_learning.yml": _job("learning", "dev", _in_a_row([*steps(), gate])),
        "job_promotion.yml": _job("promotion", "prod", _in_a_row([*measuring(), gate])),
        "job_scoring.yml": _job("scoring", "prod", [scoring]),
        "job_feedback.yml": _job("feedback", "prod", [feedback]),
        "job_learning_feedback.yml": _job("learning_feedback", "dev", [feedback]),
        "job_retraining.yml": _job("retraining", "dev", [retraining]),
        "schedule_learning.yml": _schedule("learning", "staging"),
        "schedule_promotion.yml": _schedule("promotion", "prod_promotion"),
        "schedule_scoring.yml": _schedule("scoring", "prod"),
        "schedule_feedback.yml": _schedule("feedback", "prod_feedback"),
        "schedule_learning_feedback.yml": _schedule("learning_feedback", "staging_feedback"),
        "schedule_retraining.yml": _schedule("retraining", "staging_retraining"),
        "endpoint.yml": _endpoint(),
        "deployment.yml": _deployment(),
    }
    return {f"azure/{path}": _WRITTEN + _text(document) for path, document in found.items()}


def _text(document: _Document) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _environment(name: str, made_of: _Document) -> _Document:
    return {"name": name, "tags": _tags(), **made_of}


def _build() -> _Document:
    # The checkout, as the file's own folder sees it.
    return {"path": "../..", "dockerfile_path": "deploy/azure/Dockerfile"}


def _served() -> _Document:
    def route(path: str) -> _Document:
        return {"port": _PORT, "path": path}

    # `az ml environment create --set image=REGISTRY/...` names the registry it was pushed to.
    return {
        "image": "customer-segmentation/api:latest",
        "inference_config": {
            "liveness_route": route("/healthz"),
            "readiness_route": route("/readyz"),
            "scoring_route": route("/v1/customers/segments"),
        },
    }


def _in_a_row(found: Iterable[Step]) -> list[Step]:
    """Each after the one before: the tables of an environment are one run's at a time."""
    row: list[Step] = []
    for step in found:
        row.append(Step(step.name, step.job, (row[-1].name,) if row else ()))
    return row


def _job(name: str, environment: str, run: list[Step]) -> _Document:
    return {
        "type": "pipeline",
        "display_name": f"{declared().project}-{name}",
        "experiment_name": f"{declared().project}-{environment}",
        "tags": _tags() | {"environment": environment},
        "settings": {"default_compute": _COMPUTE, "continue_on_step_failure": False},
        "inputs": {"customers": {"type": "uri_file", "path": "azureml:customers@latest"}},
        "jobs": {step.name: _command(step, environment) for step in run},
    }


def _command(step: Step, environment: str) -> _Document:
    settings = "SEGMENTATION_SOURCE=${{inputs.customers}} SEGMENTATION_MODELS_BELOW=data/models"
    # Whoever cannot be told must not keep the steps after it from running.
    alerts = [f"(kedro monitor alert --env={environment} || echo 'kedro monitor alert failed' >&2)"]
    commands = (
        f"cd {_PROJECT}",
        "ln -sfn ${{outputs.data}} data",
        " ".join((settings, "kedro", *step.command(environment))),
        *(alerts if step.name in declared().alerts_after else ()),
        "touch ${{outputs.done}}/done",
    )
    # A step waits for another only by what it takes of it.
    after = {f"after_{one}": f"${{{{parent.jobs.{one}.outputs.done}}}}" for one in step.after}
    return {
        "type": "command",
        "environment": f"azureml:{_BATCH}@latest",
        "command": " && ".join(commands),
        "inputs": {"customers": "${{parent.inputs.customers}}"} | after,
        "outputs": {
            "data": {"type": "uri_folder", "mode": "rw_mount", "path": _DATA},
            "done": {"type": "uri_folder"},
        },
        "limits": {"timeout": _seconds(step.job)},
    }


def _seconds(job: Job) -> int:
    return 60 * job.timeout_minutes


def _schedule(job: str, name: str) -> _Document:
    schedule = declared().schedules[name]
    if schedule is None:
        message = f"schedules.{name}: Azure ML's {job} needs its time"
        raise ValueError(message)
    return {
        "name": f"{declared().project}-{job}",
        "trigger": {"type": "cron", "expression": schedule.cron, "time_zone": "UTC"},
        "create_job": f"job_{job}.yml",
    }


def _endpoint() -> _Document:
    return {"name": declared().project, "auth_mode": "aad_token", "tags": _tags()}


def _deployment() -> _Document:
    return {
        "name": "champion",
        "endpoint_name": declared().project,
        "environment": f"azureml:{_API}@latest",
        "model": {
            "name": _MODEL,
            "version": _VERSION,
            "path": f"{_DATA}/prod/{_MODELS}",
            "type": "custom_model",
        },
        "environment_variables": {
            "SEGMENTATION_SERVING_BUNDLE": _MOUNTED,
            "SEGMENTATION_SERVING_HOST": "0.0.0.0",  # noqa: S104 - in its own container
            "SEGMENTATION_SERVING_BEHIND_GATEWAY": "true",
        },
        "instance_type": "Standard_F2s_v2",
        "instance_count": plan("prod").machines(_CORES).least,
        "liveness_probe": {"initial_delay": 5, "period": 10, "timeout": 2},
        "readiness_probe": {"initial_delay": 5, "period": 10, "timeout": 2},
        "request_settings": {
            "request_timeout_ms": 5_000,
            "max_concurrent_requests_per_instance": 8,
        },
    }


def _tags() -> dict[str, str]:
    return declared().tags | {"managed_by": "azure-ml"}
