"""The scoring function of AWS Lambda: size, cold start, one row and a thousand, memory.

Its zip is unpacked where nothing else is, and run by AWS's own client of the runtime's API against
a stand-in of that API, in one process. A cold start is from the process's beginning to its first
answer, with the zip's files read before; Lambda adds the time to fetch the zip and to begin a
machine. Warm times hold one trip to the stand-in of the API, which is Python on the same cores.
The process's own seconds on a core tell what a busy machine hides.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from report import arguments, machine, table, write_json

from tests.serving.example import a_customer, write_bundle
from tools.deploy.lambda_zip import write_landing, write_scoring
from tools.lambda_runtime import Function, running, unpack
from tools.rehearsal import serve_moto

HANDLER = "customer_segmentation.serving.aws_lambda.scoring.handle"
_STARTS = 10
_MIB = 1024**2


def request(customers: object) -> dict[str, Any]:
    """A request as an HTTP API hands it on."""
    return {
        "version": "2.0",
        "rawPath": "/v1/segments",
        "rawQueryString": "",
        "requestContext": {"http": {"method": "POST", "path": "/v1/segments"}},
        "body": json.dumps(customers),
        "isBase64Encoded": False,
    }


def warm(function: Function, customers: object, times: int) -> dict[str, float]:
    """Milliseconds of an event, at the median and the 99th percentile."""
    event = request(customers)
    for _ in range(20):
        function.invoke(event)
    before = cpu(function)
    seconds = [function.invoke(event).seconds for _ in range(times)]
    p50, p99 = (float(np.quantile(seconds, q)) * 1e3 for q in (0.5, 0.99))
    return {"p50_ms": p50, "p99_ms": p99, "cpu_ms": (cpu(function) - before) / times * 1e3}


def cpu(function: Function) -> float:
    """The seconds that the process had a core."""
    told = Path(f"/proc/{function.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def starts(task: Path, folder: Path, environment: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds from nothing to the first answer, at the clock and of a core."""
    seconds, cores = [], []
    for _ in range(_STARTS):
        began = perf_counter()
        with running(task, HANDLER, folder, environment) as function:
            function.invoke(request(a_customer()))
            seconds.append(perf_counter() - began)
            cores.append(cpu(function))
    return {
        "p50_ms": float(np.median(seconds)) * 1e3,
        "most_ms": max(seconds) * 1e3,
        "cpu_ms": float(np.median(cores)) * 1e3,
    }


def memory(function: Function) -> float:
    """The most that the process held so far, in MiB."""
    status = Path(f"/proc/{function.process.pid}/status").read_text("ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def main() -> None:
    """Measure, print, and write the numbers where asked."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=2_000, help="of one row")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        bundle = write_bundle(folder / "models")
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        scoring, landing = write_scoring(folder, bundle, here), write_landing(folder)
        task = unpack(scoring, folder / "task")
        unpacked = sum(path.stat().st_size for path in task.rglob("*") if path.is_file())
        cold = starts(task, folder, {})
        with serve_moto() as server:
            server.client().create_bucket(Bucket="lake")
            for model in bundle.iterdir():
                server.client().upload_file(str(model), "lake", f"models/{model.name}")
            told = {"SEGMENTATION_SERVING_BUNDLE": "s3://lake/models", **server.environment()}
            cold_s3 = starts(task, folder, told)
        with running(task, HANDLER, folder) as function:
            one = warm(function, a_customer(), given.events)
            held = memory(function)
            many = warm(function, [a_customer()] * 1_000, given.events // 10)
            numbers: dict[str, Any] = {
                "scoring_zip_mib": scoring.stat().st_size / _MIB,
                "scoring_unzipped_mib": unpacked / _MIB,
                "landing_zip_mib": landing.stat().st_size / _MIB,
                "cold_start": cold,
                "cold_start_from_s3": cold_s3,
                "one_row": one,
                "thousand_rows": many,
                "memory_one_row_mib": held,
                "memory_thousand_rows_mib": memory(function),
            }
    rows = [
        {"what": name, "value": value}
        for name, value in numbers.items()
        if isinstance(value, float)
    ]
    rows += [
        {"what": f"{name} {key}", "value": value}
        for name in ("cold_start", "cold_start_from_s3", "one_row", "thousand_rows")
        for key, value in numbers[name].items()
    ]
    table(rows)
    print(machine())
    write_json(given.json, numbers)


if __name__ == "__main__":
    main()
