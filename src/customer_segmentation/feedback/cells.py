"""Cells of outcomes that are no numbers: moments and revisions."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DIGITS = re.compile(r"[0-9]{1,9}")
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def moment(text: str) -> str | None:
    """A day or a moment as UTC that sorts as text; None if it is neither."""
    try:
        found = datetime.fromisoformat(text)
        # Beyond the years that there are, once it is in UTC.
        at = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at.strftime(_FORMAT) if at.year > 999 else None  # noqa: PLR2004 - of four digits


def revision(text: str) -> int | None:
    """A revision; 0 where nothing is said, None if it is no whole number."""
    return int(text or 0) if _DIGITS.fullmatch(text or "0") else None
