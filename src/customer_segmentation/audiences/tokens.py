"""The words, signs and values of a rule's text, each with its place in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_SHOWN = 40
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<day>\d{4}-\d\d?-\d\d?(?!\w))
    | (?P<number>[-\u2212+]?(?:\d+(?:\.\d+)?|\.\d+)(?![\w.]))
    | (?P<text>"(?:[^"]|"")*"|'(?:[^']|'')*'|\u201c[^\u201d]*\u201d|\u2018[^\u2019]*\u2019)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>==|!=|<>|<=|>=|[=<>\u2260\u2264\u2265(),])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)


class RuleError(ValueError):
    """What is wrong with a rule, and at which of its characters, from 1."""


@dataclass(frozen=True)
class Token:
    """A word, sign or value; `place` counts characters from 1."""

    kind: str
    text: str
    place: int


def tokens_of(text: str) -> list[Token]:
    """The tokens of a rule; the last is its end.

    Raises:
        RuleError: A character cannot stand where it is.
    """
    tokens: list[Token] = []
    place = 0
    while not tokens or tokens[-1].kind != "end":
        match = _TOKEN.match(text, place)
        if not match or match.lastgroup is None:
            rest = text[place:]
            place += len(rest) - len(rest.lstrip()) + 1
            sign = text[place - 1]
            quote = (
                ": the quote is not closed" if sign in "\"'\u201c\u2018" else " cannot stand here"
            )
            raise RuleError(f"character {place}: {printable(sign)}{quote}")
        kind = match.lastgroup
        tokens.append(Token(kind, match[kind], match.start(kind) + 1))
        place = match.end()
    return tokens


def wrong(token: Token, told: str) -> RuleError:
    """What is wrong, and where."""
    return RuleError(f"character {token.place}: {told}")


def shown(token: Token) -> str:
    """A token in a message."""
    if token.kind == "end":
        return "the end"
    cut = token.text if len(token.text) <= LONGEST_SHOWN else f"{token.text[:LONGEST_SHOWN]}..."
    return printable(cut)


def printable(text: str) -> str:
    """A text in a message, on one line."""
    return f"`{text}`" if text.isprintable() else ascii(text)
