"""Bundles that are tried beside a champion, and what became of each.

    challengers/00000001.json, 00000002.json, ...    the last one says what is tried, if anything

As for promotions, an entry is the record and the switch at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from customer_segmentation.bundles.bundle import Promotion
from customer_segmentation.bundles.numbered import NumberedLog
from customer_segmentation.errors import UserError

# One-sided: noise alone is more once in twenty times.
_REACH = 1.645

Ending = Literal["promoted", "refused", "dropped"]
BEGUN: Literal["begun"] = "begun"


@dataclass(frozen=True)
class Compared:
    """A challenger's probabilities beside the champion's, for the same contacts.

    Attributes:
        contacts: How many.
        answers: Of them.
        unknown: Contacts for whom the champion knows a probability and the challenger none.
        loss: By how much the challenger's log loss is higher, a contact; None, as the three that
            follow, where it knows a probability for none of them.
        loss_error: The standard error of that.
        profit: By how much less it would have brought to contact whom the challenger chooses, a
            contact, than whom the champion does.
        profit_error: The standard error of that.
        is_out_of_fold: Whether the challenger was learned from these contacts, and each is foretold
            by what was learned without its customer; else they came later.
    """

    contacts: int
    answers: int
    unknown: int
    loss: float | None = None
    loss_error: float | None = None
    profit: float | None = None
    profit_error: float | None = None
    is_out_of_fold: bool = False

    @property
    def worse_loss(self) -> float | None:
        """How much higher the log loss is than by chance; below 0 where that may be chance."""
        return _beyond_chance(self.loss, self.loss_error)

    @property
    def worse_profit(self) -> float | None:
        """How much less it would have brought than by chance; below 0 where that may be chance."""
        return _beyond_chance(self.profit, self.profit_error)


def _beyond_chance(value: float | None, error: float | None) -> float | None:
    return None if value is None or error is None else value - _REACH * error


@dataclass(frozen=True, kw_only=True)
class Challenger:
    """One entry of the log.

    Attributes:
        bundle: The id of the bundle.
        champion: The id of the bundle that it is compared with.
        promotion: The number, in the log of promotions, of the entry that made that the champion.
        event: `begun`, from which on the bundle is tried, or how that ended.
        number: Its place in the log, from 1.
        at: UTC time in ISO format.
        by: Who ran the command.
        why: What had it learned: `drift`, `calibration`, `schedule`, `by hand` or `below`, if it
            comes from the environment below.
        reason: The same in words; of an end, why it ended.
        agreement: The share of the customers here whose segment has the same key by both; None
            where it was not measured.
        compared: Its response model beside the champion's, on the contacts that it was learned
            from, out of fold; None where there are none that the champion was not learned from.
        run_id: Of the run that learned it, or judged it.
    """

    bundle: str
    champion: str
    promotion: int
    event: Literal["begun", "promoted", "refused", "dropped"] = BEGUN
    number: int = 0
    at: str = ""
    by: str = ""
    why: str = ""
    reason: str = ""
    agreement: float | None = None
    compared: Compared | None = None
    run_id: str = ""

    @property
    def since(self) -> str:
        """Since when it is tried, if that has not ended."""
        return self.at


class Challengers:
    """Which bundle is tried beside the champion.

    Args:
        log: Of the environment.
    """

    def __init__(self, log: NumberedLog[Challenger]) -> None:
        self._log = log

    def all(self) -> list[Challenger]:
        """Every entry, the oldest first.

        Raises:
            UserError: One is not as this project writes it.
        """
        return self._log.all()

    def current(self, live: Promotion | None) -> Challenger | None:
        """What is tried; None if nothing is.

        It is over once there is a later promotion than of the champion that it is compared with: a
        promotion of its own needs no second entry, which a kill could keep from being written.

        Args:
            live: The champion's entry in the log of promotions.

        Raises:
            UserError: An entry is not as this project writes it.
        """
        last = self._log.last()
        if last is None or last.event != BEGUN or live is None:
            return None
        return last if live.number == last.promotion else None

    def begin(self, entry: Challenger) -> Challenger:
        """Try a bundle, in place of any other; gives the entry with its number and time.

        Raises:
            UserError: It is the champion, or somebody else began or ended one: nothing has changed.
        """
        if entry.bundle == entry.champion:
            raise UserError(f"bundle {entry.bundle} is the champion already: it is not tried")
        return self._append(replace(entry, event=BEGUN), self._log.last())

    def end(
        self, event: Ending, *, by: str, reason: str, run_id: str = "", number: int | None = None
    ) -> Challenger | None:
        """Try nothing any longer; None if nothing was tried.

        Args:
            event: How it ended.
            by: Who ran the command.
            reason: Why.
            run_id: Of the run that judged it.
            number: Of the entry that began what ended; another that was begun since goes on.

        Raises:
            UserError: Somebody else began or ended one meanwhile: nothing has changed.
        """
        last = self._log.last()
        if last is None or last.event != BEGUN or number not in {None, last.number}:
            return None
        ended = replace(last, event=event, by=by, reason=reason, run_id=run_id)
        return self._append(ended, last)

    def _append(self, entry: Challenger, before: Challenger | None) -> Challenger:
        written = self._log.append(entry, before)
        if written is None:
            raise UserError(
                "meanwhile somebody else changed which bundle is tried. Nothing was changed: see "
                "kedro challenger, and run again"
            )
        return written
