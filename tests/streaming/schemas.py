"""Small schemas whose customers come from events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from customer_segmentation.schema.schema import Schema

_SHOP = """
as_of: 2024-06-30
money: {unit: euros, period: thirty days}
groups:
  channel: {web: the website, store: the store}
  product: {shoes: shoes, hats: hats}
orders:
  window_days: 30
  time: day
  columns:
    customer_id: {kind: key, headers: [Customer]}
    number: {kind: text, headers: [Number]}
    day: {kind: date, headers: [Day], earliest: 2000-01-01}
    kind: {kind: category, headers: [Kind], categories: {order: [], visit: []}}
    channel: {kind: category, headers: [Channel], categories: {web: [], store: []}}
    product: {kind: category, headers: [Product], categories: {shoes: [], hats: []}, other: hats}
    amount: {kind: number, headers: [Amount]}
    changed_at: {kind: number}
    removed: {kind: flag}
  features:
    is_visit: {formula: "is(kind, visit)"}
    is_order: {formula: "is(kind, order)"}
    on_{channel}: {formula: "is(kind, order) * is(channel, {channel})"}
    of_{product}: {formula: "is(product, {product}) * max(amount, 0)"}
    refunded: {formula: "max(0 - amount, 0)"}
columns:
  customer_id: {kind: key}
  visits: {kind: count, aggregate: sum(is_visit)}
  orders: {kind: count, aggregate: sum(is_order)}
  orders_{channel}: {kind: count, aggregate: "sum(on_{channel})"}
  spend_{product}: {kind: money, aggregate: "sum(of_{product})"}
  refunds: {kind: money, aggregate: sum(refunded)}
  mean_amount: {kind: number, aggregate: mean(amount)}
  last_channel: {kind: category, categories: {web: [], store: []}, aggregate: last(channel)}
  first_on: {kind: date, aggregate: first(day), earliest: 2000-01-01}
  last_on: {kind: date, aggregate: last(day), earliest: 2000-01-01}
features:
  spend: {formula: "spend_shoes + spend_hats"}
  days_since_last: {formula: as_of - last_on}
segment_features: [spend, orders, days_since_last]
"""
_VERSIONS = {"id": ["number"], "version": "changed_at", "removed": "removed"}


def shop(events: dict[str, Any] | None = None) -> Schema:
    """Orders and visits by channel and product over thirty days."""
    block = yaml.safe_load(_SHOP)
    return Schema.model_validate(block | {"events": _VERSIONS if events is None else events})


def gifts(*, with_versions: bool = True) -> Schema:
    """The shipped order lines, whose lines have numbers and versions."""
    block = yaml.safe_load(Path("conf/schemas/online_retail.yml").read_text(encoding="utf-8"))
    if with_versions:
        block["orders"]["columns"] |= {
            "line": {"kind": "count"},
            "changed_at": {"kind": "text"},
            "removed": {"kind": "flag"},
        }
        block["events"] = {"id": ["invoice", "line"], "version": "changed_at", "removed": "removed"}
    return Schema.model_validate(block)


def members() -> Schema:
    """The shipped customers, whose records have versions."""
    text = Path("conf/schemas/marketing_campaign.yml").read_text(encoding="utf-8")
    block = yaml.safe_load(text)
    block["columns"] |= {"changed_at": {"kind": "number"}, "closed": {"kind": "flag"}}
    block["date_formats"] = ["%Y-%m-%d"]
    return Schema.model_validate(block | {"events": {"version": "changed_at", "removed": "closed"}})
