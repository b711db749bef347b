"""The data contract that an artifact carries, applied to one record.

Every problem of a record is reported. Names are canonical or the bundle's aliases; null counts as
absent; white space around text and the case of a category are ignored; numbers written as text and
text that stands for a missing value are refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from itertools import chain
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.customers.matrix import date_numbers
from customer_segmentation.schema.cells import (
    UNKNOWN,
    folded,
    id_without_fraction,
    meanings_of,
)
from customer_segmentation.schema.dates import DateFormat
from customer_segmentation.schema.limits import (
    LACKING,
    NO_CATEGORY,
    NO_DATE,
    NO_NUMBER,
    NOT_FINITE,
    NOT_WHOLE,
    day_number,
    limits_of,
    range_of,
)
from customer_segmentation.schema.parts import AS_OF, KEY, Column
from customer_segmentation.scoring.metadata import schema_of
from customer_segmentation.scoring.ranges import spans

Record = Mapping[str, Any]
LONGEST_KEY = 256
# Reported for one request.
MAX_PROBLEMS = 100
# Of a client's name that is repeated in an error or compared to ours.
_LONGEST_NAME = 60
_ISO = "%Y-%m-%d"


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with one field, and what would be accepted."""

    path: str
    problem: str
    accepted: str


@dataclass(frozen=True)
class ReadCustomer:
    """A customer who keeps the contract, as the numeric columns of one model.

    Attributes:
        customer_id: As text; None if absent.
        numbers: Numeric column -> value, for every column of the model.
        is_cold: Whether the purchases are unknown, so that the cold-start model answers.
        others: What else the response model reads, NaN where it is unknown.
    """

    customer_id: str | None
    numbers: dict[str, float]
    is_cold: bool
    others: tuple[float, ...] = ()


