"""The Dockerfile as stages of instructions, and a stage made in a folder, without Docker."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.runs.project import CHECKOUT

FILE = CHECKOUT / "deploy" / "docker" / "Dockerfile"
# Folders of an image, which become folders of the test's.
_PLACES = ("/opt/segmentation", "/build")


@dataclass
class Stage:
    """A stage: what it begins with, and its instructions in their order."""

    base: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.lines if each == name]


def stages() -> dict[str, Stage]:
    """The stages by name."""
    found: dict[str, Stage] = {}
    text = "\n".join(x for x in FILE.read_text().splitlines() if not x.startswith("#"))
    for line in text.replace("\\\n", " ").splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "FROM":
            base, _, stage = value.partition(" AS ")
            current = found[stage] = Stage(base)
        elif name:
            current.lines.append((name, value.strip()))
    return found


def chain(name: str) -> list[Stage]:
    """A stage after those that it begins with."""
    stage = stages()[name]
    return [*(chain(stage.base) if stage.base in stages() else []), stage]


def settings(name: str) -> dict[str, str]:
    """The variables that a stage sets."""
    values = [part for stage in chain(name) for line in stage.all("ENV") for part in line.split()]
    return dict(value.split("=", 1) for value in values)


def make(name: str, root: Path) -> None:
    """Do what a stage does, below a folder in place of the image's root."""
    folder = root
    for stage in chain(name):
        for instruction, value in stage.lines:
            if instruction == "WORKDIR":
                folder = root / value.strip("/")
                folder.mkdir(parents=True, exist_ok=True)
            elif instruction == "COPY":
                *sources, target = shlex.split(value)
                for source in sources:
                    _copy(CHECKOUT / source, folder / target)
            elif instruction == "RUN":
                for place in _PLACES:
                    value = value.replace(f"{place}/", f"{root}{place}/")  # noqa: PLW2901 - the same command
                path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
                done = subprocess.run(  # noqa: S603 - of the Dockerfile
                    ["/bin/sh", "-ec", value],
                    cwd=folder,
                    env={"PATH": path, "HOME": str(root), **_indexes()},
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=600,
                )
                assert done.returncode == 0, f"RUN {value}\n{done.stderr[-3000:]}"


def _indexes() -> dict[str, str]:
    """What tells this machine's pip where packages are, if that is not in files."""
    return {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "HTTP", "SSL_", "UV_"))}


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
