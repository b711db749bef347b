"""The small runner against its targets: delays at 2,000 events a second, and a backlog of 10^6.

    python -m benchmarks.stream [--events 1000000] [--rate 2000] [--seconds 30]

Order lines of 3,000 customers with 300 days of history, one broker of one node and both processes
on this machine, all sharing its processors; the table is Delta. An event's delay is from before it
is handed to Kafka's client to when a reader of committed messages has its customer's answer, or to
when a reader of the table can see it. Published peers, for scale: Flink 0.81 s and Spark 7.15 s on
average from Kafka to a table.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from confluent_kafka import TopicPartition
from deltalake import DeltaTable

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.sources.messages.kafka import Publisher
from customer_segmentation.sources.messages.offsets import offsets_of, partitions_of
from customer_segmentation.streaming.commands import give_way, make_topics_of
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.sinks.messages import place_of
from customer_segmentation.streaming.transaction import committed_of
from tests.services.redis import RedisServer
from tests.streaming.home import champion, messages, shop, stream_of
from tests.streaming.test_online import features, fill
from tools.kafka_broker import serve_kafka
from tools.order_events import OrderEvents
from tools.ports import free_port

CUSTOMERS, HISTORY = 3_000, 60_000
# One of so many events is a new customer's.
PROBE_EACH = 50


class Processes:
    """Both processes of a stream."""

    def __init__(
        self, stream: Stream, root: Path, name: str, roles: tuple[str, ...], store: str = ""
    ) -> None:
        self._all = [
            subprocess.Popen(  # noqa: S603 - ourselves
                [
                    *(sys.executable, "-m", "tests.streaming.process", role),
                    *(stream.settings.bootstrap, str(root), stream.models, name, store),
                ]
            )
            for role in roles
        ]
        for role, process in zip(roles, self._all, strict=True):
            give_way(process, role)

    def stop(self) -> None:
        """End them in order."""
        for process in self._all:
            process.terminate()
        for process in self._all:
            process.wait(60)


def told(name: str, seconds: list[float]) -> None:
    """A line of percentiles."""
    if not seconds:
        print(f"{name}: nothing measured")
        return
    p50, p99 = np.percentile(seconds, [50, 99]) * 1_000
    print(f"{name}: p50 {p50:,.0f} ms, p99 {p99:,.0f} ms, of {len(seconds):,} events")


def wait_answered(stream: Stream) -> None:
    """Until all events that are there are answered."""
    settings = stream.settings
    topic = settings.topics.events
    with closing(settings.clients.consumer()) as consumer:
        ends = offsets_of(consumer, topic, partitions_of(consumer, topic))
    while True:
        offsets, _ = committed_of(settings.clients, settings.group, topic)
        if all(offsets.get(place_of(topic, p), 0) >= end for p, (_, end) in ends.items()):
            return
        time.sleep(0.1)


def send(stream: Stream, events: Any) -> None:  # noqa: ANN401 - any iterable
    """Send events as fast as they are taken."""
    with Publisher(stream.settings.clients) as publisher:
        while some := [*islice(events, 50_000)]:
            publisher.publish(stream.settings.topics.events, messages(some), 120.0)


class Watch:
    """Sees when answers and rows appear of what was sent.

    Attributes:
        answered: Seconds from each event to its customer's next answer.
        merged: Seconds from the oldest event of an answer to its row in the table.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._sent: dict[str, list[float]] = {}
        self._answers: dict[tuple[int, int], float] = {}
        self._lock, self._ready, self._done = threading.Lock(), threading.Event(), threading.Event()
        self.answered: list[float] = []
        self.merged: list[float] = []
        self._threads = [threading.Thread(target=each) for each in (self._read, self._look)]

    def __enter__(self) -> Self:
        """Begin to look."""
        for thread in self._threads:
            thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *error: object) -> None:
        """Look no more."""
        self._done.set()
        for thread in self._threads:
            thread.join()

    def sent(self, customer: str) -> None:
        """Note that an event is about to be sent."""
        with self._lock:
            self._sent.setdefault(customer, []).append(time.perf_counter())

    def _read(self) -> None:
        topic = self._stream.settings.topics.answers
        with closing(self._stream.settings.clients.consumer(fetch_wait_max_ms=10)) as consumer:
            ends = offsets_of(consumer, topic, partitions_of(consumer, topic))
            consumer.assign([TopicPartition(topic, p, end) for p, (_, end) in ends.items()])
            self._ready.set()
            while not self._done.is_set():
                for message in consumer.consume(1, 0.2) + consumer.consume(5_000, 0.0):
                    if not message.error():
                        self._answer(message)

    def _answer(self, message: Any) -> None:  # noqa: ANN401 - confluent_kafka's
        now = time.perf_counter()
        with self._lock:
            begun = self._sent.pop(message.key().decode(), [])
        self.answered.extend(now - each for each in begun)
        if begun:
            self._answers[message.partition(), message.offset()] = begun[0]

    def _look(self) -> None:
        settings = self._stream.settings
        table = DeltaTable(self._stream.catalog["gold_segments"]["filepath"])
        while not self._done.is_set():
            table.update_incremental()
            now = time.perf_counter()
            places = [place_of(settings.topics.answers, p) for p in range(4)]
            at = [table.transaction_version(f"{settings.group}:{each}") or 0 for each in places]
            for place, begun in [*self._answers.items()]:
                if place[1] < at[place[0]]:
                    self.merged.append(now - begun)
                    del self._answers[place]
            time.sleep(0.02)


