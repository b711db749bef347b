"""Where the rows went, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.schema.schema import Schema


@dataclass(frozen=True)
class Cleaning:
    """Where the rows went, and the reasons against those that were set aside."""

    lead: str
    ends: tuple[tuple[str, str, str], ...]
    reasons: tuple[tuple[str, str], ...]
    note: str


def explain_cleaning(schema: Schema, accounting: Mapping[str, Any], unsegmented: int) -> Cleaning:
    """The account of rows in words."""
    total = accounting["rows_in"]
    # Of order lines, one row is not one customer.
    kept, are_kept = ("customers", "are customers")
    if "lines" in accounting:
        customers = phrases.count(accounting["customers"])
        kept, are_kept = ("lines", f"are used as order lines of {customers} customers")
    ends = [
        ("Used order lines" if kept == "lines" else "Customers", kept),
        ("Quarantined: broke a rule", "quarantined"),
        ("Left out: repeated another row", "repeats"),
    ]
    versions = {
        "replaced": "Left out: replaced by a later version",
        "removed": "Left out: takes something back",
    }
    ends += [(title, key) for key, title in versions.items() if accounting.get(key)]
    quarantined, reasons = accounting["quarantined"], accounting["reasons"]
    note = ""
    if sum(reasons.values()) > quarantined:
        note = "A row that breaks several rules is counted under each."
    if unsegmented:
        lacking = f"{phrases.count(unsegmented)} customers lack a value that a segment needs"
        note += f" {lacking}, and are in none."
    if lost := accounting["lost_values"]:
        told = [f"{_reason(schema, text)} ({phrases.count(rows)})" for text, rows in lost.items()]
        note += f" Customers kept without a value that is not needed: {'; '.join(told)}."
    note += "".join(f" Please check: {warning}." for warning in accounting["warnings"])
    return Cleaning(
        lead=(
            f"Of {phrases.count(total)} rows in {accounting['source_name']}, "
            f"{phrases.count(accounting[kept])} {are_kept}"
            f" ({phrases.percent(accounting[kept] / max(total, 1))})."
        ),
        ends=tuple(
            (
                title,
                phrases.count(accounting[key]),
                phrases.percent(accounting[key] / max(total, 1)),
            )
            for title, key in ends
        ),
        reasons=tuple(
            (_reason(schema, text), phrases.count(rows)) for text, rows in reasons.items()
        ),
        note=note.strip(),
    )


def _reason(schema: Schema, text: str) -> str:
    column, separator, reason = text.partition(": ")
    return f"{phrases.capitalised(schema.label_of(column))}{separator}{reason}"
