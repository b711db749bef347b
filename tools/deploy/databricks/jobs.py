"""The job that runs an environment's pipelines, and what starts it."""

from __future__ import annotations

from collections.abc import Iterable

from customer_segmentation.schema.file import chosen_schema
from customer_segmentation.schema.parts import KEY
from tools.access.places import CHECKOUT, environment
from tools.deploy.databricks.catalog import registered
from tools.deploy.databricks.cron import quartz
from tools.deploy.databricks.serving import ENDPOINT
from tools.deploy.databricks.written import CATALOG, ENVIRONMENT, FILES, Document, tags
from tools.deploy.declared import Job, declared
from tools.deploy.project import schema, steps

NAME = "segmentation"
_RUN = f"${{resources.jobs.{NAME}.id}}"
_MINUTE = 60_000
_ALERT_MINUTES = 15
# Job parameter -> what of a schedule's `runs` it stands for.
_PARTS = {
    "hear": "feedback",
    "learn": "jobs",
    "promote": "gate",
    "score": "scoring",
    "relearn": "retraining",
}
_LIBRARIES: list[Document] = [
    {"requirements": f"{FILES}/requirements/core.txt"},
    {"whl": "../../../dist/*.whl"},
]


def document() -> Document:
    """The job of every target, and of each target what starts it."""
    return {
        "resources": {"jobs": {NAME: _job(), "describe": _description()}},
        "targets": {
            name: {"resources": {"jobs": _starters(name)}} for name in declared().environments
        },
    }


def _job() -> Document:
    """One job, which runs once at a time: in Unity Catalog there is no lock between runs.

    What is not asked for is left out, with all that waits for it; what comes next runs unless
    something before it failed.
    """
    learned = [step.name for step in steps()]
    tasks: list[Document] = [
        _wanted("hear", []),
        _task("feedback", declared().feedback, [_if("hear")]),
        _wanted("learn", ["hear", "feedback"]),
    ]
    for step in steps():
        after = [{"task_key": name} for name in step.after] or [_if("learn")]
        tasks.append(_task(step.name, step.job, after))
    tasks.append(_wanted("promote", ["learn", *_last(learned)]))
    tasks.append(
        _task(
            "gate",
            declared().gate,
            [_if("promote")],
            ["--params=promotion.source=${var.promotes}"],
        )
    )
    model, endpoint = registered("segmenter"), ENDPOINT
    served = _notebook("refresh_serving", {"model": model, "endpoint": endpoint})
    tasks.append({"task_key": "serve", "depends_on": [{"task_key": "gate"}], **served})
    tasks.append(_wanted("score", ["promote", "gate"]))
    scoring = _task("scoring", declared().scoring, [_if("score")], cluster="scoring")
    scoring["libraries"] = [*_LIBRARIES, {"pypi": {"package": "${var.scoring_onnxruntime}"}}]
    tasks += [scoring, _wanted("relearn", ["score", "scoring"])]
    tasks.append(_task("retraining", declared().retraining, [_if("relearn")]))
    tasks.append(_alerts())
    return {
        "name": f"{declared().project} (${{bundle.target}})",
        "description": "Learn, promote, score: docs/deploy_databricks.md",
        "tags": tags(),
        "max_concurrent_runs": 1,
        "queue": {"enabled": True},
        "parameters": [{"name": name, "default": "false"} for name in _PARTS],
        "email_notifications": {"on_failure": ["${var.notify}"]},
        "job_clusters": [
            {"job_cluster_key": "pipelines", "new_cluster": _cluster("", {})},
            {
                "job_cluster_key": "scoring",
                "new_cluster": _cluster(
                    "scoring_", {"SEGMENTATION_SCORING_DEVICE": "${var.scoring_device}"}
                ),
            },
        ],
        "tasks": tasks,
    }


def _alerts() -> Document:
    """What monitoring found is told if anything that looks for it has ended well."""
    after = [{"task_key": name} for name in declared().alerts_after]
    task = _command("alerts", ("monitor", "alert"), after, "pipelines")
    return {**task, "run_if": "AT_LEAST_ONE_SUCCESS", "timeout_seconds": _ALERT_MINUTES * 60}


def _description() -> Document:
    """A job that a person starts: views for analysts, and comments on tables and columns."""
    folder = f"{FILES}/deploy/sql/databricks"
    task = _notebook("describe", {"catalog": CATALOG, "folder": folder})
    return {
        "name": f"{declared().project} (${{bundle.target}}): views and comments",
        "tags": tags(),
        "max_concurrent_runs": 1,
        "tasks": [{"task_key": "describe", **task}],
    }


def _notebook(name: str, given: dict[str, str]) -> Document:
    """A notebook on serverless compute, which needs nothing of the package."""
    return {
        "notebook_task": {
            "notebook_path": f"../notebooks/{name}.py",
            "base_parameters": given,
        }
    }


def _last(names: Iterable[str]) -> list[str]:
    """The steps that no other waits for."""
    waited = {name for step in steps() for name in step.after}
    return [name for name in names if name not in waited]


