"""Spark's settings, and the Java that it needs: nothing starts here."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark import SparkContext
from pyspark.sql import SparkSession

from customer_segmentation.errors import UserError
from customer_segmentation.spark import prepare_session, require_java, submit_options

Java = Callable[[str], Path]


def test_each_setting_is_an_option_as_spark_writes_values() -> None:
    settings = {"spark.ui.enabled": False, "spark.sql.ansi.enabled": True, "spark.cores.max": 2}
    assert submit_options(settings) == [
        *("--conf", "spark.ui.enabled=false"),
        *("--conf", "spark.sql.ansi.enabled=true"),
        *("--conf", "spark.cores.max=2"),
    ]


def test_a_setting_without_a_value_is_left_out() -> None:
    assert submit_options({"spark.hadoop.fs.s3a.endpoint": ""}) == []


def test_a_list_over_several_lines_becomes_one_and_other_spaces_stay() -> None:
    settings = {
        "spark.jars.packages": "a:b:1,\n  c:d:2, e:f:3",
        "options": "-Xmx1g -XX:+UseSerialGC",
    }
    assert submit_options(settings)[1::2] == [
        "spark.jars.packages=a:b:1,c:d:2,e:f:3",
        "options=-Xmx1g -XX:+UseSerialGC",
    ]


def test_settings_are_left_where_pyspark_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "of an earlier run")
    monkeypatch.setenv("PYSPARK_PYTHON", "to be restored")
    monkeypatch.delenv("PYSPARK_PYTHON")
    prepare_session({"spark.app.name": "two words; $HOME", "spark.ui.enabled": False})
    assert shlex.split(os.environ["PYSPARK_SUBMIT_ARGS"]) == [
        *("--conf", "spark.app.name=two words; $HOME"),
        *("--conf", "spark.ui.enabled=false"),
        "pyspark-shell",
    ]
    assert os.environ["PYSPARK_PYTHON"] == sys.executable


def test_workers_run_the_python_that_was_named_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "")
    monkeypatch.setenv("PYSPARK_PYTHON", "/opt/python3.11")
    prepare_session({})
    assert os.environ["PYSPARK_PYTHON"] == "/opt/python3.11"


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What `spark-submit` was told, whose session has not started."""
    told: dict[str, str] = {}
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "4321")
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)
    monkeypatch.setattr(SparkContext, "getSystemProperty", told.get)
    monkeypatch.setattr(SparkContext, "setSystemProperty", told.__setitem__)
    return told


def test_a_cluster_is_given_only_what_answers_hang_on(
    submitted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "of the cluster")
    wanted = {"spark.sql.ansi.enabled": False, "spark.sql.session.timeZone": "UTC"}
    prepare_session({**wanted, "spark.master": "local[*]", "spark.driver.memory": "4g"})
    assert submitted == {"spark.sql.ansi.enabled": "false", "spark.sql.session.timeZone": "UTC"}
    assert os.environ["PYSPARK_SUBMIT_ARGS"] == "of the cluster"


def test_what_a_submission_says_stands(submitted: dict[str, str]) -> None:
    submitted["spark.sql.extensions"] = "io.delta.sql.DeltaSparkSessionExtension,com.other"
    prepare_session({"spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension"})
    assert submitted["spark.sql.extensions"].endswith(",com.other")


def test_a_session_that_is_there_is_left_as_it_is(
    submitted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: "a notebook's")
    prepare_session({"spark.sql.ansi.enabled": False})
    assert submitted == {}


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Java:
    """What `java -version` says -> a Java that says it, the only one that there is."""
    folder = tmp_path / "jdk" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    def install(said: str) -> Path:
        program = folder / "java"
        program.write_text(f"#!/bin/sh\nprintf %s {shlex.quote(said)} >&2\n")
        program.chmod(0o755)
        return program

    return install


def refusal() -> str:
    """The one line that says what to do."""
    with pytest.raises(UserError) as caught:
        require_java()
    message = str(caught.value)
    assert message.startswith("Spark needs Java 17")
    assert "\n" not in message
    assert "Install Java 17" in message
    return message


@pytest.mark.parametrize(
    "said",
    [
        'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6)\n',
        'openjdk version "17-ea" 2021-09-14\n',
        'java version "21" 2023-09-19 LTS\n',
        'Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "25.0.1" 2025-10-21\n',
    ],
)
def test_java_17_and_newer_will_do(said: str, java: Java) -> None:
    java(said)
    require_java()


@pytest.mark.parametrize(
    ("said", "version"),
    [('java version "1.8.0_292"\n', "8"), ('openjdk version "11.0.2" \n', "11")],
)
def test_an_older_java_is_named_with_its_place(said: str, version: str, java: Java) -> None:
    program = java(said)
    assert f"Java 17 or newer, and {program} is {version}. " in refusal()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("No Java Runtime is present.\nPlease visit a page", "No Java Runtime is present."),
        ("\n", ""),
    ],
)
def test_a_java_that_is_none_is_named_in_one_line(said: str, told: str, java: Java) -> None:
    program = java(said)
    assert f"{program} says `{told}`. " in refusal()


@pytest.mark.usefixtures("java")
def test_without_java_the_path_is_said_to_have_none() -> None:
    assert "there is no java on the PATH" in refusal()


def test_java_home_comes_before_the_path(
    java: Java, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java('java version "1.8.0_292"\n').rename(tmp_path / "java")
    java('openjdk version "17.0.15"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    monkeypatch.setenv("PATH", str(tmp_path))
    require_java()


def test_a_java_home_without_java_is_named(
    java: Java, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java('openjdk version "17.0.15"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    assert f"there is none at JAVA_HOME ({tmp_path / 'gone'})" in refusal()
