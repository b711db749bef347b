"""One job of many generated customers as CSV: from the post to results, and the worker's memory.

A server that works on no job, and one worker beside it, are started for it on a free port, with
the promoted bundle of the checkout. Targets for 10^6 rows on 2 cores: 30 s from the post's first
byte to results that can be fetched, and 1 GB at the worker's peak.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from report import arguments, machine, table, write_json

from customer_segmentation.serving.settings import Settings, as_environment
from tools.generator import write

BUNDLE = Path(__file__).parents[1] / "data" / "models"
TARGET_ROWS, MAX_SECONDS, MAX_BYTES = 1_000_000, 30.0, 1e9
MODULE = "customer_segmentation.serving"


def ask(url: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - those of urllib's Request
    """The JSON that a route answers."""
    with urllib.request.urlopen(urllib.request.Request(url, **request)) as answer:  # noqa: S310 - our own server
        found: dict[str, Any] = json.load(answer)
        return found


def wait_until_ready(url: str) -> None:
    """Return once the server takes requests."""
    while True:
        try:
            ask(f"{url}/readyz")
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return


def peak_bytes(pid: int) -> float:
    """The most memory that a process held at once, shared pages included."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return 1024.0 * int(found[1]) if found else 0.0


def scored(url: str, source: Path) -> tuple[float, float, dict[str, Any]]:
    """Seconds until the post is answered, and until the results are ready; and the job."""
    headers = {"Content-Type": "text/csv", "Content-Length": str(source.stat().st_size)}
    started = time.perf_counter()
    with source.open("rb") as content:
        job = ask(f"{url}/v1/jobs", data=content, headers=headers, method="POST")
    posted = time.perf_counter() - started
    while job["state"] in ("queued", "running"):
        time.sleep(0.1)
        job = ask(f"{url}/v1/jobs/{job['id']}")
    return posted, time.perf_counter() - started, job


def main() -> None:
    """Start both processes, post the file, and print what it took."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "customers.csv"
        write(source, options.rows, 1)
        size = source.stat().st_size
        settings = Settings(
            bundle=str(BUNDLE), port=port, job_workers=0, jobs=Path(folder) / "jobs"
        )
        environment = {**os.environ, **as_environment(settings)}
        commands = ([MODULE, "serve"], [f"{MODULE}.jobs.worker"])
        processes = [
            subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-m", *command], env=environment, stdout=subprocess.DEVNULL
            )
            for command in commands
        ]
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(url)
            posted, ready, job = scored(url, source)
            peak = peak_bytes(processes[1].pid)
        finally:
            for process in processes:
                process.terminate()
                process.wait()
    rows = [
        {
            "rows": options.rows,
            "MB": size / 1e6,
            "posted s": posted,
            "ready s": ready,
            "worker's peak GB": peak / 1e9,
            "rejected": job["rows_rejected"],
        }
    ]
    print(f"one job of {options.rows:,} generated customers (seed 1) as CSV: {job['state']}")
    print(machine())
    table(rows)
    if options.rows == TARGET_ROWS:
        for name, value, maximum in (("seconds", ready, MAX_SECONDS), ("memory", peak, MAX_BYTES)):
            print(f"target, {name}: {'met' if value <= maximum else 'missed'}")
    write_json(options.json, {"jobs": rows})


if __name__ == "__main__":
    main()
