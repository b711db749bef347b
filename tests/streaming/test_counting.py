"""What a stream counts of its customers: each answer once, by hour, and without their values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from customer_segmentation.bundles.bundle import BASELINE, SEGMENTER, StoredBundle
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.monitoring.bins import number_bins
from customer_segmentation.monitoring.hours import read_hours
from customer_segmentation.monitoring.summary import Baseline, Summary, nobody
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.sources.messages.kafka import Outgoing
from customer_segmentation.streaming.answers import Answering
from customer_segmentation.streaming.commands import make_topics_of
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.transaction import AbortedError, Transactions
from tests.promotion.example import an_entry
from tests.services.kafka import Kafka
from tests.streaming.home import lines, messages, stream_of, topic
from tests.streaming.test_runner import all_read, answer, answering, declared_shop

__all__ = ["declared_shop"]

EVENTS = lines(600, customers=200)


@pytest.fixture
def stream(kafka: Kafka, tmp_path: Path, models: BundleStore) -> Stream:
    """A stream whose champion has a baseline."""
    bundle = models.champion()
    assert bundle
    metadata = metadata_of(onnx.load_from_string(bundle.files[SEGMENTER]))
    version = str(metadata[VERSION])
    keys = tuple(segment["key"] for segment in metadata["segments"])
    draw = np.random.default_rng(1)
    bins = {name: number_bins(draw.lognormal(size=500)) for name in metadata["columns"]}
    told = Baseline(version, "2014-06-30", keys, bins, nobody(version, len(keys))).stated()
    store = BundleStore(str(tmp_path / "models"), "dev")
    made = StoredBundle({**bundle.files, BASELINE: json.dumps(told).encode()})
    store.add(made)
    store.append(an_entry(made, None))
    found = stream_of(kafka.bootstrap, tmp_path, store, is_delta=False)
    make_topics_of(found)
    return found


def counted(stream: Stream) -> Summary:
    """What was counted in all hours."""
    total: Summary | None = None
    for versions in read_hours(f"{stream.tables}/monitoring", "stream").values():
        for summary in versions.values():
            total = total.merged(summary) if total else summary
    assert total
    return total


def test_the_customers_of_each_batch_are_counted_once_and_what_was_refused(
    stream: Stream, kafka: Kafka
) -> None:
    mark = "Xylophonia-77341"
    wrong = json.dumps({**EVENTS[0], "Quantity": mark, mark: mark}).encode()
    for part in (EVENTS[:300], EVENTS[300:]):
        kafka.send(stream.settings.topics.events, [*messages(part), Outgoing(b"1", wrong, ())])
        answer(stream)
    summary = counted(stream)
    answers = topic(stream, "answers")
    of_parts = [{event["CustomerID"] for event in part} for part in (EVENTS[:300], EVENTS[300:])]
    # Batches may be smaller than what was sent.
    assert summary.customers >= sum(map(len, of_parts)) >= len(answers) / 2
    assert summary.segments.sum() == summary.margins.sum() == summary.customers
    assert all(counts.sum() == summary.customers for counts in summary.columns.values())
    assert summary.rejected == {"quantity: not a number": 2}
    text = "".join(file.read_text() for file in Path(stream.tables).rglob("*.json"))
    assert mark not in text
    assert "CustomerID" not in text

    answer(stream)
    assert counted(stream).customers == summary.customers


def test_a_transaction_that_does_not_last_is_not_counted(
    stream: Stream, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, take_in = Transactions.commit, Answering._take_in
    failed: list[bool] = []
    taken: list[int] = []
    lasting: list[int] = []

    def failing_once(self: Transactions) -> None:
        if taken and not failed:
            failed.append(True)
            raise AbortedError("tried")
        commit(self)
        # Kafka itself may take others back.
        lasting.extend(taken)
        taken.clear()

    def taking_in(self: Answering, *given: Any) -> Any:
        found = take_in(self, *given)
        taken[:] = [len(found[0].customers)]
        return found

    monkeypatch.setattr(Transactions, "commit", failing_once)
    monkeypatch.setattr(Answering, "_take_in", taking_in)
    kafka.send(stream.settings.topics.events, messages(EVENTS))
    with answering(stream) as runner:
        runner.run(all_read(stream, runner))
    assert failed
    assert counted(stream).customers == sum(lasting) > 0


def test_a_folder_that_cannot_be_written_stops_no_answer(
    stream: Stream, kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    Path(stream.tables).mkdir(parents=True)
    (Path(stream.tables) / "monitoring").write_text("a file where the folder should be")
    kafka.send(stream.settings.topics.events, messages(EVENTS[:200]))
    answer(stream)
    assert topic(stream, "answers")
    assert "counts are not kept in" in caplog.text
