"""Spark from Kafka to Delta, and its real-time mode from Kafka to Kafka.

The published peer, of order events joined and merged into a lake's table: Flink 0.81 s, Spark
7.15 s on average. To Delta: from when a line is sent to when the merge of its batch into
gold_segments, and every other table, has ended. In real time: from when a record is sent to when a
consumer of the topic of answers has its answer.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from kedro.config import OmegaConfigLoader
from report import arguments, machine, table, write_json

from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.settings import setting
from customer_segmentation.sources.messages.kafka import Clients, Outgoing, Publisher, make_topics
from customer_segmentation.spark import for_streams, prepare_session
from customer_segmentation.streaming.spark import realtime, runner
from tests.marketing import SCHEMA
from tests.scoring.example import make_segmenter
from tests.streaming.home import CONFIGURATION, champion, messages, shop, stream_of
from tests.streaming.spark.shop import layers
from tools.kafka_broker import serve_kafka
from tools.order_events import OrderEvents

_CUSTOMERS = 20_000
_PARTITIONS = 2


def session(folder: str, *, cores: int = 2) -> Any:  # noqa: ANN401 - pyspark is imported late
    """Spark with the settings of prod and Kafka's source."""
    loader = OmegaConfigLoader(
        str(CONFIGURATION),
        base_env="base",
        default_run_env="prod",
        config_patterns={"spark": ["spark*"]},
        custom_resolvers={"setting": setting},
    )
    own = {"spark.master": f"local[{cores}]", "spark.sql.warehouse.dir": f"{folder}/warehouse"}
    prepare_session(for_streams(loader["spark"] | own | {"spark.ui.showConsoleProgress": False}))
    from pyspark.sql import SparkSession  # noqa: PLC0415 - after its settings

    return SparkSession.builder.getOrCreate()


class Timed:
    """Batches, with how long each message waited until its batch was written."""

    def __init__(self, batches: Any) -> None:  # noqa: ANN401 - of the stream
        """Of some batches."""
        self._batches = batches
        self.waited: list[float] = []
        self.seconds: list[float] = []

    def __call__(self, rows: Any, number: int) -> None:  # noqa: ANN401 - Spark's
        """Take one."""
        began = time.time()
        self._batches(rows, number)
        ended = time.time()
        sent = rows.selectExpr("unix_millis(timestamp) / 1000D").toArrow().column(0).to_numpy()
        self.waited += (ended - sent).tolist()
        self.seconds.append(ended - began)


