"""Segments by id: the online store read and the artifact run, through HTTP, on one worker.

wrk asks for customers drawn at random: one at a moderate rate, one as fast as it goes over 16
connections, and a hundred at once; with a real Redis and with SQLite, all on this machine.
Targets with Redis: one id p99 at most 3 ms and 3,000 requests a second, a hundred ids at most 15 ms
at the 99th percentile. Feast's own server, as published: p99 4.6 ms, 718 requests a second.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from report import arguments, machine, table, write_json
from serving import CONNECTIONS, measured, running

from customer_segmentation.feature_store.definitions import feature_set
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.rows import Snapshot
from customer_segmentation.feature_store.stores import open_store
from customer_segmentation.scoring.scorer import Scorer
from tests.scoring.example import draw_customers
from tests.services.redis import serve_redis
from tests.serving.example import write_bundle
from tools.ports import free_port

_MANY = 100
# Connections, and the milliseconds at most between an answer and the next request.
_MODERATE = 8, 15
_LISTS = 2, 60
_ONE = """
request = function()
  return wrk.format("GET", "/v1/customers/" .. math.random(0, {last}) .. "/segment")
end
"""
_LIST = """
wrk.headers["content-type"] = "application/json"
request = function()
  local ids = {{}}
  for i = 1, {many} do ids[i] = '"' .. math.random(0, {last}) .. '"' end
  return wrk.format("POST", "/v1/customers/segments", nil, "[" .. table.concat(ids, ",") .. "]")
end
"""
_WAIT = "delay = function() return math.random(0, {most}) end\n"


def fill(named: str, bundle: Path, customers: int) -> None:
    """Show customers drawn at random, whose ids count from 0."""
    features = feature_set(Scorer(bundle / "segmenter.onnx").metadata)
    columns = tuple(feature.name for feature in features.features)
    drawn = draw_customers(customers)
    numbers = np.full((customers, len(columns)), np.nan)
    for index, name in enumerate(columns):
        if name in drawn:
            numbers[:, index] = drawn[name]
    told = Snapshot(
        number=0,
        as_of="2014-06-30",
        columns=columns,
        customers=0,
        artifact_version=features.artifact_version,
        max_age_days=features.max_age_days,
        **features.about(),
    )
    online = OnlineFeatures(open_store(named, "dev", ""))
    online.switch(online.stage([*map(str, range(customers))], numbers, told).snapshot)
    online.store.close()


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, str]]:
    """The setting of each store."""
    with serve_redis() as redis:
        yield {"Redis": redis.url, "SQLite": f"sqlite://{folder / 'online.db'}"}


def measure(store: str, named: str, folder: Path, customers: int, seconds: int) -> list[Any]:
    """One row for each way to ask."""
    bundle = folder / "bundle"
    fill(named, bundle, customers)
    port = str(free_port())
    command = [sys.executable, "-m", "customer_segmentation.serving", "serve", "--port", port]
    command += ["--bundle", str(bundle), "--jobs", str(folder / "jobs"), "--job-workers", "0"]
    url = f"http://127.0.0.1:{port}"
    one, many = (text.format(last=customers - 1, many=_MANY) for text in (_ONE, _LIST))
    is_target = store == "Redis"
    asked = [
        ("one id, moderate", one, _MODERATE, "p99 ms", 3.0),
        ("one id, as fast as it goes", one, (CONNECTIONS, 0), "requests a second", 3_000.0),
        (f"{_MANY} ids, moderate", many, _LISTS, "p99 ms", 15.0),
    ]
    rows = []
    with running(
        command, f"{url}/v1/customers/0/segment", None, SEGMENTATION_SERVING_FEATURE_STORE=named
    ):
        for name, script, (connections, most), figure, target in asked:
            file = folder / "ask.lua"
            file.write_text(script + (_WAIT.format(most=most) if most else ""))
            measured(url, file, 2, connections)
            found = measured(url, file, seconds, connections)
            is_met = found[figure] >= target if "second" in figure else found[figure] <= target
            told = f"{figure} {target:,g}: {'met' if is_met else 'MISSED'}" if is_target else ""
            rows.append({"store": store, "asked": name, **found, "target": told})
    return rows


def main() -> None:
    """Fill each store, serve from it, ask, and compare."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=100_000, help="default 100,000")
    parser.add_argument("--seconds", type=int, default=10, help="of each load, default 10")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed: apt-get install wrk, brew install wrk")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bundle(folder / "bundle")
        with stores(folder) as found:
            rows = [
                row
                for store, named in found.items()
                for row in measure(store, named, folder, options.customers, options.seconds)
            ]
    print(f"{options.customers:,} customers made up, one worker; {machine()}")
    table(rows)
    print("Feast's own server, as published: p99 4.6 ms, 718 requests a second")
    write_json(options.json, {"customers": options.customers, "asked": rows})


if __name__ == "__main__":
    main()
