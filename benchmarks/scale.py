"""How a whole run's time and memory grow with the customers, in each environment.

Generated customers in files of a million; staging against versitygw (`make services`), else moto;
prod on one machine's Spark. Seconds are those after the session is up; memory is the largest sum
over the run's processes, Spark's JVM and workers included, the S3 server's not. Peers are the
three environments of one run of this script.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from report import arguments

from tests.services.s3 import serve_moto, serve_versitygw, versitygw_binary
from tools.generator import write

CHECKOUT = Path(__file__).parents[1]
ENVIRONMENTS = ("dev", "staging", "prod")
RESULTS = CHECKOUT / "docs" / "scale.json"
FIGURE = CHECKOUT / "docs" / "scale.svg"
_STEP = re.compile(r"(\d\d:\d\d:\d\d)  Running node: (\w+):")
# pandas holds the whole table several times over: 10^7 customers do not fit 24 GB.
_MAX_IN_PANDAS = 3_000_000

# What docs/environments.md advises from a million customers on.
_MANY = 1_000_000
_MANY_SETTINGS = {
    "SPARK_DRIVER_JAVA_OPTIONS": "-XX:+UseSerialGC",
    "SPARK_WHOLE_STAGE": "true",
    "SPARK_DRIVER_MEMORY": "6g",
}

# The session first, so that the run alone is timed.
_CHILD = """
import sys, time
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
bootstrap_project(".")
with KedroSession.create(env=sys.argv[1]) as session:
    session.load_context()
    if sys.argv[1] == "prod":
        from pyspark.sql import SparkSession
        SparkSession.builder.getOrCreate().range(1).count()
    began = time.monotonic()
    session.run(pipeline_names=sys.argv[2:] or None)
    print(f"\\nSECONDS {time.monotonic() - began:.1f}", flush=True)
"""


def measure(environment: str, source: Path, settings: dict[str, str], steps: int) -> dict[str, Any]:
    """One whole run in a project of its own: seconds, peak memory, its longest steps."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(CHECKOUT / "conf", root / "conf")
        shutil.copy(CHECKOUT / "pyproject.toml", root)
        (root / "src").mkdir()
        log = root / "log"
        with log.open("wb") as output:
            child = subprocess.Popen(  # noqa: S603 - this Python
                [sys.executable, "-c", _CHILD, environment],
                cwd=root,
                env=os.environ | settings | {"SEGMENTATION_SOURCE": str(source)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            peak = 0.0
            while child.poll() is None:
                peak = max(peak, _memory_of(child.pid))
                time.sleep(0.5)
        said = log.read_text(errors="replace")
        if child.returncode:
            sys.exit(f"{environment} failed:\n{said[-3000:]}")
    seconds = float(re.findall(r"SECONDS ([\d.]+)", said)[-1])
    return {
        "seconds": seconds,
        "gigabytes": round(peak / 1e9, 2),
        "choice_of_k": dict(_longest(said))["measure_candidates"],
        "longest": _longest(said)[:steps],
    }


def _memory_of(pid: int) -> float:
    """Bytes of a process and all that it started."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    waiting, total = [pid], 0.0
    while waiting:
        one = waiting.pop()
        waiting += parents.get(one, [])
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * 4096
        except OSError:
            continue
    return total


def _longest(said: str) -> list[tuple[str, int]]:
    """Steps by their seconds, loading and saving included, the longest first."""
    found = [(datetime.strptime(t, "%H:%M:%S"), name) for t, name in _STEP.findall(said)]  # noqa: DTZ007 - a difference of two
    steps = [(name, (later - when).seconds) for (when, name), (later, _) in pairwise(found)]
    return sorted(steps, key=lambda step: -step[1])


@contextmanager
def s3() -> Iterator[dict[str, str]]:
    """The settings of a bucket on a real S3 server."""
    binary = versitygw_binary()
    with serve_versitygw(binary) if binary else serve_moto() as server:
        server.make_bucket("scale")
        yield server.environment() | {"SEGMENTATION_BUCKET": "scale"}


def draw(results: list[dict[str, Any]]) -> None:
    """Time and memory over customers, both axes logarithmic, a line an environment."""
    import matplotlib as mpl  # noqa: PLC0415 - only for the figure

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - as above

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    names = {"dev": "dev: pandas", "staging": "staging: Polars, S3", "prod": "prod: Spark, Delta"}
    for axis, key, label in zip(
        axes, ("seconds", "gigabytes"), ("seconds", "GB at most"), strict=True
    ):
        for environment in ENVIRONMENTS:
            points = sorted((r["rows"], r[key]) for r in results if r["environment"] == environment)
            if points:
                axis.plot(*zip(*points, strict=True), marker="o", label=names[environment])
        axis.set(xscale="log", yscale="log", xlabel="customers", ylabel=label)
        axis.grid(visible=True, which="major", alpha=0.3)
    axes[0].legend(frameon=False)
    figure.savefig(FIGURE, metadata={"Date": None})


def main() -> None:
    """Measure each environment at each number of customers, print it, and keep the figure."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--environments", nargs="+", default=ENVIRONMENTS)
    parser.add_argument("--keep", action="store_true", help="add to docs/scale.json, and draw")
    chosen = parser.parse_args()
    kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
    for rows in chosen.rows:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source"
            write(source, rows, seed=1)
            for environment in chosen.environments:
                if environment == "dev" and rows > _MAX_IN_PANDAS:
                    continue
                with s3() as settings:
                    many = _MANY_SETTINGS if rows >= _MANY else {}
                    found = measure(environment, source, settings | many, steps=8)
                found |= {"rows": rows, "environment": environment}
                steps = ", ".join(f"{name} {seconds}" for name, seconds in found["longest"])
                print(
                    f"{environment:8} {rows:>10,} customers: {found['seconds']:7.1f} s, "
                    f"{found['gigabytes']:5.1f} GB at most, choice of k {found['choice_of_k']} s "
                    f"({steps})",
                    flush=True,
                )
                same = [(r["rows"], r["environment"]) == (rows, environment) for r in kept]
                kept = [r for r, is_same in zip(kept, same, strict=True) if not is_same]
                kept.append({k: v for k, v in found.items() if k != "longest"})
                if chosen.keep:
                    ordered = sorted(kept, key=lambda r: (r["environment"], r["rows"]))
                    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n")
                    draw(kept)


if __name__ == "__main__":
    main()
