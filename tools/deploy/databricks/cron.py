"""Cron as Databricks has it: Quartz's, six fields of which one of the days is a question mark."""

from __future__ import annotations

import re

_ANY = "?"
# Sunday is 0 or 7 in cron, and 1 in Quartz.
_DAYS = 7


def quartz(cron: str) -> str:
    """The Quartz expression of five fields, with seconds in front.

    Raises:
        ValueError: Both the day of the month and of the week are given, which Quartz refuses.
    """
    minute, hour, day, month, weekday = cron.split(" ")
    if "*" not in {day, weekday}:
        raise ValueError(f"{cron}: give a day of the month or of the week, not both")
    if weekday == "*":
        weekday = _ANY
    else:
        day, weekday = _ANY, re.sub(r"(?<![/#\w])\d", _shifted, weekday)
    return f"0 {minute} {hour} {day} {month} {weekday}"


def _shifted(found: re.Match[str]) -> str:
    return str(int(found[0]) % _DAYS + 1)
