"""The driver ends at any moment, and nothing is lost or doubled in any table."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.sources.messages.kafka import make_topics
from tests.services.kafka import Kafka
from tests.streaming.home import equal, expected, lines, messages
from tests.streaming.spark.driver import stream_in
from tests.streaming.spark.shop import table_of
from tests.streaming.spark.test_batch import require_chains, require_newest

pytestmark = [pytest.mark.spark, pytest.mark.faults, pytest.mark.long]

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "4"))
EVENTS = 1_000
MOST_SECONDS = 600.0
# Seconds after the session is there: the length of a few batches.
WITHIN = 30.0


def test_kill_9_of_the_driver_loses_nothing_and_doubles_nothing(
    spark: Any, kafka: Kafka, models: BundleStore, tmp_path: Path
) -> None:
    of = stream_in(tmp_path, kafka.bootstrap, models.root, "kills")
    topic = of.stream.settings.topics.events
    make_topics(kafka.clients, {topic: 2})
    sent = lines(EVENTS, customers=80)
    kafka.send(topic, messages(sent))
    arguments = (str(tmp_path), kafka.bootstrap, models.root, "kills")
    command = [sys.executable, "-m", "tests.streaming.spark.driver", *arguments]
    chance = random.Random(3)  # noqa: S311 - no secret
    killed, ready = 0, tmp_path / "ready"
    while True:
        ready.unlink(missing_ok=True)
        driver = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - ourselves
        if killed < KILLS:
            wait_for(ready, driver)
            time.sleep(chance.uniform(0.0, WITHIN))
        if killed < KILLS and driver.poll() is None:
            os.killpg(driver.pid, signal.SIGKILL)
            killed += 1
            driver.wait()
        elif driver.wait(MOST_SECONDS) == 0:
            break

    assert killed > 0
    segments = table_of(of, spark, "segments")
    assert equal(segments, expected(of.stream, sent, tmp_path))
    require_chains(table_of(of, spark, "moves"), segments)
    require_newest(table_of(of, spark, "history"), segments)
    assert table_of(of, spark, "dead_letters").is_empty()


def wait_for(ready: Path, driver: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + MOST_SECONDS
    while not ready.exists() and driver.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
