"""A topic of order lines to bronze: messages a second, decoded and landed.

One broker, one partition, messages of some 230 bytes as JSON, and the same as Avro. Beside it, what
the client alone does: the same messages taken from the broker and thrown away. Decoding is counted
in seconds of one core; the rest as a clock says. Target: 50,000 JSON messages a second and core.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
from report import arguments, machine, table, write_json

from customer_segmentation.sources.arrivals.parts import Parts, land_arrivals
from customer_segmentation.sources.messages.decoding import Decoder
from customer_segmentation.sources.messages.kafka import Clients, Outgoing, Publisher, make_topics
from customer_segmentation.sources.messages.offsets import offsets_of, read_between, start_at, take
from customer_segmentation.sources.readers.kafka import KafkaReader
from tools.kafka_broker import serve_kafka

MESSAGES, DECODED, TARGET = 1_000_000, 50_000, 50_000
TEXT = ("invoice", "stock_code", "description", "invoice_date", "customer_id", "country")
FIELDS = [{"name": name, "type": "string"} for name in TEXT]
FIELDS += [{"name": "quantity", "type": "int"}, {"name": "unit_price", "type": "double"}]
SCHEMA = {"type": "record", "name": "line", "fields": FIELDS}


def line(number: int) -> dict[str, Any]:
    """An order line, of one of 50,000 customers."""
    return {
        "invoice": f"{536365 + number // 8}",
        "stock_code": f"{85123 + number % 4000}A",
        "description": "WHITE HANGING HEART T-LIGHT HOLDER",
        "quantity": 1 + number % 12,
        "invoice_date": f"2010-12-{1 + number % 28:02} 08:26:00",
        "unit_price": 0.05 + number % 997 / 100,
        "customer_id": f"{12000 + number * 7919 % 50_000}",
        "country": "United Kingdom",
    }


def as_json(cells: dict[str, Any]) -> bytes:
    """As a producer writes it."""
    return json.dumps(cells).encode()


def as_avro(schema: Any) -> Callable[[dict[str, Any]], bytes]:  # noqa: ANN401 - as fastavro has it
    """The same."""

    def encoded(cells: dict[str, Any]) -> bytes:
        written = io.BytesIO()
        fastavro.schemaless_writer(written, schema, cells)
        return written.getvalue()

    return encoded


def fill(clients: Clients, topic: str, count: int, encoded: Callable[..., bytes]) -> float:
    """Send order lines keyed by their customer; returns how long it took."""
    make_topics(clients, {topic: 1})
    lines = (line(number) for number in range(count))
    begun = time.perf_counter()
    with Publisher(clients, linger_ms=20) as publisher:
        messages = (Outgoing(each["customer_id"].encode(), encoded(each)) for each in lines)
        publisher.publish(topic, messages, 600.0)
    return time.perf_counter() - begun


def taken(clients: Clients, topic: str, count: int) -> list[Any]:
    """The first messages of a topic."""
    consumer = clients.consumer()
    start_at(consumer, topic, {0: 0})
    found: list[Any] = []
    while len(found) < count:
        found += take(consumer, count - len(found), 1.0)
    consumer.close()
    return found


def thrown_away(clients: Clients, topic: str) -> float:
    """How long the client alone takes."""
    begun = time.perf_counter()
    consumer = clients.consumer(enable_partition_eof=True)
    ends = {0: offsets_of(consumer, topic, [0])[0][1]}
    for _ in read_between(consumer, topic, {0: 0}, ends):
        pass
    consumer.close()
    return time.perf_counter() - begun


def decoded(messages: list[Any], **settings: Any) -> float:  # noqa: ANN401 - the decoder's
    """Seconds of a core for these messages: the least of three attempts."""
    spent = []
    for _ in range(3):
        decoder = Decoder(**settings)
        begun = time.process_time()
        if len(decoder.decode(messages).rows) != len(messages):
            raise SystemExit("messages of the benchmark's own say nothing")
        spent.append(time.process_time() - begun)
    return min(spent)


def landed(clients: Clients, topic: str, folder: Path, **settings: Any) -> tuple[float, float]:  # noqa: ANN401 - the reader's
    """How long the whole topic takes to bronze, by a clock and in seconds of a core."""
    reader = KafkaReader(bootstrap=clients.bootstrap, topic=topic, key="customer_id", **settings)
    begun, spent = time.perf_counter(), time.process_time()
    land_arrivals(reader, Parts(str(folder / topic)))
    return time.perf_counter() - begun, time.process_time() - spent


def main() -> None:
    """Print the comparison."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--messages", type=int, default=MESSAGES)
    options = parser.parse_args()
    count = options.messages
    with tempfile.TemporaryDirectory() as made, serve_kafka() as broker:
        folder, clients = Path(made), Clients(broker.bootstrap)
        schema = folder / "line.avsc"
        schema.write_text(json.dumps(SCHEMA), encoding="utf-8")
        avro: dict[str, Any] = {"schema": str(schema)}
        encoders = {"json": as_json, "avro": as_avro(fastavro.parse_schema(SCHEMA))}
        rates: dict[str, float] = {}
        for kind, encoded in encoders.items():
            rates[f"{kind}, sent and acknowledged"] = count / fill(clients, kind, count, encoded)
            rates[f"{kind}, taken and thrown away"] = count / thrown_away(clients, kind)
            some = taken(clients, kind, min(count, DECODED))
            settings = avro if kind == "avro" else {}
            spent = decoded(some, kind=kind, key="customer_id", **settings)
            rates[f"{kind}, decoded, a core"] = len(some) / spent
            seconds, of_a_core = landed(clients, kind, folder, format=kind, **settings)
            rates[f"{kind}, landed"] = count / seconds
            rates[f"{kind}, landed, a core"] = count / of_a_core
    print(machine())
    print(f"{count:,} order lines, one partition")
    table([{"": name, "messages a second": f"{rate:,.0f}"} for name, rate in rates.items()])
    is_met = rates["json, decoded, a core"] >= TARGET
    print(f"{TARGET:,} JSON messages decoded a second and core: {'met' if is_met else 'missed'}")
    write_json(options.json, rates)


if __name__ == "__main__":
    main()
