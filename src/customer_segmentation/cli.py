"""Kedro's own commands; `kedro run` says in one line what a person can mend."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.utils import find_kedro_project

from customer_segmentation.mendable import explain
from customer_segmentation.run_lock import run_lock
from customer_segmentation.session import ProjectSession, Terminated
from customer_segmentation.spark import require_java

_NO_DOCSTRINGS = (
    "Python was told to leave docstrings out (PYTHONOPTIMIZE=2, -OO), and the models' features are"
    " described by theirs: unset PYTHONOPTIMIZE, or set it to 1"
)


@click.group(name="customer_segmentation")
def cli() -> None:
    """Commands of the project."""


class _MendableErrors(click.Command):
    """A command that says what a person can mend in one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        if sys.flags.optimize > 1:
            raise click.ClickException(_NO_DOCSTRINGS)
        from kedro.validation.exceptions import (  # noqa: PLC0415 - slow; only a run needs it
            ParameterValidationError,
        )

        try:
            return super().invoke(ctx)
        except ParameterValidationError as error:
            raise click.ClickException(parameters_message(str(error))) from error
        except KeyboardInterrupt as stop:
            by, code = ("SIGTERM", 143) if isinstance(stop, Terminated) else ("Ctrl-C", 130)
            click.echo(f"Stopped by {by}: no file is half written; run again to go on", err=True)
            sys.exit(code)
        except Exception as error:
            message = _message(error)
            if message is None:
                raise
            raise click.ClickException(message) from error


def _message(error: Exception) -> str | None:
    """What a person can mend, if it is anything of that kind."""
    if unknown := re.match(r"Failed to find the pipeline named '(.*?)'", str(error)):
        from kedro.framework.project import pipelines  # noqa: PLC0415 - configured by now

        known = ", ".join(name for name in pipelines if name != "__default__")
        return f"there is no pipeline `{unknown[1]}`: the pipelines are {known}"
    return explain(error)


def parameters_message(report: str) -> str:
    """Kedro's report of wrong parameters, one line a parameter.

    Kedro keeps only the text of pydantic's errors: a block's name, then for each key in it a line
    with its path and an indented line with what is wrong.
    """
    found: list[str] = []
    block = path = ""
    for line in report.splitlines():
        if named := re.match(r"- Parameter '(.+?)': (.*)", line):
            block = named[1]
            if "validation error" not in named[2]:
                found.append(f"`{block}`: {named[2]}")
        elif wrong := re.match(r"  (.+?) \[type=\w+, input_value=(.*), input_type=\w+\]", line):
            problem = wrong[1].removeprefix("Value error, ")
            found.append(f"`{block}.{path}`: {problem} (it is {wrong[2]})")
        elif not line.startswith(" "):
            path = line
    lines = "\n  ".join(found) or report
    return f"wrong parameters (conf/*/parameters_*.yml, --params):\n  {lines}"


@cli.command(cls=_MendableErrors)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--env", default="dev", show_default=True, help="Whose parameters hold.")
def check(file: Path, env: str) -> None:
    """Tell what FILE, or a folder of files, would become; nothing is written."""
    from customer_segmentation.check import check_file  # noqa: PLC0415 - slow

    # The account alone: nobody waits long enough to be told of steps.
    logging.disable()
    project = find_kedro_project(Path.cwd()) or Path.cwd()
    for line in check_file(file.absolute(), env, project):
        click.echo(line)


@cli.command(cls=_MendableErrors)
@click.option("--env", default=None, help="The environment whose tables are maintained.")
@click.option(
    "--retain-hours",
    type=click.FloatRange(min=168.0),
    default=168.0,
    show_default=True,
    help="Versions older than this are deleted; a week at least, since a reader may need them.",
)
def maintain(env: str | None, retain_hours: float) -> None:
    """Compact an environment's Delta tables and delete the files of versions past retention."""
    from kedro.framework.project import pipelines  # noqa: PLC0415 - a configured project is needed

    with ProjectSession.create(env=env) as session:
        context = session.load_context()  # type: ignore[attr-defined]  # not its base's
        catalog = context.catalog
        found = [(n, catalog.get(n)) for n in sorted(pipelines["__default__"].datasets())]
        tables = [(name, table) for name, table in found if hasattr(table, "maintain")]
        if not tables:
            message = "no table of this environment is kept by this project's Delta dataset."
            raise click.ClickException(message)
        require_java()
        # A writer like any other: on S3 two at once would lose a commit.
        with run_lock(str(context.config_loader["globals"]["tables"]), "kedro maintain"):
            for name, table in tables:
                if table.exists():
                    table.maintain(retain_hours)
                    kept = f"versions of the last {retain_hours:g} hours kept"
                    click.echo(f"{name}: compacted, {kept}")


run = _MendableErrors(
    name=kedro_run.name,
    params=kedro_run.params,
    help=kedro_run.help,
    callback=kedro_run.callback,
)
cli.add_command(run)
