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
from tools.ports import free_port

CONNECTIONS = 16
LIST = 1_000
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@contextmanager
def running(
    command: Sequence[str], url: str, body: bytes | None, **environment: str
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


def _answers(url: str, body: bytes | None) -> bool:
    request = Request(url, body, {"content-type": "application/json"})  # noqa: S310 - loopback
    try:
        with urlopen(request, timeout=5.0) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP
    except (URLError, OSError):
        return False


def load(url: str, body: bytes, folder: Path, seconds: int) -> dict[str, float]:
    """What `measured` gives, for a body that is posted again and again."""
    script = folder / "post.lua"
    (folder / "body").write_bytes(body)
    script.write_text(
        f'local f = io.open("{folder / "body"}", "rb")\n'
        'wrk.method = "POST"\nwrk.body = f:read("*a")\n'
        'wrk.headers["content-type"] = "application/json"\n'
    )
    return measured(url, script, seconds)


def measured(
    url: str, script: Path, seconds: int, connections: int = CONNECTIONS
) -> dict[str, float]:
    """Requests a second by wrk, median and 99th percentile in milliseconds, and failures."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", script, url]
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


class Trial:
    """One bundle, one customer, and a folder to work in.

    Args:
        folder: A temporary one.
        seconds: Of each load.
    """

    def __init__(self, folder: Path, seconds: int) -> None:
        self._folder, self._seconds = folder, seconds
        self._bundle = write_bundle(folder / "bundle")
        self._artifact = self._bundle / "segmenter.onnx"
        self._customer = a_customer() | {"customer_id": "10476"}
        self._one = json.dumps(self._customer).encode()

    def ours(self) -> tuple[dict[str, Any], dict[str, float]]:
        """This API: single customers, and what else is measured of it."""
        port = str(free_port())
        command = [sys.executable, "-m", "customer_segmentation.serving", "serve", "--port", port]
        command += ["--bundle", str(self._bundle), "--jobs", str(self._folder / "jobs")]
        url = f"http://127.0.0.1:{port}/v1/segments"
        many = json.dumps([self._customer] * LIST).encode()
        with running([*command, "--job-workers", "0"], url, self._one) as (pid, first):
            at_rest = resident(pid)
            row = self._loaded("this API", url, self._one)
            lists = load(url, many, self._folder, self._seconds)
            after = resident(pid)
        return row, {
            "customers a second in lists": lists["requests a second"] * LIST,
            "failed lists": lists["failed"],
            "seconds to the first answer": first,
            "megabytes at rest": at_rest,
            "megabytes after load": after,
        }

    def fastapi(self) -> dict[str, Any]:
        """The same body and model behind FastAPI."""
        port = str(free_port())
        command = [sys.executable, "-m", "uvicorn", "serving_peer:create", "--factory"]
        command += ["--port", port, "--no-access-log", "--log-level", "warning"]
        url = f"http://127.0.0.1:{port}/v1/segments"
        paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        given = {"SEGMENTATION_SEGMENTER": str(self._artifact), "PYTHONPATH": paths}
        with running(command, url, self._one, **given):
            return self._loaded("FastAPI", url, self._one)

    def mlflow(self) -> dict[str, Any]:
        """The same model behind MLflow's own server, which takes its numeric columns."""
        save_model(self._artifact, self._folder / "model")
        port = str(free_port())
        command = [str(Path(sys.executable).with_name("mlflow")), "models", "serve", "-p", port]
        command += ["-m", str(self._folder / "model"), "--env-manager", "local", "-w", "1"]
        columns = Scorer(self._artifact).columns
        record = {name: float(self._customer.get(name, 2014.0)) for name in columns}
        body = json.dumps({"dataframe_records": [record]}).encode()
        url = f"http://127.0.0.1:{port}/invocations"
        # It looks for uvicorn there.
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        with running(command, url, body, PATH=programs):
            return self._loaded("mlflow models serve", url, body)

    def _loaded(self, name: str, url: str, body: bytes) -> dict[str, Any]:
        load(url, body, self._folder, 2)
        return {"server": name, **load(url, body, self._folder, self._seconds)}


def main() -> None:
    """Start each, ask, and compare."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="of each load, default 10")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed: apt-get install wrk, brew install wrk")
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(Path(name), options.seconds)
        ours, more = trial.ours()
        found = [ours, trial.fastapi(), trial.mlflow()]
    for row in found:
        row["times slower than ours"] = ours["requests a second"] / row["requests a second"]
    print(f"one worker, {CONNECTIONS} connections, one customer a request; {machine()}")
    table(found)
    for measure, value in more.items():
        print(f"{measure}: {value:,.1f}")
    write_json(options.json, {"servers": found, **more})


if __name__ == "__main__":
    main()
