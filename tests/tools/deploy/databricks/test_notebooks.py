"""The notebooks of the bundle, run as Python, with their fields filled in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.runs.project import CHECKOUT, make_project
from tools.deploy.databricks.check import BUNDLES

NOTEBOOKS = BUNDLES[0] / "notebooks"
MODEL, ENDPOINT = "prod.gold.customer_segmentation_segmenter", "segmentation_prod"


class Fields:
    """`dbutils`, of which notebooks use the fields alone."""

    def __init__(self, given: dict[str, str]) -> None:
        self.given, self.widgets = given, self

    def text(self, name: str, default: str) -> None:
        self.given.setdefault(name, default)

    def get(self, name: str) -> str:
        return self.given[name]


def run(name: str, given: dict[str, str], **more: Any) -> None:
    """A notebook from start to end; lines of its editor are comments to Python."""
    text = (NOTEBOOKS / f"{name}.py").read_text("utf-8")
    code = compile(text, f"{name}.py", "exec")
    exec(code, {"dbutils": Fields(given), **more})  # noqa: S102 - the project's own notebook


@pytest.mark.parametrize("notebook", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_is_in_the_form_that_databricks_reads(notebook: Path) -> None:
    lines = notebook.read_text("utf-8").splitlines()
    assert lines[0] == "# Databricks notebook source"
    assert lines.count("# COMMAND ----------") >= 2
    compile("\n".join(lines), notebook.name, "exec")


def test_the_runner_runs_the_pipelines_that_are_named(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    fields = {"files": str(project.root), "environment": "dev", "pipelines": "ingestion"}
    code = f"""
from tests.tools.deploy.databricks.test_notebooks import run
run("run_pipelines", {fields!r})
"""
    told = subprocess.run(  # noqa: S603 - the project's own code
        [sys.executable, "-c", code],
        cwd=project.root,
        env=os.environ | {"KEDRO_DISABLE_TELEMETRY": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert (project.root / "data/bronze/customers.parquet").is_file()


class Workspace(BaseHTTPRequestHandler):
    """The paths of a workspace's API that the notebook asks for."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)  # type: ignore[attr-defined]
        if path == f"/api/2.1/unity-catalog/models/{MODEL}/aliases/champion":
            self._answer(200, {"version": 3})
        elif path == f"/api/2.0/serving-endpoints/{ENDPOINT}" and self.server.served:  # type: ignore[attr-defined]
            entity = {
                "name": "segmenter",
                "entity_name": MODEL,
                "entity_version": self.server.served,  # type: ignore[attr-defined]
                "workload_size": "Small",
                "scale_to_zero_enabled": True,
            }
            config = {"served_entities": [entity]}
            self._answer(200, {"name": ENDPOINT, "config": config})
        else:
            self._answer(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": path})

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.put.append((self.path, body))  # type: ignore[attr-defined]
        self._answer(200, {"name": ENDPOINT})

    def _answer(self, status: int, value: dict[str, Any]) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A workspace on loopback, to which databricks-sdk is told to go."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Workspace)
    server.served, server.asked, server.put = "2", [], []
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("DATABRICKS_HOST", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("DATABRICKS_TOKEN", "none")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def refresh(capsys: pytest.CaptureFixture[str]) -> str:
    run("refresh_serving", {"model": MODEL, "endpoint": ENDPOINT})
    return capsys.readouterr().out.strip()


def test_after_a_promotion_the_endpoint_serves_the_champion(
    workspace: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refresh(capsys) == f"{ENDPOINT} serves version 3 of {MODEL} from now on"
    ((path, body),) = workspace.put
    assert path == f"/api/2.0/serving-endpoints/{ENDPOINT}/config"
    (entity,) = body["served_entities"]
    assert (entity["entity_name"], entity["entity_version"]) == (MODEL, "3")
    assert (entity["workload_size"], entity["scale_to_zero_enabled"]) == ("Small", True)
    assert body["traffic_config"]["routes"] == [
        {"served_model_name": "segmenter", "traffic_percentage": 100}
    ]


@pytest.mark.parametrize(
    ("served", "told"), [("3", "serves version 3"), ("", "there is no endpoint")]
)
def test_where_there_is_nothing_to_refresh_nothing_is_changed(
    workspace: Any, capsys: pytest.CaptureFixture[str], served: str, told: str
) -> None:
    workspace.served = served
    assert told in refresh(capsys)
    assert workspace.put == []


def test_the_form_of_the_job_is_that_of_the_notebooks() -> None:
    """Each field that the job fills in is one of the notebook's; none is left to its default."""
    from tools.deploy.databricks.resolved import read_bundle  # noqa: PLC0415 - of this test alone

    for job in read_bundle(BUNDLES[0])["resources"]["jobs"].values():
        for task in job["tasks"]:
            if found := task.get("notebook_task"):
                path = CHECKOUT / "deploy/databricks/resources" / found["notebook_path"]
                text = path.read_text("utf-8")
                fields = {
                    line.split('"')[1] for line in text.splitlines() if "widgets.text(" in line
                }
                assert fields == {*found["base_parameters"]}
