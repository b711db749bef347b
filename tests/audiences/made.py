"""Gold tables with every difficulty, rules by chance, and what each rule says by other means."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from customer_segmentation.audiences.definition import Choices
from customer_segmentation.audiences.fields import FEATURES, LIFETIME, SEGMENTS, Field
from customer_segmentation.audiences.rule import Comparison, Joined, Missing, Not, Part
from customer_segmentation.campaigns.consent import NEVER, Statements
from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.schema import Schema
from tests.marketing import FOLDER, SCHEMA, changed

SEGMENT_NAMES = {"high": "High-value", "low": "Low-spend", "new": "New"}
DAY = date(2014, 6, 30)
NUMBERS = (-1e6, -5.0, -0.5, -0.1, 0.0, 0.1, 0.3, 1.0, 2.0, 2.0, 500.25, 123_456_789.5)
STRANGE = (
    "O'Brien",
    'say "hi"',
    "back\\slash\\",
    "\\'; DROP TABLE gold_segments; --",
    "\u00dcn\u00ef\u00a9\u00f8d\u00e9 \u6f22\u5b57 \U0001f389",
    "e\u0301 and \u00e9",
    "%_",
    " spaces ",
    "$1 :name ?",
    "NULL",
    "\u2028line",
)
Row = dict[str, Any]


def with_own_consent() -> Schema:
    """The default schema, where customers' own table says when they agreed to post."""
    whole = SCHEMA.model_dump(mode="json")
    block = changed(whole, ("campaigns.consent.post.given_on", "enrolled_on"))
    return Schema.model_validate_json(json.dumps(block))


@cache
def choices() -> Choices:
    """What the default schema's customers can be asked, and what is expected of them."""
    known = Choices.of(SCHEMA, SEGMENT_NAMES)
    expected = Choices.of(read_schema(FOLDER / "online_retail.yml"), {}).fields
    lifetime = {name: each for name, each in expected.items() if each.table == LIFETIME}
    assert lifetime
    fields = {**known.fields, **lifetime}
    return Choices(fields, known.segments, known.purposes, known.never)


@dataclass(frozen=True)
class Made:
    """Gold tables, and what was said of consent.

    Attributes:
        rows: Each customer with the value of each field by name, None where it is missing.
        tables: By name.
        statements: Of consent.
    """

    rows: list[Row]
    tables: dict[str, pa.Table]
    statements: Statements


def make(customers: int = 400, seed: int = 20) -> Made:
    """Customers by chance; features and expectations of some of them are missing altogether."""
    chance, fields = random.Random(seed), choices().fields  # noqa: S311 - a test's
    ids = [*STRANGE, *(f"c{number:04}" for number in range(customers - len(STRANGE)))]
    chance.shuffle(ids)
    rows = []
    for place, key in enumerate(ids):
        lacks = {SEGMENTS: False, FEATURES: chance.random() < 0.1, LIFETIME: chance.random() < 0.3}
        row = {
            name: None if lacks[each.table] else _drawn(each, chance)
            for name, each in fields.items()
        }
        segment = chance.choice([*SEGMENT_NAMES])
        rows.append({**row, "customer_id": key, "segment": segment, "place": place, "lacks": lacks})
    tables = {name: _table(name, rows) for name in (SEGMENTS, FEATURES, LIFETIME)}
    statements = _statements(ids, chance)
    tables["consents"] = _as_file(statements)
    own = {
        "customer_id": pa.array([row["customer_id"] for row in rows], pa.string()),
        "enrolled_on": pa.array([row["enrolled_on"] for row in rows], pa.date32()),
    }
    return Made(rows, {**tables, "silver_customers": pa.table(own)}, statements)


def _drawn(each: Field, chance: random.Random) -> float | str | date | None:
    if chance.random() < 0.15:
        return None
    if each.kind == "number":
        return chance.choice(NUMBERS)
    if each.kind == "day":
        return DAY - timedelta(days=chance.choice([0, 0, 1, 180, 181, 365, 366, 900]))
    return chance.choice([*each.values]) if each.values else None


def _table(name: str, rows: list[Row]) -> pa.Table:
    there = [row for row in rows if not row["lacks"][name]]
    columns: dict[str, Any] = {
        "customer_id": pa.array([row["customer_id"] for row in there], pa.string())
    }
    for each in choices().fields.values():
        if each.table != name or each.name == "customer_id":
            continue
        values = [row[each.name] for row in there]
        if each.kind == "day":
            year, day = each.columns
            columns[year] = pa.array([v and float(v.year) for v in values], pa.float64())
            ordinal = [v and float(v.timetuple().tm_yday) for v in values]
            columns[day] = pa.array(ordinal, pa.float64())
        elif each.kind == "code":
            codes = [None if v is None else float([*each.values].index(v)) for v in values]
            columns[each.name] = pa.array(codes, pa.float64())
        else:
            kind = pa.float64() if each.kind == "number" else pa.string()
            columns[each.name] = pa.array(values, kind)
    if name == SEGMENTS:
        columns["segment"] = pa.array([row["segment"] for row in there], pa.string())
        columns["as_of"] = pa.array([DAY] * len(there), pa.date32())
        columns["place"] = pa.array([row["place"] for row in there], pa.int64())
    return pa.table(columns)


