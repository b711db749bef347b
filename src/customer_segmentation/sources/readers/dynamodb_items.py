"""Items of DynamoDB, as its API and its exports write them, as documents."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from customer_segmentation.errors import UserError
from customer_segmentation.sources.readers.document_cells import cell


def item_document(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as a document: numbers are exact, sets are sets, NULL is None.

    Raises:
        UserError: It has a value of an unknown type.
    """
    return {name: _value(typed) for name, typed in item.items()}


def key_text(document: Mapping[str, Any], keys: Sequence[str]) -> str:
    """The key of an item, for people."""
    return ", ".join(f"{key}={cell(document.get(key))}" for key in keys)


def _value(typed: Mapping[str, Any]) -> Any:  # noqa: ANN401, PLR0911 - a type each
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return Decimal(value)
        case "NULL":
            return None
        case "M":
            return item_document(value)
        case "L":
            return [_value(each) for each in value]
        case "SS":
            return frozenset(value)
        case "NS":
            return frozenset(map(Decimal, value))
        # In an export and on the wire, bytes are text in base64; boto3 has decoded them.
        case "B":
            return b64decode(value) if isinstance(value, str) else bytes(value)
        case "BS":
            return frozenset(b64decode(v) if isinstance(v, str) else bytes(v) for v in value)
        case _:
            raise UserError(f"an item holds a value of the unknown type {kind!r}")
