"""What goes wrong around a stream: each fault ends in one message or in nothing at all."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from time import sleep

import pytest

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.streaming import tables
from customer_segmentation.streaming.commands import make_topics_of
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.progress import Progress
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
from tests.streaming.test_kills import ROOT
from tests.streaming.test_runner import answer, answering, declared_shop, until, write

__all__ = ["declared_shop"]

EVENTS = lines(1_200, customers=600)


@pytest.fixture
def stream(kafka: Kafka, tmp_path: Path, models: BundleStore) -> Stream:
    made = stream_of(kafka.bootstrap, tmp_path, models, tmp_path.name.replace("_", ""))
    make_topics_of(made)
    return made


def require_right(stream: Stream, count: int, folder: Path) -> None:
    wanted = expected(stream, EVENTS[:count], folder)
    assert equal(table(stream, "segments"), wanted)
    require_chains(stream, wanted)


def limited(stream: Stream, role: str, root: Path, blocks: int) -> subprocess.CompletedProcess[str]:
    """Run a process whose files may have so many blocks of 1,024 bytes: its disk is soon full."""
    command = [sys.executable, "-m", "tests.streaming.process", role, stream.settings.bootstrap]
    command += [str(root), stream.models, stream.settings.group.removeprefix("group-")]
    return subprocess.run(  # noqa: S603 - ourselves
        ["/bin/bash", "-c", f'ulimit -f {blocks}; exec "$@"', "bash", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("role", "blocks"),
    [("answers", 80), pytest.param("tables", 2, marks=pytest.mark.faults)],
)
def test_a_full_disk_ends_in_one_message_and_nothing_is_half_written(
    stream: Stream, kafka: Kafka, tmp_path: Path, role: str, blocks: int
) -> None:
    kafka.send(stream.settings.topics.events, messages(EVENTS[:300]))
    answer(stream)
    write(stream)
    kafka.send(stream.settings.topics.events, messages(EVENTS[300:]))
    if role == "tables":
        answer(stream)

    ended = limited(stream, role, tmp_path, blocks)

    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "cannot be written" in ended.stderr
    answer(stream)
    write(stream)
    require_right(stream, len(EVENTS), tmp_path)


@pytest.mark.faults
def test_a_broker_that_is_away_is_waited_for(
    own_kafka: Kafka, tmp_path: Path, models: BundleStore
) -> None:
    stream = stream_of(own_kafka.bootstrap, tmp_path, models)
    make_topics_of(stream)
    own_kafka.send(stream.settings.topics.events, messages(EVENTS[:300]))
    with answering(stream) as runner:
        runner.run(until(lambda: sum(runner.at.values()) >= 300))

        def away() -> None:
            own_kafka.broker.kill()
            sleep(6.0)
            own_kafka.broker.start()
            own_kafka.send(stream.settings.topics.events, messages(EVENTS[300:600]))

        absence = threading.Thread(target=away)
        absence.start()
        runner.run(until(lambda: sum(runner.at.values()) >= 600))
        absence.join()
    write(stream)
    require_right(stream, 600, tmp_path)


def test_a_column_that_comes_or_goes_in_the_middle_stops_nothing(
    stream: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    added = [event | {"Till": "4"} for event in EVENTS[200:400]]
    without = [{k: v for k, v in EVENTS[400].items() if k != "UnitPrice"}]
    kafka.send(
        stream.settings.topics.events, messages([*EVENTS[:200], *added, *without, *EVENTS[401:500]])
    )
    answer(stream)
    write(stream)
    (dead,) = topic(stream, "dead_letters")
    assert json.loads(dead.value()) == without[0]
    assert "unit_price" in dict(dead.headers())["dead-letter-reasons"].decode()
    wanted = expected(stream, [*EVENTS[:400], *EVENTS[401:500]], tmp_path)
    assert equal(table(stream, "segments"), wanted)


def test_a_clock_that_steps_back_doubles_no_moment(
    stream: Stream, kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka.send(stream.settings.topics.events, messages(EVENTS[:300]))
    answer(stream)
    write(stream)
    before = table(stream, "moves")["recorded_at"].max()

    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # noqa: ARG003
            return datetime(2020, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(tables, "datetime", Yesterday)
    kafka.send(stream.settings.topics.events, messages(EVENTS[300:600]))
    answer(stream)
    write(stream)
    moves = table(stream, "moves")
    assert not moves.select("customer_id", "recorded_at").is_duplicated().any()
    assert moves["recorded_at"].max() > before
    require_right(stream, 600, tmp_path)


def test_what_is_told_of_a_stream_does_not_end_it_where_it_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    assert Progress(tmp_path / "file" / "answers.json", "answers").tell(at_once=True)
    assert "answers.json is not written" in caplog.text
