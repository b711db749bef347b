"""A shop whose customers move while one looks: a broker, order lines, the stream and the page.

`make stream`, or `python -m tools.stream`. All of it is in `data/shop`, listens on loopback, and
ends with this process.

    data/shop/trained    segments learned once from the shop's past, as `kedro run` leaves them
    data/shop/live       a copy that the stream goes on from, made anew at each start
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from customer_segmentation.errors import UserError
from customer_segmentation.sources.messages.kafka import Clients, Outgoing, Publisher, make_topics
from customer_segmentation.streaming.progress import told_by
from tools import project
from tools.kafka_broker import KafkaBroker, java, kafka_jars
from tools.order_events import OrderEvents
from tools.ports import free_port
from tools.stage import TICK, Stage, staged

PLACE = project.CHECKOUT / "data" / "shop"
# The shipped schema of order lines, where each line has a number and a version.
SCHEMA, SHIPPED = "till", "online_retail"
CUSTOMERS, PAST, DAYS = 4_000, 60_000, 300
TOPIC, PARTITIONS, A_REQUEST = "events", 4, 10_000
_MODULE = (sys.executable, "-m")

Event = dict[str, Any]
Say = Callable[[str], None]


def shop() -> tuple[list[Event], Iterator[Event]]:
    """The lines of the shop's past, and those that come now, without end."""
    events = iter(OrderEvents(customers=CUSTOMERS, days=DAYS, past_lines=PAST))
    return [*islice(events, PAST)], events


def make_project(root: Path, past: Sequence[Event]) -> None:
    """A project in a folder, and the lines of the past to learn from."""
    configure(root)
    with (root / "lines.csv").open("w", newline="", encoding="utf-8") as written:
        lines = csv.DictWriter(written, [*past[0]])
        lines.writeheader()
        lines.writerows(past)


def configure(root: Path) -> None:
    """Write the checkout's configuration as of now to a folder, for lines that have versions."""
    project.configure(root)
    schemas = root / "conf" / "schemas"
    schema = yaml.safe_load((schemas / f"{SHIPPED}.yml").read_text(encoding="utf-8"))
    schema["orders"]["columns"] |= {
        "line": {"kind": "count", "headers": ["Line"]},
        "changed_at": {"kind": "count", "headers": ["ChangedAt"]},
    }
    schema["events"] = {"id": ["invoice", "line"], "version": "changed_at"}
    text = yaml.safe_dump(schema, sort_keys=False)
    (schemas / f"{SCHEMA}.yml").write_text(text, encoding="utf-8")
    # A part for each write: two a second are soon enough for eyes.
    settings = root / "conf" / "dev" / "stream.yml"
    settings.write_text("tables_seconds: 0.5\n", encoding="utf-8")


def train(place: Path, past: Sequence[Event], say: Say) -> Path:
    """The project whose segments were learned from the past: learned now if it is not there.

    Raises:
        UserError: The run fails; with its last lines.
    """
    trained, part = place / "trained", place / "trained.part"
    if trained.exists():
        return trained
    say(f"learning segments from {len(past):,} order lines, this once: about a minute")
    shutil.rmtree(part, ignore_errors=True)
    make_project(part, past)
    with staged(part) as stage:
        stage.run("kedro-run", [*_MODULE, "kedro", "run"], _environment())
    part.rename(trained)
    return trained


