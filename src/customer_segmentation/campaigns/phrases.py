"""Numbers and names as what campaigns say has them."""

from __future__ import annotations

SPACE = "\N{NO-BREAK SPACE}"


def count(number: float) -> str:
    """A whole number with its thousands apart; never a minus before 0."""
    return f"{round(number) + 0:,}"


def spoken(name: str) -> str:
    """A machine's name with spaces."""
    return name.replace("_", " ")


def capitalised(text: str) -> str:
    """The first letter large, the rest untouched."""
    return text[:1].upper() + text[1:]


def plain(text: str) -> str:
    """The same for a terminal."""
    return text.replace(SPACE, " ")
