"""Ask the gold tables of this machine, or load them: `python -m tools.deploy.sql --help`."""

from __future__ import annotations

from pathlib import Path
from shutil import get_terminal_size

import click

from customer_segmentation.errors import UserError
from tools.deploy.sql.local import ROOT, connect, load
from tools.deploy.sql.questions import questions, unanswered

# Of a file, where a terminal has its own.
_WIDTH = 200
_data = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=ROOT,
    help="The folder of dev's tables.",
)


@click.group()
def main() -> None:
    """The gold tables of a finished run of dev, as SQL."""


@main.command()
@click.argument("name", required=False)
@_data
def ask(name: str | None, data: Path) -> None:
    """Answer the question NAME, or list the questions without one."""
    every = {one.name: one for one in questions()}
    if name is None:
        for one in every.values():
            click.echo(f"{one.name:26}{one.title}")
        return
    if name not in every:
        why = unanswered().get(name, f"there are {', '.join(every)}")
        raise UserError(f"no question {name}: {why}")
    with connect(data) as session:
        click.echo(f"{every[name].title}\n{every[name].about}.")
        width = get_terminal_size((_WIDTH, 0)).columns
        session.sql(every[name].sql("duckdb")).show(max_width=width)


@main.command("load")
@click.argument("url")
@_data
def load_tables(url: str, data: Path) -> None:
    """Load the gold tables into PostgreSQL at URL, with comments and views, all at once."""
    for name, count in load(url, data).items():
        click.echo(f"{name}: {count:,} rows")


if __name__ == "__main__":
    main()
