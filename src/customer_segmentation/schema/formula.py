"""One line of arithmetic over columns, parsed against a white list; nothing is executed.

    deal_share: purchases_deals / purchases_total
    partnered:  is(marital_status, together) + is(marital_status, married)
    age:        as_of.year - year_birth

`+ - * /`, one comparison, `sum`, `min`, `max`, `log`, `where(condition, then, otherwise)` and
`is(category, value)`; of order lines also `starts(text, "C")`. A date is its day in
`later - earlier`, and has a `.year`. A value is missing where one that it needs is missing. A
quotient is the stated value where its divisor is 0, and so is a logarithm of 0 and below.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Protocol

import numpy as np

from customer_segmentation.schema import operations
from customer_segmentation.schema.operations import Values

# `is` is a word of Python's own.
_IS = re.compile(r"\bis\s*\(")
_LONGEST = 2_000
# Names, numbers and operations: engines evaluate an expression by recursion.
_MOST_PARTS = 100
# Steps of an engine, which does what an operation uses twice, such as a divisor, twice.
_MOST_STEPS = 300
_SPLIT = "give a part of it a name, as a feature of its own"
_SHOWN = 80
_OPERATORS = "+ - * /, a comparison, sum, min, max, log, where and is"

# From the values of the inputs by name to the value of the formula.
Compute = Callable[[Mapping[str, Values]], Values]
Compare = Callable[[Values, Values], Values]


class Known(Protocol):
    """What a formula may name."""

    @property
    def kind(self) -> str:
        """number, date, category, key or feature."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The values of a category."""

    @property
    def is_never_negative(self) -> bool:
        """Whether no value is below 0."""


class FormulaError(ValueError):
    """What is wrong with a formula, in words that go on from its place."""


@dataclass(frozen=True)
class Formula:
    """A parsed formula.

    Attributes:
        text: As written.
        inputs: The numeric columns and features that it names, in order.
        is_never_negative: Whether no value can be below 0.
        compute: Gives its values from those of the inputs.
        at_zero: The value of a quotient whose divisor is 0.
    """

    text: str
    inputs: tuple[str, ...]
    is_never_negative: bool
    compute: Compute = field(repr=False, compare=False)
    at_zero: float = 0.0

    def __call__(self, *inputs: Values) -> Values:
        """The values, from those of the inputs in their order."""
        return self.compute(dict(zip(self.inputs, inputs, strict=True)))


@dataclass(frozen=True)
class _Part:
    """A part of a formula: how to compute it, and the inputs that it needs."""

    compute: Compute
    inputs: tuple[str, ...]
    is_never_negative: bool = False
    # A number in the formula itself.
    constant: float | None = None
    steps: int = 1


