"""`kedro stream`: start what answers and what writes tables, and tell how they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

from customer_segmentation.errors import UserError
from customer_segmentation.run_lock import run_lock
from customer_segmentation.sources.messages.kafka import make_topics
from customer_segmentation.sources.messages.offsets import lag_of, offsets_of, partitions_of
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.progress import Progress, told_by
from customer_segmentation.streaming.sinks.messages import place_of
from customer_segmentation.streaming.transaction import committed_of
from customer_segmentation.tables.schemas import declare_tables

# The last one only where `bronze` is set.
ANSWERS = "answers"
ROLES = (ANSWERS, "tables", "bronze")
_STOP_SECONDS = 30.0
# A process that has not told anything for so long does not run.
_ALIVE_SECONDS = 10.0
_PARTITIONS = 4
# Of the messages, those that change nothing now.
_APART = (
    ("repeats", "of them repeats"),
    ("replaced", "older than what is known"),
    ("waiting", "of a coming day"),
)
# A week, as long as Kafka keeps the moves by default.
_LATE_MS = str(7 * 24 * 3_600 * 1_000)
_NICE = 10


def run_roles(names: Sequence[str], arguments: Sequence[str], say: Callable[[str], None]) -> None:
    """Start a process for each role; if one ends, or on a signal, stop them all.

    Args:
        names: The roles.
        arguments: Of the command line, as the environment.
        say: Takes lines for people.

    Raises:
        UserError: One has failed; its message was shown.
    """
    command = [sys.executable, "-m", "kedro", "stream", "run", *arguments]
    stopped = _Stop()
    processes = {
        name: subprocess.Popen([*command, f"--only={name}"])  # noqa: S603 - ourselves
        for name in names
    }
    for name, process in processes.items():
        give_way(process, name)
    try:
        while not stopped() and all(each.poll() is None for each in processes.values()):
            sleep(0.1)
    finally:
        ended = [name for name, each in processes.items() if each.poll() is not None]
        _stop([*processes.values()])
    if not stopped():
        raise UserError(f"{' and '.join(ended)} ended, so all of the stream was stopped")
    say("Stopped: what was read is answered, or is read again at the next start")


def give_way(process: subprocess.Popen[bytes], role: str) -> None:
    """Where processors are few, answers come before tables."""
    if role != ANSWERS and hasattr(os, "setpriority"):
        # It may have ended already.
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)


def roles_of(stream: Stream) -> list[str]:
    """The processes of a stream."""
    return [role for role in ROLES if role != "bronze" or stream.settings.bronze]


def run_role(stream: Stream, role: str, say: Callable[[str], None]) -> None:
    """Be one of the processes, until a signal.

    Raises:
        UserError: It cannot go on.
    """
    stopped = _Stop()
    declare_tables(stream.schema)
    folder = stream.state / role
    with run_lock(str(folder), f"kedro stream run --only={role}"):
        make_topics_of(stream)
        progress = Progress(_file(stream, role), role, _port(stream, role))
        say(f"{role}: reading {stream.settings.bootstrap}")
        try:
            _process(stream, role, progress, stopped)
        finally:
            progress.tell(at_once=True)


def _process(stream: Stream, role: str, progress: Progress, stopped: Callable[[], bool]) -> None:
    if role == "tables":
        from customer_segmentation.streaming.tables import TablesWriter  # noqa: PLC0415 - its own

        TablesWriter(stream, progress).run(stopped)
        return
    if role == "bronze":
        from customer_segmentation.streaming.bronze import EventsLander  # noqa: PLC0415 - as above

        EventsLander(stream, progress).run(stopped)
        return
    from customer_segmentation.streaming.answers import Answering  # noqa: PLC0415 - as above

    with closing(Answering(stream, progress)) as answering:
        answering.run(stopped)


def status_lines(stream: Stream) -> Iterator[str]:
    """Lag, rate, dead letters and last checkpoint, whether or not anything runs.

    Raises:
        UserError: Kafka does not answer.
    """
    settings, topics = stream.settings, stream.settings.topics
    consumer = settings.clients.consumer(group_id=f"{settings.group}-status")
    with closing(consumer):
        told = {role: told_by(_file(stream, role)) for role in roles_of(stream)}
        for role, last in told.items():
            yield _role_line(role, last)
        offsets, _ = committed_of(settings.clients, settings.group, topics.events)
        answers = _of_topic(topics.events, offsets)
        yield f"Lag: {_sum(lag_of(consumer, topics.events, answers)):,} events are not answered yet"
        at = (told["tables"] or {}).get("positions", {})
        behind = 0
        for topic in (topics.answers, topics.movers):
            positions = _of_topic(topic, at)
            behind += _sum(lag_of(consumer, topic, positions))
        yield f"Lag of the tables: {behind:,} offsets, the marks of transactions among them"
        found = offsets_of(
            consumer, topics.dead_letters, partitions_of(consumer, topics.dead_letters)
        )
        dead = sum(end - first for first, end in found.values())
        yield (
            f"Dead letters: {_dead(told['answers'])} since the start; {dead:,} offsets of "
            f"{topics.dead_letters}, the marks of transactions among them"
        )
    yield from _table_lines(stream)


@dataclass(frozen=True)
class _Table:
    name: str
    sink: Any


def _table_lines(stream: Stream) -> Iterator[str]:
    sinks = stream.sinks()
    tables = (
        _Table("gold_segments", sinks.segments),
        _Table("gold_history", sinks.history),
        _Table("gold_moves", sinks.moves),
    )
    for table in tables:
        commit = table.sink.last_commit()
        if commit is None:
            yield f"{table.name}: nothing of the stream yet"
            continue
        version, at = commit
        when = f", last written {_moment(at / 1_000)}" if at else ""
        yield f"{table.name}: version {version}{when}"


def _role_line(role: str, told: dict[str, Any] | None) -> str:
    if told is None:
        return f"{role}: never ran here"
    runs = time() - told["at"] < _ALIVE_SECONDS and _is_alive(int(told["pid"]))
    since = _moment(told["at"])
    state = f"runs as process {told['pid']}" if runs else f"does not run since {since}"
    last = _moment(told["committed_at"]) if told["committed_at"] else "none yet"
    rate = told["events_a_second"] if runs else 0.0
    apart = "".join(
        f", {told['apart'][why]:,} {words}" for why, words in _APART if why in told["apart"]
    )
    return (
        f"{role}: {state}; {told['events']:,} messages{apart}, {rate:,.0f} a second over the last "
        f"minute; last checkpoint {last}"
    )


def _of_topic(topic: str, positions: dict[str, int]) -> dict[int, int]:
    start = place_of(topic, 0)[:-1]
    return {
        int(place.removeprefix(start)): offset
        for place, offset in positions.items()
        if place.startswith(start) and place.removeprefix(start).isdigit()
    }


def _sum(lags: dict[int, int]) -> int:
    return sum(lags.values())


def _dead(told: dict[str, Any] | None) -> str:
    return f"{told['rejected']:,}" if told else "none"


def make_topics_of(stream: Stream) -> None:
    """Make the topics of a stream that are not there."""
    topics = stream.settings.topics
    # The tables are told of every answer, and of everyone who left, if they are that late.
    compacted = {
        "cleanup.policy": "compact",
        "min.compaction.lag.ms": _LATE_MS,
        "delete.retention.ms": _LATE_MS,
    }
    make_topics(stream.settings.clients, {topics.events: _PARTITIONS, topics.movers: 1})
    make_topics(stream.settings.clients, {topics.answers: _PARTITIONS}, compacted)
    make_topics(stream.settings.clients, {topics.dead_letters: 1})


def _file(stream: Stream, role: str) -> Path:
    return stream.state / f"{role}.json"


def _port(stream: Stream, role: str) -> int:
    port = stream.settings.metrics_port
    return port + ROLES.index(role) if port else 0


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="seconds")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Stop:
    """Whether a signal has asked to stop."""

    def __init__(self) -> None:
        self._is_asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self._is_asked = True

    def __call__(self) -> bool:
        return self._is_asked


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    until = monotonic() + _STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, until - monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
