"""Topics: made when they are not there."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic, sleep
from typing import TYPE_CHECKING

from customer_segmentation.errors import UserError
from customer_segmentation.sources.messages.offsets import AwayError

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

    from customer_segmentation.sources.messages.kafka import Clients

_SECONDS, _PAUSE = 10.0, 0.05


def make_topics(
    clients: Clients, topics: Mapping[str, int], options: Mapping[str, str] | None = None
) -> list[str]:
    """Make those topics that are not there, with so many partitions; returns which were made.

    Raises:
        UserError: Kafka does not answer or refuses.
    """
    from confluent_kafka import KafkaError, KafkaException  # noqa: PLC0415 - only who uses Kafka has it
    from confluent_kafka.cimpl import NewTopic  # noqa: PLC0415 - as above

    wanted = [
        # As many copies as the broker makes by default.
        NewTopic(name, count, replication_factor=-1, config=dict(options or {}))
        for name, count in topics.items()
    ]
    made = []
    # What is asked ends with the client.
    admin = clients.admin()
    for name, told in admin.create_topics(wanted, operation_timeout=_SECONDS).items():
        try:
            told.result(_SECONDS * 2)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                away = error.args[0].retriable() or error.args[0].code() == KafkaError._TRANSPORT  # noqa: SLF001 - librdkafka's name
                raise (AwayError if away else UserError)(
                    f"Kafka at {clients.bootstrap} does not make the topic {name!r} "
                    f"({error.args[0].str()}): see that it runs, or make the topic there"
                ) from error
        else:
            made.append(name)
    _wait_until_led(admin, made, topics)
    return made


def _wait_until_led(admin: AdminClient, names: list[str], topics: Mapping[str, int]) -> None:
    """Wait until the broker knows what it has just made, or who reads would be told there is none.

    What it does not know in time is told by who reads.
    """
    until = monotonic() + _SECONDS
    while names and monotonic() < until:
        known = admin.list_topics(timeout=_SECONDS).topics
        if all(
            name in known
            and len(known[name].partitions) == topics[name]
            and all(each.leader >= 0 for each in known[name].partitions.values())
            for name in names
        ):
            return
        sleep(_PAUSE)
