"""One change of the state: what it comes to, and the moment when it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import polars as pl

from customer_segmentation.schema.parts import KEY

# Whether a customer's data is other than when the last answer was given.
IS_CHANGED = "is_changed"
# What the state keeps of an answer.
ANSWERED = ("segment", "segment_name", "segment_id", "artifact_version")


@dataclass
class Step:
    """What some events, or a day, change. Used with `with`: kept at its end, if nothing was raised.

    Attributes:
        number: Of the change: one more than of the last that was kept.
        customers: As in `silver_customers`: all whose data changed and who are customers.
        gone: Keys of those whose data changed and who are none, or no more.
        before: Of all these, the last answers: key, `ANSWERED` and `IS_CHANGED`.
        rejected: Events that count for nothing: key, `reasons` and their positions.
        repeats: Events that say what is known.
        replaced: Events that came after a later version.
        waiting: Events of a coming day, which count from then on.
        outside: Events older than the window; they are among the rejected, too.
        notes: What a person should know once, in sentences.
    """

    number: int
    customers: pl.DataFrame
    gone: list[str]
    before: pl.DataFrame
    rejected: pl.DataFrame
    repeats: int = 0
    replaced: int = 0
    waiting: int = 0
    outside: int = 0
    notes: list[str] = field(default_factory=list)
    keep: Callable[[Mapping[str, tuple[object, ...]]], None] = lambda _: None
    _answers: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def set_answers(self, answers: pl.DataFrame) -> None:
        """Keep these answers with the customers: their key and `ANSWERED` are read."""
        rows = answers.select(KEY, *ANSWERED).iter_rows()
        self._answers = {key: tuple(answer) for key, *answer in rows}

    def __enter__(self) -> Self:
        """The same step."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Keep it, unless something was raised."""
        if kind is None:
            self.keep(self._answers)