def _wanted(name: str, after: list[str]) -> Document:
    """A task that says whether a part was asked for, once nothing before it failed."""
    return {
        "task_key": name,
        **({"depends_on": [{"task_key": each} for each in after]} if after else {}),
        **({"run_if": "NONE_FAILED"} if after else {}),
        "condition_task": {
            "op": "EQUAL_TO",
            "left": f"{{{{job.parameters.{name}}}}}",
            "right": "true",
        },
    }


def _if(name: str) -> Document:
    return {"task_key": name, "outcome": "true"}


def _task(
    key: str,
    job: Job,
    after: list[Document],
    more: Iterable[str] = (),
    cluster: str = "pipelines",
) -> Document:
    """A run of pipelines by the package's own command."""
    pipelines = f"--pipelines={','.join(job.pipelines)}"
    return {
        **_command(key, (), after, cluster, (pipelines, *more)),
        "timeout_seconds": job.timeout_minutes * 60,
        "max_retries": job.retries,
        **({"min_retry_interval_millis": _MINUTE} if job.retries else {}),
    }


def _command(
    key: str,
    words: Iterable[str],
    after: list[Document],
    cluster: str,
    more: Iterable[str] = (),
) -> Document:
    """A command of the package; without words, `kedro run`."""
    arguments = [*words, f"--env={ENVIRONMENT}", f"--conf-source={FILES}/conf", *more]
    return {
        "task_key": key,
        "depends_on": after,
        "job_cluster_key": cluster,
        "python_wheel_task": {
            "package_name": "customer_segmentation",
            "entry_point": "customer-segmentation",
            "parameters": arguments,
        },
        "libraries": _LIBRARIES,
    }


def _cluster(prefix: str, settings: Document) -> Document:
    """Machines for one run."""
    return {
        "spark_version": f"${{var.{prefix}runtime}}",
        "node_type_id": f"${{var.{prefix}node}}",
        "num_workers": "${var.workers}",
        "data_security_mode": "SINGLE_USER",
        "enable_local_disk_encryption": True,
        "custom_tags": tags(),
        "spark_conf": {
            "spark.sql.ansi.enabled": "false",
            "spark.sql.session.timeZone": "UTC",
        },
        "spark_env_vars": {
            "SEGMENTATION_CATALOG": CATALOG,
            "SEGMENTATION_ARRIVALS": "auto_loader",
            "SEGMENTATION_SCHEMA": chosen_schema(CHECKOUT / "conf").stem,
            "SEGMENTATION_KEY": _key(),
            "SEGMENTATION_MODELS_BELOW": _models("${var.below}"),
            "SEGMENTATION_ALERT_WEBHOOK": "${var.alert_webhook}",
            "MLFLOW_EXPERIMENT_NAME": "/Shared/customer_segmentation_${bundle.target}",
            **settings,
        },
    }


def _key() -> str:
    """The header by which a later row takes the place of an earlier one.

    None of order lines, nor where the schema knows no header of a key.
    """
    headers = [header for header, name in schema().aliases.items() if name == KEY]
    return "" if schema().orders else next(iter(headers), "")


def _models(catalog: str) -> str:
    """The folder of models in a catalog, as the environment's configuration puts it."""
    return _in(catalog, environment(ENVIRONMENT).roots["models"])


def inbox(catalog: str) -> str:
    """The folder that files of customers are put into, as the configuration says."""
    return _in(catalog, f"{environment(ENVIRONMENT).roots['landed']}/inbox/")


def _in(catalog: str, place: str) -> str:
    """The same place in another catalog."""
    root, volumes, _, rest = place.split("/", 3)
    return f"{root}/{volumes}/{catalog}/{rest}"


def _starters(name: str) -> Document:
    """Jobs that start the job: of each schedule, and of what arrives."""
    schedules = declared().scheduled(name)
    found = {
        f"schedule_{key}": _starter(
            f"by the clock, {key}",
            one.runs,
            {"schedule": {"quartz_cron_expression": quartz(one.cron), "timezone_id": "UTC"}},
        )
        for key, one in schedules.items()
    }
    usual = schedules[name].runs if name in schedules else ("jobs", "gate")
    arrival = {"url": inbox(CATALOG), "wait_after_last_change_seconds": 60}
    found["landed"] = _starter("when files arrive", usual, {"trigger": {"file_arrival": arrival}})
    return found


def _starter(about: str, runs: Iterable[str], when: Document) -> Document:
    asked = {part: str(named in {*runs}).lower() for part, named in _PARTS.items()}
    return {
        "name": f"{declared().project} (${{bundle.target}}): {about}",
        "tags": tags(),
        "max_concurrent_runs": 1,
        "email_notifications": {"on_failure": ["${var.notify}"]},
        **when,
        "tasks": [{"task_key": "start", "run_job_task": {"job_id": _RUN, "job_parameters": asked}}],
    }
