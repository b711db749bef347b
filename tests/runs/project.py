"""A project in a folder of its own, and `kedro run` in it."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result
from kedro.framework.cli.cli import KedroCLI

from customer_segmentation.tables.schemas import declare_tables
from tests.marketing import SCHEMA

CHECKOUT = Path(__file__).parents[2]
# Enough of each that every step is taken, where what comes of it is not looked at.
QUICK = {
    "clustering": {
        "maximum: 10": "maximum: 4",
        "starts: 20": "starts: 2",
        "bootstraps: 20": "bootstraps: 2",
    },
    "eda": {"hopkins_repeats: 20": "hopkins_repeats: 2"},
    "supervised_training": {
        "folds: 5": "folds: 2",
        "trees: 40": "trees: 3",
        "rounds: 30": "rounds: 3",
        "iterations: 30": "iterations: 2",
    },
}


@dataclass(frozen=True)
class Project:
    """A folder with configuration and sample, and `kedro` in it."""

    root: Path

    def kedro(self, *arguments: str) -> Result:
        """A command of Kedro's in this process, with its exit code and everything it printed."""
        before = Path.cwd()
        os.chdir(self.root)
        try:
            return CliRunner().invoke(KedroCLI(self.root), list(arguments))
        finally:
            os.chdir(before)
            # A run holds its process to its own schema.
            declare_tables(SCHEMA)
            # MLflow's migrations silence every logger there is, those of later tests included.
            for name in list(logging.root.manager.loggerDict):
                logging.getLogger(name).disabled = False

    def run(self, *arguments: str) -> Result:
        """`kedro run` in this process."""
        return self.kedro("run", *arguments)

    def configure(self, block: str, changes: Mapping[str, str]) -> None:
        """Replace text of a file of parameters."""
        file = self.root / "conf" / "base" / f"parameters_{block}.yml"
        for old, new in changes.items():
            text = file.read_text()
            assert old in text
            file.write_text(text.replace(old, new))

    def declare(self, changes: Mapping[str, Any]) -> None:
        """Change keys of the schema, whose file stays as it is."""
        file = self.root / "conf" / "base" / "parameters_customers.yml"
        file.write_text(yaml.safe_dump({"customers": dict(changes)}, allow_unicode=True))

    def make_quick(self) -> None:
        """Have whole runs take half as long: fewer fits, and figures that are not drawn."""
        for block, changes in QUICK.items():
            self.configure(block, changes)
        for file in (self.root / "conf" / "base").glob("catalog_*.yml"):
            entries = yaml.safe_load(file.read_text())
            for name in entries:
                if name.endswith("_plot"):
                    entries[name] = {"type": "MemoryDataset", "copy_mode": "assign"}
            file.write_text(yaml.safe_dump(entries))

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


def transcript(heading: str) -> list[tuple[str, list[str]]]:
    """The commands of a section of the README, each with the lines shown below it."""
    text = (CHECKOUT / "README.md").read_text()
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    block = section.partition("```\n")[2].partition("```")[0]
    commands = [part.splitlines() for part in block.split("$ ")[1:]]
    return [(command, shown) for command, *shown in commands]
