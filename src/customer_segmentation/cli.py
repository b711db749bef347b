"""Kedro's own commands; `kedro run` says in one line what a person can mend."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from customer_segmentation.errors import UserError


@click.group(name="customer_segmentation")
def cli() -> None:
    """Commands of the project."""


def _user_error(error: BaseException | None) -> UserError | None:
    """The `UserError` that an error is or comes from; Kedro wraps those of datasets."""
    while error is not None and not isinstance(error, UserError):
        error = error.__cause__
    return error


def _without_traceback(command: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own signature
        from kedro.validation.exceptions import (  # noqa: PLC0415 - slow; only a run needs it
            ParameterValidationError,
        )

        try:
            return command(*args, **kwargs)
        except ParameterValidationError as error:
            raise click.ClickException(_parameters_message(error)) from error
        except Exception as error:
            mendable = _user_error(error)
            if mendable is None:
                raise
            raise click.ClickException(str(mendable)) from error

    return wrapped


def _parameters_message(error: Exception) -> str:
    """`parameters_clustering.yml: clustering.k.least: Input should be ...`."""
    from pydantic import ValidationError  # noqa: PLC0415 - slow; only a failing run needs it

    return f"{error}" if not isinstance(error, ValidationError) else str(error)


run = click.Command(
    name=kedro_run.name,
    params=kedro_run.params,
    help=kedro_run.help,
    callback=_without_traceback(kedro_run.callback),
)
cli.add_command(run)
