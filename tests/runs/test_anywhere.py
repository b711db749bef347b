"""Wherever a run is started, its files are the project's, and nothing of it leaves the machine."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from customer_segmentation.run_lock import run_lock
from tests.runs.project import Project, shell

INGESTION = ["kedro", "run", "--pipelines=ingestion"]


def records(project: Project) -> int:
    with closing(sqlite3.connect(project.root / "mlflow.db")) as database:
        count: int = database.execute("SELECT count(*) FROM runs").fetchone()[0]
    return count


@pytest.mark.parametrize("folder", ["", "data/sample"])
def test_starts_from_different_folders_meet_the_same_lock(
    new_project: Project, folder: str
) -> None:
    with run_lock(str(new_project.root / "data"), "another"):
        done = shell(new_project, *INGESTION, folder=folder)
    assert done.returncode == 1
    assert "is in use by run another" in done.stderr


def test_a_run_from_notebooks_leaves_nothing_there(new_project: Project) -> None:
    notebooks = new_project.root / "notebooks"
    notebooks.mkdir()
    logging = new_project.root / "conf" / "logging.yml"
    to_file = "  file: {class: logging.FileHandler, filename: info.log}\n"
    logging.write_text(
        logging.read_text()
        .replace("loggers:\n", f"{to_file}loggers:\n", 1)
        .replace("[console]", "[console, file]")
    )
    before = records(new_project)
    # What a person names is relative to where the person is.
    source = "../data/sample/customers.csv"
    done = shell(new_project, *INGESTION, folder="notebooks", SEGMENTATION_SOURCE=source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(notebooks.iterdir())
    assert records(new_project) == before + 1
    assert "ingest_source" in (new_project.root / "info.log").read_text()
    assert (new_project.root / "data" / "bronze" / "customers.parquet").is_file()


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_an_installed_package_works_where_its_configuration_is_and_reports_to_nobody(
    kind: str, new_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = new_project.root / "conf"
    if kind == "archive":
        packed = shutil.make_archive(str(new_project.root / "packed"), "gztar", configured)
        shutil.rmtree(configured)
        configured = Path(packed)
    for name in ("pyproject.toml", ".telemetry"):
        (new_project.root / name).unlink()
    placed = new_project.root / "data" / "source" / "customers.csv"
    placed.parent.mkdir()
    shutil.move(new_project.root / "data" / "sample" / "customers.csv", placed)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("DO_NOT_TRACK", "KEDRO_DISABLE_TELEMETRY", "CI", "GITHUB_REPOSITORY_OWNER"):
        monkeypatch.delenv(name, raising=False)
    configuration = f"--conf-source={configured}"
    command = ["python", "-m", "customer_segmentation", configuration, "--pipelines=ingestion"]
    # Everything that goes out would come here.
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.0)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        done = shell(
            Project(elsewhere),
            *command,
            KEDRO_DISABLE_TELEMETRY="",
            HTTPS_PROXY=address,
            HTTP_PROXY=address,
            NO_PROXY="",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert not list(elsewhere.iterdir())
    assert (new_project.root / "data" / "bronze" / "customers.parquet").is_file()
    # As logging.yml of the configuration has it.
    assert "  Running node: ingest_source" in done.stderr
