"""Send a campaign's list to a receiver, each part of it once, whatever happens in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.delivery.assignments import assigned_before, received
from customer_segmentation.delivery.difference import difference, in_batches
from customer_segmentation.delivery.log import SendLog, now
from customer_segmentation.delivery.receivers import TOKEN, Receiver
from customer_segmentation.delivery.records import (
    CHANGED,
    ENTERED,
    FORMAT,
    LEFT,
    Answer,
    Delivery,
    Rejected,
    State,
    Terms,
    Withheld,
    texts,
)
from customer_segmentation.delivery.refused import RefusedError
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY

# Rows in a part: an answer is waited for behind each.
BATCH = 5_000
_TOKEN_BYTES = 8

Tell = Callable[[str], None]


class Eligible(Protocol):
    """Who may be contacted on the day of a delivery."""

    def may_be_contacted(self, ids: pa.Array, purposes: pa.Array) -> pa.Array:
        """Whether each of these customers may, each for a purpose; '' needs no consent."""


@dataclass(frozen=True)
class Wanted:
    """Whom a campaign contacts, and whom it holds out, on a day.

    Attributes:
        campaign: Its name.
        day: In ISO format.
        members: customer_id, offer, channel, email_sha256, segment, purpose of whom it contacts.
        held_out: The same columns of whom it would contact and does not, to compare with.
        terms: What it was planned with.
    """

    campaign: str
    day: str
    members: pa.Table
    held_out: pa.Table
    terms: Terms


@dataclass(frozen=True)
class Sending:
    """How a delivery is done.

    Attributes:
        log: The environment's.
        receiver: Where it goes.
        eligible: Who may be contacted today.
        require_held: Raises where another command has taken the environment over.
        tell: Prints a line.
        batch: Rows in a part, at most.
    """

    log: SendLog
    receiver: Receiver
    eligible: Eligible
    require_held: Callable[[], None]
    tell: Tell
    batch: int = BATCH

    def deliver(self, wanted: Wanted) -> list[State]:
        """Finish what is open at the receiver, and send what it lacks; returns what was sent.

        Raises:
            UserError: The receiver did not take everything; what it took is recorded.
        """
        done = [self._rest(state, is_again=True) for state in self._open()]
        begun = self._begun(wanted)
        return [*done, self._rest(begun, is_again=False)] if begun else done

    def _open(self) -> list[State]:
        states = [one for one in self.log.states() if one.delivery.receiver == self.receiver.name]
        return [one for one in states if one.open]

    def _begun(self, wanted: Wanted) -> State | None:
        """The delivery of what differs, written down; None if nothing does."""
        contacted, held_out = assigned_before(self.log, wanted.campaign)
        members = without(wanted.members, held_out)
        if stay := len(wanted.members) - len(members):
            self.tell(f"{stay:,} were held out at an earlier delivery, and stay so: not sent")
        new = without(wanted.held_out, pa.concat_arrays([contacted, held_out]))
        is_late = pc.is_in(texts(wanted.held_out[KEY]), value_set=contacted)
        if late := pc.sum(is_late).as_py() or 0:
            self.tell(f"{late:,} are held out by the plan, but were contacted before: not counted")
        rows = difference(members, received(self.log, wanted.campaign, self.receiver.name))
        table, batches = in_batches(rows, new, self.batch)
        if not len(table):
            return None
        counts = Counter(rows["change"].to_pylist())
        delivery = Delivery(
            number=0,
            campaign=wanted.campaign,
            receiver=self.receiver.name,
            day=wanted.day,
            at="",
            token=token_hex(_TOKEN_BYTES),
            batches=batches,
            entered=counts[ENTERED],
            changed=counts[CHANGED],
            left=counts[LEFT],
            held_out=len(new),
            terms=wanted.terms,
        )
        return self.log.begin(delivery, table)

    def _rest(self, state: State, *, is_again: bool) -> State:
        """Send the parts that have no answer yet, in order.

        Args:
            state: The delivery.
            is_again: Whether an earlier command began it, and may have sent its first open part.
        """
        delivery = state.delivery
        if delivery.format != FORMAT:
            raise UserError(
                f"delivery {delivery.number} was begun by another version of this program, which "
                "writes other bytes: finish it with that version"
            )
        if is_again:
            of = f"{delivery.campaign}, of {delivery.day}"
            self.tell(f"Delivery {delivery.number} ({of}) was cut short: the rest of it is sent")
        rows, first = self.log.rows(delivery), next(iter(state.open), 0)
        for batch in state.open:
            part = rows.filter(pc.equal(rows["batch"], batch))
            state = self._sent(state, batch, part, perhaps_sent=is_again and batch == first)
        return state

    def _sent(self, state: State, batch: int, part: pa.Table, *, perhaps_sent: bool) -> State:
        """Send one part and record the answer."""
        self.require_held()
        may = pc.or_(
            pc.equal(part["change"], LEFT),
            self.eligible.may_be_contacted(texts(part[KEY]), texts(part["purpose"])),
        )
        ids = part.filter(pc.invert(may))[KEY].to_pylist()
        withheld = tuple(Withheld(one, perhaps_sent) for one in ids)
        sent, delivery = part.filter(may), state.delivery
        # Nobody may be left of a part, where somebody was forgotten or has withdrawn.
        rejected: Mapping[str, str] = {}
        try:
            if len(sent):
                key = delivery.key(batch)
                rejected = self.receiver.take(key, delivery.campaign, sent)
        except RefusedError as error:
            # What may have arrived stays open, lest it is sent twice under two keys.
            if error.is_final or (error.is_certain and not perhaps_sent):
                state = self.log.close(state, str(error))
            raise UserError(_refused(state, str(error))) from error
        except UserError as error:
            raise UserError(_stopped(state, str(error))) from error
        reasons = tuple(Rejected(*each) for each in sorted(rejected.items()))
        return self.log.answered(state, batch, Answer(now(), reasons, withheld))


def without(rows: pa.Table, ids: pa.Array) -> pa.Table:
    """The rows of all other customers."""
    return rows.filter(pc.invert(pc.is_in(texts(rows[KEY]), value_set=ids)))


def progress(state: State) -> str:
    """How many parts of a delivery have arrived, in words."""
    delivery = state.delivery
    parts = f"{len(state.answers)} of {delivery.batches} part{'s' * (delivery.batches != 1)}"
    return f"{parts} of delivery {delivery.number} ({delivery.campaign})"


def _refused(state: State, words: str) -> str:
    token = f"; check {TOKEN}" if words.startswith(("answered 401", "answered 403")) else ""
    rest = (
        "the rest of it is not sent any more. Mend the cause and run the same command again: what "
        "is missing then is sent anew"
        if state.closed
        else "the next part may have, too. Mend the cause and run the same command again, which "
        "goes on from there and sends nothing twice"
    )
    return (
        f"{state.delivery.receiver} refuses the list: it {words}{token}. {progress(state)} had "
        f"arrived, and {rest}"
    )


def _stopped(state: State, words: str) -> str:
    return (
        f"{words}. {progress(state)} have arrived, and are recorded: run the same command again, "
        "which goes on from there and sends nothing twice"
    )
