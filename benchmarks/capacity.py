"""What a request takes a worker, and whether the recommended number of workers holds the objective.

First the server as it is, one customer a request: its own histogram of requests that come one after
the other; and its processor time where sixteen are in flight, in which what HTTP costs is counted
too. Then a load test of servers that
were made slow (`slowed.py`: two cores could not hold several busy workers and who asks them):
Poisson arrivals that wait for no answer, each at a server drawn at random, as behind a balancer.
Times count from when a request was due. Before that, what needs no server: the approximated 99th
percentile beside that of a simulation, and how often what comes is within the forecast's interval.
Targets: the recommended number holds the objective, half of it breaks it.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from report import arguments, machine, table, write_json

from customer_segmentation.monitoring.objectives import read_objectives
from tests.serving.example import a_customer, write_bundle
from tests.serving.process import ServerProcess, start
from tests.tools.capacity import test_forecast as weekly
from tests.tools.capacity import test_queueing as simulated
from tools.capacity.forecast import WEEK, forecast
from tools.capacity.queueing import Queue
from tools.capacity.service import Service, of_metrics
from tools.capacity.workers import Promise, promise_of, recommend
from tools.deploy.declared import DEPLOY
from tools.ports import free_port

ROUTE = "/v1/segments"
REQUESTS, MANY = 2_000, 16_000
CONNECTIONS = 16
# The objective and times of service are longer by this factor than they are in fact, so that other
# work on the machine matters less; waiting is the same by this factor.
SLOWER = 16.0
MEAN_SECONDS = 0.0125
# Requests a second, of the slowed servers.
RATE = 11.25
SERIAL = 150
_SEED = 20_141_206
WEEKS = 50


def one_after_the_other(server: ServerProcess, requests: int) -> None:
    """Ask about one customer, again and again."""
    with httpx.Client(base_url=server.url, timeout=60.0) as client:
        for _ in range(requests):
            client.post(ROUTE, json=a_customer()).raise_for_status()


def service_of(server: ServerProcess) -> Service:
    """Times of service by the server's own histogram."""
    return of_metrics(httpx.get(f"{server.url}/metrics", timeout=60.0).text, [ROUTE])


