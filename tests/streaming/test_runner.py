"""Events in, answers, moves, dead letters and tables out: each once, and as a batch would say."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import narwhals as nw
import onnx
import pytest
from confluent_kafka.admin import ConfigResource

from customer_segmentation.bundles.bundle import SEGMENTER
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.run_lock import run_lock
from customer_segmentation.scoring.metadata import PREFIX, VERSION, version_of
from customer_segmentation.sources.messages.kafka import Outgoing
from customer_segmentation.sources.messages.offsets import offsets_of, partitions_of
from customer_segmentation.streaming import transaction
from customer_segmentation.streaming.answers import Answering
from customer_segmentation.streaming.commands import make_topics_of, run_role, status_lines
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.progress import Progress, told_by
from customer_segmentation.streaming.rebuilding import rebuild
from customer_segmentation.streaming.sinks.messages import place_of
from customer_segmentation.streaming.state import CustomerState
from customer_segmentation.streaming.step import Step
from customer_segmentation.streaming.tables import TablesWriter
from customer_segmentation.streaming.transaction import AbortedError, Transactions
from customer_segmentation.tables.history import changes_in_force, in_force, statements_in
from customer_segmentation.tables.schemas import declare_tables
from tests.marketing import SCHEMA
from tests.services.kafka import Kafka
from tests.streaming.home import (
    cells,
    equal,
    expected,
    lines,
    messages,
    promote,
    require_chains,
    require_visible,
    shop,
    stream_of,
    table,
    topic,
)

SECONDS = 60.0
EVENTS = lines(3_000)


@pytest.fixture(autouse=True)
def declared_shop() -> Iterator[None]:
    declare_tables(shop())
    yield
    declare_tables(SCHEMA)


@pytest.fixture(params=["delta", "parquet"])
def stream(
    request: pytest.FixtureRequest, kafka: Kafka, tmp_path: Path, models: BundleStore
) -> Stream:
    made = stream_of(kafka.bootstrap, tmp_path, models, is_delta=request.param == "delta")
    make_topics_of(made)
    return made


@pytest.fixture
def delta(kafka: Kafka, tmp_path: Path, models: BundleStore) -> Stream:
    made = stream_of(kafka.bootstrap, tmp_path, models)
    make_topics_of(made)
    return made


@contextmanager
def answering(stream: Stream) -> Iterator[Answering]:
    progress = Progress(stream.state / "answers.json", "answers")
    with closing(Answering(stream, progress)) as runner:
        yield runner


def answer(stream: Stream) -> None:
    """Answer all that was sent."""
    with answering(stream) as runner:
        runner.run(all_read(stream, runner))


def all_read(stream: Stream, runner: Answering) -> Callable[[], bool]:
    """Whether a runner has answered all that is there now."""
    name = stream.settings.topics.events
    with closing(stream.settings.clients.consumer()) as consumer:
        ends = offsets_of(consumer, name, partitions_of(consumer, name))
    return until(lambda: all(runner.at[place_of(name, p)] >= end for p, (_, end) in ends.items()))


def write(stream: Stream) -> TablesWriter:
    """Write all that was answered."""
    require_visible(stream, "answers", "movers")
    writer = TablesWriter(stream, Progress(stream.state / "tables.json", "tables"))
    ends = writer.ends()
    writer.run(until(lambda: all(writer.at.get(p, 0) + 1 >= end for p, end in ends.items() if end)))
    return writer


def until(is_done: Any) -> Any:
    begun = monotonic()

    def is_stopped() -> bool:
        assert monotonic() - begun < SECONDS, "it takes too long"
        return bool(is_done())

    return is_stopped


def test_tables_and_topics_say_what_all_events_come_to(
    stream: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    for part in (EVENTS[:1_000], EVENTS[1_000:]):
        kafka.send(stream.settings.topics.events, messages(part))
        answer(stream)
        write(stream)

    wanted = expected(stream, EVENTS, tmp_path)
    assert equal(table(stream, "segments"), wanted)
    require_chains(stream, wanted)
    newest = {
        message.key().decode(): json.loads(message.value()) for message in topic(stream, "answers")
    }
    assert {key: told["segment"] for key, told in newest.items()} == dict(
        wanted.select("customer_id", "segment").iter_rows()
    )
    assert not topic(stream, "dead_letters")


def test_the_history_tells_where_a_customer_was_after_each_change(
    stream: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    kafka.send(stream.settings.topics.events, messages(EVENTS))
    answer(stream)
    write(stream)

    history = table(stream, "history")
    last = history.sort("recorded_at").unique("customer_id", keep="last", maintain_order=True)
    wanted = expected(stream, EVENTS, tmp_path)
    assert dict(last.select("customer_id", "segment").iter_rows()) == dict(
        wanted.select("customer_id", "segment").iter_rows()
    )
    said = statements_in(nw.from_native(history.lazy()))
    assert not in_force(said)
    assert changes_in_force(said) == said


def test_started_again_nothing_is_said_twice(stream: Stream, kafka: Kafka) -> None:
    kafka.send(stream.settings.topics.events, messages(EVENTS[:500]))
    answer(stream)
    write(stream)
    before = [table(stream, name) for name in ("segments", "history", "moves")]
    sent = len(topic(stream, "answers"))

    answer(stream)
    write(stream)

    assert len(topic(stream, "answers")) == sent
    for name, rows in zip(("segments", "history", "moves"), before, strict=True):
        assert table(stream, name).equals(rows)


def test_what_cannot_be_taken_goes_to_the_dead_letters_once_with_its_reasons(
    delta: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    bad = [
        Outgoing(b"1", b"{", ()),
        Outgoing(b"1", json.dumps(EVENTS[0] | {"Quantity": "many"}).encode(), ()),
        Outgoing(b"1", b'{"CustomerID": "1"}', ()),
        Outgoing(b"1", None, ()),
    ]
    kafka.send(delta.settings.topics.events, [*messages(EVENTS[:300]), *bad])
    answer(delta)
    answer(delta)

    found = topic(delta, "dead_letters")
    reasons = [json.loads(dict(each.headers())["dead-letter-reasons"]) for each in found]
    assert [each.value() for each in found] == [each.value for each in bad]
    assert all(reasons)
    assert "quantity" in str(reasons[1])
    write(delta)
    assert equal(table(delta, "segments"), expected(delta, EVENTS[:300], tmp_path))


def test_killed_between_state_and_kafka_the_last_change_is_taken_back(
    delta: Stream, kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:400]))
    answer(delta)
    kafka.send(delta.settings.topics.events, messages(EVENTS[400:800]))

    class KilledError(BaseException):
        pass

    def killed(_: object) -> None:
        raise KilledError

    with answering(delta) as runner, monkeypatch.context() as patched:
        patched.setattr(Transactions, "commit", killed)
        patched.setattr(Transactions, "abort", lambda _: None)
        with pytest.raises(KilledError):
            runner.run(until(lambda: False))

    answer(delta)
    write(delta)
    wanted = expected(delta, EVENTS[:800], tmp_path)
    assert equal(table(delta, "segments"), wanted)
    require_chains(delta, wanted)


def test_a_client_that_never_comes_back_is_replaced(
    delta: Stream, kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:400]))
    real, stuck = Transactions.commit, threading.Event()

    def commit(self: Transactions) -> None:
        if not stuck.is_set():
            stuck.set()
            # Of this call alone: on a busy machine others take as long, and would begin anew.
            with monkeypatch.context() as patched:
                patched.setattr(transaction, "_STUCK_SECONDS", 2.0)
                self._try(threading.Event().wait)
        real(self)

    with answering(delta) as runner:
        monkeypatch.setattr(Transactions, "commit", commit)
        runner.run(all_read(delta, runner))
    assert stuck.is_set()
    write(delta)
    wanted = expected(delta, EVENTS[:400], tmp_path)
    assert equal(table(delta, "segments"), wanted)
    require_chains(delta, wanted)


def test_a_second_runner_without_the_state_is_refused_and_the_first_goes_on(
    delta: Stream, kafka: Kafka, tmp_path: Path, models: BundleStore
) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:100]))
    name = delta.settings.group.removeprefix("group-")
    other = stream_of(kafka.bootstrap, tmp_path / "other", models, name)
    with answering(delta) as first:
        with pytest.raises(UserError, match="kedro stream rebuild"), answering(other):
            pass
        first.run(all_read(delta, first))
    write(delta)
    assert equal(table(delta, "segments"), expected(delta, EVENTS[:100], tmp_path))


def test_a_runner_that_another_has_replaced_ends_with_one_message(
    delta: Stream, kafka: Kafka
) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:100]))
    settings = delta.settings
    with answering(delta) as first:
        second = Transactions(settings.clients, settings.topics.events, settings.group)
        second.begin()
        with pytest.raises(UserError, match="another kedro stream run has begun"):
            first.run(until(lambda: False))
        second.close()


def test_on_one_machine_the_second_runner_is_refused(delta: Stream) -> None:
    with (
        run_lock(str(delta.state / "answers"), "the first"),
        pytest.raises(UserError, match="in use by run the first"),
    ):
        run_role(delta, "answers", print)


def test_a_state_that_is_not_the_one_kafka_knows_is_refused(delta: Stream, kafka: Kafka) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:100]))
    answer(delta)
    (delta.state / "customers.sqlite").unlink()

    with pytest.raises(UserError, match="kedro stream rebuild"), answering(delta):
        pass


def test_a_topic_that_was_made_anew_is_refused(delta: Stream, kafka: Kafka) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:100]))
    answer(delta)
    admin = kafka.clients.admin()
    topics = delta.settings.topics
    admin.delete_topics([topics.events])[topics.events].result(10)
    begun = monotonic()
    while monotonic() - begun < SECONDS and topics.events in admin.list_topics(timeout=10).topics:
        pass
    make_topics_of(delta)

    with pytest.raises(UserError, match="made anew"), answering(delta):
        pass


def test_the_status_tells_of_a_stream_that_does_not_run(delta: Stream, kafka: Kafka) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:200]))
    told = "\n".join(status_lines(delta))
    assert "answers: never ran here" in told
    assert "Lag: 200 events" in told

    answer(delta)
    write(delta)

    told = "\n".join(status_lines(delta))
    assert "Lag: 0 events" in told
    assert "gold_segments: version" in told
    said = told_by(delta.state / "answers.json") or {}
    assert said["events"] == 200
    apart = said["apart"]
    assert (
        f"200 messages, {apart['repeats']:,} of them repeats, {apart['replaced']:,} older" in told
    )


def test_answers_are_all_kept_for_tables_that_are_late(delta: Stream, kafka: Kafka) -> None:
    asked = ConfigResource(ConfigResource.Type.TOPIC, delta.settings.topics.answers)
    # What is asked ends with the client.
    admin = kafka.clients.admin()
    (told,) = admin.describe_configs([asked]).values()
    found = {name: entry.value for name, entry in told.result(10).items()}
    assert found["cleanup.policy"] == "compact"
    week = str(7 * 86_400_000)
    assert found["min.compaction.lag.ms"] == found["delete.retention.ms"] == week


def test_a_batch_run_waits_for_the_stream_and_the_stream_for_a_batch_run(tmp_path: Path) -> None:
    held = run_lock(str(tmp_path), "kedro stream")
    held.acquire()
    threading.Thread(target=lambda: (sleep(0.3), held.release())).start()
    with run_lock(str(tmp_path), "a batch run"):
        other = run_lock(str(tmp_path), "another")
        with pytest.raises(UserError, match="in use by run a batch run"):
            other.acquire_soon()


def test_backfill_and_live_may_come_in_any_order(
    delta: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    live, old = EVENTS[2_000:2_300], EVENTS[:300]
    mixed = [event for pair in zip(live, reversed(old), strict=True) for event in pair]
    kafka.send(delta.settings.topics.events, messages([*mixed, *old[:100]]))
    answer(delta)
    write(delta)

    wanted = expected(delta, [*old, *live], tmp_path)
    assert equal(table(delta, "segments"), wanted)
    require_chains(delta, wanted)


def test_after_a_rebuild_all_are_answered_and_only_who_moved_is_a_mover(
    delta: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:800]))
    answer(delta)
    write(delta)
    moves = len(topic(delta, "movers"))
    (delta.state / "customers.sqlite").unlink()
    # Bronze knows more than the stream had read.
    kafka.send(delta.settings.topics.events, messages(EVENTS[800:1_000]))
    with closing(kafka.clients.consumer()) as consumer:
        name = delta.settings.topics.events
        ends = offsets_of(consumer, name, partitions_of(consumer, name))
    positions = {place_of(name, partition): end for partition, (_, end) in ends.items()}
    rebuild(delta.state / "customers.sqlite", delta.schema, [cells(EVENTS[:1_000])], positions)

    answer(delta)
    write(delta)

    wanted = expected(delta, EVENTS[:1_000], tmp_path)
    assert equal(table(delta, "segments"), wanted)
    assert len(topic(delta, "movers")) < moves + len(wanted) / 2
    require_chains(delta, wanted)


def test_killed_while_all_are_answered_after_a_rebuild_nobody_enters_again(
    delta: Stream, kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:400]))
    answer(delta)
    write(delta)
    with CustomerState(delta.state_file, delta.schema) as state:
        positions = state.positions
    delta.state_file.unlink()
    # One of the table is no customer of the new state.
    gone = table(delta, "segments")["customer_id"][0]
    known = [event for event in EVENTS[:400] if event["CustomerID"] != gone]
    rebuild(delta.state_file, delta.schema, [cells(known)], positions)

    class KilledError(BaseException):
        pass

    real, steps = Answering._answer_step, iter(range(9))

    def killed(self: Answering, step: Step) -> int:
        number = real(self, step)
        if next(steps) == 1:
            self._state.close()
            raise KilledError
        return number

    with monkeypatch.context() as patched:
        patched.setattr("customer_segmentation.streaming.state.CHUNK", 50)
        patched.setattr(Answering, "_answer_step", killed)
        patched.setattr(Transactions, "abort", lambda _: None)
        with pytest.raises(KilledError), answering(delta):
            pass
    with aborted_once():
        answer(delta)
    write(delta)

    wanted = expected(delta, known, tmp_path)
    assert equal(table(delta, "segments"), wanted)
    require_chains(delta, wanted)


def test_a_new_champion_answers_for_all_customers_at_once(
    delta: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:600]))
    answer(delta)
    before = len(topic(delta, "answers"))
    with answering(delta) as runner:
        runner._promotion = "another"
        done = iter([False, True])
        runner.run(lambda: next(done))
    customers = expected(delta, EVENTS[:600], tmp_path)
    assert len(topic(delta, "answers")) == before + len(customers)
    answer(delta)


def test_a_champion_that_was_promoted_while_nothing_ran_answers_for_all_at_the_start(
    kafka: Kafka, models: BundleStore, tmp_path: Path
) -> None:
    shutil.copytree(models.root, tmp_path / "models")
    store = BundleStore(str(tmp_path / "models"), "dev")
    stream = stream_of(kafka.bootstrap, tmp_path, store)
    make_topics_of(stream)
    kafka.send(stream.settings.topics.events, messages(EVENTS[:300]))
    answer(stream)
    before = expected(stream, EVENTS[:300], tmp_path)
    promote(store, reworded(store))

    # Nothing has come since; the first step is taken back, and done again.
    with aborted_once():
        answer(stream)
    write(stream)

    wanted = expected(stream, EVENTS[:300], tmp_path)
    assert not {*wanted["artifact_version"]} & {*before["artifact_version"]}
    assert equal(table(stream, "segments"), wanted)
    assert len(topic(stream, "answers")) == 2 * len(wanted)


def test_a_first_transaction_that_is_taken_back_is_done_again(
    delta: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    kafka.send(delta.settings.topics.events, messages(EVENTS[:100]))
    with aborted_once(), answering(delta) as runner:
        runner.run(all_read(delta, runner))
    write(delta)
    assert equal(table(delta, "segments"), expected(delta, EVENTS[:100], tmp_path))


def reworded(store: BundleStore) -> onnx.ModelProto:
    """The champion as another version, which answers the same."""
    bundle = store.champion()
    assert bundle
    artifact = onnx.load_from_string(bundle.files[SEGMENTER])
    texts = {each.key: each for each in artifact.metadata_props}
    spend = texts[f"{PREFIX}usual_spend"]
    spend.value = json.dumps([1.01 * each for each in json.loads(spend.value)])
    told = {key.removeprefix(PREFIX): each.value for key, each in texts.items()}
    told.pop(VERSION)
    texts[PREFIX + VERSION].value = json.dumps(version_of(artifact.graph, told))
    return artifact


@contextmanager
def aborted_once() -> Iterator[None]:
    """Kafka takes the first transaction back."""
    real, is_done = Transactions.commit, threading.Event()

    def commit(self: Transactions) -> None:
        if not is_done.is_set():
            is_done.set()
            raise AbortedError("by the test")
        real(self)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Transactions, "commit", commit)
        yield
    assert is_done.is_set()
