"""A receiver of campaign lists on this machine: `python -m tools.receiver --folder received`.

It takes what `kedro campaign deliver --to http://127.0.0.1:8765` posts, as a CRM would: each part
becomes a file named by its key, and one that is there already is not taken again.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
from fsspec.implementations.local import LocalFileSystem

from customer_segmentation.new_files import put_new

HOST, PORT = "127.0.0.1", 8765
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_LONGEST = 64 * 2**20


@dataclass(frozen=True)
class Answer:
    """What a receiver answers."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


class Receiver(ThreadingHTTPServer):
    """Takes parts of lists, each once.

    Args:
        folder: Where each part becomes a file.
        port: On the loopback address; 0 for a free one.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.folder = folder

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_port}"

    def take(self, key: str, body: bytes) -> Answer | None:
        """The answer to a part; None to break off without one."""
        try:
            counts = Counter(json.loads(line)["change"] for line in body.splitlines())
        except (ValueError, KeyError, TypeError):
            return Answer(400, {"error": "write one JSON object a line, each with its change"})
        # Only what is on the disk is said to be taken.
        if put_new(LocalFileSystem(), str(self.folder / f"{key}.jsonl"), body):
            told = ", ".join(f"{count:,} {change}" for change, count in sorted(counts.items()))
            self.tell(f"{key}: {told}")
        return Answer(200, {"taken": counts.total()})

    def tell(self, line: str) -> None:
        """Print a line."""
        click.echo(line)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    # Connections are kept, and broken off on purpose.
    protocol_version = "HTTP/1.1"
    timeout = 60

    def handle(self) -> None:
        """Answer until the connection ends, however it ends."""
        with suppress(ConnectionError, TimeoutError):
            super().handle()

    def do_POST(self) -> None:
        """Take a part."""
        answer = self._answer()
        if answer is None:
            self.close_connection = True
            return
        content = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _answer(self) -> Answer | None:
        length, key = (
            self.headers.get("Content-Length", ""),
            self.headers.get("Idempotency-Key", ""),
        )
        if not length.isdigit() or int(length) > _LONGEST:
            self.close_connection = True
            return Answer(413, {"error": f"give a length of at most {_LONGEST} bytes"})
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            # Whoever sent it is gone.
            return None
        if not _KEY.fullmatch(key):
            return Answer(400, {"error": "name the part in a header Idempotency-Key"})
        return self.server.take(key, body)

    def log_message(self, *_: object) -> None:
        """Nothing: `Receiver.tell` says what is taken."""


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default="received")
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True)
def main(folder: Path, port: int) -> None:
    """Receive campaign lists on this machine until Ctrl-C; FOLDER keeps them."""
    with Receiver(folder, port) as receiver:
        click.echo(f"Listening on {receiver.url}, writing to {folder}")
        try:
            receiver.serve_forever()
        except KeyboardInterrupt:
            click.echo("Stopped")


if __name__ == "__main__":
    main()
