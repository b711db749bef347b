"""Order lines in an unknown table: which column says what, and what customers come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.proposal.kinds import is_heavy_tailed
from customer_segmentation.proposal.products import (
    Products,
    amounts_of,
    find_products,
    is_statement,
    worth_of,
)
from customer_segmentation.proposal.seen import MONEY, SAID, Numbers, Seen, SeenTable
from customer_segmentation.proposal.words import WORDS, names_something

# Share of rows whose customer stands on another row, too.
_OFTEN = 0.2
_PRICES = frozenset(["price", "preis", "prix", "precio"])
# The share of lines that may lack a part of them.
_MAX_LOST, _MOST_LOST = 0.02, 0.5
# Letters in front of the numbers of orders that were cancelled, or of credit notes and returns.
_CANCELLING = frozenset(["C", "CN", "CR", "CANC", "R", "RET", "ST", "STO", "GS", "AV"])
_NUMBERED = r"^(?P<letters>[A-Za-z]*)[-_/ ]?[0-9]"
# An order's number begins with such letters now and then.
_SELDOM = 0.3


@dataclass(frozen=True)
class OrderLines:
    """What the columns of order lines are.

    Attributes:
        parts: Part of a line -> its column.
        products: What the lines are of, if a column says it.
        has_refunds: Whether some lines take something back.
        is_statement: Whether what was spent is below 0, as in a bank's statement.
        cancelled_by: What the numbers of cancelled orders begin with, if their amounts do not say
            that they are; '' if nothing.
        is_heavy_tailed: Whether customers' spends are of very different sizes.
    """

    parts: Mapping[str, Seen]
    products: Products | None = None
    has_refunds: bool = False
    is_statement: bool = False
    cancelled_by: str = ""
    is_heavy_tailed: bool = False

    @property
    def columns(self) -> list[Seen]:
        """The columns that are read."""
        return [*self.parts.values()]

    def part_of(self, column: Seen) -> str:
        """What a column is of a line; '' if nothing."""
        return next((part for part, c in self.parts.items() if c.header == column.header), "")


def find_lines(seen: SeenTable) -> OrderLines | None:
    """The parts of order lines; None where rows are customers."""
    key = next((c for c in seen.columns if c.kind == "key"), None)
    # Lines have a key of their own, too.
    is_sure = key and (key.notes[:1] == (SAID,) or key.has("person"))
    customer = key if is_sure else next(iter([*_customers(seen), key]), None)
    dates = [c for c in seen.columns if c.kind == "date" and not c.has("birth")]
    if customer is None or not dates or seen.repeated.get(customer.header, 0.0) < _OFTEN:
        return None
    parts = {"customer": replace(customer, kind="key", is_float=customer.header in seen.floats)}
    first = sorted(dates, key=lambda c: (not (c.has("order") or len(dates) == 1), c.missing))
    parts["time"] = first[0]
    free = [c for c in seen.columns if c.header not in {c.header for c in parts.values()}]
    numbers = [c for c in free if c.kind in {"money", "count", "number", "share"}]
    texts = [c for c in free if c.kind not in {"date", "share"} and not c.has("person")]
    orders = [c for c in texts if c.has("order") and _names_orders(c)]
    found = {
        "order": orders,
        "quantity": [c for c in numbers if c.has("quantity") and c.kind != "money"],
        "discount": [c for c in numbers if c.has("deals") or "remise" in c.words],
        "price": [c for c in numbers if {*c.words} & _PRICES],
        "status": [c for c in free if c.kind in {"category", "flag"} and c.has("cancel")],
    }

    def is_taken(column: Seen) -> bool:
        return column.header in {c.header for c in parts.values()}

    for part, candidates in found.items():
        # A line without one of its parts would be left out.
        most = _MOST_LOST if part in {"quantity", "price"} else _MAX_LOST
        if column := next((c for c in candidates if c.missing <= most and not is_taken(c)), None):
            parts[part] = replace(column, kind="text") if part == "order" else column
    has_price = {"price", "quantity"} <= parts.keys()
    paid = _paid([c for c in numbers if not is_taken(c)], has_price=has_price)
    if paid:
        parts["amount"] = paid[0]
        parts.pop("price", None)
    if "quantity" not in parts and "amount" not in parts:
        parts.pop("price", None)
    if not {"amount", "quantity", "order"} & parts.keys():
        return None
    free = [c for c in free if not is_taken(c)]
    if products := find_products(seen, free, parts):
        parts["product"] = products.column
    signed = [parts[p].header for p in ("amount", "quantity", "price") if p in parts]
    has_refunds = any(bool((seen.numbers[h] < 0.0).any()) for h in signed)
    amounts = amounts_of(seen, parts)
    if sign := _cancelled_by(seen, parts):
        told = f"numbers that begin with {sign} are taken for cancelled orders"
        parts["order"] = replace(parts["order"], notes=(told,))
    return OrderLines(
        parts,
        products,
        has_refunds,
        is_statement=amounts is not None and is_statement(amounts),
        cancelled_by=sign,
        is_heavy_tailed=is_heavy_tailed(_spends(seen, parts)),
    )


def _cancelled_by(seen: SeenTable, parts: Mapping[str, Seen]) -> str:
    """What the numbers of orders begin with that are cancelled, and have amounts above 0."""
    if "order" not in parts or not {"amount", "price"} & parts.keys():
        return ""
    found = pc.extract_regex(seen.texts[parts["order"].header], _NUMBERED).combine_chunks()
    letters = found.field("letters").to_pylist()
    counts = Counter(letters)
    worth = np.array(worth_of(seen, parts)) > 0.0
    for sign, count in counts.most_common():
        if sign and sign.upper() in _CANCELLING and count <= _SELDOM * len(letters):
            are_so = np.array([each == sign for each in letters])
            if counts[""] > len(letters) / 2 and worth[are_so].mean() > 1.0 - _SELDOM:
                return sign
    return ""


def _spends(seen: SeenTable, parts: Mapping[str, Seen]) -> Numbers:
    """What each customer's lines come to."""
    table = pa.table(
        {"customer": seen.texts[parts["customer"].header], "worth": worth_of(seen, parts)}
    )
    return table.group_by("customer").aggregate([("worth", "sum")])["worth_sum"].to_numpy()


