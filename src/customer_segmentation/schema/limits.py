"""What a value of a column may be, and what is said of one that is something else.

Tables, files, records of the API and rows of MLflow's protocol are held against the same limits and
refused in the same words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from customer_segmentation.schema.parts import Column

LACKING = "missing"
NO_NUMBER = "not a number"
NOT_FINITE = "not finite"
NOT_WHOLE = "not a whole number"
NO_DATE = "not a date"
NO_CATEGORY = "unknown category"
NO_EMAIL = "not an e-mail address"


@dataclass(frozen=True)
class Limit:
    """The smallest and the largest allowed value, and what is wrong with any other."""

    problem: str
    minimum: float = -math.inf
    maximum: float = math.inf


def limits_of(column: Column, as_of: date | None) -> list[Limit]:
    """The limits of a number, or of a day as `day_number` numbers it.

    Args:
        column: Of numbers or dates.
        as_of: The snapshot's day; None where each row has its own: then the words hold for all,
            and what depends on the day has no ends.
    """
    if column.kind == "date":
        until = as_of or "the snapshot's day"
        ends = day_number(column.earliest or date.min), day_number(as_of) if as_of else math.inf
        return [Limit(f"outside {column.earliest} to {until}", *ends)]
    limits = []
    if column.age:
        youngest, oldest = column.age
        ends = (as_of.year - oldest, as_of.year - youngest) if as_of else (-math.inf, math.inf)
        limits.append(Limit(f"age outside {youngest} to {oldest}", *map(float, ends)))
    if (minimum := column.minimum) is not None:
        limits.append(Limit(f"below {minimum:.15g}" if minimum else "negative", minimum=minimum))
    if (maximum := column.maximum) is not None:
        limits.append(Limit(f"above {maximum:.15g}", maximum=maximum))
    return limits


def range_of(column: Column, as_of: date) -> tuple[float, float]:
    """The minimum and maximum of a column of numbers, both allowed."""
    limits = limits_of(column, as_of)
    minimum = max((limit.minimum for limit in limits), default=-math.inf)
    return minimum, min((limit.maximum for limit in limits), default=math.inf)


def day_number(day: date) -> float:
    """Year, month and day in eight digits, which order days as the calendar does."""
    return float(f"{day:%Y%m%d}")