def parse(text: str, known: Mapping[str, Known], at_zero: float = 0.0) -> Formula:
    """A formula over what is known.

    Args:
        text: One line.
        known: Columns and features by name.
        at_zero: The value of a quotient whose divisor is 0.

    Raises:
        FormulaError: It is no such line, or names something else.
    """
    if len(text) > _LONGEST:
        raise FormulaError(f"is longer than {_LONGEST} characters: {_SPLIT}")
    try:
        tree = tree_of(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(
            f"`{_shortened(text)}` is no line of arithmetic: use {_OPERATORS}"
        ) from error
    if sum(isinstance(node, ast.expr) for node in ast.walk(tree)) > _MOST_PARTS:
        raise FormulaError(f"has more than {_MOST_PARTS} parts: {_SPLIT}")
    part = _Parser(known, at_zero).number(tree)
    if not part.inputs:
        raise FormulaError(f"`{_shortened(text)}` names no column")
    if part.steps > _MOST_STEPS:
        raise FormulaError(f"takes more than {_MOST_STEPS} steps: {_SPLIT}")
    return Formula(text, part.inputs, part.is_never_negative, part.compute, at_zero)


def tree_of(text: str) -> ast.expr:
    """The syntax tree of one line, in which `is` is called `is_`.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: It has none.
    """
    return ast.parse(_IS.sub("is_(", text.strip()), mode="eval").body


def written(node: ast.AST) -> str:
    """A part of a syntax tree, as it was written."""
    return ast.unparse(node).replace("is_(", "is(")


def date_parts(name: str) -> tuple[str, str]:
    """The numeric columns of a date: its year and its day of the year."""
    stem = name.removesuffix("_on")
    return f"{stem}_year", f"{stem}_day"


class _Parser:
    """Turns a syntax tree into a computation."""

    def __init__(self, known: Mapping[str, Known], at_zero: float) -> None:
        self._known = known
        self._at_zero = at_zero

    def number(self, node: ast.expr) -> _Part:  # noqa: PLR0911 - one for each kind of node
        """A part that gives a number a row."""
        if isinstance(node, ast.Constant):
            return _constant(node.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._negative(self.number(node.operand))
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Compare):
            return _indicator(self._condition(node))
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Attribute) and node.attr == "year":
            year, _ = date_parts(self._date(node.value))
            return _column(year, is_never_negative=True)
        if isinstance(node, ast.Name):
            known = self._find(node.id)
            if known.kind not in {"number", "feature"}:
                raise FormulaError(_AS_NUMBER[known.kind].format(node.id))
            return _column(node.id, is_never_negative=known.is_never_negative)
        raise FormulaError(f"`{_shown(node)}` is not allowed: use {_OPERATORS}")

    def _operation(self, node: ast.BinOp) -> _Part:
        if isinstance(node.op, ast.Sub) and self._is_date(node.left) and self._is_date(node.right):
            return _difference(*(_day(self._date(side)) for side in (node.left, node.right)))
        left, right = self.number(node.left), self.number(node.right)
        if isinstance(node.op, ast.Div):
            return self._quotient(left, right)
        combine = _COMBINE.get(type(node.op))
        if not combine:
            raise FormulaError(f"`{_shown(node)}` is not allowed: use {_OPERATORS}")
        are_positive = left.is_never_negative and right.is_never_negative
        return _joined(combine, left, right, positive=are_positive and combine is not operator.sub)

    def _quotient(self, left: _Part, right: _Part) -> _Part:
        are_positive = left.is_never_negative and right.is_never_negative
        if right.constant is not None:
            if abs(right.constant) < operations.NOTHING:
                raise FormulaError("divides by 0, or by almost nothing")
            divisor = right.constant
            return _joined(lambda part, _: part / divisor, left, right, positive=are_positive)
        return _joined(
            lambda part, whole: operations.ratio(
                part, whole, at_zero=self._at_zero, is_positive=right.is_never_negative
            ),
            left,
            right,
            positive=are_positive and self._at_zero >= 0.0,
            uses=(2, 3),
        )

    @staticmethod
    def _negative(part: _Part) -> _Part:
        if part.constant is not None:
            return _constant(-part.constant)
        return _joined(lambda value: 0.0 - value, part)

    def _condition(self, node: ast.Compare) -> tuple[Compare, _Part, _Part]:
        if len(node.ops) > 1 or type(node.ops[0]) not in _COMPARE:
            raise FormulaError(f"`{_shown(node)}`: compare two numbers, by < <= > >= == or !=")
        return (
            _COMPARE[type(node.ops[0])],
            self.number(node.left),
            self.number(node.comparators[0]),
        )

    def _call(self, node: ast.Call) -> _Part:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if node.keywords or name not in _CALLS:
            near = get_close_matches(name, _CALLS, n=1)
            hint = f"did you mean {near[0].strip('_')}?" if near else f"use {_OPERATORS}"
            raise FormulaError(f"`{_shown(node)}` is not allowed: {hint}")
        minimum, maximum, usage = _CALLS[name]
        if not minimum <= len(node.args) <= maximum:
            raise FormulaError(f"`{_shown(node)}`: write {usage}")
        if name == "is_":
            return self._is(*node.args)
        if name == "starts":
            return self._starts(*node.args)
        if name == "where":
            return self._where(*node.args)
        parts = [self.number(argument) for argument in node.args]
        if name == "log":
            return _joined(
                lambda value: operations.log(value, at_zero=self._at_zero), *parts, uses=(5,)
            )
        signs = [part.is_never_negative for part in parts]
        positive = any(signs) if name == "max" else all(signs)
        uses = (1 if name == "sum" else 3,) * len(parts)
        return _joined(_FUNCTIONS[name], *parts, positive=positive, uses=uses)

    def _where(self, test: ast.expr, then: ast.expr, otherwise: ast.expr) -> _Part:
        if not isinstance(test, ast.Compare):
            raise FormulaError(f"`{_shown(test)}` is no comparison: write {_CALLS['where'][2]}")
        compare, left, right = self._condition(test)
        if not left.inputs and not right.inputs:
            raise FormulaError(f"`{_shown(test)}` compares no column")
        chosen, other = self.number(then), self.number(otherwise)

        def choose(left: Values, right: Values, chosen: Values, other: Values) -> Values:
            # The differences keep a missing value missing.
            known = (left - left) + (right - right)
            return operations.where(compare(left, right), chosen, other) + known

        positive = chosen.is_never_negative and other.is_never_negative
        return _joined(choose, left, right, chosen, other, positive=positive, uses=(3, 3, 1, 1))

    def _is(self, category: ast.expr, value: ast.expr) -> _Part:
        name = category.id if isinstance(category, ast.Name) else _shown(category)
        known = self._find(name)
        if known.kind != "category":
            raise FormulaError(f"`{name}` is no category")
        word = value.id if isinstance(value, ast.Name) else getattr(value, "value", None)
        if word not in known.categories:
            near = get_close_matches(str(word), known.categories, n=1)
            hint = f"did you mean {near[0]}?" if near else ", ".join(known.categories)
            raise FormulaError(f"`{name}` has no value {_shown(value)}: {hint}")
        return is_value(name, known.categories.index(word))

    def _starts(self, text: ast.expr, beginning: ast.expr) -> _Part:
        name = written(text)
        if self._find(name).kind != "text":
            raise FormulaError(f"`{name}` is no text")
        sign = beginning.value if isinstance(beginning, ast.Constant) else None
        if not isinstance(sign, str) or not sign:
            raise FormulaError(f"`{_shown(beginning)}`: write {_CALLS['starts'][2]}")
        return _Part(
            lambda values: operations.indicator(values[name].str.starts_with(sign)),
            (name,),
            is_never_negative=True,
        )

    def _is_date(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and self._find(node.id).kind == "date"

    def _date(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Name) or not self._is_date(node):
            raise FormulaError(f"`{_shown(node)}` is no date")
        return node.id

    def _find(self, name: str) -> Known:
        if name in self._known:
            return self._known[name]
        near = get_close_matches(name, self._known, n=1)
        hint = f"did you mean {near[0]}?" if near else "it is no column or earlier feature"
        raise FormulaError(f"`{name}` is not known: {hint}")


def is_value(category: str, code: int) -> _Part:
    """1 where a category has this code, else 0."""
    return _indicator((operator.eq, _column(category), _constant(code)))


def _constant(value: object) -> _Part:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FormulaError(f"`{value}` is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FormulaError("holds a number that is too large")
    return _Part(lambda _: number, (), is_never_negative=number >= 0.0, constant=number)


def _column(name: str, *, is_never_negative: bool = False) -> _Part:
    return _Part(lambda values: values[name], (name,), is_never_negative)


def _joined(
    function: Callable[..., Values],
    *parts: _Part,
    positive: bool = False,
    uses: Sequence[int] = (1, 1),
) -> _Part:
    """The function of some parts, each of which it uses so many times."""
    inputs = tuple(dict.fromkeys(name for part in parts for name in part.inputs))
    if not inputs:
        # Only numbers: the result is one, too.
        constants = (np.array([part.constant]) for part in parts)
        with np.errstate(all="ignore"):
            return _constant(float(function(*constants)[0]))
    return _Part(
        lambda values: function(*(part.compute(values) for part in parts)),
        inputs,
        positive,
        steps=1 + sum(part.steps * times for part, times in zip(parts, uses, strict=False)),
    )


def _indicator(condition: tuple[Compare, _Part, _Part]) -> _Part:
    compare, left, right = condition

    def indicate(left: Values, right: Values) -> Values:
        # The differences keep a missing value missing.
        known = left - left if isinstance(right, float) else (left - left) + (right - right)
        return operations.indicator(compare(left, right)) + known

    return _joined(indicate, left, right, positive=True, uses=(3, 3))


def _day(date: str) -> _Part:
    parts = (_column(part) for part in date_parts(date))
    return _joined(operations.day_number, *parts, positive=True)


def _difference(left: _Part, right: _Part) -> _Part:
    return _joined(operator.sub, left, right)


def _shown(node: ast.AST) -> str:
    return _shortened(written(node))


def _shortened(text: str) -> str:
    shown = text if text.isprintable() else ascii(text)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


_COMBINE: dict[type[ast.operator], Callable[[Values, Values], Values]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_COMPARE: dict[type[ast.cmpop], Compare] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
# Fewest and most arguments, and how it is written.
_CALLS = {
    "sum": (1, _MOST_PARTS, "sum(a, b, ...)"),
    "min": (2, _MOST_PARTS, "min(a, b, ...)"),
    "max": (2, _MOST_PARTS, "max(a, b, ...)"),
    "log": (1, 1, "log(a)"),
    "where": (3, 3, "where(a > b, then, otherwise)"),
    "is_": (2, 2, "is(category, one of its values)"),
    "starts": (2, 2, 'starts(text, "its first signs")'),
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda *values: operations.total(values),
    "min": operations.smallest,
    "max": operations.largest,
}
_AS_NUMBER = {
    "date": "`{0}` is a date: write {0}.year, or the difference of two dates",
    "category": "`{0}` is a category: write is({0}, one of its values)",
    "key": "`{0}` is the key, and no number",
    "text": '`{0}` is text, and no number: of order lines, write starts({0}, "its first signs")',
}
