"""What the commands `campaign deliver` and `campaign log` do and tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.delivery.bodies import unsafe_ids
from customer_segmentation.delivery.consents import agreed_customers, all_statements
from customer_segmentation.delivery.deliver import Sending, Tell, Wanted
from customer_segmentation.delivery.eligible import EligibleCustomers
from customer_segmentation.delivery.files import FileReceiver
from customer_segmentation.delivery.log import SendLog
from customer_segmentation.delivery.plan import (
    GOLD,
    PLAN,
    SILVER,
    SUMMARY,
    Planned,
    planned,
    standing,
    with_emails,
)
from customer_segmentation.delivery.receivers import Receiver, receiver_of
from customer_segmentation.delivery.records import OfferTerms, State, Terms, texts
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema

CONSENTS = "consents"
_REASONS = 3


@dataclass(frozen=True)
class Place:
    """An environment, as a delivery sees it.

    Attributes:
        name: Its name.
        catalog: Its catalog.
        schema: What its customers are.
        log: Where its send log is.
        require_held: Raises where another command has taken it over.
    """

    name: str
    catalog: Any
    schema: Schema
    log: str
    require_held: Callable[[], None]


def day_of(text: str | None) -> date:
    """The day of a delivery, today's by default.

    Raises:
        UserError: It is no day, or one of the future, whose withdrawals nobody knows.
    """
    today = datetime.now(UTC).date()
    if text is None:
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"--on {text}: write a day as 2026-11-28") from error
    if day > today:
        raise UserError(f"--on {text}: who will have withdrawn by then is not known today")
    return day


def deliver(place: Place, to: str, on: str | None, tell: Tell) -> None:
    """Send the planned campaign to a receiver, and tell what became of it.

    The lock of the environment must be held.

    Args:
        place: Where the plan is.
        to: The receiver's address.
        on: The day; today by default.
        tell: Prints a line.

    Raises:
        UserError: There is no plan, or the receiver has not taken everything.
    """
    day, receiver = day_of(on), receiver_of(to, tell)
    for name in (GOLD, SILVER, SUMMARY):
        if not place.catalog.exists(name):
            raise UserError(f"{name} is not there yet: run {PLAN} --env={place.name}")
    parameters = CampaignParameters.model_validate(place.catalog.load(SUMMARY)["parameters"])
    plan = planned(place.catalog.load(GOLD), parameters)
    silver = place.catalog.load(SILVER)
    customers = standing(silver, place.schema)
    statements = all_statements(place.catalog.load(CONSENTS), silver, place.schema)
    agreed = agreed_customers(statements, texts(customers.rows[KEY]), parameters, day)
    labels = {name: one.label for name, one in place.schema.campaigns.consent.items()}
    eligible = EligibleCustomers.of(customers, agreed, labels)
    wanted = Wanted(
        plan.campaign,
        day.isoformat(),
        with_emails(eligible.kept(plan.members), customers),
        with_emails(eligible.kept(plan.held_out), customers),
        Terms(
            parameters.currency,
            parameters.hold_out,
            {name: OfferTerms(one.cost, one.value) for name, one in parameters.offers.items()},
        ),
    )
    for line in _about(plan, eligible, day):
        tell(line)
    sending = Sending(SendLog(place.log), receiver, eligible, place.require_held, tell)
    for line in _told(sending.deliver(wanted), wanted, receiver):
        tell(line)


def log_lines(log: SendLog) -> Iterator[str]:
    """Each delivery in a line, the oldest first, and what came of it."""
    states = log.states()
    if not states:
        yield f"{log.place}: nothing was delivered yet"
    for state in states:
        one = state.delivery
        counts = f"{one.entered:,} entered, {one.changed:,} changed, {one.left:,} left"
        named = f"{one.number:>4}  {one.day}  {one.campaign} to {one.receiver}"
        yield f"{named}: {counts}; {_end(state)}"


def _about(plan: Planned, eligible: EligibleCustomers, day: date) -> Iterator[str]:
    """Who of the plan may not be contacted any more, and of which day it is."""
    if eligible.as_of > plan.as_of:
        yield (
            f"Warning: the plan is of the customers of {plan.as_of}, and there are those of "
            f"{eligible.as_of}: {PLAN} plans anew"
        )
    for rows, what in (
        (plan.members, "Planned, and not sent"),
        (plan.held_out, "To be held out, and not recorded"),
    ):
        if reasons := eligible.reasons(rows):
            told = ", ".join(f"{count:,} {why}" for why, count in reasons.items())
            yield f"{what} as of {day}: {told}"


def _told(states: list[State], wanted: Wanted, receiver: Receiver) -> Iterator[str]:
    if not states:
        yield (
            f"{wanted.campaign} to {receiver.name}: it has all {len(wanted.members):,} members as "
            "they are to be; nothing was sent"
        )
    for state in states:
        one = state.delivery
        yield (
            f"{one.campaign} to {one.receiver}, of {one.day}: {one.entered:,} entered, "
            f"{one.changed:,} changed, {one.left:,} left; {_end(state)}"
        )
        if one.held_out:
            yield f"Held out, recorded and never sent: {one.held_out:,}"
        if reasons := _rejected(state):
            total = sum(reasons.values())
            most = "; ".join(f"{why} ({n:,})" for why, n in reasons.most_common(_REASONS))
            yield f"Rejected, and sent again by the next delivery: {total:,}: {most}"
        if withheld := sum(len(answer.withheld) for answer in state.answers.values()):
            yield f"Begun earlier, and left out since they may not be contacted: {withheld:,}"
    if isinstance(receiver, FileReceiver) and (odd := unsafe_ids(wanted.members)):
        yield f"Warning: {odd:,} ids begin as a formula does, and are written with ' before them"


def _end(state: State) -> str:
    parts = f"{len(state.answers)} of {state.delivery.batches} parts"
    if state.closed:
        return f"refused with {parts} taken: it {state.closed.reason}"
    if state.open:
        return f"cut short with {parts} taken: deliver again to go on"
    rejected = sum(_rejected(state).values())
    return f"all taken but {rejected:,} rejected" if rejected else "all taken"


def _rejected(state: State) -> Counter[str]:
    return Counter(one.reason for a in state.answers.values() for one in a.rejected)
