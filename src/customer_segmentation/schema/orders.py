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
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, get_args

from customer_segmentation.schema.formula import Formula, FormulaError, Known, parse

How = Literal["sum", "mean", "min", "max", "count", "distinct", "first", "last"]
_USAGE = "sum, mean, min or max of a formula, count(), distinct(column), first(date) or last(date)"
_OF_COLUMNS = {"distinct", "first", "last"}


@dataclass(frozen=True)
class Aggregate:
    """What a column of customers comes to over their lines.

    Attributes:
        how: Of what is aggregated.
        formula: What is aggregated, where it is arithmetic.
        column: What is aggregated, where it is a column as it stands.
    """

    how: How
    formula: Formula | None = None
    column: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The numbers, features or columns of a line that it needs."""
        return self.formula.inputs if self.formula else (self.column,) if self.column else ()


def parse_aggregate(text: str, known: Mapping[str, Known]) -> Aggregate:
    """An aggregate over what is known of a line.

    Raises:
        FormulaError: It is none, or names something else.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    name = tree.func.id if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) else ""
    if not isinstance(tree, ast.Call) or name not in get_args(How) or tree.keywords:
        raise FormulaError(f"`{text}` is no aggregate: write {_USAGE}")
    how: How = name  # type: ignore[assignment]  # checked above
    arguments = [ast.get_source_segment(text.strip(), node) or "" for node in tree.args]
    if len(arguments) != (how != "count"):
        raise FormulaError(f"`{text}`: write {_USAGE}")
    if how == "count":
        return Aggregate(how)
    (argument,) = arguments
    if how not in _OF_COLUMNS:
        return Aggregate(how, parse(argument, known))
    if argument not in known:
        near = get_close_matches(argument, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "it is no column of a line"
        raise FormulaError(f"`{argument}` is not known: {hint}")
    if how != "distinct" and known[argument].kind != "date":
        raise FormulaError(f"`{text}`: first and last are for dates")
    return Aggregate(how, column=argument)
