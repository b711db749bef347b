"""Lambda's runtime on this machine: its API, and AWS's own client of it, which runs a function."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from uuid import uuid4

_API = "/2018-06-01/runtime/"
_SECONDS = 30.0
# What Lambda's runtime has beside the standard library.
_RUNTIME = (
    *("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py"),
    *("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"),
)
_START = (
    "import sys; sys.path[:0] = [{task!r}]; sys.path.append({runtime!r}); "
    "from awslambdaric.__main__ import main; main(['bootstrap', {handler!r}])"
)


@dataclass(frozen=True)
class Invoked:
    """What became of an event.

    Attributes:
        payload: The function's answer, or its error: JSON.
        is_error: Whether it raised.
        seconds: From the event's being there to its answer.
    """

    payload: bytes
    is_error: bool
    seconds: float

    @property
    def answer(self) -> object:
        """The answer as a value.

        Raises:
            RuntimeError: The function raised.
        """
        if self.is_error:
            raise RuntimeError(self.payload.decode())
        return json.loads(self.payload)


class _Api(ThreadingHTTPServer):
    """The runtime's API of one function."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: Queue[tuple[str, bytes]] = Queue()
        self.answers: Queue[tuple[str, bytes, bool]] = Queue()
        self.is_ending = False

    def handle_error(self, *_: object) -> None:
        """Say nothing: a function that is killed leaves its connection."""


@dataclass(frozen=True)
class Function:
    """A function that runs in a process of its own.

    Attributes:
        process: Python's.
        log: The file with what it wrote.
    """

    process: subprocess.Popen[bytes]
    log: Path
    api: _Api

    def invoke(self, event: object) -> Invoked:
        """Give it an event, and wait for the answer.

        Raises:
            RuntimeError: It gave none; the message holds what it wrote.
        """
        asked, sent = uuid4().hex, json.dumps(event).encode()
        began = time.perf_counter()
        self.api.events.put((asked, sent))
        while time.perf_counter() - began < _SECONDS and self.process.poll() is None:
            with suppress(Empty):
                answered, payload, is_error = self.api.answers.get(timeout=0.2)
                if answered == asked:
                    return Invoked(payload, is_error, time.perf_counter() - began)
        message = f"no answer of the function:\n{self.log.read_text('utf-8', errors='replace')}"
        raise RuntimeError(message)


def unpack(zipped: Path, to: Path) -> Path:
    """Unpack a function's zip as Lambda does; gives the folder."""
    with zipfile.ZipFile(zipped) as read:
        read.extractall(to)
    return to


def link_runtime(to: Path) -> Path:
    """A folder with what Lambda's runtime has, as links into this environment."""
    to.mkdir(parents=True, exist_ok=True)
    for name in _RUNTIME:
        found = find_spec(name)
        if found is None or found.origin is None:
            message = f"{name} is not installed: pip install 'customer_segmentation[deploy]'"
            raise RuntimeError(message)
        place = Path(found.origin)
        place = place.parent if place.name == "__init__.py" else place
        if not (to / place.name).exists():
            (to / place.name).symlink_to(place)
    return to


@contextmanager
def running(
    task: Path, handler: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Function]:
    """Run a function by AWS's client of the runtime's API, until the `with` block ends.

    Its Python knows the standard library, the unpacked zip and what Lambda's runtime has, and no
    variable of this process: nothing of the checkout or its environment can help it.

    Args:
        task: The unpacked zip.
        handler: `module.function`.
        folder: Where its log is.
        environment: Its variables.
    """
    runtime, log = link_runtime(folder / "runtime"), folder / f"{uuid4().hex}.log"
    api = _Api()
    told = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "tried",
        "LAMBDA_TASK_ROOT": str(task),
        "_HANDLER": handler,
        **(environment or {}),
    }
    start = _START.format(task=str(task), runtime=str(runtime), handler=handler)
    command = [sys.executable, "-I", "-S", "-c", start]
    serving = Thread(target=api.serve_forever)
    serving.start()
    try:
        with (
            log.open("wb") as written,
            subprocess.Popen(  # noqa: S603 - our own
                command, cwd=task, env=told, stdout=written, stderr=written
            ) as process,
        ):
            try:
                yield Function(process, log, api)
            finally:
                process.kill()
    finally:
        api.is_ending = True
        api.shutdown()
        serving.join()
        api.server_close()


class _Handler(BaseHTTPRequestHandler):
    """https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html."""

    protocol_version = "HTTP/1.1"

    # Head and body at once, or each waits for the other's receipt.
    wbufsize, disable_nagle_algorithm = -1, True
    server: _Api

    def do_GET(self) -> None:
        """The next event."""
        while not self.server.is_ending:
            with suppress(Empty):
                asked, event = self.server.events.get(timeout=0.2)
                headers = {
                    "Lambda-Runtime-Aws-Request-Id": asked,
                    "Lambda-Runtime-Deadline-Ms": str(int((time.time() + _SECONDS) * 1000)),
                    "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:::function:tried",
                }
                self._answer(200, event, headers)
                return

    def do_POST(self) -> None:
        """An answer or an error."""
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length)) if length else self._chunks()
        kind, asked, *what = self.path.removeprefix(_API).split("/")
        if kind == "invocation":
            self.server.answers.put((asked, body, what == ["error"]))
        self._answer(202, b"{}", {})

    def _chunks(self) -> bytes:
        """A body that is sent in chunks."""
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
