"""Read customers from JSON by the contract that the artifact carries.

The fast path decodes and checks a record in one step by msgspec, in the canonical names or in the
bundle's aliases. Any record that fails goes through the careful path, which takes other spellings,
an `as_of` day and absent columns, and reports every problem.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType
from numpy.typing import NDArray

from customer_segmentation.customers.matrix import date_numbers
from customer_segmentation.schema.cells import FLOAT_ID
from customer_segmentation.schema.parts import AS_OF, Column
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.validation import LONGEST_KEY, Contract, Problem, ReadCustomer

# Only the first wrong records get hints for unknown names: the others have the same names.
_MAX_HINTED = 5
_UNTAKEN = re.compile(r'["\\\x00-\x1f]')


class FastReader:
    """Decodes records that keep the contract, in one set of names, as of the artifact's day.

    Args:
        contract: The rules.
        names: Column -> its name in the body.
    """

    def __init__(self, contract: Contract, names: Mapping[str, str]) -> None:
        fields = [
            _field(rule, names.get(column, column), contract, required=column in contract.needed)
            for column, rule in contract.rules.items()
        ]
        struct = msgspec.defstruct(
            "Customer", fields, forbid_unknown_fields=True, gc=False, kw_only=True
        )
        self._one = msgspec.json.Decoder(struct)
        self._many = msgspec.json.Decoder(list[struct])  # type: ignore[valid-type]
        as_of = date_numbers(AS_OF, contract.as_of)
        columns = (*contract.columns, *contract.others)
        self._fixed = np.array([as_of.get(column, 0.0) for column in columns])
        sent = {i: c for i, c in enumerate(columns) if c not in as_of}
        kinds = {column: rule.kind for column, rule in contract.rules.items()}
        self._positions = [i for i, column in sent.items() if kinds.get(column) == "number"]
        self._numbers = _values_of([sent[i] for i in self._positions])
        self._coded = {i: _code(c, contract) for i, c in sent.items() if i not in self._positions}
        dates = [rule for rule in contract.rules.values() if rule.kind == "date"]
        self._dates = [(attrgetter(rule.name), rule.earliest or date.min) for rule in dates]
        self._last = contract.as_of

    def read(self, body: bytes, *, is_list: bool) -> list[Any]:
        """The customers of a body: a list, or one alone.

        Raises:
            msgspec.ValidationError: One breaks the contract, or has other names.
        """
        customers: list[Any] = self._many.decode(body) if is_list else [self._one.decode(body)]
        last = self._last
        for day_of, first in self._dates:
            days = map(day_of, customers)
            if any(day is not UNSET and not first <= day <= last for day in days):
                raise msgspec.ValidationError
        return customers

    def ids(self, customers: Sequence[Any]) -> list[str | None]:
        """The keys as text; None where there is none."""
        keys = [customer.customer_id for customer in customers]
        return [None if key is UNSET else str(key) for key in keys]

    def matrix(self, customers: Sequence[Any]) -> NDArray[np.float64]:
        """(customers x the segmenter's columns, and others)."""
        rows = np.empty((len(customers), len(self._fixed)))
        rows[:] = self._fixed
        # A flat iterator: an array of tuples takes twice as long.
        numbers = chain.from_iterable(map(self._numbers, customers))
        flat = np.fromiter(numbers, np.float64, len(customers) * len(self._positions))
        rows[:, self._positions] = flat.reshape(len(customers), len(self._positions))
        for position, code in self._coded.items():
            rows[:, position] = [code(customer) for customer in customers]
        return rows


class Reader:
    """Reads a request's body: by the fast path where it can, else by the careful path."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        # msgspec renames no field to a text with these; the careful path takes it.
        aliases = [item for item in contract.aliases.items() if not _UNTAKEN.search(item[0])]
        sent = {column: alias for alias, column in reversed(aliases)}
        # msgspec reads ISO dates, and a format of the contract may contradict them.
        is_iso = contract.day("2000-01-02") == date(2000, 1, 2)
        self._fast = [FastReader(contract, names) for names in ({}, sent)] if is_iso else []

    def fast(self, body: bytes, *, is_list: bool) -> tuple[FastReader, list[Any]] | None:
        """The reader and its customers if every record keeps the contract; else None."""
        for reader in self._fast:
            try:
                return reader, reader.read(body, is_list=is_list)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                continue
        return None

    def careful(self, body: bytes, max_customers: int) -> list[ReadCustomer | list[Problem]]:
        """Each record of a body, or its problems.

        Args:
            body: JSON.
            max_customers: In one body.

        Raises:
            RefusedError: The body is not JSON, or has more records.
        """
        decoded = decoded_json(body)
        if not isinstance(decoded, list):
            return [self.contract.read(decoded, "$")]
        if len(decoded) > max_customers:
            raise too_many_customers(len(decoded), max_customers)
        read: list[ReadCustomer | list[Problem]] = []
        wrong = 0
        for i, record in enumerate(decoded):
            read.append(self.contract.read(record, f"$[{i}]", hints=wrong < _MAX_HINTED))
            wrong += isinstance(read[-1], list)
        return read


def decoded_json(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """The value of a body.

    Raises:
        RefusedError: It is not JSON.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RefusedError(400, f"not JSON: {str(error) or 'nested too deeply'}") from error


def too_many_customers(customers: int, most: int) -> RefusedError:
    """The refusal of a list that is too long for one request."""
    return RefusedError(
        413,
        f"{customers} customers; at most {most} per request: send several, or one file to the "
        "server's POST /v1/jobs",
    )


def _field(rule: Column, name: str, contract: Contract, *, required: bool) -> tuple[Any, ...]:
    """A field of the fast path's struct: its name, its type with the limits, its default."""
    kind: Any
    if rule.kind == "number":
        minimum, maximum = contract.range_of(rule.name)
        limits: dict[str, Any] = {} if math.isinf(minimum) else {"ge": minimum}
        limits |= {} if math.isinf(maximum) else {"le": maximum}
        limits |= {"multiple_of": 1.0} if rule.whole else {}
        kind = Annotated[float, Meta(**limits)]
    elif rule.kind == "category":
        kind = Literal[rule.categories]
    elif rule.kind == "date":
        kind = date
    else:
        # No white space around it, which the careful path strips.
        missing = "|".join(map(re.escape, sorted(contract.missing_values)))
        # Nor a fraction, if that is to be dropped.
        as_float = rf"(?!{FLOAT_ID})" if contract.from_float else ""
        pattern = rf"^(?!(?:{missing})\Z){as_float}\S(.{{0,{LONGEST_KEY - 2}}}\S)?\Z"
        kind = Annotated[str, Meta(pattern=pattern)] | int
    if required:
        return rule.name, kind, msgspec.field(name=name)
    if rule.name in contract.others and rule.kind == "number":
        # A number as it is scored where there is none.
        return rule.name, kind, msgspec.field(name=name, default=math.nan)
    return rule.name, kind | UnsetType, msgspec.field(name=name, default=UNSET)


def _values_of(names: Sequence[str]) -> Callable[[Any], Sequence[float]]:
    """A function from a decoded customer to a tuple of number columns."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda customer: [getattr(customer, name) for name in names]


def _code(column: str, contract: Contract) -> Callable[[Any], float]:
    """A function from a decoded customer to a numeric column of a category or a date."""
    (name,) = contract.schema.canonical_columns([column])
    value_of = attrgetter(name)
    unknown = {column: math.nan}

    def number(customer: Any) -> float:  # noqa: ANN401 - made at run time
        value = value_of(customer)
        numbers = unknown if value is UNSET else contract.numbers_of(name, value)
        return numbers[column]

    return number
