"""Write what `deploy/` has of the project: `python -m tools.deploy`, or `make deploy`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from tools.deploy.declared import DEPLOY

# Modules of this package; each has `documents() -> dict[str, str]`, text by path below `deploy/`.
GENERATORS: tuple[str, ...] = (
    "airflow",
    "azure",
    "costs",
    "databricks",
    "powerbi",
    "scaling",
    "sql",
    "state_machine",
    "terraform",
    "watching",
)


def documents() -> dict[str, str]:
    """Each file by its path below `deploy/`."""
    found: dict[str, str] = {}
    for name in GENERATORS:
        found |= import_module(f"tools.deploy.{name}").documents()
    return found


@click.command()
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), default=DEPLOY)
def main(to: Path) -> None:
    """Write what the project and deploy/deployment.yml say."""
    for path, text in documents().items():
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        (to / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
