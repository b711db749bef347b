"""The error for anything a person can fix: it says what is wrong, where, and what to do."""

from __future__ import annotations

from typing import IO, Any

import click


class UserError(click.ClickException):
    """Input, configuration or saved data that cannot be used as it is.

    Every command, also those of Kedro and its plugins, prints the message alone, without a
    traceback, and exits with 1.
    """


class RefusedError(UserError):
    """A gate has refused what was asked for: an answer, and no fault of anything."""


class NothingDue(click.ClickException):
    """There is no reason to do what was asked for: an answer, and a command that ends well."""

    exit_code = 0

    def show(self, file: IO[Any] | None = None) -> None:
        """Print why."""
        click.echo(self.format_message(), file=file)
