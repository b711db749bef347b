"""The tasks of the bundle's job, one after the other on one session of open-source Spark.

    python -m tests.tools.deploy.databricks.rehearsal FOLDER TASK ...

FOLDER holds the configuration and gets what would be volumes. Spark's own catalog stands in place
of Unity Catalog, and its source of files in place of Auto Loader's.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from customer_segmentation.__main__ import main as run
from customer_segmentation.settings import CONFIG_LOADER_ARGS, ConfigLoader
from customer_segmentation.sources.folder import auto_loader
from customer_segmentation.spark import prepare_session
from tools.deploy.databricks.check import BUNDLES
from tools.deploy.databricks.resolved import read_bundle, resolved

_CATALOG = "spark_catalog"


def main(folder: Path, names: list[str]) -> None:
    """Run the tasks of these names, and print as JSON how many rows each table has."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - after its settings

    # As in a task of Databricks, where commands raise in place of leaving the process.
    sys.ps1 = ""
    auto_loader.SOURCE = "binaryFile"
    found, _ = resolved(read_bundle(BUNDLES[0]), "dev")
    job = found["resources"]["jobs"]["segmentation"]
    settings = job["job_clusters"][0]["new_cluster"]
    os.environ.update({name: str(value) for name, value in settings["spark_env_vars"].items()})
    os.environ["SEGMENTATION_CATALOG"] = _CATALOG
    ours = ConfigLoader(str(folder / "conf"), "prod", **CONFIG_LOADER_ARGS)["spark"]
    warehouse = {"spark.sql.warehouse.dir": str(folder / "warehouse"), "spark.driver.memory": "2g"}
    prepare_session(ours | settings["spark_conf"] | warehouse)
    spark = SparkSession.builder.master("local[2]").getOrCreate()
    for schema in found["resources"]["schemas"].values():
        spark.sql(f"CREATE DATABASE {schema['name']}")
    for task in job["tasks"]:
        if task["task_key"] in names:
            given = task["python_wheel_task"]["parameters"]
            where = f"--conf-source={folder / 'conf'}"
            run([where if each.startswith("--conf-source") else each for each in given])
    tables = {
        f"{schema}.{row.tableName}": spark.table(f"{schema}.{row.tableName}").count()
        for schema in found["resources"]["schemas"]
        for row in spark.sql(f"SHOW TABLES IN {schema}").collect()
    }
    sys.stdout.write("\n" + json.dumps(tables) + "\n")
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
