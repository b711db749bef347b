"""Azure ML's own loaders read what is written for it, and its commands run here as they stand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_segmentation.bundles.store import BundleStore
from tests.runs.project import make_project
from tools.deploy.declared import DEPLOY, declared
from tools.deploy.project import steps
from tools.versitygw import cache_folder

pytestmark = pytest.mark.deploy
PYTHON = cache_folder() / "azure-ai-ml-1.35.2" / "bin" / "python"
FOLDER = DEPLOY / "azure"
# Each file by the loader of its kind; what came of it, as Azure ML would send it.
READ = """
import json, sys
from pathlib import Path
from azure.ai.ml import load_environment, load_job, load_online_deployment, load_online_endpoint
from azure.ai.ml.entities._load_functions import load_schedule
loaders = {
    "environment": load_environment, "job": load_job, "schedule": load_schedule,
    "endpoint": load_online_endpoint, "deployment": load_online_deployment,
}
files = sorted(Path(sys.argv[1]).glob("*.yml"))
read = {file.name: loaders[file.stem.partition("_")[0]](file)._to_dict() for file in files}
print(json.dumps(read, default=str))
"""


@pytest.fixture(scope="module")
def read() -> dict[str, Any]:
    if not PYTHON.is_file():
        pytest.skip("azure-ai-ml is not there: make deploy-test")
    done = subprocess.run(  # noqa: S603 - a script of this file
        [PYTHON, "-W", "ignore", "-c", READ, FOLDER], capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr[-3_000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def written(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def lacks(text: Any, loaded: Any, place: str) -> list[str]:
    """What a file says and the loaded object does not."""
    if isinstance(text, dict):
        if not isinstance(loaded, dict):
            return [place]
        # A step of a pipeline becomes a component with what it runs, and the step itself.
        known = {**(loaded.get("component") or {}), **loaded} if "command" in text else loaded
        return [
            each
            for name, value in text.items()
            for each in lacks(value, known.get(name), f"{place}.{name}")
        ]
    # Paths of the checkout and times are told in another form.
    return [] if loaded is not None else [place]


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.yml")))
def test_nothing_that_a_file_says_is_unknown_to_azure_ml(read: dict[str, Any], name: str) -> None:
    assert not lacks(written(name), read[name], name)


def test_the_learning_job_is_the_declared_jobs_each_after_the_one_before(
    read: dict[str, Any],
) -> None:
    jobs = read["job_learning.yml"]["jobs"]
    # Its last step makes what it has learned the champion, which prod promotes.
    assert [*jobs] == [*(step.name for step in steps()), "promotion"]
    names = [*jobs]
    for before, after in pairwise(names):
        assert f"parent.jobs.{before}.outputs.done" in json.dumps(jobs[after]["inputs"])
    crons = {one.cron for one in declared().schedules.values() if one}
    told = {
        document["trigger"]["expression"]
        for name, document in read.items()
        if name.startswith("schedule_")
    }
    assert told == crons


def test_a_deployment_reads_the_bundle_where_azure_ml_puts_the_model() -> None:
    deployment = written("deployment.yml")
    model = deployment["model"]
    folder = f"{model['name']}/{model['version']}/{Path(model['path']).name}"
    where = deployment["environment_variables"]["SEGMENTATION_SERVING_BUNDLE"]
    assert where == f"/var/azureml-app/azureml-models/{folder}"


def run_job(name: str, places: dict[str, Path], done: Path) -> None:
    """The commands of a job's steps, one after the other, with folders in place of mounts."""
    for step, job in written(f"job_{name}.yml")["jobs"].items():
        command, told = job["command"], done / name / step
        told.mkdir(parents=True)
        for mount, place in (places | {"${{outputs.done}}": told}).items():
            command = command.replace(mount, str(place))
        ran = subprocess.run(  # noqa: S603 - the job's own command
            ["/bin/bash", "-c", command],
            env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert not ran.returncode, ran.stdout + ran.stderr
        assert "kedro monitor alert failed" not in ran.stderr
        assert (told / "done").is_file()


@pytest.mark.long
def test_the_jobs_one_after_the_other_make_prods_champion_and_its_segments(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    project.make_quick()
    sample = project.root / "data" / "sample" / "customers.csv"
    customers = sample.rename(tmp_path / "customers.csv")
    (project.root / "data").rename(tmp_path / "sample")
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    places = {
        "/opt/segmentation": project.root,
        "${{outputs.data}}": mounted,
        "${{inputs.customers}}": customers,
    }
    for name in ("learning", "promotion", "scoring", "learning_feedback", "retraining", "feedback"):
        run_job(name, places, tmp_path / "done")
    assert (mounted / "gold" / "segments.parquet").is_file()
    prod = BundleStore(str(mounted / "prod" / "models"), "prod").live()
    assert prod
    assert [*(mounted / "prod" / "gold" / "segments").glob("*.parquet")]
