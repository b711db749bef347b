"""A project of its own for each test: the checkout's configuration over a temporary folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from playwright.sync_api import Browser, sync_playwright
from s3fs import S3FileSystem

from tests.runs.project import Project, make_project

CHROMIUM = Path("/usr/bin/chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs go through MLflow, SQLAlchemy and Kedro, whose warnings are theirs to mend."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(
                pytest.mark.filterwarnings("error:::customer_segmentation"), append=False
            )
            item.add_marker(pytest.mark.filterwarnings("ignore"), append=False)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium, for a file alone: Playwright keeps an event loop running."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there, a browser of the system: make services")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


@pytest.fixture(autouse=True)
def _no_source_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEGMENTATION_SOURCE", "SEGMENTATION_CUSTOMERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module", autouse=True)
def _no_server_of_other_tests() -> None:
    """s3fs keeps a client for all that ask alike, whichever server the environment names by now."""
    S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Result]:
    """One whole run on the shipped sample, to look at and not to change."""
    project = make_project(tmp_path_factory.mktemp("whole"))
    result = project.run()
    assert result.exit_code == 0, result.output
    return project, result


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of MLflow's with its tables, and one run in them."""
    project = make_project(tmp_path_factory.mktemp("tracking"))
    result = project.run("--pipelines=ingestion")
    assert result.exit_code == 0, result.output
    return project.root / "mlflow.db"


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory: pytest.TempPathFactory, tracking: Path) -> Project:
    """One quick whole run on the shipped sample, to look at and not to change."""
    project = make_project(tmp_path_factory.mktemp("quick") / "project", tracking)
    project.make_quick()
    result = project.run()
    assert result.exit_code == 0, result.output
    return project


@pytest.fixture
def new_project(tmp_path: Path, tracking: Path) -> Project:
    """A project with nothing saved."""
    return make_project(tmp_path / "project", tracking)


@pytest.fixture
def used_project(tmp_path: Path, quick_run: Project) -> Project:
    """A project in which a quick whole run has just succeeded."""
    root = tmp_path / "used"
    shutil.copytree(quick_run.root, root)
    return Project(root)
