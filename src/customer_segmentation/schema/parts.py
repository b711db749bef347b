"""What a schema is made of: columns, and features (or decisions) of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from customer_segmentation.schema.operations import Values

# How a column is read and stored.
Kind = Literal["key", "number", "date", "category", "text"]
# What a column holds, as a schema says it.
ColumnKind = Literal[
    "key", "money", "count", "share", "number", "year", "date", "flag", "category", "text", "email"
]
Meaning = Literal[ColumnKind, "feature"]

KEY = "customer_id"
AS_OF = "as_of"
SAMPLE_KEY = "sample_key"
# What a feature is called as the segmenter sees it.
STANDARDISED = "_standardised"
# A ratio may be above 1.
SHARE, FLAG = "share of 1", "0 or 1"


@dataclass(frozen=True)
class Column:
    """A column: how it is read, the values it may hold, and how to describe it.

    `minimum` and `maximum` are inclusive; `categories` are in the order of their codes; `label` is
    its name within a sentence, in lower case. An `outcome` is a response to a campaign and is never
    used for the segments.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False
    categories: tuple[str, ...] = ()
    outcome: bool = False
    label: str = ""
    meaning: Meaning = "number"
    personal: bool = False
    changeable: bool = False
    from_purchases: bool = False
    at_sign_up: bool = False
    # Of a year: the fewest and the most years between it and the snapshot's.
    age: tuple[int, int] | None = None
    # Of a date: the first allowed day; the last is the snapshot's.
    earliest: date | None = None
    # Of a category: the value of every spelling that is not listed, if any.
    other: str = ""

    @property
    def is_flag(self) -> bool:
        """Whether its values are 0 and 1, for no and yes."""
        return self.meaning == "flag"

    @property
    def is_email(self) -> bool:
        """Whether it is an address, of which tables keep the SHA-256 alone."""
        return self.meaning == "email"

    @property
    def is_never_negative(self) -> bool:
        """Whether no value is below 0."""
        return self.minimum is not None and self.minimum >= 0.0


@dataclass(frozen=True)
class Numbers:
    """A list of learned numbers: its minimum and maximum length, and the bound all exceed."""

    count: int
    max_count: int = 0
    above: float = -math.inf


@dataclass(frozen=True)
class Feature:
    """A feature's (or a decision's) function, its inputs by name, and how to describe it.

    `label` is what people call it, in lower case as in a sentence; `labels` are what the codes of a
    decision mean, in their order. `lists` are those of its keyword parameters that are no single
    numbers.
    """

    name: str
    function: Callable[..., Values]
    inputs: tuple[str, ...]
    label: str
    description: str
    unit: str
    labels: tuple[str, ...] = ()
    lists: Mapping[str, Numbers] = field(default_factory=dict)
    is_never_negative: bool = False
    # The column whose value it is a flag of.
    of_category: str = ""
    # A formula may name a feature as it may name a column.
    kind: str = "feature"
    categories: tuple[str, ...] = ()
