"""`kedro run` from a shell on the shipped sample of 2,240 rows: where the seconds go.

It runs on a copy of the configuration and the sample in a temporary folder, so that the checkout's
data are left alone. There is no peer: the budget is 15 s on a quiet laptop.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from report import arguments, machine, table, write_json

CHECKOUT = Path(__file__).parents[1]
SHOWN = 12
_NODE = re.compile(r"Running node: (\w+)")
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|( +)(\S+)")


def copy_project(root: Path) -> None:
    """What a run needs beside the installed package."""
    shutil.copytree(CHECKOUT / "conf", root / "conf")
    shutil.copytree(CHECKOUT / "data" / "sample", root / "data" / "sample")
    for name in ("pyproject.toml", ".telemetry"):
        if (CHECKOUT / name).exists():
            shutil.copy(CHECKOUT / name, root)
    (root / "src").mkdir()


def kedro_run(root: Path, *options: str) -> list[tuple[float, str]]:
    """Every line printed and the seconds from the start to it; the last is the end."""
    environment = {n: v for n, v in os.environ.items() if n != "SEGMENTATION_SOURCE"}
    command = [sys.executable, "-u", *options, "-m", "kedro", "run"]
    started = perf_counter()
    with subprocess.Popen(  # noqa: S603 - this interpreter
        command,
        cwd=root,
        env=environment | {"KEDRO_ENV": "dev"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines = [(perf_counter() - started, line) for line in process.stdout or ()]
    if process.returncode:
        text = "".join(line for _, line in lines[-20:])
        sys.exit(f"{' '.join(command)} failed:\n{text}")
    return [*lines, (perf_counter() - started, "")]


def steps(lines: list[tuple[float, str]]) -> list[dict[str, Any]]:
    """Each node with the seconds to the next, the first imports of a library included."""
    begun = [(at, found[1]) for at, line in lines if (found := _NODE.search(line))]
    ends = [at for at, _ in begun[1:]] + [lines[-1][0]]
    return [{"node": name, "s": end - at} for (at, name), end in zip(begun, ends, strict=True)]


def slowest_imports(text: str) -> list[dict[str, Any]]:
    """The packages that cost most, each with what it imports."""
    costs: dict[str, float] = {}
    for _, cumulative, _, name in _IMPORT.findall(text):
        if "." not in name:
            costs[name] = max(costs.get(name, 0.0), int(cumulative) / 1e6)
    ordered = sorted(costs.items(), key=lambda item: -item[1])[:SHOWN]
    return [{"import, with what it imports first": name, "s": seconds} for name, seconds in ordered]


def main() -> None:
    """Run twice as a user does, and once more to time the imports."""
    parser = arguments((__doc__ or "").splitlines()[0])
    options = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copy_project(root)
        for name in ("first, which makes mlflow.db", "second"):
            lines = kedro_run(root)
            nodes = steps(lines)
            wall, inside = lines[-1][0], sum(node["s"] for node in nodes)
            runs.append(
                {
                    "kedro run": name,
                    "wall s": wall,
                    "to the first node s": wall - inside,
                    "from there s": inside,
                }
            )
        text = "".join(line for _, line in kedro_run(root, "-X", "importtime"))
    imports = slowest_imports(text)
    slowest = sorted(nodes, key=lambda node: -node["s"])[:SHOWN]
    print(f"kedro run on the shipped sample, 2,240 rows, dev; {machine()}")
    table(runs)
    table(slowest)
    table(imports)
    write_json(options.json, {"runs": runs, "nodes": nodes, "imports": imports})


if __name__ == "__main__":
    main()
