"""Sent over HTTP and put in a folder: how fast does it land?

    python benchmarks/ingestion.py

Data: order lines of four cells, made here; a folder and a server on this machine, the disk of the
temporary folder. Each request is answered once its file and the names of it are on the disk. There
is no peer of the same guarantee without a broker; what the disk itself takes stands beside: a file
of the same size, written and synchronised in the same way by one program.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from customer_segmentation.new_files import put_new
from customer_segmentation.sources.arrivals.parts import Parts, land_arrivals
from customer_segmentation.sources.readers.folder import FolderReader
from tests.serving.example import write_bundle
from tests.serving.process import serving

REQUESTS = 400
CLIENTS = 8
FILES = 10_000
LINES = 1_000_000


def _a_line(number: int) -> dict[str, object]:
    return {"ID": number % 5_000, "invoice": f"i{number}", "quantity": 2, "unit_price": 3.5}


def _percentiles(name: str, seconds: list[float]) -> None:
    p50, p99 = np.percentile(np.array(seconds) * 1e3, [50, 99])
    print(f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def _timed(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def _disk(folder: Path) -> None:
    from fsspec.implementations.local import LocalFileSystem  # noqa: PLC0415 - here alone

    files, content = LocalFileSystem(), json.dumps(_a_line(1)).encode()
    seconds = [
        _timed(lambda name=name: put_new(files, f"{folder}/{name}", content))
        for name in map(str, range(REQUESTS))
    ]
    _percentiles("the disk, one small file", seconds)


def _requests(url: str) -> None:
    with httpx.Client(base_url=url) as client:
        for lines in (1, 1_000):
            count = REQUESTS if lines == 1 else 20
            bodies = [[_a_line(n * lines + i) for i in range(lines)] for n in range(count)]
            seconds = [_timed(lambda body=body: _post(client, body)) for body in bodies]
            _percentiles(f"one client, {lines:,} lines a request", seconds)
            print(f"    {lines * count / sum(seconds):,.0f} lines a second")
    took = _timed(lambda: _together(url))
    print(f"{CLIENTS} clients, one line a request: {CLIENTS * REQUESTS / took:,.0f} lines a second")


def _together(url: str) -> None:
    def send(first: int) -> None:
        with httpx.Client(base_url=url) as client:
            for number in range(REQUESTS):
                _post(client, [_a_line(first + number)])

    threads = [threading.Thread(target=send, args=(n * REQUESTS,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _post(client: httpx.Client, body: list[dict[str, object]]) -> None:
    client.post("/v1/events", json=body, timeout=60.0).raise_for_status()


def _folder(place: Path) -> None:
    (place / "small").mkdir()
    for number in range(FILES):
        (place / "small" / f"{number}.jsonl").write_text(json.dumps(_a_line(number)) + "\n")
    reader = FolderReader(place=str(place / "small"), settled_seconds=0.0)
    parts = Parts(str(place / "parts"))
    took = _timed(lambda: land_arrivals(reader, parts))
    print(f"a folder of {FILES:,} small files: {took:.1f} s")
    took = _timed(lambda: land_arrivals(reader, Parts(parts.place)))
    print(f"    looked at again, nothing new: {took:.2f} s")
    (place / "large").mkdir()
    with (place / "large" / "a.csv").open("w") as file:
        file.write("ID,invoice,quantity,unit_price\n")
        file.writelines(f"{n % 5_000},i{n},2,3.5\n" for n in range(LINES))
    reader = FolderReader(place=str(place / "large"), settled_seconds=0.0)
    took = _timed(lambda: land_arrivals(reader, Parts(str(place / "large-parts"))))
    print(f"one file of {LINES:,} lines: {took:.1f} s")


def main() -> None:
    """Print the comparison."""
    print(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "disk").mkdir()
        _disk(place / "disk")
        bundle = write_bundle(place / "bundle")
        options = ["--ingest-events", place / "events", "--job-workers", "0"]
        with serving(bundle, place / "server", *options) as server:
            _requests(server.url)
        _folder(place)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
