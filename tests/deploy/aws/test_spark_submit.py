"""The packaged project under `spark-submit`, on the versions of Spark and Delta that EMR has.

They are the open-source ones of emr-spark-8.0.0 on this machine, and not Amazon's builds of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
import yaml

from customer_segmentation.errors import UserError
from customer_segmentation.spark import require_java
from tests.deploy.aws.job import SCRIPT
from tests.runs.project import CHECKOUT, Project, make_project, shell
from tests.runs.tables import TABLES, read_table
from tools.deploy.project import steps
from tools.package import PYTHONS, environment, pack, package

pytestmark = [pytest.mark.deploy, pytest.mark.long, pytest.mark.filterwarnings("ignore")]

SPARK, DELTA = "4.0.2", "io.delta:delta-spark_2.13:4.0.0"
UV = Path(sys.executable).with_name("uv")
# Fewer fits.
PARAMS = (
    "clustering.k.maximum=4,clustering.k.starts=2,clustering.k.bootstraps=2,"
    "supervised_training.folds=2"
)
# What makes Spark quick and quiet here. Delta's extensions, ANSI and the time zone are left to the
# project.
OF_THIS_MACHINE = {
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.ui.enabled": "false",
    "spark.log.level": "ERROR",
    "spark.jars.packages": DELTA,
}
OF_A_RUN = ["run_id", "recorded_at"]


@dataclass(frozen=True)
class Cluster:
    """Another machine's Spark and Python, and what was packaged for it."""

    home: Path
    python: Path
    configuration: Path
    root: Path

    def submit(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the job's script on a new machine, which is lost with its disk."""
        machine = self.root / name
        machine.mkdir()
        # Relative paths begin beside it.
        shutil.copy(self.configuration, machine)
        conf = yaml.safe_load((CHECKOUT / "conf" / "prod" / "spark.yml").read_text())
        excluded = {"spark.jars.excludes": "".join(conf["spark.jars.excludes"].split())}
        settings = OF_THIS_MACHINE | excluded
        options = [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]
        python = str(self.python)
        return subprocess.run(  # noqa: S603 - our own
            [
                self.home / "bin" / "spark-submit",
                "--master",
                "local[2]",
                *options,
                SCRIPT,
                *arguments,
            ],
            cwd=machine,
            env={
                **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
                "SPARK_HOME": str(self.home),
                "KEDRO_DISABLE_TELEMETRY": "1",
                **dict.fromkeys(("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"), python),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """On the disk that uv keeps packages on, which it links, and not in memory."""
    try:
        require_java()
    except UserError as error:
        pytest.skip(str(error))
    with TemporaryDirectory(prefix="cluster-") as folder:
        yield _prepared(Path(folder))


def _prepared(root: Path) -> Cluster:
    wheel, configuration = package(root / "dist")
    environment(wheel, PYTHONS["emr"], root / "made")
    archive = root / "environment-emr.tar.gz"
    pack(root / "made", PYTHONS["emr"], archive, Path(sys.base_prefix) / "bin")
    shutil.rmtree(root / "made")
    (root / "environment").mkdir()
    unpack = ["tar", "-xzf", archive, "-C", root / "environment"]
    subprocess.run(unpack, check=True, timeout=300)  # noqa: S603 - as a cluster does
    archive.unlink()
    install = [UV, "pip", "install", "-q", "--no-deps", "--target", root / "spark"]
    # Py4J is in Spark's own folder, as on a cluster.
    subprocess.run([*install, f"pyspark=={SPARK}"], check=True, timeout=600)  # noqa: S603 - our own
    return Cluster(
        root / "spark" / "pyspark", root / "environment" / "bin" / "python", configuration, root
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What a run of the checkout makes, on the Spark that the project has."""
    project = make_project(tmp_path_factory.mktemp("expected") / "project")
    done = shell(project, "kedro", "run", "--env=prod", f"--params={PARAMS}")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def test_jobs_on_machines_of_their_own_make_the_tables_of_one_run_of_the_checkout(
    cluster: Cluster, expected: Project
) -> None:
    tables, models = cluster.root / "tables", cluster.root / "models"
    first, *others = (step.job.pipelines for step in steps())
    for number, pipelines in enumerate([first, sum(others, ())]):
        done = cluster.submit(
            f"machine{number}",
            *("--env", "prod", "--pipelines", ",".join(pipelines), "--params", PARAMS),
            *("--conf-source", cluster.configuration.name),
            *("--STATE", str(cluster.root / "state")),
            f"--SEGMENTATION_TABLES={tables}",
            f"--SEGMENTATION_MODELS={models}",
            *("--SEGMENTATION_SOURCE", str(CHECKOUT / "data" / "sample" / "customers.csv")),
            *("--JOB_NAME", "segmentation", "--TempDir", "s3://temporary/"),
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (cluster.root / "state" / "reporting" / "report.html").is_file()
    root = expected.root / "data" / "prod"
    for name in TABLES:
        found, wanted = (read_table(str(place), name) for place in (tables, root))
        kept = [column for column in wanted.columns if column not in OF_A_RUN]
        pd.testing.assert_frame_equal(found[kept], wanted[kept], obj=name)
    for artifact in sorted((root / "models" / "candidate").iterdir()):
        assert (models / "candidate" / artifact.name).read_bytes() == artifact.read_bytes()