def _paid(numbers: list[Seen], *, has_price: bool) -> list[Seen]:
    """The columns that may say what was paid for a line, the best first."""
    money = [c for c in numbers if _is_amount(c)]
    # Totals of an order stand on its first line alone.
    if has_price or any(c.lost <= _MAX_LOST for c in money):
        money = [c for c in money if c.lost <= _MAX_LOST]
    # Of sales and profit, what the customer paid.
    return sorted(
        money,
        key=lambda c: (bool({"profit", "cost", "tax", "tip"} & {*c.words}), "balance" in c.words),
    )


def _customers(seen: SeenTable) -> list[Seen]:
    """The columns that may say whose line it is, the best first."""
    named = [c for c in seen.columns if c.has("person") and names_something(c.words)]
    plain = [c for c in seen.columns if c.has("person") and c.kind == "text" and c not in named]
    mail = [c for c in seen.columns if {"email", "mail"} & {*c.words} and c.kind == "text"]
    return named + plain + mail


def _names_orders(column: Seen) -> bool:
    """Whether a column about orders holds their numbers, and not how many or how much."""
    is_alone = {*column.words} <= WORDS["order"] and column.kind != "money"
    return names_something(column.words) or column.kind == "text" or is_alone


def _is_amount(column: Seen) -> bool:
    is_total = "total" in column.words or "amount" in column.words or "sales" in column.words
    return column.kind == "money" or column.unit == MONEY or (column.kind == "number" and is_total)
