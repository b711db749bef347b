"""The JSON Schema of a customer's record, from the contract of a bundle.

Whatever keeps the schema is accepted. The server accepts a little more: aliases, other spellings of
dates and categories, and an `as_of` in any year; the descriptions mention it.
"""

from __future__ import annotations

import math
from calendar import isleap, monthrange
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.serving.validation import LONGEST_KEY, Contract

Schema = dict[str, Any]
# The largest 64-bit integer.
_LARGEST_KEY = 2**63 - 1
_SOME_INK = r"[^\s\u001c-\u001f\u0085\ufeff]"
_DAYS = {
    31: "(?:0[1-9]|[12][0-9]|3[01])",
    30: "(?:0[1-9]|[12][0-9]|30)",
    28: "(?:0[1-9]|1[0-9]|2[0-8])",
}
_MONTHS = ((31, "(?:0[13578]|1[02])"), (30, "(?:0[469]|11)"), (28, "02"))


def customer_schemas(contract: Contract) -> dict[str, Schema]:
    """The schemas `Customer`, `KnownCustomer` and, with a cold-start model, `NewCustomer`."""
    known = _record(
        contract, contract.needed, "A customer of whom everything is known that the segmenter needs"
    )
    if not contract.cold_columns:
        return {"Customer": known}
    new = _record(
        contract,
        contract.cold_needed,
        "A customer who has bought nothing yet: answered by the cold-start model",
        without=contract.purchases,
    )
    names = ("KnownCustomer", "NewCustomer")
    either = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
    return {"Customer": either, "KnownCustomer": known, "NewCustomer": new}


def day_pattern(first: date, last: date) -> str:
    """A regular expression of the ISO dates from first to last, both included."""
    years = range(first.year, last.year + 1)
    whole = [y for y in years if date(y, 1, 1) >= first and date(y, 12, 31) <= last]
    parts = []
    if whole:
        in_year = "|".join(f"{months}-{_DAYS[count]}" for count, months in _MONTHS)
        parts.append(f"(?:{_any(whole)})-(?:{in_year})")
    if leap := [year for year in whole if isleap(year)]:
        parts.append(f"(?:{_any(leap)})-02-29")
    for year in (year for year in years if year not in whole):
        for month in range(1, 13):
            count = monthrange(year, month)[1]
            days = [d for d in range(1, count + 1) if first <= date(year, month, d) <= last]
            if len(days) == count and count in _DAYS:
                parts.append(f"{year}-{month:02}-{_DAYS[count]}")
            elif days:
                parts.append(f"{year}-{month:02}-(?:{_any(f'{day:02}' for day in days)})")
    return f"^(?:{'|'.join(parts)})$"


def field_schema(contract: Contract, name: str) -> Schema:
    """The schema of one field."""
    rule = contract.rules[name]
    if rule["kind"] == "number":
        schema = _number(contract, rule)
    elif rule["kind"] == "category":
        schema = {"type": "string", "enum": list(rule["categories"])}
    elif rule["kind"] == "date":
        schema = _day(contract.enrolled_from, contract.as_of)
    else:
        text = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": _SOME_INK}
        number = {"type": "integer", "minimum": -_LARGEST_KEY, "maximum": _LARGEST_KEY}
        schema = {"anyOf": [text, number]}
    aliases = [f"`{alias}`" for alias, column in contract.aliases.items() if column == name]
    unit = f", in {rule['unit']}" if rule.get("unit") not in {None, "", "date", "year"} else ""
    also = f" Also taken under the name {', '.join(aliases)}." if aliases else ""
    return schema | {"description": f"{rule['description']}{unit}.{also}"}


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
        "too, as long as the year of birth and the day of enrolment are right as of them."
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
    described = {k: v for k, v in schema.items() if k == "description"}
    plain = {k: v for k, v in schema.items() if k != "description"}
    if isinstance(plain.get("type"), str) and "enum" not in plain:
        return plain | {"type": [plain["type"], "null"]} | described
    return {"anyOf": [plain, {"type": "null"}]} | described


def _number(contract: Contract, rule: Mapping[str, Any]) -> Schema:
    minimum, maximum = contract.range_of(rule["name"])
    whole = bool(rule.get("whole"))
    schema: Schema = {"type": "integer" if whole else "number"}
    schema |= {} if math.isinf(minimum) else {"minimum": int(minimum) if whole else minimum}
    return schema | ({} if math.isinf(maximum) else {"maximum": int(maximum) if whole else maximum})


def _day(first: date, last: date) -> Schema:
    return {"type": "string", "format": "date", "pattern": day_pattern(first, last)}


def _any(values: Iterable[object]) -> str:
    return "|".join(str(value) for value in values)
