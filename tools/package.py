"""Write the wheel, the configuration and Python environments for jobs: `python -m tools.package`.

`kedro package` makes the wheel and the archive of the configuration. An environment is an archive
of what a job imports, the wheel included, for a cluster's own Python and Spark: what venv-pack
makes, by a tool that the project has anyway.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import click

CHECKOUT = Path(__file__).parents[1]
# The Python of each runtime, which is /usr/bin/pythonX.Y there.
PYTHONS = {"emr": "3.11", "glue": "3.13"}
# They are the cluster's own.
_THEIRS = ("pyspark", "py4j")
_UV = Path(sys.executable).with_name("uv")
_PACKAGED = ("conf", "src", "pyproject.toml", "README.md", "LICENSE")


def package(to: Path) -> tuple[Path, Path]:
    """Build the wheel and the archive of the configuration, from a copy: a build leaves files.

    Args:
        to: The folder that they are written to.
    """
    with TemporaryDirectory() as folder:
        for name in _PACKAGED:
            source, copy = CHECKOUT / name, Path(folder) / name
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("local", "*.egg-info"))
            else:
                shutil.copy(source, copy)
        _run(Path(sys.executable).with_name("kedro"), "package", folder=Path(folder))
        to.mkdir(parents=True, exist_ok=True)
        made = [Path(shutil.copy(path, to)) for path in sorted((Path(folder) / "dist").iterdir())]
    archive, wheel = made
    return wheel, archive


def environment(wheel: Path, python: str, folder: Path) -> None:
    """Install what a job imports into a folder that works wherever it is unpacked.

    Args:
        wheel: The project's.
        python: Version, such as 3.11; one of it must be on this machine.
        folder: Made anew.
    """
    _run(_UV, "venv", "--quiet", "--clear", "--relocatable", "--python", python, folder)
    into = (_UV, "pip", "install", "--quiet", "--python", folder)
    _run(*into, "--require-hashes", "-r", CHECKOUT / "requirements" / "prod.txt")
    _run(*into, "--no-deps", wheel)
    _run(_UV, "pip", "uninstall", "--quiet", "--python", folder, *_THEIRS)


def pack(folder: Path, python: str, archive: Path, home: Path = Path("/usr/bin")) -> None:
    """Archive an environment for another machine.

    Args:
        folder: As `environment` has made it; here it works no longer.
        python: Its version.
        archive: A `.tar.gz`.
        home: The folder of that Python there.
    """
    link = folder / "bin" / "python"
    link.unlink()
    link.symlink_to(home / f"python{python}")
    told = folder / "pyvenv.cfg"
    told.write_text(re.sub(r"(?m)^home = .*$", f"home = {home}", told.read_text()))
    with tarfile.open(archive, "w:gz", compresslevel=1) as written:
        written.add(folder, arcname=".")


def _run(*command: str | Path, folder: Path = CHECKOUT) -> None:
    environment = {**os.environ, "KEDRO_DISABLE_TELEMETRY": "1"}
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - the commands stand above


@click.command()
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), default=CHECKOUT / "dist")
@click.option("--for", "runtimes", type=click.Choice([*PYTHONS]), multiple=True)
def main(to: Path, runtimes: tuple[str, ...]) -> None:
    """Write the wheel and the configuration, and an environment --for each runtime named."""
    wheel, archive = package(to)
    click.echo(f"{wheel}\n{archive}")
    job = shutil.copy(CHECKOUT / "deploy" / "aws" / "jobs" / "segmentation.py", to)
    click.echo(job)
    for runtime in runtimes:
        with TemporaryDirectory() as folder:
            made = Path(folder) / "environment"
            environment(wheel, PYTHONS[runtime], made)
            packed = to / f"environment-{runtime}.tar.gz"
            pack(made, PYTHONS[runtime], packed)
        click.echo(packed)


if __name__ == "__main__":
    main()
