"""Staging rehearsed on this machine: a command run against an S3 server of its own.

`python -m tools.rehearsal -- kedro run --env=staging`, or `make staging`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from customer_segmentation.errors import UserError
from customer_segmentation.run_lock import LEASE, run_lock

BUCKET = "customer-segmentation-staging"
# As versitygw keeps buckets: a folder each.
BUCKETS = Path("data/staging/s3")
KEPT = BUCKETS / BUCKET

# The server ends with its standard input: also where this process is killed.
_SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class S3Server:
    """A running S3 server, and how to reach it."""

    endpoint: str
    access_key: str = "rehearsal"
    # No secret: the server listens on loopback only, and ends with the command.
    secret_key: str = "rehearsal-only"  # noqa: S105
    region: str = "us-east-1"

    def environment(self) -> dict[str, str]:
        """The variables by which botocore, s3fs, Polars and delta-rs find it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ALLOW_HTTP": "true",
        }

    def client(self) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
        """A client of it, whatever the environment says."""
        return self._client

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - as above
        # Only the extras of staging and of its rehearsal have them.
        import boto3.session  # noqa: PLC0415
        import botocore.session  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        # A person's own profile and proxy are for another S3.
        session = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
            }
        )
        return boto3.session.Session(botocore_session=session).client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(proxies={}),
        )

    def make_bucket(self, name: str) -> None:
        """Make a bucket that is not there yet."""
        self.client().create_bucket(Bucket=name)


@contextmanager
def serve_moto() -> Iterator[S3Server]:
    """Give moto's S3 server, on a free loopback port, in a process of its own.

    Raises:
        UserError: moto is not installed, or its server does not start.
    """
    if find_spec("moto") is None:
        message = "moto is not installed: run make staging, or pip install '.[cloud,rehearsal]'"
        raise UserError(message)
    with subprocess.Popen(  # noqa: S603 - this Python, this program
        [sys.executable, "-c", _SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # Ctrl-C is for the command: the server is still needed to keep the bucket's content.
        start_new_session=True,
    ) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            if not port:
                message = "moto's server did not start: try `python -m moto.server`"
                raise UserError(message)
            yield S3Server(f"http://127.0.0.1:{port}")
        finally:
            process.kill()


def rehearse(command: Sequence[str]) -> int:
    """Run a command against an S3 server of its own, and give its exit code.

    moto keeps objects in memory: what the bucket holds is read from `data/staging/s3` at the start
    and written there at the end, so that the next rehearsal finds it.

    Raises:
        UserError: Another rehearsal is on in this folder, or the server does not start.
    """
    with run_lock(str(BUCKETS), "rehearsal"), serve_moto() as server:
        client = server.client()
        client.create_bucket(Bucket=BUCKET)
        _load(client)
        click.echo(
            f"Rehearsal: {shlex.join(command)}, on an S3 server of its own ({server.endpoint}), "
            f"whose bucket {BUCKET} is kept in {KEPT}"
        )
        try:
            return _run(command, _environment(server))
        finally:
            _keep(client)


def _environment(server: S3Server) -> dict[str, str]:
    # A person's own profile, token or endpoint is for another S3, and would come first.
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return (
        own
        | server.environment()
        | {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": ",".join(filter(None, [own.get("NO_PROXY"), "127.0.0.1"])),
            "SEGMENTATION_BUCKET": BUCKET,
        }
    )


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    try:
        child = subprocess.Popen(command, env=environment)  # noqa: S603 - it is the user's own
    except OSError as error:
        message = f"{command[0]}: {error.strerror}"
        raise UserError(message) from error
    # The terminal sends Ctrl-C to the command too; this process still keeps the bucket's content.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    code = child.wait()
    # As a shell has it: a command that a signal ended.
    return code if code >= 0 else 128 - code


def _load(client: Any) -> None:  # noqa: ANN401 - as `S3Server.client` gives it
    for path in sorted(KEPT.rglob("*")):
        if path.is_file():
            # In one part, as a store copies: its ETag is the one that the ledger knows.
            with path.open("rb") as file:
                client.put_object(Bucket=BUCKET, Key=path.relative_to(KEPT).as_posix(), Body=file)


def _keep(client: Any) -> None:  # noqa: ANN401 - as `S3Server.client` gives it
    # Under another name until it is whole.
    copy = KEPT.with_name(f".{KEPT.name}")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    for key in (found["Key"] for page in pages for found in page.get("Contents", [])):
        # A lease's age is its object's, which is not kept: a killed run's would never expire.
        if not key.endswith(("/", LEASE)):
            path = copy / key
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(BUCKET, key, str(path))
    shutil.rmtree(KEPT, ignore_errors=True)
    copy.replace(KEPT)


@click.command()
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def main(context: click.Context, command: tuple[str, ...]) -> None:
    """Run COMMAND as staging would, against an S3 server on this machine."""
    try:
        context.exit(rehearse(command))
    except UserError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
