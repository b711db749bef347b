"""Settings for a Spark session that starts only when it is first needed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from customer_segmentation.errors import UserError

_SUBMIT = "PYSPARK_SUBMIT_ARGS"
# Where `spark-submit` tells its Python how to reach the JVM that it has started.
_SUBMITTED = "PYSPARK_GATEWAY_PORT"
# What answers hang on; the other settings are of this machine, and a cluster has its own.
_ANYWHERE = (
    "spark.sql.extensions",
    "spark.sql.catalog.spark_catalog",
    "spark.sql.ansi.enabled",
    "spark.sql.session.timeZone",
    "spark.sql.execution.arrow.pyspark.enabled",
    "spark.python.sql.dataFrameDebugging.enabled",
)
_MIN_JAVA = 17
_PACKAGES = "spark.jars.packages"
_ADVICE = (
    "Install Java 17 (on Debian and Ubuntu: apt-get install openjdk-17-jre-headless; on macOS: "
    "brew install openjdk@17) and set JAVA_HOME if it is not found by itself."
)


def prepare_session(settings: Mapping[str, Any]) -> None:
    """Give these settings to the Spark session that is created first; nothing starts here.

    They are left where PySpark itself looks for them, since the Spark datasets of kedro-datasets,
    notebooks and this project all use `getOrCreate`. Under `spark-submit`, on EMR, Glue or any
    cluster, only those that answers hang on are, and what the submission says of them stands.
    """
    if _SUBMITTED in os.environ:
        _prepare_submitted(settings)
        return
    os.environ[_SUBMIT] = shlex.join([*submit_options(settings), "pyspark-shell"])
    # Workers use the same Python as the driver.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


def _prepare_submitted(settings: Mapping[str, Any]) -> None:
    from pyspark import SparkContext  # noqa: PLC0415 - only where Spark is
    from pyspark.sql import SparkSession  # noqa: PLC0415 - as above

    # Of a notebook, whose session started with the cluster.
    if SparkSession.getActiveSession():
        return
    for name in _ANYWHERE:
        if name in settings and not SparkContext.getSystemProperty(name):
            value = settings[name]
            text = str(value).lower() if isinstance(value, bool) else str(value)
            SparkContext.setSystemProperty(name, text)


def for_streams(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings, with Spark's source and sink of Kafka: some 12 MB that only streams need.

    On a cluster that has a session already, such as Databricks, they are there and nothing is read.
    """
    from pyspark import __version__  # noqa: PLC0415 - only who streams by Spark has it

    kafka = f"org.apache.spark:spark-sql-kafka-0-10_2.13:{__version__}"
    packages = str(settings.get(_PACKAGES, "")).strip()
    return {**settings, _PACKAGES: f"{packages},{kafka}" if packages else kafka}


def submit_options(settings: Mapping[str, Any]) -> list[str]:
    """The settings as options of `spark-submit`, without empty ones."""
    options = []
    for name, value in settings.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        # Lists may be written on several lines.
        text = re.sub(r",\s+", ",", text)
        if text:
            options += ["--conf", f"{name}={text}"]
    return options


def require_java() -> None:
    """Check that Spark has the Java it needs, which it would otherwise tell in fifty lines.

    Raises:
        UserError: There is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    path = shutil.which(java)
    if path is None:
        where = f"there is none at JAVA_HOME ({home})" if home else "there is no java on the PATH"
        raise UserError(f"Spark needs Java {_MIN_JAVA}, and {where}. {_ADVICE}")
    told = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)  # noqa: S603 - found on the PATH
    version = re.search(r'version "(?:1\.)?(\d+)', told.stderr)
    if version is None or int(version[1]) < _MIN_JAVA:
        first_line = told.stderr.strip().partition("\n")[0]
        said = f"is {version[1]}" if version else f"says `{first_line[:80]}`"
        raise UserError(f"Spark needs Java {_MIN_JAVA} or newer, and {path} {said}. {_ADVICE}")
