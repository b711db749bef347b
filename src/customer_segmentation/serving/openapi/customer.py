"""The JSON Schema of a customer's record, from the contract of a bundle.

Whatever keeps the schema is accepted. The server accepts a little more: aliases, other spellings of
dates and categories, and an `as_of` in any year; the descriptions mention it.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from itertools import product
from typing import Any

from customer_segmentation.schema.parts import AS_OF, KEY, Column
from customer_segmentation.serving.validation import LONGEST_KEY, Contract

Schema = dict[str, Any]
# The largest 64-bit integer.
_LARGEST_KEY = 2**63 - 1
# Where a schema names no first day.
_FIRST_DAY = date(1900, 1, 1)
_SOME_INK = r"[^\s\u001c-\u001f\u0085\ufeff]"


def customer_schemas(contract: Contract) -> dict[str, Schema]:
    """The schemas `Customer`, `Changes` and, with a cold-start model, those of two kinds."""
    known = _record(
        contract, contract.needed, "A customer of whom everything is known that the segmenter needs"
    )
    described = "What is otherwise than stored"
    changes = _record(contract, (), described, without=(KEY,))
    if not contract.cold_columns:
        return {"Customer": known, "Changes": changes}
    new = _record(
        contract,
        contract.cold_needed,
        "A customer who has bought nothing yet: answered by the cold-start model",
        without=contract.purchases,
    )
    names = ("KnownCustomer", "NewCustomer")
    either = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
    return {"Customer": either, "KnownCustomer": known, "NewCustomer": new, "Changes": changes}


# Columns of dates often have the same first day.
@lru_cache(maxsize=64)
def day_pattern(first: date, last: date) -> str:
    """A regular expression of the ISO dates from first to last, both included."""
    # A month has the same days in most years, so that the pattern is short.
    years_of: defaultdict[tuple[int, range], list[str]] = defaultdict(list)
    for year, month in product(range(first.year, last.year + 1), range(1, 13)):
        place = year, month
        if (first.year, first.month) <= place <= (last.year, last.month):
            start = first.day if place == (first.year, first.month) else 1
            end = last.day if place == (last.year, last.month) else monthrange(year, month)[1]
            years_of[month, range(start, end + 1)].append(f"{year:04}")
    parts = [
        f"(?:{'|'.join(years)})-{month:02}-(?:{'|'.join(f'{day:02}' for day in days)})"
        for (month, days), years in years_of.items()
    ]
    return f"^(?:{'|'.join(parts)})$"


def field_schema(contract: Contract, name: str) -> Schema:
    """The schema of one field."""
    rule = contract.rules[name]
    if rule.kind == "number":
        schema = _number(contract, rule)
    elif rule.other:
        schema = {"type": "string", "pattern": _SOME_INK, "examples": list(rule.categories)}
    elif rule.kind == "category":
        schema = {"type": "string", "enum": list(rule.categories)}
    elif rule.kind == "date":
        schema = _day(rule.earliest or _FIRST_DAY, contract.as_of)
    else:
        text = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": _SOME_INK}
        number = {"type": "integer", "minimum": -_LARGEST_KEY, "maximum": _LARGEST_KEY}
        schema = {"anyOf": [text, number]}
    aliases = [f"`{alias}`" for alias, column in contract.aliases.items() if column == name]
    unit = f", in {rule.unit}" if rule.unit not in {"", "date", "year"} else ""
    also = f" Also taken under the name {', '.join(aliases)}." if aliases else ""
    return schema | {"description": f"{rule.description}{unit}.{also}"}


def _record(
    contract: Contract, needed: Iterable[str], description: str, without: Iterable[str] = ()
) -> Schema:
    left_out = set(without)
    fields = {}
    for name in contract.rules:
        if name not in left_out:
            schema = field_schema(contract, name)
            fields[name] = schema if name in needed else _or_null(schema)
    about_day = (
        f"The day as of which the record is; {contract.as_of} unless told. Other days are taken "
        "too, as long as years and dates are right as of them."
    )
    day = _day(contract.as_of, date(contract.as_of.year, 12, 31))
    fields[AS_OF] = _or_null(day | {"description": about_day})
    return {
        "type": "object",
        "description": f"{description}. A null counts as absent where a field may be absent.",
        "properties": fields,
        "required": list(needed),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    plain = {key: value for key, value in schema.items() if key != "description"}
    return {"anyOf": [plain, {"type": "null"}], "description": schema["description"]}


def _number(contract: Contract, rule: Column) -> Schema:
    minimum, maximum = contract.range_of(rule.name)
    whole = rule.whole
    schema: Schema = {"type": "integer" if whole else "number"}
    schema |= {} if math.isinf(minimum) else {"minimum": int(minimum) if whole else minimum}
    return schema | ({} if math.isinf(maximum) else {"maximum": int(maximum) if whole else maximum})


def _day(first: date, last: date) -> Schema:
    return {"type": "string", "format": "date", "pattern": day_pattern(first, last)}
