"""The language of rules: `spend_total >= 500 and product = "wines" and not income is missing`.

    rule       := and-part { "or" and-part }
    and-part   := not-part { "and" not-part }
    not-part   := "not" not-part | "(" rule ")" | comparison
    comparison := name (= != < <= > >=) value | name "in" "(" value { "," value } ")"
                | name "is" ["not"] "missing"
    value      := number | day as 2014-06-30 | text in quotes, a quote within it doubled

A comparison with a missing value is neither true nor false, and so is its `not`: such a customer
is in neither. `is missing` tells them. SQL's three-valued logic is the same on every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from customer_segmentation.audiences.fields import Field
from customer_segmentation.audiences.tokens import (
    LONGEST_SHOWN,
    RuleError,
    Token,
    shown,
    tokens_of,
    wrong,
)
from customer_segmentation.audiences.values import Value, value_of

LONGEST = 2_000
_DEEPEST, _MOST = 40, 100
_OPERATORS = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "\u2260": "!=", "<": "<", ">": ">"}
_OPERATORS |= {"<=": "<=", "\u2264": "<=", ">=": ">=", "\u2265": ">="}
_KEYWORDS = ("and", "or", "not", "in", "is", "missing")


@dataclass(frozen=True)
class Comparison:
    """A field against a value, or several with `in`."""

    field: Field
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Missing:
    """Whether a field's value is missing."""

    field: Field


@dataclass(frozen=True)
class Not:
    """The opposite of a part; what is unknown stays unknown."""

    part: Part


@dataclass(frozen=True)
class Joined:
    """Several parts, joined by `and` or `or`."""

    by: str
    parts: tuple[Part, ...]


Part = Comparison | Missing | Not | Joined


def parse_rule(text: str, fields: Mapping[str, Field]) -> Part | None:
    """A rule as a tree; None for an empty text, which everybody keeps.

    Args:
        text: As a person typed it.
        fields: What it may name.

    Raises:
        RuleError: It is no rule, or names something else; says what, where and what is nearest.
    """
    if len(text) > LONGEST:
        raise RuleError(f"is longer than {LONGEST} characters: use in (..., ...) or fewer parts")
    if not text.strip():
        return None
    return _Parser(text, fields).whole()


def fields_in(part: Part | None) -> dict[str, Field]:
    """The fields that a rule names."""
    if part is None:
        return {}
    if isinstance(part, Not):
        return fields_in(part.part)
    if isinstance(part, Joined):
        return {name: each for one in part.parts for name, each in fields_in(one).items()}
    return {part.field.name: part.field}


class _Parser:
    """Reads tokens from left to right."""

    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self._text, self._fields = text, fields
        self._tokens = [*tokens_of(text)]
        self._next = self._depth = self._comparisons = 0

    def whole(self) -> Part:
        part = self._rule()
        if (left := self._peek()).kind != "end":
            hint = (
                "write a number without commas" if left.text == "," else "`and` or `or` comes here"
            )
            raise wrong(left, f"{hint}, and not {shown(left)}")
        return part

    def _rule(self) -> Part:
        return self._joined("or", lambda: self._joined("and", self._negated))

    def _joined(self, word: str, read: Callable[[], Part]) -> Part:
        parts = [read()]
        while self._takes(word):
            parts.append(read())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _negated(self) -> Part:
        start = self._peek()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise wrong(start, f"more than {_DEEPEST} brackets and nots within each other")
        if self._takes("not"):
            part: Part = Not(self._negated())
        elif self._takes("("):
            part = self._rule()
            if not self._takes(")"):
                raise wrong(self._peek(), f"the bracket of character {start.place} is not closed")
        else:
            part = self._comparison()
        self._depth -= 1
        return part

    def _comparison(self) -> Part:
        self._comparisons += 1
        token = self._take()
        if self._comparisons > _MOST:
            raise wrong(token, f"more than {_MOST} comparisons")
        field = self._field(token)
        if self._takes("is"):
            is_negated = self._takes("not")
            if not self._takes("missing"):
                raise wrong(self._peek(), f"write {field.name} is missing, or is not missing")
            return Not(Missing(field)) if is_negated else Missing(field)
        if self._takes("in"):
            return Comparison(field, "in", self._list(field))
        sign = self._take()
        if sign.text not in _OPERATORS:
            raise wrong(sign, f"after {field.name} comes = != < <= > >=, in or is missing")
        operator = _OPERATORS[sign.text]
        if field.kind in {"text", "code"} and operator not in {"=", "!="}:
            raise wrong(sign, f"{field.name} is no number: compare it by = or !=, or with in")
        return Comparison(field, operator, (self._value(field),))

    def _list(self, field: Field) -> tuple[Value, ...]:
        if not self._takes("("):
            raise wrong(self._peek(), f"write {field.name} in (..., ...)")
        values = [self._value(field)]
        while self._takes(","):
            values.append(self._value(field))
        if not self._takes(")"):
            raise wrong(self._peek(), "the list is not closed: `,` or `)` comes here")
        return tuple(values)

    def _field(self, token: Token) -> Field:
        if token.kind != "word" or token.text.lower() in _KEYWORDS:
            told = "the rule ends" if token.kind == "end" else f"{shown(token)} is"
            raise wrong(
                token, f"{told} where the name of a field comes, such as {next(iter(self._fields))}"
            )
        if token.text == "segment":
            raise wrong(token, "segments are chosen beside the rule, and not in it")
        name = next((n for n in (token.text, token.text.lower()) if n in self._fields), None)
        if name is None:
            raise wrong(token, f"{shown(token)} is not known: {self._nearest(token.text)}")
        return self._fields[name]

    def _nearest(self, text: str) -> str:
        """The name or label that is most like what was written."""
        by_label = {each.label.lower(): name for name, each in self._fields.items()}
        near = get_close_matches(text[:LONGEST_SHOWN].lower(), [*self._fields, *by_label], n=1)
        return (
            f"did you mean {by_label.get(near[0], near[0])}?" if near else "see the list of fields"
        )

    def _value(self, field: Field) -> Value:
        token = self._take()
        if token.kind == "word" and token.text in self._fields and token.text not in field.values:
            raise wrong(token, "two fields cannot be compared: give a value")
        return value_of(token, field)

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next += token.kind != "end"
        return token

    def _takes(self, text: str) -> bool:
        """Take the next word or sign, if it is this one."""
        token = self._peek()
        if token.kind not in {"word", "sign"} or token.text.lower() != text:
            return False
        self._next += 1
        return True
