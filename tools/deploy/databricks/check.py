"""Check the bundles without a workspace: `python -m tools.deploy.databricks.check`.

It says what `databricks bundle validate` would say, as far as that can be known here: keys, types
and choices of every resource by databricks-sdk's classes, references, files, tasks and cron.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import sqlglot
from databricks.sdk.service import catalog, dashboards, iam, jobs, serving, sql

from customer_segmentation.errors import UserError
from tools.deploy.databricks.resolved import read_bundle, resolved
from tools.deploy.databricks.typed import problems_of_call, problems_of_class
from tools.deploy.declared import DEPLOY

BUNDLES = (DEPLOY / "databricks", DEPLOY / "databricks" / "serving")
# What a bundle says of a resource beside what the API takes.
_BUNDLES_OWN = {"grants", "permissions", "lifecycle"}
_CLASSES: dict[str, type] = {"jobs": jobs.JobSettings, "alerts": sql.AlertV2}
_CALLS: dict[str, Callable[..., object]] = {
    "schemas": catalog.SchemasAPI.create,
    "volumes": catalog.VolumesAPI.create,
    "registered_models": catalog.RegisteredModelsAPI.create,
    "sql_warehouses": sql.WarehousesAPI.create,
    "model_serving_endpoints": serving.ServingEndpointsAPI.create,
}
_QUARTZ = re.compile(r"\S+ \S+ \S+ (\? \S+ [^?\s]+|[^?\s]+ \S+ \?)")
_PARAMETER = re.compile(r"\{\{job\.parameters\.(\w+)\}\}")


def problems(folder: Path) -> list[str]:
    """What is wrong with a bundle, of all its targets."""
    bundle = read_bundle(folder)
    found: list[str] = []
    for target in bundle["targets"]:
        whole, unknown = resolved(bundle, target)
        found += [f"{target}: ${{{name}}} stands for nothing" for name in unknown]
        for kind, group in whole["resources"].items():
            for key, resource in group.items():
                place = f"{target}.{kind}.{key}"
                found += _of_resource(kind, resource, place)
                found += _of_files(resource, folder / "resources", place)
        found += _of_jobs(whole["resources"].get("jobs", {}), target)
    return list(dict.fromkeys(found))


def _of_resource(kind: str, resource: dict[str, Any], place: str) -> Iterator[str]:
    given = {key: each for key, each in resource.items() if key not in _BUNDLES_OWN}
    if kind in _CLASSES:
        yield from problems_of_class(given, _CLASSES[kind], place)
    elif kind in _CALLS:
        yield from problems_of_call(given, _CALLS[kind], place)
    elif kind == "dashboards":
        # A file in place of its content, and the catalog of its queries as the API takes it.
        given.pop("file_path")
        apart = {key: given.pop(key) for key in ("dataset_catalog", "dataset_schema")}
        yield from problems_of_class(given, dashboards.Dashboard, place)
        call = {"dashboard": {}, **apart}
        yield from problems_of_call(call, dashboards.LakeviewAPI.create, place)
    else:
        yield f"{place}: is of no kind that is known here"
    for grant in resource.get("grants", []):
        yield from problems_of_class(grant, catalog.PrivilegeAssignment, f"{place}.grants")
    for permission in resource.get("permissions", []):
        level = {("permission_level" if k == "level" else k): v for k, v in permission.items()}
        yield from problems_of_class(level, iam.AccessControlRequest, f"{place}.permissions")
    for cron in _values(resource, ("quartz_cron_expression", "quartz_cron_schedule")):
        if not _QUARTZ.fullmatch(cron):
            yield f"{place}: {cron} is no cron of Quartz's"
    for query in _values(resource, ("query_text",)):
        try:
            sqlglot.parse_one(query, dialect="databricks")
        except sqlglot.ParseError as error:
            yield f"{place}: {error}"


def _of_files(resource: dict[str, Any], folder: Path, place: str) -> Iterator[str]:
    for path in _values(resource, ("file_path", "notebook_path")):
        if not (folder / path).is_file():
            yield f"{place}: {path} is not there"


def _of_jobs(group: dict[str, Any], target: str) -> Iterator[str]:
    for key, job in group.items():
        place, tasks = f"{target}.jobs.{key}", {each["task_key"]: each for each in job["tasks"]}
        clusters = {each["job_cluster_key"] for each in job.get("job_clusters", [])}
        parameters = {each["name"] for each in job.get("parameters", [])}
        earlier: set[str] = set()
        for name, task in tasks.items():
            for after in task.get("depends_on", []):
                if after["task_key"] not in earlier:
                    yield f"{place}.{name}: waits for {after['task_key']}, which is not before it"
                elif "outcome" in after and "condition_task" not in tasks[after["task_key"]]:
                    yield f"{place}.{name}: {after['task_key']} has no outcome"
            if task.get("job_cluster_key", "") not in {*clusters, ""}:
                yield f"{place}.{name}: there is no cluster {task['job_cluster_key']}"
            for said in _PARAMETER.findall(str(task)):
                if said not in parameters:
                    yield f"{place}.{name}: the job has no parameter {said}"
            earlier.add(name)
            yield from _of_started(task, group, f"{place}.{name}")


def _of_started(task: dict[str, Any], group: dict[str, Any], place: str) -> Iterator[str]:
    """Parameters are given to the one job that has any."""
    given = task.get("run_job_task", {}).get("job_parameters", {})
    known = {each["name"] for job in group.values() for each in job.get("parameters", [])}
    for name in sorted({*given} - known):
        yield f"{place}: no job has the parameter {name}"


def _values(value: object, keys: tuple[str, ...]) -> Iterator[str]:
    """The values of some keys, wherever they stand."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in keys:
                yield each
            yield from _values(each, keys)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each, keys)


@click.command()
def main() -> None:
    """Check the bundles without a workspace."""
    for folder in BUNDLES:
        for problem in problems(folder):
            raise UserError(f"{folder.name}: {problem}")
    click.echo("Every resource of the bundles is as databricks-sdk has it.")


if __name__ == "__main__":
    main()
