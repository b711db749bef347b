"""The values of a rule, as their fields hold them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from difflib import get_close_matches

from customer_segmentation.audiences.fields import Field
from customer_segmentation.audiences.tokens import LONGEST_SHOWN, Token, shown, wrong

# Every engine turns so many digits into the same float64.
_MOST_DIGITS = 15
Value = float | str | date


def value_of(token: Token, field: Field) -> Value:
    """The value that a rule compares a field with.

    Raises:
        RuleError: It is of another kind, or the field has no such value; says the nearest.
    """
    read: dict[str, Callable[[Token, Field], Value]] = {"number": _number, "day": _day}
    return read.get(field.kind, _text)(token, field)


def _number(token: Token, field: Field) -> float:
    digits = token.text.replace("\u2212", "-")
    if token.kind != "number":
        raise wrong(
            token, f"{field.name} is a number: write one such as 500, and not {shown(token)}"
        )
    if sum(sign.isdigit() for sign in digits) > _MOST_DIGITS:
        raise wrong(token, f"more than {_MOST_DIGITS} digits")
    return float(digits)


def _day(token: Token, field: Field) -> date:
    try:
        return date.fromisoformat(token.text if token.kind == "day" else "")
    except ValueError:
        hint = f"{field.name} is a day: write one such as 2014-06-30, and not {shown(token)}"
        raise wrong(token, hint) from None


def _text(token: Token, field: Field) -> str:
    if token.kind != "text":
        told = token.text if token.kind in {"word", "number"} else next(iter(field.values), "...")
        raise wrong(token, f'write {field.name} with a value in quotes: "{told[:LONGEST_SHOWN]}"')
    quote, text = token.text[0], token.text[1:-1]
    text = text.replace(quote * 2, quote) if quote in "\"'" else text
    if any(ord(sign) < ord(" ") or "\ud800" <= sign <= "\udfff" for sign in text):
        raise wrong(token, "the text has a character that cannot be shown")
    if not field.values or text in field.values:
        return text
    # A person may write what the page shows.
    by_label = {label.lower(): value for value, label in field.values.items()}
    near = get_close_matches(text[:LONGEST_SHOWN].lower(), [*field.values, *by_label], n=1)
    every = ", ".join(f'"{value}"' for value in field.values)
    hint = f'did you mean "{by_label.get(near[0], near[0])}"?' if near else f"one of {every}"
    raise wrong(token, f"{field.name} has no value {shown(token)}: {hint}")
