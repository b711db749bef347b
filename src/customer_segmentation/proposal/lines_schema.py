"""The schema of order lines: what a line holds, and what customers come to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from customer_segmentation.proposal.lines import OrderLines
from customer_segmentation.proposal.seen import Seen
from customer_segmentation.proposal.text import (
    categories,
    earliest,
    in_comment,
    quoted,
    scaling_lines,
)
from customer_segmentation.schema.parts import KEY

# Until the snapshot's day is known, lines before it are not cut off.
_MARGIN_DAYS = 366
_LONGEST_WINDOW = 36_500
_CANCELLED = re.compile("cancel|void|return|refund|storn|annul|declin|fail|rejected")
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
        yield from _lifetime(lines)
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


def _lifetime(lines: OrderLines) -> Iterator[str]:
    """What tells when customers bought, and what it brought; nothing of an account."""
    if lines.is_statement:
        return
    spend = ""
    if lines.has_refunds:
        yield "    brought: {formula: bought - sent_back}"
        spend = ", spend: brought"
    yield "  # What customers are worth, of the next 365 days: docs/schema.md."
    yield f"  lifetime: {{purchase: bought{spend}}}"


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
        label = "spend an order" if "order" in has else "spend an order line"
        each = f"spend / {count}, kind: money, label: {label}"
        yield f"  average_order: {{formula: {each}}}"
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
