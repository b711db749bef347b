"""Answers to questions in one form, whichever engine gave them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from tools.deploy.sql.dialects import Dialect
from tools.deploy.sql.questions import Question, questions
from tools.deploy.sql.views import views

TOLERANCE = 1e-9
Ask = Callable[[str], Iterable[Iterable[Any]]]


def ask_all(dialect: Dialect, ask: Ask) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each question and each view, by name."""
    known = views()
    everything = "SELECT * FROM {}"
    seen = [
        Question(f"all of {one.name}", "", "", everything.format(one.name), known) for one in known
    ]
    return {one.name: in_one_order(ask(one.sql(dialect))) for one in (*questions(), *seen)}


def in_one_order(rows: Iterable[Iterable[Any]]) -> list[tuple[Any, ...]]:
    """By what is no float, since sums differ in their last digits; days as dates."""
    made = [tuple(map(plain, row)) for row in rows]
    return sorted(made, key=lambda row: [repr(one) for one in row if not isinstance(one, float)])


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        assert value.time().isoformat() == "00:00:00"
        return value.date()
    if value is None or isinstance(value, (str, int, float, date)):
        return value
    # Decimals and the like: a question gives floats.
    message = f"{value!r} is of another type than questions give"
    raise TypeError(message)


def require_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Hold answers against others: the same values of the same types, floats within 1e-9."""
    assert found.keys() == expected.keys()
    for name, rows in expected.items():
        assert len(found[name]) == len(rows), name
        for row, other in zip(found[name], rows, strict=True):
            for value, wanted in zip(row, other, strict=True):
                assert is_equal(value, wanted), f"{name}: {row} is not {other}"


def is_equal(value: Any, wanted: Any) -> bool:
    if type(value) is not type(wanted):
        return False
    if isinstance(wanted, float):
        return math.isclose(value, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return value == wanted
