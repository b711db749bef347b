"""A run that somebody else's machinery starts: it says how it ended, where that can be read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
import fsspec
from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project

from customer_segmentation.errors import NothingDue, RefusedError
from customer_segmentation.run_lock import HeldError, run_lock

if TYPE_CHECKING:
    from customer_segmentation.monitoring.alerts.message import Message

# Set where whoever reads the outcome tells people of the alerts in it.
ALERTS = "SEGMENTATION_ALERT_BY_OUTCOME"
_PACKAGE = "customer_segmentation"
# What may pass by itself, so that the job is worth another start. By name: botocore is optional.
_PASSING = {
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "ConnectionError",
    "EndpointConnectionError",
    "ReadTimeoutError",
    "TimeoutError",
}


def run_and_say(options: Sequence[str], place: str) -> dict[str, Any]:
    """Run as `kedro run` does, and write how that ended: one JSON object.

    Its `outcome` is `done`, `refused` (by a gate), `busy` (another run is on) or `wrong` (a person
    has to mend something), and `message` says why. If SEGMENTATION_ALERT_BY_OUTCOME is set, `alert`
    has `title` and `text` of what monitoring found and nobody was told of, or of why that is not
    known: the run is done all the same.

    Args:
        options: Of `kedro run`.
        place: A path or URL.

    Raises:
        click.ClickException: What was met may pass by itself, and nothing is written: whoever
            started the run starts it again. So it is with any other error.
    """
    configure_project(_PACKAGE)
    told: dict[str, Any] = {"outcome": "done", "message": ""}
    try:
        find_run_command(_PACKAGE)([*options], standalone_mode=False)
    except click.ClickException as error:
        if any(type(each).__name__ in _PASSING for each in _chain(error)):
            raise
        told = {"outcome": _kind(error), "message": error.format_message()}
    _write(place, told)
    if told["outcome"] == "done" and os.environ.get(ALERTS):
        found = _Alerts(lambda alert: _write(place, told | {"alert": alert}))
        try:
            _tell(options, found)
        except click.ClickException as error:
            found.fail(error.format_message())
        told |= {"alert": found.told} if found.told else {}
    return told


def _write(place: str, told: dict[str, Any]) -> None:
    files, path = fsspec.core.url_to_fs(place)
    files.makedirs(path.rpartition("/")[0], exist_ok=True)
    files.pipe_file(path, json.dumps(told, ensure_ascii=False).encode())


class _Alerts:
    """The outcome of a run as a receiver of alerts: it has them once they are written."""

    name = "the outcome of a job"

    def __init__(self, write: Callable[[dict[str, str]], None]) -> None:
        self.told: dict[str, str] = {}
        self._write = write

    def tell(self, message: Message) -> None:
        """Write a message beside those before it."""
        self._add(message.title, message.text)

    def fail(self, why: str) -> None:
        """Write why not everything is told."""
        self._add(self.told.get("title") or "Alerts are not known", why)

    def _add(self, title: str, text: str) -> None:
        texts = [self.told["text"]] if self.told else []
        self.told = {"title": title, "text": "\n\n".join([*texts, text])}
        self._write(self.told)


def _tell(options: Sequence[str], found: _Alerts) -> None:
    """Tell of what the environment's monitoring found, as `kedro monitor alert` does."""
    from customer_segmentation.cli import watched  # noqa: PLC0415 - of a configured project
    from customer_segmentation.monitoring.alerts.receivers import (  # noqa: PLC0415 - as above
        receivers_of,
    )
    from customer_segmentation.monitoring.commands import alert  # noqa: PLC0415 - as above

    given = dict(each.removeprefix("--").split("=", 1) for each in options if "=" in each)
    environment = watched(given.get("env"), given.get("conf-source"))
    with run_lock(environment.memory, "kedro monitor alert"):
        receivers = [found, *receivers_of(environment.settings, click.echo)]
        alert(environment, receivers, click.echo)


def _kind(error: BaseException) -> str:
    for each in _chain(error):
        if isinstance(each, HeldError):
            return "busy"
        if isinstance(each, RefusedError):
            return "refused"
        if isinstance(each, NothingDue):
            return "done"
    return "wrong"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
