"""From a real broker to Delta by Spark: all that was sent, once, however often it is started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.sources.messages.kafka import make_topics
from customer_segmentation.streaming.spark.runner import SparkStream, run_spark
from tests.services.kafka import Kafka
from tests.streaming.home import equal, expected, lines, messages, stream_of
from tests.streaming.spark.shop import layers, rows_of, table_of
from tests.streaming.spark.test_batch import require_chains, require_newest

# Two minutes; the other tests of Spark's stream try its parts without Kafka.
pytestmark = [pytest.mark.spark, pytest.mark.faults]


def test_a_stream_goes_on_where_it_ended_and_a_batch_that_comes_again_changes_nothing(
    spark: Any, kafka: Kafka, models: BundleStore, tmp_path: Path
) -> None:
    stream = stream_of(kafka.bootstrap, tmp_path, models)
    stream = replace(stream, tables=str(tmp_path), catalog=layers(tmp_path))
    of = SparkStream(stream)
    topic = stream.settings.topics.events
    make_topics(kafka.clients, {topic: 2})
    sent = lines(500, customers=50)
    kafka.send(topic, messages(sent[200:]))
    run_spark(of, spark, once=True)
    done = rows_of(of, spark)

    # As if the driver had ended before Spark had noted that the batch was done.
    commits = Path(of.record) / "commits"
    assert [commit.name for commit in commits.glob("[0-9]*")] == ["0"]
    for name in ("0", ".0.crc"):
        (commits / name).unlink()
    run_spark(of, spark, once=True)
    assert rows_of(of, spark) == done

    kafka.send(topic, messages(sent[:200]))
    run_spark(of, spark, once=True)
    segments = table_of(of, spark, "segments")
    assert equal(segments, expected(stream, sent, tmp_path))
    require_chains(table_of(of, spark, "moves"), segments)
    require_newest(table_of(of, spark, "history"), segments)
