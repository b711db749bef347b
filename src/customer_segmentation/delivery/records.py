"""What the send log records: a delivery with its rows, and what the receiver answered to each part.

A delivery is written down before any of it is sent, an answer behind it. So whatever happens in
between, it is known what may have been received, and the same can be sent again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
from pydantic import ConfigDict, TypeAdapter, with_config

from customer_segmentation.schema.parts import KEY

# What a row says of a customer. Held-out ones are recorded and never sent.
ENTERED, CHANGED, LEFT, HELD_OUT = "entered", "changed", "left", "held_out"
CHANGES = (ENTERED, CHANGED, LEFT)
EMAIL = "email_sha256"
# What a receiver is told of a customer, beside the change.
TOLD = ("offer", "channel", EMAIL)
# Of rows that are never sent.
NO_BATCH = -1
# How rows become bytes (`bodies.py`): raise it with every change to them.
FORMAT = 1

_TEXTS = (KEY, "change", "offer", "channel", EMAIL, "segment", "purpose")
ROWS = pa.schema([*((name, pa.string()) for name in _TEXTS), ("batch", pa.int32())])
_ABOUT = b"delivery"


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class OfferTerms:
    """What one contact with an offer costs, and what one answer to it is worth."""

    cost: float
    value: float


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Terms:
    """What a campaign was planned with, by which it is measured whatever is configured later.

    Attributes:
        currency: Of amounts.
        hold_out: The planned share of customers who get nothing.
        offers: By name.
    """

    currency: str
    hold_out: float
    offers: Mapping[str, OfferTerms]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Delivery:
    """What is sent of a campaign to a receiver at a time.

    Attributes:
        number: Of the record in the log, from 1.
        campaign: Its name.
        receiver: Where it goes, without secrets.
        day: The day of it, in ISO format: consent is as of it.
        at: When it was written down, in UTC.
        token: Of this delivery alone, so that no two have the same keys.
        batches: In so many parts.
        entered: So many customers are new at the receiver.
        changed: So many are told otherwise than before.
        left: So many are to be dropped there.
        held_out: So many were drawn to get nothing, and are recorded here for the first time.
        terms: What the campaign was planned with.
        format: How its rows become bytes.
    """

    number: int
    campaign: str
    receiver: str
    day: str
    at: str
    token: str
    batches: int
    entered: int
    changed: int
    left: int
    held_out: int
    terms: Terms
    format: int = FORMAT

    def key(self, batch: int) -> str:
        """The idempotency key of a part."""
        return f"{self.campaign}-{self.number:08}-{batch:04}-{self.token}"


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Rejected:
    """A customer whom the receiver did not take, and why in its words."""

    customer_id: str
    reason: str


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Withheld:
    """A customer who was left out when a part was sent again: since then they may not be contacted.

    Attributes:
        customer_id: Their id.
        perhaps_sent: Whether an earlier attempt may have reached the receiver.
    """

    customer_id: str
    perhaps_sent: bool


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Answer:
    """What became of a part of a delivery.

    Attributes:
        at: When, in UTC.
        rejected: Whom the receiver did not take.
        withheld: Whom it was not sent.
    """

    at: str
    rejected: tuple[Rejected, ...] = ()
    withheld: tuple[Withheld, ...] = ()

    @property
    def reasons(self) -> Mapping[str, str]:
        """Rejected customer -> why."""
        return {one.customer_id: one.reason for one in self.rejected}


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Closed:
    """Why the rest of a delivery is not sent any more: the receiver refused it."""

    at: str
    reason: str


@dataclass(frozen=True)
class State:
    """A delivery and how far it got.

    Attributes:
        delivery: What was to be sent.
        answers: By part.
        closed: Why the rest is not sent; None if it is, or was.
    """

    delivery: Delivery
    answers: Mapping[int, Answer] = field(default_factory=dict)
    closed: Closed | None = None

    @property
    def open(self) -> tuple[int, ...]:
        """The parts that are still to be sent."""
        parts = range(self.delivery.batches)
        return () if self.closed else tuple(n for n in parts if n not in self.answers)


_DELIVERY = TypeAdapter(Delivery)


def with_about(rows: pa.Table, delivery: Delivery) -> pa.Table:
    """The rows of a delivery, with what it is in the schema's metadata."""
    about = {_ABOUT: json.dumps(asdict(delivery)).encode()}
    return rows.replace_schema_metadata(about)


def about_of(metadata: Mapping[bytes, bytes] | None) -> Delivery:
    """The delivery that the metadata of its rows describes.

    Raises:
        ValueError: There is none, or not as this project writes it.
    """
    return _DELIVERY.validate_json((metadata or {}).get(_ABOUT, b""))


def as_json(record: Answer | Closed) -> bytes:
    """A record as a line of JSON."""
    # With spaces, by which `kedro forget` finds an id that is a number.
    return json.dumps(asdict(record)).encode() + b"\n"


def texts(values: Any) -> pa.Array:  # noqa: ANN401 - any sequence
    """Values as an array of text, in one chunk."""
    array = values if isinstance(values, pa.ChunkedArray | pa.Array) else pa.array(values)
    cast = array.cast(pa.string())
    return cast.combine_chunks() if isinstance(cast, pa.ChunkedArray) else cast