def delays(stream: Stream, events: Any, rate: int, seconds: int) -> None:  # noqa: ANN401 - as above
    """Send at a rate, and tell when answers and rows appear."""
    producer = stream.settings.clients.producer(linger_ms=1)
    topic = stream.settings.topics.events
    with Watch(stream) as watch:
        begun = time.perf_counter()
        for number, event in enumerate(islice(events, rate * seconds)):
            ahead = number / rate - (time.perf_counter() - begun)
            if ahead > 0:
                time.sleep(ahead)
            watch.sent(event["CustomerID"])
            producer.produce(topic, json.dumps(event).encode(), event["CustomerID"].encode())
            producer.poll(0)
        took = time.perf_counter() - begun
        producer.flush()
        time.sleep(5.0)
    print(f"{rate:,} events a second asked, {rate * seconds / took:,.0f} sent, {seconds} s:")
    told("  event to answer in Kafka", watch.answered)
    told("  event to merged row in Delta (of each answer's oldest event)", watch.merged)


def made(folder: Path) -> Path:
    """A folder, made."""
    folder.mkdir()
    return folder


def online(root: Path, bootstrap: str, models: BundleStore, rate: int, seconds: int) -> None:
    """Send at a rate, and tell when new customers among them are in Redis."""
    binary = shutil.which("redis-server", path="/usr/bin:/usr/local/bin")
    if binary is None:
        print("event to Redis: not measured, redis-server is not there")
        return
    server = RedisServer(free_port(), root)
    server.start()
    stream = stream_of(bootstrap, root, models, "online", store=server.url)
    make_topics_of(stream)
    events = iter(OrderEvents(customers=CUSTOMERS, days=300, seed=9))
    fill(stream, features(stream, 500, root))
    send(stream, islice(events, HISTORY))
    processes = Processes(stream, root, "online", ("answers",), server.url)
    store = stream.online()
    assert store  # noqa: S101 - it was named above
    begun: dict[str, float] = {}
    found: list[float] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            waiting = [*begun]
            _, rows = store.read(waiting) if waiting else (None, [])
            now = time.perf_counter()
            found.extend(now - begun.pop(c) for c, r in zip(waiting, rows, strict=True) if r)
            time.sleep(0.002)

    watch = threading.Thread(target=look)
    try:
        wait_answered(stream)
        watch.start()
        producer = stream.settings.clients.producer(linger_ms=1)
        topic, start = stream.settings.topics.events, time.perf_counter()
        for number, event in enumerate(islice(events, rate * seconds)):
            ahead = number / rate - (time.perf_counter() - start)
            if ahead > 0:
                time.sleep(ahead)
            if number % PROBE_EACH == 0:
                event["CustomerID"] = f"new-{number}"
                begun[event["CustomerID"]] = time.perf_counter()
            producer.produce(topic, json.dumps(event).encode(), event["CustomerID"].encode())
            producer.poll(0)
        producer.flush()
        time.sleep(2.0)
    finally:
        done.set()
        watch.join()
        processes.stop()
        server.stop()
    told("  event to the online feature store in Redis (without the tables' process)", found)


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=30)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder, serve_kafka() as broker:
        root = Path(folder)
        models = champion(shop(), root)
        stream = stream_of(broker.bootstrap, root, models, "bench")
        make_topics_of(stream)
        events = iter(OrderEvents(customers=CUSTOMERS, days=300))
        send(stream, islice(events, HISTORY))
        processes = Processes(stream, root, "bench", ("answers", "tables"))
        try:
            wait_answered(stream)
            while not Path(stream.catalog["gold_segments"]["filepath"]).exists():
                time.sleep(0.1)
            time.sleep(3.0)
            delays(stream, events, asked.rate, asked.seconds)
        finally:
            processes.stop()
        online(made(root / "online"), broker.bootstrap, models, asked.rate, asked.seconds)
        if asked.events:
            send(stream, islice(events, asked.events))
            processes = Processes(stream, root, "bench", ("answers",))
            begun = time.perf_counter()
            try:
                wait_answered(stream)
            finally:
                took = time.perf_counter() - begun
                processes.stop()
            print(
                f"backlog of {asked.events:,} events answered in {took:.1f} s, the start included: "
                f"{asked.events / took:,.0f} a second; load {os.getloadavg()[0]:.1f}"
            )


if __name__ == "__main__":
    main()
