"""Order lines: what a line holds, and what a customer's lines come to.

A schema declares both::

    orders:
      window_days: 365
      time: ordered_on
      columns:
        customer_id: {kind: key, headers: [CustomerID]}
        invoice: {kind: text, headers: [InvoiceNo]}
        ...
    columns:
      spend: {kind: money, aggregate: "sum(quantity * unit_price)"}
      orders: {kind: count, aggregate: distinct(invoice)}
      last_channel: {kind: category, categories: ..., aggregate: last(channel)}
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from customer_segmentation.schema.formula import (
    Formula,
    FormulaError,
    Known,
    parse,
    tree_of,
    written,
)
from customer_segmentation.schema.parts import Column

_OF_FORMULAS = {"sum", "mean", "min", "max"}
_USAGE = "sum, mean, min or max of a formula, count(), distinct(name), first(name) or last(name)"
_OF_NAMES = {"distinct", "first", "last"}
_ALL = {*_OF_FORMULAS, *_OF_NAMES, "count"}


@dataclass(frozen=True)
class Aggregate:
    """What a column of customers comes to over their lines.

    Attributes:
        text: As written.
        how: Of what is aggregated.
        formula: What is aggregated, where it is arithmetic.
        name: What is aggregated, where it is a column or feature as it stands.
        kind: What it gives.
        categories: What it may give, where that is a category.
    """

    text: str
    how: str
    formula: Formula | None = None
    name: str = ""
    kind: str = "number"
    categories: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The numbers, features or columns of a line that it needs."""
        return self.formula.inputs if self.formula else (self.name,) if self.name else ()

    def require_fit(self, column: Column) -> None:
        """Refuse a column that cannot hold what this gives.

        Raises:
            FormulaError: It is of another kind, or lacks a category.
        """
        if self.kind != column.kind:
            raise FormulaError(
                f"`{self.text}` gives a {self.kind}, which a {column.meaning} cannot hold"
            )
        if missing := [word for word in self.categories if word not in column.categories]:
            raise FormulaError(
                f"`{self.text}` may give {', '.join(missing)}: add to the column's categories"
            )


def parse_aggregate(text: str, known: Mapping[str, Known]) -> Aggregate:
    """An aggregate over what is known of a line.

    Raises:
        FormulaError: It is none, or names something else.
    """
    try:
        tree = tree_of(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    how = tree.func.id if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) else ""
    if not isinstance(tree, ast.Call) or how not in _ALL or tree.keywords:
        raise FormulaError(f"`{text}` is no aggregate: write {_USAGE}")
    if len(tree.args) != (how != "count"):
        raise FormulaError(f"`{text}`: write {_USAGE}")
    if how == "count":
        return Aggregate(text, how)
    name = written(tree.args[0])
    if how in _OF_FORMULAS:
        return Aggregate(text, how, parse(name, known))
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "it is no column or feature of a line"
        raise FormulaError(f"`{name}` is not known: {hint}")
    part = known[name]
    if how == "distinct":
        return Aggregate(text, how, name=name)
    if part.kind == "key":
        raise FormulaError(f"`{text}`: all lines of a customer have the same key")
    kind = "number" if part.kind == "feature" else part.kind
    return Aggregate(text, how, name=name, kind=kind, categories=part.categories)
