"""Whatever is killed at whatever moment: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import monotonic, sleep

import polars as pl
import pytest

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.sources.messages.kafka import Outgoing
from customer_segmentation.sources.messages.offsets import offsets_of, partitions_of
from customer_segmentation.streaming.commands import make_topics_of
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.progress import told_by
from customer_segmentation.streaming.sinks.messages import place_of
from customer_segmentation.streaming.transaction import committed_of
from tests.services.kafka import Kafka
from tests.streaming.home import (
    equal,
    expected,
    lines,
    messages,
    require_chains,
    stream_of,
    table,
    topic,
)

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "50"))
# A million with 50 kills.
EVENTS = 20_000 * KILLS
SECONDS = 240.0
ROOT = Path(__file__).parents[2]


class Running:
    """The processes of a stream, each started again when it has ended."""

    def __init__(self, stream: Stream, root: Path, name: str) -> None:
        self._arguments = [stream.settings.bootstrap, str(root), stream.models, name]
        self._log = (root / "log").open("ab")
        self._root = root
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, role: str) -> None:
        if (process := self.processes.get(role)) and process.poll() is None:
            return
        self.processes[role] = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "tests.streaming.process", role, *self._arguments],
            cwd=ROOT,
            stdout=self._log,
            stderr=self._log,
        )

    def kill(self, role: str) -> None:
        self.processes[role].kill()
        self.processes[role].wait()

    def log(self) -> str:
        return (self._root / "log").read_text()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()


def is_behind(stream: Stream) -> bool:
    """Whether anything is to be answered or written yet."""
    settings, topics = stream.settings, stream.settings.topics
    consumer = settings.clients.consumer()
    try:
        offsets, _ = committed_of(settings.clients, settings.group, topics.events)
        for partition, (_, end) in offsets_of(
            consumer, topics.events, partitions_of(consumer, topics.events)
        ).items():
            if offsets.get(place_of(topics.events, partition), 0) < end:
                return True
        at = (told_by(stream.state / "tables.json") or {}).get("positions", {})
        for name in (topics.answers, topics.movers):
            for partition, (_, end) in offsets_of(
                consumer, name, partitions_of(consumer, name)
            ).items():
                # The last offset is the mark of a transaction's end.
                if end and at.get(place_of(name, partition), 0) < end - 1:
                    return True
    finally:
        consumer.close()
    return False


def survive(  # noqa: PLR0913 - what a test says
    kafka: Kafka, models: BundleStore, root: Path, *, count: int, kills: int, seed: int = 1
) -> None:
    """Kill what answers, what writes tables, and the broker, while events come."""
    chance = random.Random(seed)  # noqa: S311 - what is killed when is no secret
    root.mkdir(parents=True, exist_ok=True)
    name = f"kills{seed}"
    stream = stream_of(kafka.bootstrap, root, models, name)
    make_topics_of(stream)
    events = lines(count, customers=2_000, seed=seed)
    step = max(1, count // (kills + 1))
    poison: list[Outgoing] = []
    running = Running(stream, root, name)
    begun = monotonic()
    try:
        for start in range(0, count, step):
            for role in ("answers", "tables"):
                running.start(role)
            # Behind them one that nobody can read.
            poison.append(Outgoing(b"x", f"poison {start}".encode()))
            some = messages(events[start : start + step])
            kafka.send(stream.settings.topics.events, [*some, poison[-1]])
            if start + step >= count:
                break
            sleep(chance.uniform(0.5, 4.0))
            what = chance.choice(["answers", "answers", "tables", "tables", "broker"])
            if what == "broker":
                kafka.broker.kill()
                sleep(chance.uniform(0.0, 1.0))
                kafka.broker.start()
            else:
                running.kill(what)
        settled = 0
        while settled < 2:
            for role in ("answers", "tables"):
                running.start(role)
            assert monotonic() - begun < SECONDS + 20 * kills, running.log()
            settled = 0 if is_behind(stream) else settled + 1
            sleep(1.5)
    finally:
        running.stop()
    wanted = expected(stream, events, root)
    assert equal(table(stream, "segments"), wanted), running.log()
    require_chains(stream, wanted)
    require_same_in_topics(stream, wanted)
    require_history(stream, wanted)
    letters = topic(stream, "dead_letters")
    assert Counter(each.value() for each in letters) == Counter(each.value for each in poison)
    assert "Traceback" not in running.log(), running.log()


def require_same_in_topics(stream: Stream, wanted: pl.DataFrame) -> None:
    """Each move of the topic is one of the table, and the last answers are those of the table."""
    names = ("customer_id", "from_segment", "to_segment", "cause")
    moves = [json.loads(each.value()) for each in topic(stream, "movers")]
    sent = Counter(tuple(move[name] for name in names) for move in moves)
    assert sent == Counter(table(stream, "moves").select(names).iter_rows())
    said = {each.key(): each.value() for each in topic(stream, "answers")}
    segments = {key.decode(): json.loads(value)["segment"] for key, value in said.items() if value}
    assert segments == dict(wanted.select("customer_id", "segment").iter_rows())


def require_history(stream: Stream, wanted: pl.DataFrame) -> None:
    """A customer's last row is their answer, and a write has one row of a customer."""
    history = table(stream, "history").sort("customer_id", "recorded_at")
    assert not history.select("customer_id", "recorded_at").is_duplicated().any()
    last = history.unique("customer_id", keep="last").select("customer_id", "segment")
    answers = wanted.select("customer_id", "segment")
    assert last.filter(pl.col("segment") != "left").sort("customer_id").equals(answers)
    # A row is told by an answer that says so; of those within one write only the last is kept.
    told = Counter(
        each.key().decode() for each in topic(stream, "answers") if dict(each.headers() or ())
    )
    rows = Counter(history["customer_id"])
    assert all(rows[customer] <= count for customer, count in told.items())
    assert rows.keys() == told.keys()


def test_three_kills_lose_and_double_nothing(
    own_kafka: Kafka, models: BundleStore, tmp_path: Path
) -> None:
    survive(own_kafka, models, tmp_path, count=3_000, kills=3)


@pytest.mark.faults
def test_fifty_kills_over_a_million_events_lose_and_double_nothing(
    own_kafka: Kafka, models: BundleStore, tmp_path: Path
) -> None:
    survive(own_kafka, models, tmp_path, count=EVENTS, kills=KILLS, seed=2)
