"""Order lines in an unknown table: which column says what, and what customers come to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

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
from customer_segmentation.proposal.text import (
    categories,
    earliest,
    in_comment,
    quoted,
    scaling_lines,
)
from customer_segmentation.proposal.words import WORDS, names_something
from customer_segmentation.schema.parts import KEY

# Share of rows whose customer stands on another row, too.
_OFTEN = 0.2
# Until the snapshot's day is known, lines before it are not cut off.
_MARGIN_DAYS = 366
_LONGEST_WINDOW = 36_500
_PRICES = frozenset(["price", "preis", "prix", "precio"])
_CANCELLED = re.compile("cancel|void|return|refund|storn|annul|declin|fail|rejected")
# Letters in front of the numbers of orders that were cancelled, or of credit notes and returns.
_CANCELLING = frozenset(["C", "CN", "CR", "CANC", "R", "RET", "ST", "STO", "GS", "AV"])
_NUMBERED = r"^(?P<letters>[A-Za-z]*)[-_/ ]?[0-9]"
# An order's number begins with such letters now and then.
_SELDOM = 0.3
_NAMES = {
    "customer": KEY,
    "order": "order_number",
    "time": "ordered_on",
    "quantity": "quantity",
    "price": "unit_price",
    "amount": "amount",
    "discount": "discount",
    "product": "item",
    "status": "status",
}


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
        if column := next((c for c in candidates if not is_taken(c)), None):
            parts[part] = replace(column, kind="text") if part == "order" else column
    money = [c for c in numbers if not is_taken(c) and _is_amount(c)]
    # Of sales and profit, what the customer paid.
    paid = sorted(
        money,
        key=lambda c: (bool({"profit", "cost", "tax", "tip"} & {*c.words}), "balance" in c.words),
    )
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
    return OrderLines(
        parts,
        products,
        has_refunds,
        is_statement=amounts is not None and is_statement(amounts),
        cancelled_by=_cancelled_by(seen, parts),
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


def _customers(seen: SeenTable) -> list[Seen]:
    """The columns that may say whose line it is, the best first."""
    named = [c for c in seen.columns if c.has("person") and names_something(c.words)]
    plain = [c for c in seen.columns if c.has("person") and c.kind == "text" and c not in named]
    return named + plain


def _names_orders(column: Seen) -> bool:
    """Whether a column about orders holds their numbers, and not how many or how much."""
    is_alone = {*column.words} <= WORDS["order"] and column.kind != "money"
    return names_something(column.words) or column.kind == "text" or is_alone


def _is_amount(column: Seen) -> bool:
    is_total = "total" in column.words or "amount" in column.words or "sales" in column.words
    return column.kind == "money" or column.unit == MONEY or (column.kind == "number" and is_total)


def lines_schema(lines: OrderLines, names: dict[str, str], as_of: str) -> Iterator[str]:
    """The lines of a schema's file below its head.

    Args:
        lines: What was found.
        names: Header -> name; filled with those of the parts.
        as_of: The snapshot's day; '' if not known.
    """
    for part, column in lines.parts.items():
        names[column.header] = _NAMES[part]
    time = lines.parts["time"]
    start = earliest(time.first_day, as_of)
    yield from _groups(lines)
    yield "orders:"
    yield from _window(time, as_of)
    yield "  time: ordered_on"
    yield "  columns:"
    for part, column in lines.parts.items():
        if part == "product" and lines.products:
            values, other = lines.products.values, lines.products.rest
            yield from _category(part, column, values, other)
        else:
            yield from _column(part, column, start)
    yield from _line_features(lines)
    yield from _customer_columns(lines, start)
    yield ""
    yield from _customer_features(lines)


def _customer_columns(lines: OrderLines, start: str) -> Iterator[str]:
    has = lines.parts.keys()
    is_worth = {"amount", "price"} & has
    yield "columns:"
    yield f"  {KEY}: {{kind: key}}"
    if is_worth:
        yield "  spend: {kind: money, aggregate: sum(bought), from_purchases: true}"
        if lines.is_statement:
            yield "  received: {kind: money, aggregate: sum(paid_in)}"
        elif lines.has_refunds:
            yield "  refunded: {kind: money, aggregate: sum(sent_back), from_purchases: true}"
    if "order" in has:
        yield "  orders: {kind: count, aggregate: distinct(order_number), from_purchases: true}"
    yield "  lines: {kind: count, aggregate: count(), label: order lines, from_purchases: true}"
    if "quantity" in has:
        pieces = "max(quantity, 0)" if lines.has_refunds else "quantity"
        yield f'  pieces: {{kind: number, aggregate: "sum({pieces})", from_purchases: true}}'
    if "discount" in has:
        yield "  discount: {kind: number, aggregate: mean(discount), label: mean discount}"
    if "product" in has:
        kind, prefix, what = (
            ("money", "spend", "spend on") if is_worth else ("number", "lines", "lines of")
        )
        yield f"  {prefix}_{{product}}:"
        yield f"    kind: {kind}"
        size = "bought * " if is_worth else ""
        yield f'    aggregate: "sum({size}is(item, {{product}}))"'
        yield f'    label: "{what} {{product.label}}"'
    for which in ("first", "last"):
        aggregate = f"{which}(ordered_on)"
        yield f"  {which}_order_on: {{kind: date, aggregate: {aggregate}, earliest: {start}}}"


def _groups(lines: OrderLines) -> Iterator[str]:
    if lines.products:
        labels = {
            name: re.sub("[{}]", "", in_comment(words[0]).lower())
            for name, words in categories(lines.products.column.values)
        }
        if lines.products.rest:
            labels[lines.products.rest] = "everything else"
        members = ", ".join(f"{quoted(name)}: {quoted(label)}" for name, label in labels.items())
        yield "groups:"
        yield f"  product: {{{members}}}"
        yield ""


def _window(time: Seen, as_of: str) -> Iterator[str]:
    first, last = time.first_day, time.last_day
    if not first:
        yield f"  window_days: {_LONGEST_WINDOW}  # every line: the first day is not clear"
        return
    end = date.fromisoformat(as_of or last)
    days = (end - date.fromisoformat(first)).days + 1 + (0 if as_of else _MARGIN_DAYS)
    yield f"  # The whole file, from {first} to {last}; 365 would be the last year alone."
    yield f"  window_days: {min(max(days, 1), _LONGEST_WINDOW)}"


def _column(part: str, column: Seen, start: str) -> Iterator[str]:
    kind = {"order": "text", "quantity": "number", "amount": "number", "price": "number"}.get(
        part, column.kind
    )
    more = f", earliest: {start}" if kind == "date" else ", from_float: true" * column.is_float
    if kind == "category":
        yield from _category(part, column, dict(categories(column.values)))
    else:
        yield f"    {_NAMES[part]}: {{kind: {kind}, headers: [{quoted(column.header)}]{more}}}"


def _category(
    part: str, column: Seen, values: Mapping[str, list[str]], other: str = ""
) -> Iterator[str]:
    yield f"    {_NAMES[part]}:"
    yield "      kind: category"
    yield f"      headers: [{quoted(column.header)}]"
    yield "      categories:"
    for name, spellings in values.items():
        yield f"        {quoted(name)}: [{', '.join(map(quoted, spellings))}]"
    if other:
        yield f"      other: {other}  # every other spelling"


def _line_features(lines: OrderLines) -> Iterator[str]:
    if {"amount", "price"} & lines.parts.keys():
        yield "  features:"
        yield from _worth(lines)
    yield ""


def _worth(lines: OrderLines) -> Iterator[str]:
    worth = "amount"
    if "amount" not in lines.parts:
        worth = "worth"
        discount = lines.parts.get("discount")
        off = " * (1 - discount)" if discount and discount.kind == "share" else ""
        yield f'    worth: {{formula: "quantity * unit_price{off}"}}'
    kept = _kept(lines)
    if sign := lines.cancelled_by:
        yield f"    # Orders whose numbers begin with {sign} are taken for cancelled."
        kept += f" * (1 - starts(order_number, '{sign}'))"
    above, below = f"max({worth}, 0)", f"max(0 - {worth}, 0)"
    if lines.is_statement:
        yield "    # Most amounts are below 0, as in the statement of an account: these are spent."
        yield f'    bought: {{formula: "{below}{kept}"}}'
        yield f'    paid_in: {{formula: "{above}"}}'
        return
    yield f'    bought: {{formula: "{above}{kept}"}}'
    if lines.has_refunds:
        yield "    # What was sent back, or cancelled, is below 0."
        yield f'    sent_back: {{formula: "{below}"}}'


def _kept(lines: OrderLines) -> str:
    """A factor of 0 for lines that were cancelled; '' where nothing says so."""
    status = lines.parts.get("status")
    if status is None:
        return ""
    if status.kind == "flag":
        return " * (1 - status)"
    values = categories(status.values)
    off = [name for name, words in values if _CANCELLED.search(words[0].lower())]
    return "".join(f" * (1 - is(status, {name}))" for name in off)


def _customer_features(lines: OrderLines) -> Iterator[str]:
    has = lines.parts.keys()
    is_worth = bool({"amount", "price"} & has)
    count = "orders" if "order" in has else "lines"
    yield "features:"
    yield "  days_since_first_order: {formula: as_of - first_order_on, unit: days}"
    yield "  days_since_last_order: {formula: as_of - last_order_on, unit: days}"
    if is_worth:
        yield f"  average_order: {{formula: spend / {count}, kind: money, label: spend an order}}"
        if lines.has_refunds and not lines.is_statement:
            yield "  refund_share: {formula: refunded / spend, unit: ratio, label: share sent back}"
    yield ""
    yield "roles:"
    if is_worth:
        yield "  spend: spend"
    yield f"  purchases: {count}"
    yield "  recency: days_since_last_order"
    if is_worth and lines.products and lines.products.are_most:
        yield '  product: "spend_{product}"'
    yield ""
    chosen = ["spend"] * is_worth + [count, "days_since_last_order"] + ["average_order"] * is_worth
    yield f"segment_features: [{', '.join(chosen)}]"
    if is_worth and lines.is_heavy_tailed:
        yield from scaling_lines(["spend"])
