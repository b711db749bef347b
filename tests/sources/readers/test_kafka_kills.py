"""A reader or its broker killed at random moments: each message is landed once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from customer_segmentation.sources.arrivals.parts import Parts
from customer_segmentation.sources.messages import offsets
from customer_segmentation.sources.messages.kafka import Outgoing

CHILD = Path(__file__).with_name("kafka_child.py")
KILLS = int(os.environ.get("SEGMENTATION_KILLS", "20"))
MESSAGES, EACH = 20_000, 97


@pytest.mark.parametrize("kills", [2, pytest.param(KILLS, marks=pytest.mark.faults)])
def test_killed_at_any_moment_each_message_is_a_row_once_or_a_dead_letter_once(
    kafka, tmp_path, kills
):
    topic, dead = kafka.topic(2), kafka.topic()
    send(kafka, topic)
    draw = random.Random(kills)  # noqa: S311 - no secret
    parts = Parts(str(tmp_path / "parts"))
    rows = max(200, MESSAGES // (4 * kills))
    for _ in range(kills):
        child = landing(kafka, topic, dead, parts, rows)
        wait_for(parts, len(names(parts)) + draw.randint(1, 2), child)
        time.sleep(draw.random() * 0.1)
        child.kill()
        child.wait()
    assert landing(kafka, topic, dead, parts, rows).wait(120) == 0
    assert_once(kafka, parts, dead)


@pytest.mark.faults
def test_a_broker_killed_again_and_again_loses_and_doubles_nothing(own_kafka, tmp_path):
    topic, dead = own_kafka.topic(2), own_kafka.topic()
    send(own_kafka, topic)
    draw = random.Random(7)  # noqa: S311 - no secret
    parts = Parts(str(tmp_path / "parts"))
    child = landing(own_kafka, topic, dead, parts, 200)
    for _ in range(KILLS):
        if child.poll() is not None:
            break
        wait_for(parts, len(names(parts)) + draw.randint(1, 3), child)
        own_kafka.broker.kill()
        time.sleep(draw.random() * 3)
        own_kafka.broker.start()
    # It may have ended with its one sentence while the broker was away.
    child.wait(200)
    assert landing(own_kafka, topic, dead, parts, 5_000).wait(200) == 0
    assert_once(own_kafka, parts, dead)


@pytest.mark.faults
def test_a_broker_that_is_away_for_a_minute_is_waited_for(own_kafka, tmp_path):
    topic, dead = own_kafka.topic(2), own_kafka.topic()
    send(own_kafka, topic)
    parts = Parts(str(tmp_path / "parts"))
    child = landing(own_kafka, topic, dead, parts, 200)
    wait_for(parts, 2, child)
    own_kafka.broker.kill()
    time.sleep(60)
    own_kafka.broker.start()
    assert child.wait(120) == 0
    assert_once(own_kafka, parts, dead)


def send(kafka, topic):
    """One in so many messages says nothing."""
    messages = []
    for number in range(MESSAGES):
        value = b"no JSON" if number % EACH == EACH - 1 else json.dumps({"ID": number}).encode()
        messages.append(Outgoing(str(number).encode(), value))
    kafka.send(topic, messages)


def landing(kafka, topic, dead, parts, rows):
    return subprocess.Popen(  # noqa: S603 - the tests' own command
        [sys.executable, CHILD, kafka.bootstrap, topic, dead, parts.place, str(rows)]
    )


def names(parts):
    folder = Path(parts.place)
    return [*folder.glob("0*.parquet")] if folder.is_dir() else []


def wait_for(parts, count, child):
    until = time.monotonic() + 60
    while len(names(parts)) < count and child.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.01)


def assert_once(kafka, parts, dead):
    landed = [
        int(cell)
        for part in parts.all()
        if part.rows
        for cell in parts.rows(part)["ID"].to_pylist()
    ]
    consumer = kafka.clients.consumer(enable_partition_eof=True)
    end = offsets.offsets_of(consumer, dead, [0])[0][1]
    letters = [
        int(each.key())
        for batch in offsets.read_between(consumer, dead, {0: 0}, {0: end})
        for each in batch
    ]
    consumer.close()
    poison = [*range(EACH - 1, MESSAGES, EACH)]
    assert sorted(letters) == poison
    assert sorted(landed) == sorted({*range(MESSAGES)} - {*poison})