@contextmanager
def sending(clients: Clients, topic: str, sent: Iterator[Outgoing], rate: int) -> Iterator[None]:
    """Messages at a rate, ten times a second, while a `with` block runs."""
    is_over = False

    def send() -> None:
        with Publisher(clients) as publisher:
            while not is_over:
                due = time.monotonic() + 0.1
                publisher.publish(topic, [*islice(sent, max(1, rate // 10))])
                time.sleep(max(0.0, due - time.monotonic()))

    thread = Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        is_over = True
        thread.join()


def to_delta(clients: Clients, spark: Any, folder: Path, chosen: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as above
    """A backlog, and then lines at a rate."""
    stream = stream_of(clients.bootstrap, folder, champion(shop(), folder))
    of = runner.SparkStream(replace(stream, tables=str(folder), catalog=layers(folder)))
    topic = stream.settings.topics.events
    make_topics(clients, {topic: _PARTITIONS})
    lines = iter(OrderEvents(customers=_CUSTOMERS, days=300))
    batches = runner.batches_of(of, spark)
    batches.make_tables(spark)
    with Publisher(clients) as publisher:
        publisher.publish(topic, messages(islice(lines, chosen.backlog)), 300.0)
    backlog = Timed(batches)
    runner.wait(runner.started(of, spark, backlog, once=True))
    timed = Timed(batches)
    query = runner.started(of, spark, timed, once=False)
    made = (messages([line])[0] for line in lines)
    with sending(clients, topic, made, chosen.rate):
        until = time.monotonic() + chosen.seconds
        while time.monotonic() < until:
            query.awaitTermination(1)
    query.stop()
    # The first batches of a session are slow: its code is not made yet.
    return [
        {
            "what": f"Kafka to Delta, {chosen.rate:,} lines a second",
            **quantiles(timed.waited),
            "batches": len(timed.seconds),
            "seconds a batch": float(np.mean(timed.seconds)),
        },
        {
            "what": f"backlog of {chosen.backlog:,} lines",
            **quantiles(backlog.waited),
            "batches": len(backlog.seconds),
            "seconds a batch": float(np.mean(backlog.seconds)),
        },
    ]


def in_real_time(clients: Clients, spark: Any, folder: Path, chosen: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Records at a rate, answered topic to topic."""
    stream = stream_of(clients.bootstrap, folder / "realtime", champion(shop(), folder))
    stream = replace(stream, schema=SCHEMA, tables=str(folder / "realtime"), catalog=layers(folder))
    topics = stream.settings.topics
    make_topics(clients, {topics.events: 1, topics.answers: 1, topics.dead_letters: 1})
    of = runner.SparkStream(stream)
    query = realtime.started(of, spark, build_segmenter(make_segmenter()))
    sent: dict[bytes, float] = {}
    waited: list[float] = []
    consumer = clients.consumer(auto_offset_reset="earliest")
    with closing(consumer), sending(clients, topics.events, records(sent), chosen.records):
        from confluent_kafka import TopicPartition  # noqa: PLC0415 - only who streams has it

        consumer.assign([TopicPartition(topics.answers, 0, 0)])
        until = time.monotonic() + chosen.seconds
        while time.monotonic() < until:
            found = consumer.consume(1_000, 0.01)
            now = time.monotonic()
            waited += [now - sent[message.key()] for message in found if not message.error()]
            if query.exception():
                raise RuntimeError(query.exception())
    query.stop()
    # What came while the query started is no latency.
    steady = waited[len(waited) // 2 :]
    return {
        "what": f"real time, {chosen.records} records a second",
        **quantiles(steady),
        "batches": len(steady),
        "seconds a batch": float("nan"),
    }


def records(sent: dict[bytes, float]) -> Iterator[Outgoing]:
    """Customer records, each of another customer, and when it was sent."""
    number = 0
    while True:
        number += 1
        record = {
            "ID": str(number),
            "Year_Birth": 1957 + number % 40,
            "Education": "Graduation",
            "Marital_Status": "Single",
            "Income": 20_000 + number % 70_000,
            "Kidhome": 0,
            "Teenhome": 0,
            "Dt_Customer": "2012-09-04",
            "Recency": 58,
            **{f"Mnt{n}": number % 300 for n in ("Wines", "Fruits", "MeatProducts")},
            **{f"Mnt{n}": 20 for n in ("FishProducts", "SweetProducts", "GoldProds")},
            **{f"Num{n}Purchases": 3 for n in ("Deals", "Web", "Catalog", "Store")},
            "NumWebVisitsMonth": 7,
            "Complain": 0,
        }
        key = str(number).encode()
        sent[key] = time.monotonic()
        yield Outgoing(key, json.dumps(record).encode())


def quantiles(waited: list[float]) -> dict[str, float]:
    """Of seconds."""
    if not waited:
        return dict.fromkeys(("mean", "p50", "p99"), float("nan"))
    p50, p99 = np.quantile(waited, [0.5, 0.99])
    return {"mean": float(np.mean(waited)), "p50": float(p50), "p99": float(p99)}


def main() -> None:
    """Measure both, and print them."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--backlog", type=int, default=200_000)
    parser.add_argument("--only", choices=["delta", "realtime"])
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, serve_kafka() as broker:
        clients, spark = Clients(broker.bootstrap), session(folder)
        spark.sparkContext.setLogLevel("ERROR")
        if chosen.only != "delta":
            rows.append(in_real_time(clients, spark, Path(folder), chosen))
        if chosen.only != "realtime":
            rows += to_delta(clients, spark, Path(folder), chosen)
        spark.stop()
    table(rows)
    print(f"{_CUSTOMERS:,} customers, {_PARTITIONS} partitions; seconds; {machine()}")
    write_json(chosen.json, {"stream": rows})


if __name__ == "__main__":
    main()
