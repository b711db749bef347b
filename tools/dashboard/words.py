"""Numbers, names and times as the page has them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from customer_segmentation.campaigns.phrases import count
from customer_segmentation.pipelines.reporting.phrases import (
    amount,
    capitalised,
    listed,
    percent,
    printable,
    score,
    spoken,
)

__all__ = ["NONE", "amount", "capitalised", "count", "listed", "percent", "printable", "score"]
# Where there is no value.
NONE = "\N{EN DASH}"
_HOURS = 48.0


def label(name: str | None) -> str:
    """A machine's name for people; empty is none."""
    return capitalised(spoken(printable(name))) if name else "None"


def customers(number: int) -> str:
    """So many customers."""
    return f"{count(number)} {'customer' if number == 1 else 'customers'}"


def day(value: date | datetime | None) -> str:
    """A day as people write it: 30 June 2014."""
    return f"{value.day} {value:%B %Y}" if value else NONE


def moment(text: str | None) -> datetime | None:
    """A moment that a run recorded, UTC."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def ago(then: datetime, now: datetime) -> str:
    """How long it is since then."""
    hours = (now - then).total_seconds() / 3600.0
    if hours < 1.0:
        return "less than an hour ago"
    if hours < _HOURS:
        return f"{hours:.0f} {'hour' if round(hours) == 1 else 'hours'} ago"
    return f"{hours / 24.0:,.0f} days ago"