def _statements(ids: list[str], chance: random.Random) -> Statements:
    """Several of each customer, on few days, of which some are the same."""
    said = [
        (key, chance.choice(["e_mail", "post"]), chance.random() < 0.7, day, until)
        for key in [*ids, "stranger"]
        for _ in range(chance.choice([0, 1, 2, 3, 4]))
        for day in [DAY - timedelta(days=chance.choice([-1, 0, 1, 2, 2, 30]))]
        for until in [chance.choice([None, DAY, DAY + timedelta(days=1)])]
    ]
    keys, purposes, given, days, until = zip(*said, strict=True)
    return Statements(
        np.array(keys, object),
        np.array(purposes, object),
        np.array(given),
        np.array(days, "datetime64[D]"),
        np.array([day or NEVER for day in until], "datetime64[D]"),
    )


def _as_file(said: Statements) -> pa.Table:
    """The file of consents as a table."""
    until = [None if day == NEVER else day.astype(date) for day in said.until]
    return pa.table(
        {
            "customer_id": pa.array(said.customers.tolist(), pa.string()),
            "purpose": pa.array(said.purposes.tolist(), pa.string()),
            "status": ["given" if each else "withdrawn" for each in said.is_given.tolist()],
            "on": pa.array([day.astype(date) for day in said.days], pa.date32()),
            "until": pa.array(until, pa.date32()),
        }
    )


@dataclass
class RuleMaker:
    """Writes rules by chance, as a person would."""

    seed: int
    fields: Mapping[str, Field] = field(default_factory=lambda: choices().fields)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - a test's

    def rule(self, depth: int = 3) -> str:
        """A rule."""
        kind = self.chance.random()
        if depth == 0 or kind < 0.35:
            return self._comparison()
        if kind < 0.5:
            return f"{self._word('not')} ({self.rule(depth - 1)})"
        if kind < 0.6:
            return f"not {self._comparison()}"
        join = f" {self._word(self.chance.choice(['and', 'or']))} "
        parts = [self.rule(depth - 1) for _ in range(self.chance.choice([2, 2, 3]))]
        written = join.join(parts)
        return f"({written})" if self.chance.random() < 0.6 else written

    def _comparison(self) -> str:
        # Text of every sign is only in the key.
        often = [*self.fields, *["customer_id"] * 6, *["enrolled_on"] * 4]
        each = self.fields[self.chance.choice(often)]
        kind = self.chance.random()
        if kind < 0.1:
            return f"{each.name} is {self.chance.choice(['', 'not '])}missing"
        if kind < 0.25:
            values = [self._value(each) for _ in range(self.chance.choice([1, 2, 3]))]
            return f"{each.name} {self._word('in')} ({', '.join(values)})"
        signs = ["=", "!="]
        signs += ["<", "<=", ">", ">="] if each.kind in {"number", "day"} else []
        return f"{each.name} {self.chance.choice(signs)} {self._value(each)}"

    def _value(self, each: Field) -> str:
        if each.kind == "number":
            number = self.chance.choice([*NUMBERS, 0.2, 0.30000000000001])
            return format(Decimal(repr(number)), "f")
        if each.kind == "day":
            return (DAY - timedelta(days=self.chance.choice([0, 1, 180, 365, 3000]))).isoformat()
        text = self.chance.choice([*each.values] or [*STRANGE, "c0001", "c0002", ""])
        quote = self.chance.choice("\"'")
        return quote + text.replace(quote, 2 * quote) + quote

    def _word(self, word: str) -> str:
        return self.chance.choice([word, word.upper()])


def kleene(part: Part | None, row: Row) -> bool | None:
    """What a rule says of a customer, by Kleene's logic; None where a missing value decides."""
    if part is None:
        return True
    if isinstance(part, Not):
        inner = kleene(part.part, row)
        return None if inner is None else not inner
    if isinstance(part, Joined):
        told = [kleene(one, row) for one in part.parts]
        decisive = part.by == "or"
        if decisive in told:
            return decisive
        return None if None in told else not decisive
    value = row[part.field.name]
    if isinstance(part, Missing):
        return value is None
    return None if value is None else _compares(part, value)


def _compares(part: Comparison, value: Any) -> bool:
    first = part.values[0]
    if part.operator in {"in", "=", "!="}:
        return (value in part.values) != (part.operator == "!=")
    if part.operator in {"<", ">="}:
        return bool(value < first) == (part.operator == "<")
    return bool(value > first) == (part.operator == ">")