class Contract:
    """The rules of an artifact's metadata, applied to one record at a time.

    Args:
        segmenter: The segmenter's metadata.
        cold_start: The cold-start model's, where there is one.
        response: The response model's, where there is one.
    """

    def __init__(
        self,
        segmenter: Mapping[str, Any],
        cold_start: Mapping[str, Any] | None = None,
        response: Mapping[str, Any] | None = None,
    ) -> None:
        self.schema = schema = schema_of(segmenter)
        # Text is kept in tables, and no answer depends on it.
        self.rules = {n: column for n, column in schema.columns.items() if column.kind != "text"}
        self.as_of = schema.as_of
        self.aliases = schema.aliases
        self.from_float = schema.rows.column_rules[KEY].from_float
        self.missing_values: frozenset[str] = frozenset(["", *schema.missing_values])
        formats = dict.fromkeys([*schema.date_formats, _ISO])
        self._formats = [DateFormat.of(text, schema.two_digit_years_before) for text in formats]
        self._spellings = {
            name: meanings_of(schema.spellings(name), column.categories, schema.unknown_categories)
            for name, column in self.rules.items()
            if column.kind == "category"
        }
        self.columns: tuple[str, ...] = tuple(segmenter["columns"])
        self.spans = spans(self.columns, schema)
        self.needed = schema.canonical_columns(self.columns)
        # Unknown for customers who have not bought yet.
        self.purchases = tuple(name for name in self.needed if self.rules[name].from_purchases)
        # Without needed purchases, the segmenter answers everybody.
        self.cold_columns: tuple[str, ...] = (
            tuple(cold_start["columns"]) if cold_start and self.purchases else ()
        )
        self.cold_needed = schema.canonical_columns(self.cold_columns)
        self.response_columns: tuple[str, ...] = tuple(response["columns"]) if response else ()
        self.response_needed = schema.canonical_columns(self.response_columns)
        # Beside the segmenter's: a customer may lack them, and gets a segment.
        self.others = tuple(n for n in self.response_columns if n not in self.columns)
        self._names = [*self.rules, *self.aliases, AS_OF]

    def read(
        self, record: object, path: str, *, hints: bool = True
    ) -> ReadCustomer | list[Problem]:
        """One customer, or every problem of the record.

        Args:
            record: Decoded JSON.
            path: Its place in the body: `$` or `$[3]`.
            hints: Suggest a column for an unknown name, which is slow.
        """
        if problems := self._unreadable(record, path):
            return problems
        values, as_of, problems = self._values(record, path, self.as_of, hints=hints)
        is_cold = bool(self.cold_columns) and not any(name in values for name in self.purchases)
        for column in self.cold_needed if is_cold else self.needed:
            if column not in values:
                accepted = self.accepted(column, as_of)
                problems.append(Problem(f"{path}.{column}", LACKING, accepted))
        if problems:
            return problems
        columns = self.cold_columns if is_cold else self.columns
        customer_id = values.pop(KEY, None)
        parts = [self.numbers_of(*item) for item in (values | {AS_OF: as_of}).items()]
        numbers = dict(chain.from_iterable(part.items() for part in parts))
        others = () if is_cold else tuple(numbers.get(name, math.nan) for name in self.others)
        return ReadCustomer(customer_id, {name: numbers[name] for name in columns}, is_cold, others)

    def changes(
        self, record: object, customer_id: str, as_of: date
    ) -> dict[str, dict[str, float]] | list[Problem]:
        """The numeric columns of each field of a part of a record, or every problem of it.

        Args:
            record: Decoded JSON.
            customer_id: The customer's, which the record may repeat.
            as_of: The day of what the customer is otherwise.
        """
        if problems := self._unreadable(record, "$"):
            return problems
        values, day, problems = self._values(record, "$", as_of)
        if values.pop(KEY, None) not in {None, customer_id}:
            problems.append(Problem(f"$.{KEY}", "another customer's", "the one of the path"))
        if day != as_of:
            values[AS_OF] = day
        return problems or {name: self.numbers_of(name, value) for name, value in values.items()}

    def accepted(self, column: str, as_of: date | None = None) -> str:
        """What a column accepts, in words."""
        rule = self.rules[column]
        if rule.kind == "key":
            return f"text of 1 to {LONGEST_KEY} characters, or a whole number"
        if rule.kind == "category":
            also = f"; anything else counts as {rule.other}" if rule.other else ""
            return f"one of {', '.join(rule.categories)}{also}"
        if rule.kind == "date":
            return f"a day from {rule.earliest} to {as_of or self.as_of}"
        minimum, maximum = self.range_of(column, as_of)
        number = "a whole number" if rule.whole else "a number"
        return f"{number} from {minimum:.15g} to {maximum:.15g}"

    def range_of(self, column: str, as_of: date | None = None) -> tuple[float, float]:
        """The minimum and maximum of a number column, both allowed."""
        return range_of(self.rules[column], as_of or self.as_of)

    def _unreadable(self, record: object, path: str) -> list[Problem]:
        if not isinstance(record, dict):
            return [Problem(path, "not an object", "an object of canonical columns")]
        # Each name at most once.
        if len(record) > len(self._names):
            return [Problem(path, "too many fields", f"at most {len(self._names)}")]
        return []

    def _values(
        self,
        record: object,
        path: str,
        as_of: date,
        *,
        hints: bool = True,
    ) -> tuple[dict[str, Any], date, list[Problem]]:
        """The value of each column that is given, right or wrong; the day; every problem of them.

        Args:
            record: An object of JSON.
            path: Its place in the body.
            as_of: The day, where the record gives none.
            hints: As `read` has it.
        """
        values: dict[str, Any] = {}
        given, problems = self._named(cast("Record", record), path, hints=hints)
        if AS_OF in given:
            sent, name = given.pop(AS_OF)
            day = self.day(sent)
            if day is None:
                problems.append(Problem(f"{path}.{name}", NO_DATE, f"a day, as {as_of}"))
            as_of = day or as_of
        for column, (sent, name) in given.items():
            values[column], problem = self._value(column, sent, as_of)
            if problem:
                problems.append(Problem(f"{path}.{name}", problem, self.accepted(column, as_of)))
        return values, as_of, problems

    def _named(
        self, record: Record, path: str, *, hints: bool
    ) -> tuple[dict[str, Any], list[Problem]]:
        """Canonical column -> (value, name as sent), without nulls; and wrong names."""
        given: dict[str, tuple[Any, str]] = {}
        problems = []
        for name, value in record.items():
            column = self.aliases.get(name, name)
            if column not in self.rules and column != AS_OF:
                close = hints and get_close_matches(name[:_LONGEST_NAME], self._names, n=1)
                hint = f"did you mean {close[0]}?" if close else "a canonical column or an alias"
                problems.append(Problem(f"{path}.{shown(name)}", "unknown field", hint))
            elif column in given:
                either = f"this or {given[column][1]}, which is the same column"
                problems.append(Problem(f"{path}.{name}", "given twice", either))
            elif value is not None:
                given[column] = (value, name)
        return given, problems

    def _value(self, column: str, sent: object, as_of: date) -> tuple[Any, str]:
        """The value of a column, and its problem or ''."""
        if isinstance(sent, str) and sent.strip() in self.missing_values:
            return None, LACKING
        kind = self.rules[column].kind
        if kind == "number":
            return self._number(column, sent, as_of)
        if kind == "category":
            return self._category(column, sent)
        if kind == "date":
            day = self.day(sent)
            problem = _outside(self.rules[column], day_number(day), as_of) if day else NO_DATE
            return None if problem else day, problem
        return self._key(sent)

    def _category(self, column: str, sent: object) -> tuple[str | None, str]:
        word = None
        if isinstance(sent, str):
            word = self._spellings[column].get(folded(sent), self.rules[column].other)
        if word == UNKNOWN:
            return None, LACKING
        return word, "" if word else NO_CATEGORY

    def _key(self, sent: object) -> tuple[str | None, str]:
        if isinstance(sent, float) and sent.is_integer():
            # In JSON, 7.0 and 7 are the same number.
            sent = int(sent)
        if isinstance(sent, bool) or not isinstance(sent, (str, int)):
            return None, "not text"
        text = str(sent).strip()
        if self.from_float:
            text = id_without_fraction(text)
        return text, "" if len(text) <= LONGEST_KEY else "too long"

    def _number(self, column: str, sent: object, as_of: date) -> tuple[float | None, str]:
        if isinstance(sent, bool) or not isinstance(sent, (int, float)):
            return None, NO_NUMBER
        try:
            value = float(sent)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            return None, NOT_FINITE
        rule = self.rules[column]
        if rule.whole and not value.is_integer():
            return value, NOT_WHOLE
        return value, _outside(rule, value, as_of)

    def day(self, sent: object) -> date | None:
        """The date that a text means; None if none, or if formats disagree."""
        if not isinstance(sent, str):
            return None
        days = {fmt.day(sent.strip()) for fmt in self._formats} - {None}
        return days.pop() if len(days) == 1 else None

    def numbers_of(self, column: str, value: Any) -> dict[str, float]:  # noqa: ANN401 - of any kind
        """The numeric columns of a column's value."""
        if isinstance(value, date):
            return date_numbers(column, value)
        if column in self._spellings:
            return {column: float(self.rules[column].categories.index(value))}
        return {column: value}


def _outside(rule: Column, value: float, as_of: date) -> str:
    """The problem of the first limit that a value breaks, '' if none."""
    # Metrics count by problem: its words are the same for every snapshot's day.
    limits = zip(limits_of(rule, as_of), limits_of(rule, None), strict=True)
    broken = (always for now, always in limits if not now.minimum <= value <= now.maximum)
    return next((limit.problem for limit in broken), "")


def matrix_of(customers: Iterable[ReadCustomer]) -> NDArray[np.float64]:
    """The (customers x columns, and others) matrix of customers of one model."""
    rows = [[*customer.numbers.values(), *customer.others] for customer in customers]
    return np.array(rows, dtype=np.float64)


def shown(name: str) -> str:
    """A text of the client's, short enough to be repeated in an error."""
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "..."


def limit_problems(records: Iterable[list[Problem]]) -> None:
    """Keep the first hundred problems of all records, but at least one of each wrong record."""
    left = MAX_PROBLEMS
    for problems in records:
        del problems[max(left, 1) :]
        left -= len(problems)
