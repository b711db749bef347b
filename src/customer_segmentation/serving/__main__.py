"""`python -m customer_segmentation.serving`: the server, and its API keys."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from customer_segmentation.errors import UserError
from customer_segmentation.mendable import explain

try:
    import msgspec

    from customer_segmentation.serving.keys import ROLES, add_key
    from customer_segmentation.serving.settings import Settings, as_environment, read_settings
except ModuleNotFoundError as missing:
    sys.exit(f"Error: {explain(missing) or missing}")

if TYPE_CHECKING:
    from uvicorn.supervisors import Multiprocess

logger = logging.getLogger(__name__)

_MAX_FILES = 65_536
# How long a busy worker may take to answer the process that it belongs to.
_ANSWER_SECONDS = 30


def main(arguments: list[str] | None = None) -> None:
    """Serve, or make an API key."""
    parser = argparse.ArgumentParser(prog="python -m customer_segmentation.serving")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="answer over HTTP", description=Settings.__doc__)
    for field in msgspec.structs.fields(Settings):
        # A flag may have a value, as all other options must.
        flag: dict[str, Any] = {"nargs": "?", "const": "true"} if field.type is bool else {}
        serve.add_argument(f"--{field.name.replace('_', '-')}", default=None, **flag)
    key = commands.add_parser("add-key", help="make an API key and print it, once")
    key.add_argument("--keys", type=Path, required=True)
    key.add_argument("--name", required=True)
    key.add_argument("--role", action="append", choices=ROLES, required=True)
    given = vars(parser.parse_args(arguments))
    try:
        if given.pop("command") == "serve":
            _serve(read_settings(given))
        else:
            print(add_key(given["keys"], given["name"], tuple(given["role"])))  # noqa: T201 - the output
    except (ModuleNotFoundError, UserError) as error:
        sys.exit(f"Error: {explain(error) or error}")


def _serve(settings: Settings) -> None:
    import uvicorn  # noqa: PLC0415 - making a key needs none
    from uvicorn.supervisors import Multiprocess  # noqa: PLC0415 - as above

    from customer_segmentation.serving.app import create  # noqa: PLC0415 - as above
    from customer_segmentation.serving.jobs.supervisor import job_workers  # noqa: PLC0415 - as above
    from customer_segmentation.serving.protocol import LimitedProtocol  # noqa: PLC0415 - as above

    # uvicorn re-raises the signal after its shutdown, which would skip the cleanup below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Until the server handles it as "reload now": its default would end the process.
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _allow_connections()
    # Worker processes read their settings from the environment.
    os.environ.update(as_environment(settings))
    with (
        TemporaryDirectory(prefix="segmentation-metrics-") as folder,
        job_workers(settings.job_workers, settings.stop_seconds),
    ):
        if settings.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            # uvicorn would restart the workers.
            Multiprocess.handle_hup = _pass_on_hup  # type: ignore[method-assign, assignment]
        uvicorn.run(
            create() if settings.workers == 1 else "customer_segmentation.serving.app:create",
            factory=settings.workers > 1,
            workers=settings.workers,
            host=settings.host,
            port=settings.port,
            http=LimitedProtocol,
            # X-Forwarded-For can be forged, to be counted as another address.
            proxy_headers="FORWARDED_ALLOW_IPS" in os.environ,
            # No route uses websockets, and their handler would log paths with ids.
            ws="none",
            access_log=False,
            # Logs its address at start, and its stop.
            log_level="info",
            server_header=False,
            timeout_graceful_shutdown=round(settings.stop_seconds),
            timeout_worker_healthcheck=_ANSWER_SECONDS,
        )


def _pass_on_hup(supervisor: Multiprocess) -> None:
    for process in supervisor.processes:
        # A process that is still starting loads the files anyway, and SIGHUP would end it.
        if process.pid and process.is_ready(timeout=_ANSWER_SECONDS):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGHUP)
        else:
            logger.warning(
                "SIGHUP was not passed on to worker %s, which is starting or does not answer: if "
                "it did not start just now, it may keep old keys until its next look",
                process.pid,
            )


def _allow_connections() -> None:
    """Raise the limit of open files: some hundred idle connections would reach the default."""
    if os.name != "posix":
        return
    import resource  # noqa: PLC0415 - Windows does not have it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_FILES if hard == resource.RLIM_INFINITY else min(_MAX_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))


if __name__ == "__main__":
    main()
