"""The error for anything a person can fix: it says what is wrong, where, and what to do."""

import click


class UserError(click.ClickException):
    """Input, configuration or saved data that cannot be used as it is.

    Every command, also those of Kedro and its plugins, prints the message alone, without a
    traceback, and exits with 1.
    """


class RefusedError(UserError):
    """A gate has refused what was asked for: an answer, and no fault of anything."""
