"""What a person can mend ends with one line that says what to do, and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs.project import CHECKOUT, Project, make_project, shell, with_module

ENVIRONMENTS = sorted(
    {path.name for path in (CHECKOUT / "conf").iterdir() if path.is_dir()}
    - {"base", "local", "schemas"}
)

# Python imports a module of this name before anything else.
MISSING = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {modules}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""
FULL_DISK = """
import errno, os
from kedro.io import AbstractDataset
class FullDisk(AbstractDataset):
    def __init__(self, filepath, **others):
        self.path = filepath
    def load(self):
        raise NotImplementedError
    def save(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
    def _describe(self):
        return {}
"""


def assert_told(project: Project, command: list[str], words: list[str], **settings: str) -> None:
    """In a shell of its own."""
    done = shell(project, *command, **settings)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert_one_line(said, words)


def assert_told_here(project: Project, command: list[str], words: list[str]) -> None:
    """In this process, which has imported what a shell would import anew for seconds."""
    result = project.kedro(*command)
    assert result.exit_code == 1, result.output
    # Of any other error a shell would show the traceback.
    assert isinstance(result.exception, SystemExit)
    assert_one_line(result.output, words)


def assert_one_line(said: str, words: list[str]) -> None:
    error = said[said.index("Error: ") :]
    assert len(error.splitlines()) == 1, error
    for word in words:
        assert word in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--env=nosuch"], ["`nosuch`", ", ".join(ENVIRONMENTS)]),
        (["--env=base"], ["`base`", "dev"]),
        (["--runner=ParallelRunner"], ["lock", "MLflow", "Leave --runner out"]),
        (["--runner=Nope"], ["`Nope`", "leave --runner out"]),
        (["--runner=a.b.Nope"], ["`a.b.Nope`", "leave --runner out"]),
        (["--load-versions=nope"], ["load_versions", "nope"]),
        (["--conf-source=src"], ["no configuration in", "src", "--conf-source"]),
        (["--conf-source=pyproject.toml"], ["no configuration in", "pyproject.toml"]),
    ],
)
def test_what_no_run_can_begin_with(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    project = make_project(tmp_path / "project")
    assert_told_here(project, ["run", *arguments], words)
    # Nothing has begun: no lock, no record.
    assert sorted(path.name for path in (project.root / "data").iterdir()) == ["sample"]
    assert not (project.root / "mlflow.db").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["catalog", "describe-datasets", "--env=nosuch"],
        ["check", "--env=nosuch", "data/sample/customers.csv"],
        ["ipython", "-e", "nosuch"],
        ["jupyter", "lab", "--env", "nosuch"],
        ["maintain", "--env=nosuch"],
        ["mlflow", "ui", "--env=nosuch"],
        ["viz", "run", "--env=nosuch"],
    ],
    ids=" ".join,
)
def test_every_command_says_that_there_is_no_such_environment(
    tmp_path: Path, command: list[str]
) -> None:
    project = make_project(tmp_path / "project")
    assert_told_here(project, command, ["`nosuch`", "databricks, dev, prod, staging"])


@pytest.mark.parametrize("command", [["run"], ["viz", "run"]], ids=" ".join)
def test_a_shell_says_that_there_is_no_such_environment(tmp_path: Path, command: list[str]) -> None:
    project = make_project(tmp_path / "project")
    assert_told(project, ["kedro", *command, "--env=nosuch"], ["`nosuch`"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nodes=nope"], ["['nope']", "kedro registry describe"]),
        (["--tags=nope"], ["--tags", "kedro registry describe"]),
        (["--pipelines=nope"], ["`nope`", "clustering", "reporting"]),
    ],
)
def test_a_selection_that_is_not_there(
    new_project: Project, arguments: list[str], words: list[str]
) -> None:
    assert_told_here(new_project, ["run", *arguments], words)


@pytest.mark.parametrize(
    ("environment", "modules", "words"),
    [
        ("prod", ["pyspark", "delta"], ["delta", "make prod", "'.[spark]'"]),
        ("staging", ["s3fs", "polars"], ["s3fs", "make staging", "'.[cloud]'"]),
    ],
)
def test_an_environment_without_its_extra(
    new_project: Project, tmp_path: Path, environment: str, modules: list[str], words: list[str]
) -> None:
    settings = with_module(tmp_path, "sitecustomize", MISSING.format(modules=modules))
    settings["SEGMENTATION_BUCKET"] = "somewhere"
    assert_told(new_project, ["kedro", "run", f"--env={environment}"], words, **settings)


@pytest.mark.parametrize("module", ["msgspec", "uvicorn"])
def test_the_server_without_its_extra(tmp_path: Path, module: str) -> None:
    project = make_project(tmp_path / "project")
    settings = with_module(tmp_path, "sitecustomize", MISSING.format(modules=[module]))
    command = ["python", "-m", "customer_segmentation.serving", "serve"]
    assert_told(project, command, [module, "make serve", "'.[serving]'"], **settings)


@pytest.mark.parametrize("name", ["mlflow.db", "data/bronze"])
def test_a_place_that_cannot_be_written(new_project: Project, name: str) -> None:
    # Root may write to a folder that is read-only, but to none that is no folder.
    place = new_project.root / name
    if place.is_file():
        place.unlink()
        place.mkdir()
    else:
        place.touch()
    words = [str(place), "must be able to write"]
    assert_told_here(new_project, ["run", "--pipelines=ingestion"], words)


def test_a_full_disk(new_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "full_disk.py").write_text(FULL_DISK)
    monkeypatch.syspath_prepend(tmp_path)
    catalog = new_project.root / "conf" / "dev" / "catalog_full.yml"
    catalog.write_text(
        "bronze_customers: {type: full_disk.FullDisk, filepath: data/bronze/customers.parquet}"
    )
    words = ["bronze/customers.parquet", "disk is full", "free some space"]
    assert_told_here(new_project, ["run", "--pipelines=ingestion"], words)
    assert not (new_project.root / "data" / ".run.lock").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["kedro", "run"],
        ["kedro", "registry", "list"],
        ["python", "-m", "customer_segmentation"],
        ["python", "-m", "customer_segmentation.serving", "serve"],
    ],
    ids=" ".join,
)
def test_python_without_docstrings(tmp_path: Path, command: list[str]) -> None:
    project = make_project(tmp_path / "project")
    assert_told(project, command, ["PYTHONOPTIMIZE", "unset"], PYTHONOPTIMIZE="2")
