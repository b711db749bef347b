"""The API under load beside `mlflow models serve` and FastAPI with the same model.

wrk asks each in turn over 16 connections, one customer a request; all are one process on the same
machine as wrk. Then lists of a thousand, the time to the first answer, and memory at rest. Targets:
7 times MLflow's server, 1.4 times FastAPI, 99 % within 5 ms, 200,000 customers a second in lists,
first answer within 2 s, 200 MB at rest.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from report import arguments, machine, table, write_json

from customer_segmentation.scoring.mlflow_model import save_model
from customer_segmentation.scoring.scorer import Scorer
from tests.serving.example import a_customer, write_bundle

CONNECTIONS = 16
LIST = 1_000
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], url: str, body: bytes, **environment: str
) -> Iterator[tuple[int, float]]:
    """A server; its process id and the seconds from its start to its first right answer."""
    started = perf_counter()
    process = subprocess.Popen(  # noqa: S603 - this project's own commands
        command,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not _answers(url, body):
            if process.poll() is not None or perf_counter() - started > 120.0:  # noqa: PLR2004 - nobody waits longer
                sys.exit(f"{' '.join(command)} does not answer")
            sleep(0.01)
        yield process.pid, perf_counter() - started
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 15)
        process.wait()


def _answers(url: str, body: bytes) -> bool:
    request = Request(url, body, {"content-type": "application/json"})  # noqa: S310 - loopback
    try:
        with urlopen(request, timeout=5.0) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP
    except (URLError, OSError):
        return False


def load(url: str, body: bytes, folder: Path, seconds: int) -> dict[str, float]:
    """Requests a second by wrk, median and 99th percentile in milliseconds, and failures."""
    script = folder / "post.lua"
    (folder / "body").write_bytes(body)
    script.write_text(
        f'local f = io.open("{folder / "body"}", "rb")\n'
        'wrk.method = "POST"\nwrk.body = f:read("*a")\n'
        'wrk.headers["content-type"] = "application/json"\n'
    )
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--latency", "-s", script, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - wrk
    times = dict(re.findall(r"(50|99)%\s+([\d.]+[a-z]+)", said))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    return {
        "requests a second": float(rate[1]) if rate else 0.0,
        "median ms": _milliseconds(times["50"]),
        "p99 ms": _milliseconds(times["99"]),
        "failed": float(failed[1]) if failed else 0.0,
    }


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]


def resident(pid: int) -> float:
    """Megabytes of a process and its children."""
    listed = subprocess.run(  # noqa: S603 - ps
        ["ps", "-o", "rss=", "-g", str(pid)],  # noqa: S607 - the system's
        capture_output=True,
        text=True,
        check=True,
    )
    return sum(int(line) for line in listed.stdout.split()) / 1024


def main() -> None:
    """Start each, ask, and compare."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="of each load, default 10")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed: apt-get install wrk, brew install wrk")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = write_bundle(folder / "bundle")
        artifact = bundle / "segmenter.onnx"
        save_model(artifact, folder / "model")
        customer = a_customer() | {"customer_id": "10476"}
        one = json.dumps(customer).encode()
        many = json.dumps([customer] * LIST).encode()
        columns = Scorer(artifact).columns
        record = {name: float(customer.get(name, 2014.0)) for name in columns}
        mlflow_body = json.dumps({"dataframe_records": [record]}).encode()
        found: list[dict[str, Any]] = []

        port = str(free_port())
        ours = [sys.executable, "-m", "customer_segmentation.serving", "serve", "--port", port]
        ours += ["--bundle", str(bundle), "--jobs", str(folder / "jobs"), "--job-workers", "0"]
        url = f"http://127.0.0.1:{port}/v1/segments"
        with running(ours, url, one) as (pid, first):
            memory = resident(pid)
            load(url, one, folder, 2)
            found.append({"server": "this API", **load(url, one, folder, options.seconds)})
            lists = load(url, many, folder, options.seconds)
            after = resident(pid)

        port = str(free_port())
        uvicorn = ["-m", "uvicorn", "serving_peer:app", "--port", port, "--no-access-log"]
        peer = [sys.executable, *uvicorn, "--log-level", "warning"]
        url = f"http://127.0.0.1:{port}/v1/segments"
        paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        with running(peer, url, one, SEGMENTATION_SEGMENTER=str(artifact), PYTHONPATH=paths):
            load(url, one, folder, 2)
            found.append({"server": "FastAPI", **load(url, one, folder, options.seconds)})

        port = str(free_port())
        mlflow = [str(Path(sys.executable).with_name("mlflow")), "models", "serve"]
        mlflow += ["-m", str(folder / "model"), "--env-manager", "local", "-p", port, "-w", "1"]
        url = f"http://127.0.0.1:{port}/invocations"
        # It looks for uvicorn there.
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        with running(mlflow, url, mlflow_body, PATH=programs):
            load(url, mlflow_body, folder, 2)
            found.append(
                {"server": "mlflow models serve", **load(url, mlflow_body, folder, options.seconds)}
            )
    for row in found:
        row["times slower than ours"] = found[0]["requests a second"] / row["requests a second"]
    print(f"one worker, {CONNECTIONS} connections, one customer a request; {machine()}")
    table(found)
    customers = lists["requests a second"] * LIST
    print(f"lists of {LIST}: {customers:,.0f} customers a second, failed {lists['failed']:.0f}")
    print(
        f"start to first answer {first:.2f} s; {memory:.0f} MB at rest, {after:.0f} MB after load"
    )
    write_json(
        options.json,
        {
            "servers": found,
            "customers a second in lists": customers,
            "seconds to the first answer": first,
            "megabytes at rest": memory,
            "megabytes after load": after,
        },
    )


if __name__ == "__main__":
    main()
