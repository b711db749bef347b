"""The DAGs are read, and the whole of staging is run, by a real Airflow in its own environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.runs.project import make_project, shell
from tests.services.s3 import S3Server
from tools.deploy.declared import DEPLOY, Job, declared
from tools.deploy.project import registered, steps
from tools.versitygw import cache_folder

pytestmark = pytest.mark.deploy
AIRFLOW = cache_folder() / "airflow-3.3.2" / "bin"
DAGS = DEPLOY / "airflow" / "dags"
BUCKET = "airflow"
READ = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
def before(dag):
    return {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks}
tasks = {name: before(dag) for name, dag in bag.dags.items()}
print(json.dumps({"errors": bag.import_errors, "tasks": tasks}))
"""


@pytest.fixture(scope="module", autouse=True)
def needs_airflow() -> None:
    if not AIRFLOW.is_dir():
        pytest.skip("Airflow is not there: make deploy-test")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of Airflow's own processes, in which nothing of this project's Python is found."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    made = kept | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    run(["airflow", "db", "migrate"], made)
    return made


def run(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - commands of this file
        [str(AIRFLOW / command[0]), *command[1:]],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert not done.returncode, done.stdout[-3_000:] + done.stderr[-3_000:]
    return done.stdout


def test_each_schedule_is_a_dag_in_the_order_of_the_kedro_graph(
    environment: dict[str, str],
) -> None:
    read = json.loads(run(["python", "-c", READ, str(DAGS)], environment).splitlines()[-1])
    assert not read["errors"]
    schedules = [name for name, schedule in declared().schedules.items() if schedule]
    assert sorted(read["tasks"]) == sorted(f"customer_segmentation_{name}" for name in schedules)
    tasks = read["tasks"]["customer_segmentation_staging"]
    named = [name for step in steps() for name in step.job.pipelines]
    # People are told once anything that watches has ended, whether or not what follows it does.
    telling = [p for name in declared().alerts_after for p in every()[name].pipelines]
    assert {*tasks.pop("alerts")} == {*telling} & {*tasks}
    assert sorted(tasks) == sorted([*named, *declared().gate.pipelines])
    made = {d: name for name in named for d in registered()[name].all_outputs()}
    for name in named:
        needed = {made[d] for d in registered()[name].inputs() if d in made}
        assert needed - {name} <= {*tasks[name]}, name
    assert {*tasks["promotion"]} == {*named}


def every() -> dict[str, Job]:
    return declared().jobs | declared().alone


@pytest.mark.long
def test_airflow_runs_staging_to_its_promotion(
    environment: dict[str, str], moto_server: S3Server, tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    project.make_quick()
    # What staging promotes is dev's champion.
    assert not shell(project, "kedro", "run").returncode
    moto_server.make_bucket(BUCKET)
    given = environment | moto_server.environment()
    given |= {
        "SEGMENTATION_BUCKET": BUCKET,
        "SEGMENTATION_PROJECT": str(project.root),
        "SEGMENTATION_KEDRO": str(Path(sys.executable).with_name("kedro")),
    }
    run(["airflow", "dags", "test", "customer_segmentation_staging"], given)

    found = moto_server.client().list_objects_v2(Bucket=BUCKET)["Contents"]
    keys = [one["Key"] for one in found]
    assert "gold/segments.parquet" in keys
    assert any(key.startswith("models/promotions/") for key in keys)
