"""What `conf/<env>/stream.yml` says of the stream of an environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from customer_segmentation.errors import UserError
from customer_segmentation.sources.messages.kafka import Clients


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Topics(_Block):
    """The names of the topics.

    Attributes:
        events: Order lines or customer records, as they are sent.
        answers: The newest answer of a customer, by customer; without a value one who left.
        movers: Who went from which segment to which, and why.
        dead_letters: What could not be taken, as it was sent, with every reason.
    """

    events: str = "events"
    answers: str = "answers"
    movers: str = "movers"
    dead_letters: str = "dead_letters"


class StreamSettings(_Block):
    """How the stream of an environment is read and where to.

    Attributes:
        bootstrap: `host:port` of Kafka, several with commas.
        topics: As of `Topics`.
        group: Names the consumer, its transactions, and how far the tables are.
        state: Folder of what is known of customers, on a disk of this machine.
        as_of: The day that ages and windows count from: the schema's, or today's, UTC.
        format: Of the events: `json` or `avro`.
        avro_schema: File of the schema that Avro's events were written by.
        key: The header of the customer's key in an event. If it is set, each message must have it
            as its own key too, and of records of customers one without a value removes a customer.
        bronze: Whether the events are landed as they come, as parts of the catalog's `source`,
            which then reads their topic.
        bronze_seconds: Between two landings.
        events_a_batch: At most so many in one transaction.
        tables_seconds: The least time between two writes of the tables.
        metrics_port: On loopback, for Prometheus; the processes take it and those after it. 0 is
            none.
    """

    bootstrap: str
    topics: Topics = Topics()
    group: str = Field(min_length=1)
    state: str = Field(min_length=1)
    as_of: Literal["schema", "today"] = "schema"
    format: Literal["json", "avro"] = "json"
    avro_schema: str = ""
    key: str = ""
    bronze: bool = False
    bronze_seconds: float = Field(default=300.0, gt=0.0)
    events_a_batch: int = Field(default=20_000, ge=1)
    tables_seconds: float = Field(default=0.2, ge=0.0)
    metrics_port: int = Field(default=0, ge=0, le=65_000)

    @property
    def clients(self) -> Clients:
        """How Kafka is reached."""
        return Clients(self.bootstrap)


def stream_settings(block: Mapping[str, Any]) -> StreamSettings:
    """The checked block.

    Raises:
        UserError: A key is unknown or a value wrong; names it.
    """
    try:
        return StreamSettings.model_validate(dict(block))
    except ValidationError as error:
        told = "; ".join(
            f"`{'.'.join(map(str, each['loc']))}`: {each['msg']}" for each in error.errors()
        )
        raise UserError(f"conf/*/stream.yml: {told}") from error