def play(place: Path, rate: float, port: int, say: Say) -> None:
    """Run all of it until a signal.

    Args:
        place: The folder of all that is kept.
        rate: Order lines a second.
        port: Of the page; 0 is a free one.
        say: Takes lines for people.

    Raises:
        UserError: Something is missing here, or one of the processes has ended.
    """
    if java() is None:
        raise UserError("Kafka's broker needs Java 17, and there is no `java` here: install it")
    if kafka_jars() is None:
        raise UserError("Kafka's jars are not there: make stream fetches them, which needs Maven")
    past, now = shop()
    trained, live = train(place, past, say), place / "live"
    shutil.rmtree(live, ignore_errors=True)
    shutil.copytree(trained, live)
    configure(live)
    with ExitStack() as ended, staged(live) as stage:
        broker = KafkaBroker(live / "broker")
        broker.folder.mkdir()
        # Also where a signal comes while it starts.
        ended.callback(broker.stop)
        broker.start()
        if broker.process:
            stage.watch("the broker", broker.process, broker.log)
        environment = _environment(broker.bootstrap)
        clients = Clients(broker.bootstrap)
        publisher = ended.enter_context(Publisher(clients))
        make_topics(clients, {TOPIC: PARTITIONS})
        for start in range(0, len(past), A_REQUEST):
            publisher.publish(TOPIC, _messages(past[start : start + A_REQUEST]))
        command = [*_MODULE, "kedro", "stream", "run"]
        stage.start("the stream", command, environment)
        page = _serve(stage, port or free_port(), environment)
        stage.wait(lambda: _answered(live) >= len(past), "answering the past")
        say(f"{len(past):,} order lines of the past are answered; the broker is {broker.bootstrap}")
        stage.wait(lambda: _is_there(f"{page}/v1/moves"), "the page")
        say(f"{page}/#live: customers move as {rate:,.0f} order lines a second arrive")
        say("Ctrl-C stops all of it")
        _send(stage, publisher, now, rate)


def _send(stage: Stage, publisher: Publisher, events: Iterator[Event], rate: float) -> None:
    """Send events evenly, for ever."""
    started, sent = time.monotonic(), 0
    while True:
        time.sleep(TICK)
        stage.require_all()
        due = int((time.monotonic() - started) * rate) - sent
        # After a suspended night, not all of the night at once.
        due = min(due, int(rate) + 1)
        try:
            publisher.publish(TOPIC, _messages(islice(events, due)))
        except UserError:
            stage.require_all()
            raise
        sent = int((time.monotonic() - started) * rate)


def _serve(stage: Stage, port: int, environment: dict[str, str]) -> str:
    page = f"http://127.0.0.1:{port}"
    command = [*_MODULE, "customer_segmentation.serving", "serve", "--port", str(port)]
    stage.start("the API", command, environment)
    stage.wait(lambda: _is_there(f"{page}/readyz"), "the API")
    return page


def _environment(bootstrap: str = "") -> dict[str, str]:
    """Settings of all the processes, whatever the shell has set for other runs."""
    return {
        "KEDRO_ENV": "dev",
        "KEDRO_DISABLE_TELEMETRY": "1",
        "SEGMENTATION_SCHEMA": SCHEMA,
        "SEGMENTATION_SOURCE": "lines.csv",
        "SEGMENTATION_CUSTOMERS": "",
        "SEGMENTATION_FEATURE_STORE": "",
        "SEGMENTATION_KAFKA": bootstrap,
    }


def _messages(events: Iterable[Event]) -> list[Outgoing]:
    return [Outgoing(e["CustomerID"].encode(), json.dumps(e).encode()) for e in events]


def _answered(live: Path) -> int:
    """How many events were answered."""
    told = told_by(live / "data" / "stream" / "answers.json")
    return int(told["events"]) if told else 0


def _is_there(url: str) -> bool:
    try:
        with urlopen(url, timeout=5.0):  # noqa: S310 - of loopback
            return True
    except (URLError, OSError):
        return False


def main(arguments: list[str] | None = None) -> None:
    """Play until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tools.stream", description=__doc__)
    parser.add_argument("--place", type=Path, default=PLACE, help="where all of it is kept")
    parser.add_argument("--rate", type=float, default=200.0, help="order lines a second")
    parser.add_argument("--port", type=int, default=0, help="of the page; a free one unless told")
    given = parser.parse_args(arguments)
    # What a client says of a broker that starts or stops; what fails is told otherwise.
    logging.getLogger("customer_segmentation").setLevel(logging.CRITICAL)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        play(given.place.absolute(), given.rate, given.port, _say)
    except UserError as error:
        sys.exit(f"stream: {error}")
    except SystemExit:
        # A signal.
        _say("stopped")
        raise


def _stop(*_: object) -> NoReturn:
    # No `sys.exit`, whose exception Python makes late: a signal within a call of librdkafka would
    # end in an error of its own.
    raise SystemExit(0)


def _say(line: str) -> None:
    print(f"stream: {line}", flush=True)  # noqa: T201 - the output


if __name__ == "__main__":
    main()
