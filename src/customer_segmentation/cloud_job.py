"""A run that somebody else's machinery starts: it says how it ended, where that can be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import click
import fsspec
from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project

from customer_segmentation.errors import RefusedError
from customer_segmentation.run_lock import HeldError

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
    has to mend something), and `message` says why.

    Args:
        options: Of `kedro run`.
        place: A path or URL.

    Raises:
        click.ClickException: What was met may pass by itself, and nothing is written: whoever
            started the run starts it again. So it is with any other error.
    """
    configure_project(_PACKAGE)
    told = {"outcome": "done", "message": ""}
    try:
        find_run_command(_PACKAGE)([*options], standalone_mode=False)
    except click.ClickException as error:
        if any(type(each).__name__ in _PASSING for each in _chain(error)):
            raise
        told = {"outcome": _kind(error), "message": error.format_message()}
    files, path = fsspec.core.url_to_fs(place)
    files.makedirs(path.rpartition("/")[0], exist_ok=True)
    files.pipe_file(path, json.dumps(told, ensure_ascii=False).encode())
    return told


def _kind(error: BaseException) -> str:
    for each in _chain(error):
        if isinstance(each, HeldError):
            return "busy"
        if isinstance(each, RefusedError):
            return "refused"
    return "wrong"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
