"""What is told of a year: figures and events of each month, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

# What happened in a month, in the order in which it does.
Kind = Literal["drift", "departure", "alert", "retrained", "tried", "refused", "promoted"]
# Profit from this month after the turn on is held against the oracle's.
SETTLED = 2


@dataclass(frozen=True)
class Event:
    """Something that the system noticed or did.

    Attributes:
        kind: What it was.
        told: In a sentence.
    """

    kind: Kind
    told: str


@dataclass(frozen=True)
class Told:
    """A month.

    Attributes:
        number: From 1.
        day: Of its customers, in ISO format.
        loop: What the campaigns brought, by the true probabilities: as they were sent.
        without: The same of those that the first champion would have sent.
        oracle: The same of those that the market itself would have sent.
        contacts: How many were sent.
        explored: How many of them did not pay, as far as was known.
        answers: How many answered.
        expected: How many should have, by the champion.
        drift: Input -> its population stability index against what the first champion learned from.
        events: What happened.
        requests: Answered by the server.
    """

    number: int
    day: str
    loop: float
    without: float
    oracle: float
    contacts: int
    explored: int
    answers: int
    expected: float
    drift: Mapping[str, float] = field(default_factory=dict)
    events: Sequence[Event] = ()
    requests: int = 0

    def added(self, other: Self) -> Self:
        """The figures of two campaigns of a month, and the events of both."""
        summed = ("loop", "without", "oracle", "contacts", "explored", "answers", "expected")
        both = {name: getattr(self, name) + getattr(other, name) for name in summed}
        return replace(self, **both, events=(*self.events, *other.events))


@dataclass(frozen=True)
class Story:
    """A year.

    Attributes:
        customers: In each month.
        turn: The first month in which others answer.
        cost: Of a contact.
        value: Of an answer.
        exploration: The share of those who do not pay that is contacted all the same.
        months: In order.
        seconds: How long it took to play; 0 if that is not told.
    """

    customers: int
    turn: int
    cost: float
    value: float
    exploration: float
    months: tuple[Told, ...]
    seconds: float = 0.0

    def share(self, of: Literal["loop", "without"], since: int = 1) -> float:
        """What a list brought from a month on, as a share of what the oracle's did."""
        months = [one for one in self.months if one.number >= since]
        return float(sum(getattr(one, of) for one in months) / sum(one.oracle for one in months))

    @property
    def settled(self) -> int:
        """The first month that the loop had time to follow the turn for."""
        return self.turn + SETTLED

    def stated(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> Self:
        """From JSON."""
        months = tuple(
            Told(**{**month, "events": tuple(Event(**event) for event in month["events"])})
            for month in stated["months"]
        )
        return cls(**{**stated, "months": months})
