"""What the columns of an unknown file seem to hold, and what a person says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

import numpy as np

from customer_segmentation.proposal.words import WORDS, about, names_something
from customer_segmentation.schema.numbers import NumberSigns
from customer_segmentation.schema.parts import ColumnKind

if TYPE_CHECKING:
    import pyarrow as pa

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
# Share of rows whose customer stands on another row, too, from which rows are no customers.
_OFTEN = 0.2
# The first note of a column whose kind a person gave.
SAID = "as you said"
# Configuration takes it for the name of another value.
REFERENCE = "${"
# As a unit: that of all money in the file.
MONEY = "money"
# Kinds that a person may give to a column.
KINDS: tuple[str, ...] = get_args(ColumnKind)
NUMERIC = frozenset({"money", "count", "number", "share"})


@dataclass(frozen=True)
class Corrections:
    """What a person knows better.

    Attributes:
        kinds: Header -> kind, as a schema names it; `text` is not read.
        key: The header of the key.
        as_of: The snapshot's day, as YYYY-MM-DD.
        date_format: Of the file's dates, such as %d/%m/%Y.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    as_of: str = ""
    date_format: str = ""


@dataclass(frozen=True)
class Seen:
    """What a column seems to hold.

    Attributes:
        header: As sent, without spaces around it.
        words: Of the header, in lower case, without its unit.
        kind: As a schema names it; `text` for what is not read.
        sure: The share of its cells that are of this kind.
        missing: The share without a value.
        unit: Of its numbers; '' for the kind's.
        values: The categories as spelled, most frequent first.
        commonest: The share of its most frequent value.
        is_coded: Whether -1 or the like stands for something that is no number.
        is_float: Of the key: whether its whole numbers have a fraction, such as 12345.0.
        date_format: Of its dates.
        first_day: The earliest of them.
        last_day: The latest.
        late_day: The first of the latest 2 %.
        notes: What a person should know.
        question: What only a person can answer; '' if nothing.
    """

    header: str
    words: tuple[str, ...]
    kind: str = "text"
    sure: float = 1.0
    missing: float = 0.0
    unit: str = ""
    values: tuple[str, ...] = ()
    commonest: float = 0.0
    is_coded: bool = False
    is_float: bool = False
    date_format: str = ""
    first_day: str = ""
    last_day: str = ""
    late_day: str = ""
    notes: tuple[str, ...] = ()
    question: str = ""

    def has(self, topic: str) -> bool:
        """Whether its header has a word of a topic."""
        return about(self.words, topic)

    @property
    def lost(self) -> float:
        """The share of rows without a value of its kind."""
        return 1.0 - (1.0 - self.missing) * self.sure

    @property
    def is_outcome(self) -> bool:
        """Whether it seems to be an answer to a campaign, or what came of a customer."""
        is_answer = self.kind == "flag" or (self.kind == "category" and len(self.values) <= 3)  # noqa: PLR2004 - yes, no and unknown
        return self.has("outcome") or (
            is_answer and bool(self.words) and {*self.words} <= WORDS["answer"]
        )


@dataclass(frozen=True)
class SeenTable:
    """What a file seems to hold.

    Attributes:
        rows: How many.
        columns: In the file's order.
        signs: How its numbers are written.
        key: The header of the key; '' if there is none.
        repeated: Header of what may name a customer -> share of rows that have another's.
        floats: Headers of columns with whole numbers such as 12345.0.
        texts: Header -> its cells without spaces around them, of the first rows.
        numbers: Header -> its numbers, or its days, NaN where there is none.
        copies: Header -> the header that says the same.
        missing_values: What stands for no value, if not what a schema takes for it anyway.
        question: About the signs of numbers; '' if none.
    """

    rows: int
    columns: tuple[Seen, ...]
    signs: NumberSigns
    key: str
    repeated: Mapping[str, float] = field(default_factory=dict)
    floats: frozenset[str] = frozenset()
    texts: Mapping[str, pa.ChunkedArray] = field(default_factory=dict)
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    missing_values: tuple[str, ...] = ()
    question: str = ""

    @property
    def on_several_rows(self) -> str:
        """The header of an id of customers that stands on several rows; '' if there is none."""
        named = (
            c
            for c in self.columns
            if (c.has("person") and names_something(c.words))
            or (c.kind == "text" and c.words and {*c.words} <= WORDS["person"])
        )
        several = (c.header for c in named if c.notes[:1] != (SAID,) and c.kind != "category")
        return next((h for h in several if self.repeated.get(h, 0.0) > _OFTEN), "")


@dataclass(frozen=True)
class Counted:
    """The cells of a column that have a value: each text with its rows."""

    counts: Counter[str]
    rows: int

    @property
    def known(self) -> int:
        """The number of cells with a value."""
        return sum(self.counts.values())

    def share(self, is_so: Callable[[str], object]) -> float:
        """The share of known cells for which something holds."""
        return sum(n for text, n in self.counts.items() if is_so(text)) / max(self.known, 1)
