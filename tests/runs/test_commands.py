"""The commands that a Kedro user expects, as a person types them: in a shell of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from kedro.framework.cli.hooks import get_cli_hook_manager
from nbclient import NotebookClient

from tests.runs.project import CHECKOUT, Project, shell

CLUSTERING = "conf/base/catalog_clustering.yml"
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))


def test_a_missing_input_is_one_line_in_the_terminal(new_project: Project) -> None:
    done = shell(new_project, "kedro", "run", "--pipeline=clustering")
    assert done.returncode == 1
    command = "kedro run --pipelines=ingestion,preprocessing"
    expected = f"Error: gold_features is not there yet: run {command}\n"
    assert done.stdout + done.stderr == expected


def test_one_process_may_run_any_number_of_commands(new_project: Project) -> None:
    for _ in range(sys.getrecursionlimit()):
        # As each command does.
        get_cli_hook_manager()
    listed = new_project.kedro("registry", "list")
    assert listed.exit_code == 0, listed.exception
    assert "- clustering" in listed.output


def test_kedro_viz_builds_a_page_with_layers_and_previews(used_project: Project) -> None:
    # Quick runs draw no figures.
    shutil.copy(CHECKOUT / CLUSTERING, used_project.root / CLUSTERING)
    assert used_project.run("--pipelines=clustering").exit_code == 0
    done = shell(used_project, "kedro", "viz", "build", "--include-previews")
    assert done.returncode == 0, done.stdout + done.stderr
    build = used_project.root / "build"
    assert (build / "index.html").is_file()
    graph = json.loads((build / "api" / "main").read_text())
    layers = ["source", "bronze", "silver", "gold", "models", "reporting"]
    assert graph["layers"] == layers
    named = {node["name"]: node["id"] for node in graph["nodes"]}
    for name in ("gold_segments", "choice_of_k", "segments_plot"):
        described = json.loads((build / "api" / "nodes" / named[name]).read_text())
        assert described.get("preview"), f"{name} has no preview"


def test_kedro_package_makes_a_wheel_with_the_templates(new_project: Project) -> None:
    for name in ("src", "LICENSE", "README.md"):
        source, target = CHECKOUT / name, new_project.root / name
        if source.is_dir():
            shutil.rmtree(target)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.egg-info"))
        else:
            shutil.copy(source, target)
    done = shell(new_project, "kedro", "package")
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (new_project.root / "dist").glob("*.whl")
    listed = subprocess.run(  # noqa: S603 - as above
        [sys.executable, "-m", "zipfile", "-l", wheel], capture_output=True, text=True, check=True
    ).stdout
    assert "pipelines/reporting/templates/report.html.jinja" in listed
    assert "customer_segmentation/py.typed" in listed


def test_kedro_ipython_loads_the_project(used_project: Project) -> None:
    done = shell(
        used_project,
        "ipython",
        "--ext=kedro.ipython",
        "-c",
        "print(sorted(pipelines)); print(catalog.load('row_accounting')['rows_in'])",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'label_generation'" in done.stdout
    assert "2240" in done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_from_start_to_end(used_project: Project, path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(used_project.root)}}
    )
    client.execute()
    outputs = [cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"]
    assert all(o["output_type"] != "error" for cell in outputs for o in cell)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_the_core_needs_neither_spark_nor_java(new_project: Project) -> None:
    code = (
        "import sys, customer_segmentation.settings, customer_segmentation.pipeline_registry as r;"
        "r.register_pipelines();"
        "print([m for m in ('pyspark', 'polars', 'feast', 'sklearn') if m in sys.modules])"
    )
    done = shell(new_project, "python", "-c", code)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