def processor_seconds(pid: int) -> float:
    """What a process has taken of processors."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def many_at_once(server: ServerProcess, requests: int) -> None:
    """Ask over some connections, one request on each at a time, by a client that costs little."""
    body = json.dumps(a_customer()).encode()
    head = f"POST {ROUTE} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    sent = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    at = urlsplit(server.url)
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection((at.hostname, at.port), 60.0))
            for _ in range(CONNECTIONS)
        ]
        for _ in range(requests // CONNECTIONS):
            for one in connections:
                one.sendall(sent)
            for one in connections:
                if not one.recv(65_536).startswith(b"HTTP/1.1 200"):
                    sys.exit("the server does not answer about a customer")


@contextmanager
def servers(count: int, bundle: Path, folder: Path, *script: str) -> Iterator[list[ServerProcess]]:
    """Servers of one worker each.

    Args:
        count: How many.
        bundle: What they answer by.
        folder: Where each keeps what is its own.
        script: What to start instead of the server.
    """
    with ExitStack() as stack:
        started = []
        for place in range(count):
            port = free_port()
            command = [sys.executable, *(script or ("-m", "customer_segmentation.serving"))]
            options = ["serve", "--bundle", bundle, "--port", str(port), "--job-workers", "0"]
            given = {"SLOWED_SECONDS": str(MEAN_SECONDS * SLOWER), "SLOWED_SEED": str(place)}
            server = start(
                [*command, *options, "--jobs", folder / f"jobs{place}"],
                folder / str(place),
                port=port,
                environment=given,
            )
            stack.callback(server.stop)
            started.append(server)
        yield started


async def loaded(urls: Sequence[str], rate: float, seconds: float) -> list[float]:
    """Seconds of each request from when it was due; infinite for one that failed."""
    draw = np.random.default_rng(_SEED)
    due = np.cumsum(draw.exponential(1.0 / rate, round(rate * seconds)))
    at = draw.integers(len(urls), size=len(due))
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(timeout=120.0, limits=limits) as client:
        started = perf_counter()

        async def ask(when: float, url: str) -> float:
            await asyncio.sleep(started + when - perf_counter())
            try:
                answer = await client.post(url + ROUTE, json=a_customer())
            except httpx.HTTPError:
                return float("inf")
            took = perf_counter() - started - when
            return took if answer.is_success else float("inf")

        asked = (ask(when, urls[place]) for when, place in zip(due.tolist(), at, strict=True))
        return await asyncio.gather(*asked)


def measured(bundle: Path, folder: Path) -> dict[str, Any]:
    """What a request takes of the server as it is."""
    with servers(1, bundle, folder) as (server,):
        one_after_the_other(server, 200)
        one_after_the_other(server, REQUESTS)
        service = service_of(server)
        before = processor_seconds(server.process.pid)
        many_at_once(server, MANY)
        taken = processor_seconds(server.process.pid) - before
    return {
        "processor_ms": round(taken / MANY * 1e3, 4),
        "seconds": service.seconds.round(7).tolist(),
        "shares": service.shares.round(7).tolist(),
    }


def tested(bundle: Path, folder: Path, promise: Promise, seconds: float) -> list[dict[str, Any]]:
    """The load test, with the recommended number of workers and with half of it."""
    script = str(Path(__file__).with_name("slowed.py"))
    with servers(1, bundle, folder / "serial", script) as (server,):
        one_after_the_other(server, SERIAL)
        service = service_of(server)
    found = recommend(RATE, service, promise)
    print(
        f"one request takes {service.mean * 1e3:.1f} ms (variability {service.variability:.2f}); "
        f"{RATE:g} a second and {promise.share:.0%} within {promise.seconds:g} s: "
        f"{found.workers} workers"
    )
    rows = []
    # Where the queue grows for ever, a longer load tells no more.
    for workers, loaded_for in ((found.workers, seconds), (found.workers // 2, seconds / 4)):
        with servers(workers, bundle, folder / str(workers), script) as started:
            urls = [server.url for server in started]
            took = np.array(asyncio.run(loaded(urls, RATE, loaded_for)))
        queue = Queue(RATE / workers, service)
        rows.append(
            {
                "workers": workers,
                "utilisation": queue.utilisation,
                "p99 s, told": queue.response(promise.share),
                "p99 s, measured": float(np.quantile(took, promise.share, method="lower")),
                "within": float(np.mean(took <= promise.seconds)),
                "failed": int(np.isinf(took).sum()),
                "holds": bool(np.mean(took <= promise.seconds) >= promise.share),
            }
        )
    return rows


def approximated() -> list[dict[str, Any]]:
    """The 99th percentile by formula and by simulation."""
    rows = []
    for kind in ("equal", "even", "exponential", "long tail"):
        for workers in (1, 4):
            for utilisation in (0.5, 0.8):
                times = simulated.service(kind)
                queue = Queue(utilisation * workers / times.mean, times, workers)
                came = float(np.quantile(simulated.responses(queue), 0.99))
                told = queue.response(0.99)
                named = {"times": kind, "workers": workers, "utilisation": utilisation}
                rows.append({**named, "told s": told, "simulated s": came, "ratio": told / came})
    return rows


def covered() -> list[dict[str, Any]]:
    """The shares of hours and of busiest hours within intervals of 90 %, on simulated weeks."""
    rows = []
    for known in (2, 4, 8):
        for growth in (0.0, 0.03):
            hours, peaks = [], []
            for seed in range(100, 100 + WEEKS):
                counts = weekly.weeks(known + 1, growth, seed=seed)
                found, came = forecast(weekly.hours(counts[:-WEEK])), counts[-WEEK:]
                hours.append(np.mean((found.low <= came) & (came <= found.high)))
                peaks.append(found.peak_low <= came.max() <= found.peak_high)
            within = {"hours": float(np.mean(hours)), "busiest": float(np.mean(peaks))}
            rows.append({"weeks": known, "growth": growth, **within})
    return rows


def main() -> None:
    """Measure, recommend, load, compare."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=180.0, help="of the load, default 180")
    parser.add_argument("--service", type=Path, help="write the times of service to this file")
    options = parser.parse_args()
    simulation, forecasts = approximated(), covered()
    table(simulation)
    table(forecasts)
    real = promise_of(read_objectives(DEPLOY / "objectives.yml"))
    promise = Promise(real.seconds * SLOWER, real.share, real.refused)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = write_bundle(folder / "bundle")
        service = measured(bundle, folder / "real")
        print(f"the server as it is: {service['processor_ms']:.3f} ms of a processor a request")
        write_json(options.service, service)
        rows = tested(bundle, folder, promise, options.seconds)
    print(f"load test of slowed servers; {machine()}")
    table(rows)
    held, broken = (row["holds"] for row in rows)
    print("as recommended: holds" if held else "as recommended: DOES NOT HOLD")
    print("half: HOLDS" if broken else "half: breaks")
    write_json(
        options.json,
        {"service": service, "load": rows, "simulation": simulation, "forecasts": forecasts},
    )


if __name__ == "__main__":
    main()
