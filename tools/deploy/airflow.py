"""A DAG of Airflow for each schedule, by kedro-airflow."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from tools.access.places import CHECKOUT
from tools.deploy.declared import DEPLOY, Job, Schedule, declared

_TEMPLATE = DEPLOY / "airflow" / "dag.py.j2"
# Its parts are tasks.
_WHOLE = "__default__"


@cache
def documents() -> dict[str, str]:
    """Each DAG by its path below `deploy/`."""
    return {
        f"airflow/dags/customer_segmentation_{name}.py": _dag(name, environment, schedule)
        for environment in declared().environments
        for name, schedule in declared().scheduled(environment).items()
    }


def _dag(name: str, environment: str, schedule: Schedule) -> str:
    """A DAG: a task for each part of a whole run, then one for each other pipeline."""
    # Only the commands of Kedro import it.
    from kedro_airflow.plugin import airflow_commands  # noqa: PLC0415

    alone = declared().alone
    then = [p for run in schedule.runs if run != "jobs" for p in alone[run].pipelines]
    jobs: list[Job] = [*declared().jobs.values(), *alone.values()]
    every = declared().jobs | alone
    telling = [p for name in declared().alerts_after for p in every[name].pipelines]
    parameters = {
        "about": f"The schedule `{name}` of customer segmentation.",
        "dag_id": f"customer_segmentation_{name}",
        "schedule": schedule.cron,
        "whole": "yes" if "jobs" in schedule.runs else "",
        "then": "|".join(then),
        "alerts_after": "|".join(telling),
        **{f"retries.{p}": str(job.retries) for job in jobs for p in job.pipelines},
        **{f"minutes.{p}": str(job.timeout_minutes) for job in jobs for p in job.pipelines},
    }
    with TemporaryDirectory() as folder:
        arguments = [
            "create",
            f"--env={declared().environments[environment].kedro}",
            f"--pipelines={_WHOLE}",
            "--group-by=namespace",
            f"--jinja-file={_TEMPLATE}",
            f"--target-dir={folder}",
            f"--params={','.join(f'{key}={value}' for key, value in parameters.items())}",
        ]
        metadata = bootstrap_project(CHECKOUT)
        done = CliRunner().invoke(airflow_commands, arguments, obj=metadata, catch_exceptions=False)
        if done.exit_code:
            raise RuntimeError(done.output)
        (written,) = Path(folder).iterdir()
        return written.read_text("utf-8").rstrip() + "\n"
