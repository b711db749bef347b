"""Every extra installs with plain pip, and what it brings works: the newest allowed, the locked.

Each test makes an environment of its own, so they are `make extras` and not part of `make test`.
CI leaves out what is marked `long`: another Python, and the old pip for extras whose packages are
also tried together, with the newest versions, or as part of another extra.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.runs.project import CHECKOUT, make_project
from tests.serving.example import a_customer, write_bundle
from tests.serving.jobs.posting import done
from tests.serving.process import start
from tools.ports import free_port

pytestmark = pytest.mark.extras

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
# `dev` is all of them and tools, which the lock installs.
EXTRAS = sorted({*PROJECT["optional-dependencies"]} - {"dev"})
# Oldest of those that come with a Python in use, it searches longest; a new one is tried once.
OLD_PIP, NEW_PIP = "23.3.2", "25.3"
LONG = pytest.mark.long
OTHER_PYTHONS = [pytest.param("3.12", marks=LONG), "3.13"]
# By the old pip; the packages of `bi` are in `deploy`, and those of the others in TOGETHER.
TRIED_IN_CI = {"cloud", "databases", "deploy", "features", "serving"}
# By lock: what only its extra brings.
LOCKS = {
    "core": ["kedro", "mlflow", "onnxruntime"],
    "staging": ["polars", "s3fs", "moto"],
    "prod": ["pyspark", "delta", "s3fs"],
    "features": ["feast"],
    "streaming": ["confluent_kafka", "fastavro", "cassandra", "pymongo", "adbc_driver_postgresql"],
}
# Feast allows old versions of much, and so stands alone.
SERVING = ["duckdb", "litestar", "polars", "psycopg", "deltalake", "sqlglot"]
TOGETHER = {
    "cloud,databases,rehearsal,serving,spark,streaming,tracing": [
        *(*LOCKS["staging"], *LOCKS["prod"], *SERVING, *LOCKS["streaming"]),
        "opentelemetry.exporter.otlp.proto.http",
    ],
    "bi": ["pantab", "spotfire"],
    "features": LOCKS["features"],
}
UV = Path(sys.executable).with_name("uv")
SOURCE = "data/sample/customers.csv"


def run(*command: str | Path, folder: Path = CHECKOUT) -> str:
    done = subprocess.run(  # noqa: S603 - the commands stand in the tests
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env=os.environ | {"KEDRO_DISABLE_TELEMETRY": "1"},
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def new_environment(folder: Path) -> Path:
    """A Python with nothing but the pip that it came with."""
    run(sys.executable, "-m", "venv", folder)
    return folder / "bin" / "python"


def install(python: Path, *wanted: str | Path) -> None:
    """Install with uv, which keeps downloads; whether pip finds versions is tested apart."""
    run(UV, "pip", "install", "-q", "--python", python, *wanted)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product as it is published."""
    folder = tmp_path_factory.mktemp("wheel")
    # Each worker builds its own, and a build writes into its source.
    source = folder / "source"
    shutil.copytree(CHECKOUT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source)
    return next(folder.glob("*.whl"))


@pytest.mark.parametrize(
    ("extra", "pip"),
    [
        *(
            pytest.param(extra, OLD_PIP, marks=[] if extra in TRIED_IN_CI else [LONG])
            for extra in EXTRAS
        ),
        ("cloud", NEW_PIP),
    ],
)
def test_pip_finds_versions_that_go_together(
    wheel: Path, tmp_path: Path, extra: str, pip: str
) -> None:
    report = tmp_path / "report.json"
    python = new_environment(tmp_path / "environment")
    run(python, "-m", "pip", "install", "-q", f"pip=={pip}")
    run(
        *(python, "-m", "pip", "install", "-q", "--dry-run", "--report", report),
        f"{PROJECT['name']}[{extra}] @ {wheel.as_uri()}",
    )
    found = json.loads(report.read_text())["install"]
    assert direct(extra) <= {normal(each["metadata"]["name"]) for each in found}


@pytest.mark.parametrize("version", OTHER_PYTHONS)
@pytest.mark.parametrize("extra", EXTRAS)
def test_other_pythons_have_wheels_that_go_together(extra: str, version: str) -> None:
    found = run(
        *(UV, "pip", "compile", "--quiet", "--no-header"),
        *("--python-version", version, "--extra", extra, "pyproject.toml"),
        # PySpark is published as source alone.
        *("--only-binary", ":all:", "--no-binary", "pyspark"),
    )
    assert direct(extra) <= {
        normal(name) for name in re.findall(r"^([\w.-]+)==", found, re.MULTILINE)
    }


def direct(extra: str) -> set[str]:
    """The packages that an extra names, but for the project itself."""
    lines = PROJECT["optional-dependencies"][extra]
    named = {normal(re.split(r"[^\w.-]", line)[0]) for line in lines}
    return named - {normal(PROJECT["name"])}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("extras", TOGETHER)
def test_the_newest_allowed_versions_work(wheel: Path, tmp_path: Path, extras: str) -> None:
    python = new_environment(tmp_path / "environment")
    install(python, f"{PROJECT['name']}[{extras}] @ {wheel.as_uri()}")
    require_working(python, TOGETHER[extras], tmp_path)


@pytest.mark.parametrize("lock", LOCKS)
def test_the_locked_versions_work(wheel: Path, tmp_path: Path, lock: str) -> None:
    python = new_environment(tmp_path / "environment")
    install(python, "--require-hashes", "-r", f"requirements/{lock}.txt")
    install(python, "--no-deps", wheel)
    run(python, "-m", "pip", "check")
    require_working(python, LOCKS[lock], tmp_path)


def test_the_server_needs_its_lock_alone(wheel: Path, tmp_path: Path) -> None:
    python = new_environment(tmp_path / "environment")
    install(python, "--require-hashes", "-r", "requirements/serving.txt")
    install(python, "--no-deps", wheel)
    heavy = ("kedro", "mlflow", "pandas", "sklearn", "matplotlib")
    look = f"from importlib.util import find_spec; print([n for n in {heavy} if find_spec(n)])"
    assert run(python, "-c", look) == "[]\n"
    port = free_port()
    command = [python, "-m", "customer_segmentation.serving", "serve", "--port", str(port)]
    server = start(
        [*command, "--bundle", write_bundle(tmp_path / "bundle"), "--jobs", tmp_path / "jobs"],
        tmp_path / "server",
        port=port,
        environment={"PYTHONPATH": ""},
    )
    try:
        with httpx.Client(base_url=server.url, timeout=60.0) as client:
            assert client.post("/v1/segments", json=a_customer()).json()["segment"]
            assert done(client, (CHECKOUT / SOURCE).read_bytes())["rows"] == 2240
    finally:
        assert server.stop() == 0, server.stderr()


def require_working(python: Path, modules: list[str], folder: Path) -> None:
    """Import what an extra brings, and have the product read its sample."""
    run(python, "-c", f"import {', '.join(modules)}", folder=folder)
    project = make_project(folder / "project")
    said = run(python, "-m", "customer_segmentation", "check", SOURCE, folder=project.root)
    assert "2,202 customers kept" in said, said
