"""Clients of Kafka: who they reach and how, topics, and a publisher that waits until it lasts."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from customer_segmentation.errors import UserError
from customer_segmentation.sources.messages.offsets import (
    lag_of,
    offsets_of,
    partitions_of,
    start_at,
    take,
)
from customer_segmentation.sources.messages.topics import make_topics

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Producer
    from confluent_kafka.admin import AdminClient

__all__ = [
    "Clients",
    "Headers",
    "Outgoing",
    "Publisher",
    "lag_of",
    "make_topics",
    "offsets_of",
    "partitions_of",
    "start_at",
    "take",
]

# Of librdkafka: it would write to stderr by itself.
logger = logging.getLogger(__name__)
_SELDOM_SECONDS = 60.0


class _Seldom(logging.Filter):
    """Lets a word of librdkafka through once a minute: of a broker away it tells each try."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is new, or time to say it again."""
        # Which client says so, and after how long, makes no other word.
        word, now = re.sub(r"\d+", "", record.getMessage()), time.monotonic()
        is_told = now >= self._next.get(word, 0.0)
        if is_told:
            self._next[word] = now + _SELDOM_SECONDS
        return is_told


logger.addFilter(_Seldom())

# SEGMENTATION_KAFKA_SASL_PASSWORD is `sasl.password`; only what says how to connect is taken.
_VARIABLE = "SEGMENTATION_KAFKA_"
_CONNECTION = ("security.", "sasl.", "ssl.", "client.", "socket.")
_SECONDS = 10.0


Headers = Mapping[str, bytes] | Sequence[tuple[str, bytes]]


class Outgoing(NamedTuple):
    """A message to send.

    Attributes:
        key: Of which the order is kept, or nothing.
        value: Or nothing: a tombstone, which removes what the key stood for.
        headers: Pairs of name and bytes, or bytes by name.
    """

    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True)
class Clients:
    """Which Kafka, and how it is reached.

    Attributes:
        bootstrap: `host:port`, several with commas.
        options: Of librdkafka, such as `security.protocol`; they may be secret and are never
            shown. The environment's SEGMENTATION_KAFKA_SASL_PASSWORD is `sasl.password`, and so on
            for what begins with security, sasl, ssl, client or socket; options given here win.
    """

    bootstrap: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Check the address.

        Raises:
            UserError: There is none.
        """
        if not self.bootstrap.strip():
            raise UserError("Kafka: no address of a broker: set SEGMENTATION_KAFKA=host:port")

    def settings(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as librdkafka has them
        """Settings of a client; `enable_idempotence=True` is `enable.idempotence`."""
        told = {
            name.removeprefix(_VARIABLE).lower().replace("_", "."): value
            for name, value in os.environ.items()
            if name.startswith(_VARIABLE)
        }
        connection = {name: value for name, value in told.items() if name.startswith(_CONNECTION)}
        named = {name.replace("_", "."): value for name, value in more.items()}
        # Below errors, it tells of what it mends by itself.
        first = {"bootstrap.servers": self.bootstrap, "log_level": 3}
        return {**first, **connection, **self.options, **named}

    def producer(self, **more: Any) -> Producer:  # noqa: ANN401 - as above
        """A producer whose messages are written once and in order, by all copies."""
        from confluent_kafka import Producer  # noqa: PLC0415 - only who uses Kafka has it

        settings = self.settings(**{"enable_idempotence": True, "acks": "all", **more})
        return _made(Producer, settings, self.bootstrap)

    def consumer(self, **more: Any) -> Consumer:  # noqa: ANN401 - as above
        """A consumer of committed messages that keeps no offsets by itself: `assign` it."""
        from confluent_kafka import Consumer  # noqa: PLC0415 - as above

        defaults = {
            # Needed, and without effect while nothing is committed.
            "group_id": "customer-segmentation",
            "isolation_level": "read_committed",
            "enable_auto_commit": False,
            # What is not there any more is an error, and never skipped.
            "auto_offset_reset": "error",
        }
        return _made(Consumer, self.settings(**{**defaults, **more}), self.bootstrap)

    def admin(self) -> AdminClient:
        """A client that makes and describes topics."""
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - as above

        return _made(AdminClient, self.settings(), self.bootstrap)


class Publisher:
    """Sends messages and waits until the broker has them; may be shared by threads.

    Args:
        clients: Which Kafka.
        more: Settings of the producer, as of `Clients.settings`.
    """

    def __init__(self, clients: Clients, **more: Any) -> None:  # noqa: ANN401 - as above
        from confluent_kafka import KafkaException  # noqa: PLC0415 - as above

        self._clients, self._refused = clients, KafkaException
        self._producer = clients.producer(**{"linger_ms": 1, "delivery_timeout_ms": 30_000, **more})

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def publish(
        self, topic: str, messages: Iterable[Outgoing | tuple[Any, ...]], seconds: float = _SECONDS
    ) -> None:
        """Send messages; returns once all copies of the broker have every one.

        Raises:
            UserError: Not all were taken in time. Some may be there, and more may come: who sends
                them again relies on their id and version.
        """
        until = time.monotonic() + seconds
        reports: list[KafkaError | None] = []
        sent = 0

        def told(error: KafkaError | None, _: object) -> None:
            reports.append(error)

        for message in messages:
            self._send(topic, Outgoing(*message), told, until)
            sent += 1
        while len(reports) < sent and time.monotonic() < until:
            self._producer.poll(0.05)
        failed = [error for error in reports if error]
        if missing := sent - len(reports) + len(failed):
            why = failed[0].str() if failed else f"no answer within {seconds:g} s"
            raise UserError(
                f"Kafka at {self._clients.bootstrap} did not take {missing:,} of {sent:,} messages "
                f"for {topic!r} ({why}): see that it runs, then send them again"
            )

    def close(self) -> None:
        """Give up what is not sent yet."""
        self._producer.purge()
        self._producer.flush(1.0)

    def _send(self, topic: str, message: Outgoing, told: Callable[..., None], until: float) -> None:
        key, value, headers = message
        pairs: Any = dict(headers) if isinstance(headers, Mapping) else [*headers]
        while True:
            try:
                self._producer.produce(topic, value, key, headers=pairs, on_delivery=told)
            except BufferError:
                # Its own memory is full: what is under way must arrive first.
                if time.monotonic() > until:
                    raise UserError(_away(self._clients.bootstrap, "its queue is full")) from None
                self._producer.poll(0.05)
            except self._refused as error:
                raise UserError(_away(self._clients.bootstrap, error.args[0].str())) from error
            else:
                self._producer.poll(0)
                return


def _made(kind: Any, settings: dict[str, Any], bootstrap: str) -> Any:  # noqa: ANN401 - as above
    from confluent_kafka import KafkaException  # noqa: PLC0415 - as above

    try:
        return kind(settings, logger=logger)
    except KafkaException as error:
        raise UserError(f"Kafka at {bootstrap}: {error.args[0].str()}") from error


def _away(bootstrap: str, why: str) -> str:
    return f"Kafka at {bootstrap} does not take messages ({why}): see that it runs"
