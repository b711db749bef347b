"""What monitoring costs the API: without it, counted, with a challenger, with a store that hangs.

One server of each kind runs, on one worker; wrk asks one after the other over 16 connections, one
customer a request, for some rounds, each of which begins with another: as fast as it is answered,
and then h2load at a fixed rate. Then lists of a thousand.
Medians of the rounds; what a server computes for a request, in all its threads, is less moved by
other work on the machine than what is measured by the clock. Targets, against no monitoring: at
most 5 % fewer requests a second, and the 99th percentile within 10 %. What a challenger costs is
stated, and what a server says that it dropped.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from report import arguments, machine, table, write_json
from serving import CONNECTIONS, LIST, load, running

from customer_segmentation.bundles.bundle import BASELINE, StoredBundle
from customer_segmentation.bundles.challenger import Challenger
from customer_segmentation.bundles.store import BundleStore
from tests.promotion.example import a_bundle, an_entry
from tests.serving.example import a_customer, add_baseline
from tools.ports import free_port

KINDS = ("without", "counted", "with a challenger", "a store that hangs")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Asked:
    """A server, and what was measured of it.

    Attributes:
        url: Of its answers.
        pid: Of its process.
        rounds: Of single customers.
        paced: Of single customers at a fixed rate: 50th and 99th percentile in ms.
        lists: Of lists: customers a second.
    """

    url: str
    pid: int
    rounds: list[dict[str, float]] = field(default_factory=list)
    paced: list[tuple[float, float]] = field(default_factory=list)
    lists: list[float] = field(default_factory=list)

    def seconds(self) -> float:
        """What its process has computed so far."""
        told = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / _TICKS


@contextmanager
def deaf_store() -> Iterator[str]:
    """A store that takes connections, and never answers."""
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            while True:
                try:
                    taken.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def write_models(folder: Path, *, is_challenged: bool) -> str:
    """An environment's folder of models, with a baseline and perhaps a challenger."""
    store = BundleStore(str(folder / "models"), "staging")
    champion = a_bundle(folder / "champion", 3)
    add_baseline(folder / "champion")
    content = (folder / "champion" / BASELINE).read_bytes()
    champion = StoredBundle({**champion.files, BASELINE: content})
    store.add(champion)
    live = store.append(an_entry(champion, None))
    if is_challenged:
        other = a_bundle(folder / "challenger", 4)
        store.add(other)
        entry = Challenger(bundle=other.id, champion=champion.id, promotion=live.number)
        store.challengers.begin(entry)
    return store.root


@contextmanager
def served(kind: str, folder: Path, endpoint: str) -> Iterator[Asked]:
    """A server of a kind."""
    models = write_models(folder, is_challenged=kind == "with a challenger")
    monitoring = {
        "without": "off",
        "a store that hangs": "s3://watched/monitoring",
    }.get(kind, str(folder / "monitoring"))
    port = str(free_port())
    command = [sys.executable, "-m", "customer_segmentation.serving", "serve", "--port", port]
    command += ["--bundle", models, "--jobs", str(folder / "jobs"), "--job-workers", "0"]
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    store = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", **keys}
    url = f"http://127.0.0.1:{port}/v1/segments"
    body = json.dumps(a_customer()).encode()
    with running([*command, "--monitoring", monitoring], url, body, **store) as (pid, _):
        yield Asked(url, pid)


def at_rate(url: str, folder: Path, seconds: int, rate: int) -> tuple[float, float]:
    """Ask about one customer at a fixed rate: 50th and 99th percentile, in milliseconds."""
    log = folder / "log"
    log.unlink(missing_ok=True)
    command = ["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", f"-D{seconds}"]
    command += [f"--rps={rate / CONNECTIONS}", f"--data={folder / 'body'}", f"--log-file={log}"]
    subprocess.run(  # noqa: S603 - h2load
        [*command, "-H", "content-type: application/json", url], capture_output=True, check=True
    )
    _, codes, times = np.loadtxt(log, dtype=int, unpack=True)
    if (codes != httpx.codes.OK).any() or len(times) < 0.9 * rate * seconds:
        sys.exit(f"{url} did not answer {rate} requests a second: {np.unique(codes)}, {len(times)}")
    return float(np.quantile(times, 0.5)) / 1e3, float(np.quantile(times, 0.99)) / 1e3


def ask(server: Asked, folder: Path, seconds: int, rate: int) -> None:
    """One round of single customers and of lists."""
    one = json.dumps(a_customer()).encode()
    load(server.url, one, folder, 1)
    before = server.seconds()
    row = load(server.url, one, folder, seconds)
    used = server.seconds() - before
    row["CPU us a request"] = 1e6 * used / max(row["requests a second"] * seconds, 1.0)
    server.rounds.append(row)
    server.paced.append(at_rate(server.url, folder, seconds, rate))
    many = json.dumps([a_customer()] * LIST).encode()
    server.lists.append(load(server.url, many, folder, max(seconds // 2, 2))["requests a second"])


def told(kind: str, server: Asked, first: dict[str, float]) -> dict[str, Any]:
    """The medians of a server, and against the one without monitoring."""
    names = ("requests a second", "median ms", "p99 ms", "CPU us a request", "failed")
    row = {name: statistics.median(each[name] for each in server.rounds) for name in names}
    median, p99 = (statistics.median(each) for each in zip(*server.paced, strict=True))
    row |= {"median ms at the rate": median, "p99 ms at the rate": p99}
    more = {"customers a second in lists": statistics.median(server.lists) * LIST}
    first = first or row
    against = {
        "% fewer requests": 100.0 * (1.0 - row["requests a second"] / first["requests a second"]),
        "% more CPU": 100.0 * (row["CPU us a request"] / first["CPU us a request"] - 1.0),
        "% higher p99": 100.0 * (row["p99 ms"] / first["p99 ms"] - 1.0),
        "% higher p99 at the rate": 100.0 * (p99 / first["p99 ms at the rate"] - 1.0),
    }
    return {"server": kind, **row, **more, **against, "dropped": dropped_of(server)}


def dropped_of(server: Asked) -> float:
    """Customers who were answered and not counted."""
    lines = httpx.get(server.url.replace("/v1/segments", "/metrics")).text.splitlines()
    name = "segmentation_monitoring_dropped_total "
    return float(next(line for line in lines if line.startswith(name)).split()[1])


def main() -> None:
    """Start one of each, ask in turn, and compare."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=6, help="of each load, default 6")
    parser.add_argument("--rate", type=int, default=3_000, help="requests a second, default 3000")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    options = parser.parse_args()
    if shutil.which("wrk") is None or shutil.which("h2load") is None:
        sys.exit("wrk and h2load are needed: apt-get install wrk nghttp2-client")
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        endpoint = opened.enter_context(deaf_store())
        servers = {}
        for place, kind in enumerate(KINDS):
            folder = Path(name) / str(place)
            folder.mkdir()
            servers[kind] = opened.enter_context(served(kind, folder, endpoint))
        for turn in range(options.rounds):
            for place in range(len(KINDS)):
                server = servers[KINDS[(turn + place) % len(KINDS)]]
                ask(server, Path(name), options.seconds, options.rate)
        rows: list[dict[str, Any]] = []
        for kind in KINDS:
            rows.append(told(kind, servers[kind], rows[0] if rows else {}))
    about = f"{CONNECTIONS} connections, one customer a request"
    print(f"one worker, {about}, {options.rate} requests a second at the rate; {machine()}")
    table(rows)
    write_json(options.json, {"servers": rows})


if __name__ == "__main__":
    main()
