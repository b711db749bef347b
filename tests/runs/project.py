"""A project in a folder of its own, and `kedro run` in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result
from kedro.framework.startup import bootstrap_project

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """A folder with configuration and sample, and `kedro run` in it."""

    root: Path

    def run(self, *arguments: str) -> Result:
        """`kedro run` in this process, with its exit code and everything it printed."""
        # Imported late: it needs a configured project.
        from customer_segmentation.cli import run  # noqa: PLC0415

        before = Path.cwd()
        os.chdir(self.root)
        try:
            bootstrap_project(self.root)
            return CliRunner().invoke(run, list(arguments), standalone_mode=True)
        finally:
            os.chdir(before)

    def files(self) -> dict[str, bytes]:
        """Every file under data/, by name, with its content."""
        data = self.root / "data"
        return {
            str(path.relative_to(data)): path.read_bytes()
            for path in sorted(data.rglob("*"))
            if path.is_file()
        }


def make_project(root: Path, tracking: Path | None = None) -> Project:
    """Configuration and sample copied to a folder; the code is the installed package's."""
    shutil.copytree(CHECKOUT / "conf", root / "conf")
    shutil.copytree(CHECKOUT / "data" / "sample", root / "data" / "sample")
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(CHECKOUT / name, root)
    (root / "src").mkdir()
    if tracking:
        # Making MLflow's tables anew takes seconds.
        shutil.copy(tracking, root / "mlflow.db")
    return Project(root)


def shell(
    project: Project, *command: str, folder: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """A command of the environment's `bin`, in a folder of the project's, with more settings."""
    program = Path(sys.executable).with_name(command[0])
    return subprocess.run(  # noqa: S603 - the commands stand in the tests
        [program, *command[1:]],
        cwd=project.root / folder,
        env=os.environ | {"KEDRO_DISABLE_TELEMETRY": "1"} | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def with_module(folder: Path, name: str, content: str) -> dict[str, str]:
    """The setting by which a command finds one more module, written to a folder."""
    (folder / f"{name}.py").write_text(content)
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}
