"""The bundle's job from a file that arrives to gold tables and a champion, on local Spark."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import time

import pytest

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.spark import require_java
from tests.runs.project import make_project
from tools.deploy.databricks.check import BUNDLES
from tools.deploy.databricks.resolved import read_bundle

pytestmark = [pytest.mark.deploy, pytest.mark.long]


def test_the_jobs_tasks_make_every_table_and_the_gate_makes_a_champion(tmp_path: Path) -> None:
    try:
        require_java()
    except UserError as error:
        pytest.skip(str(error))
    project = make_project(tmp_path / "files")
    project.make_quick()
    globals_file = project.root / "conf" / "databricks" / "globals.yml"
    text = globals_file.read_text("utf-8").replace("/Volumes/", f"{tmp_path}/Volumes/")
    globals_file.write_text(text, "utf-8")
    inbox = tmp_path / "Volumes" / "spark_catalog" / "bronze" / "landed" / "inbox"
    inbox.mkdir(parents=True)
    arrived = inbox / "customers.csv"
    shutil.copy(project.root / "data" / "sample" / "customers.csv", arrived)
    os.utime(arrived, (time() - 600, time() - 600))
    tasks = read_bundle(BUNDLES[0])["resources"]["jobs"]["segmentation"]["tasks"]
    names = [task["task_key"] for task in tasks if "python_wheel_task" in task]
    settings = {
        "DATABRICKS_RUNTIME_VERSION": "",
        "KEDRO_DISABLE_TELEMETRY": "1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    told = subprocess.run(  # noqa: S603 - the project's own
        [
            *(sys.executable, "-m", "tests.tools.deploy.databricks.rehearsal"),
            *(str(project.root), *names),
        ],
        cwd=tmp_path,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-5000:]
    rows = json.loads(told.stdout.splitlines()[-1])
    # Of 2,240 rows 11 have the key of an earlier one, whose place they take.
    assert rows["bronze.customers"] == 2229
    assert rows["silver.customers"] == rows["gold.features"] == rows["gold.feature_table"] == 2202
    assert rows["gold.segments"] + rows["gold.unsegmented"] >= rows["silver.customers"]
    assert rows["gold.history"] >= rows["gold.segments"]
    volumes = tmp_path / "Volumes" / "spark_catalog"
    assert (volumes / "gold/segmentation/reporting/report.html").is_file()
    live = BundleStore(str(volumes / "gold/models")).live()
    assert live
    assert "is the champion of databricks now" in told.stdout
