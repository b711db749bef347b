"""Who agreed to be contacted for a purpose, on a day.

What customers said is kept as statements, each of a day. The last one up to a day is in force on
it; of two on the same day a withdrawal is. Who never said anything has not agreed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema

Days = NDArray[np.datetime64]
# Of a statement that does not expire.
NEVER = np.datetime64("9999-12-31")


@dataclass(frozen=True)
class Statements:
    """What customers said, n times in all.

    Attributes:
        customers: (n,) their ids, as text.
        purposes: (n,) keys of the schema's `campaigns.consent`.
        is_given: (n,) whether the customer agreed, or took it back.
        days: (n,) when.
        until: (n,) the day from which on an agreement does not hold any more.
    """

    customers: NDArray[np.object_]
    purposes: NDArray[np.object_]
    is_given: NDArray[np.bool_]
    days: Days
    until: Days

    @classmethod
    def none(cls) -> Self:
        """Nobody said anything."""
        nobody = np.array([], dtype=object)
        no_days = np.array([], dtype="datetime64[D]")
        return cls(nobody, nobody, np.array([], dtype=np.bool_), no_days, no_days)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The statements of several sources, of which each may have any."""
        return cls(
            np.concatenate([part.customers for part in parts]),
            np.concatenate([part.purposes for part in parts]),
            np.concatenate([part.is_given for part in parts]),
            np.concatenate([part.days for part in parts]),
            np.concatenate([part.until for part in parts]),
        )

    def __len__(self) -> int:
        """How many statements."""
        return len(self.customers)


def has_consent(statements: Statements, purpose: str, day: date) -> set[str]:
    """The ids of those who have agreed to a purpose, as of a day.

    Of several agreements on a customer's last day, the one that expires first is in force.
    """
    on = np.datetime64(day)
    known = np.flatnonzero((statements.purposes == purpose) & (statements.days <= on))
    places: dict[str, int] = {}
    ids = statements.customers[known].tolist()
    codes = np.array([places.setdefault(one, len(places)) for one in ids], dtype=np.int64)
    given, until = statements.is_given[known], statements.until[known]
    # Last in this order: a customer's latest day, on it a withdrawal, or else what expires first.
    days = statements.days[known].astype(np.int64)
    order = np.lexsort((-until.astype(np.int64), ~given, days, codes))
    sorted_codes = codes[order]
    is_last = np.append(np.diff(sorted_codes) != 0, True)[: len(order)]
    last = order[is_last]
    in_force = last[given[last] & (until[last] > on)]
    return set(statements.customers[known[in_force]].tolist())


def stated_in_columns(silver_customers: IntoFrame, schema: Schema) -> Statements:
    """What the customers' own table says of their consent, in the date columns that are named."""
    named = [*_named(schema)]
    if not named:
        return Statements.none()
    days = collected_days(silver_customers, [column for _, _, column in named])
    return Statements.joined(
        [_of_column(days[KEY], purpose, given, days[column]) for purpose, given, column in named]
    )


def collected_days(table: IntoFrame, columns: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The ids and some dates of a table, on this machine; NaT where a date is not known."""
    names = [*dict.fromkeys(columns)]
    # Engines agree on years and days of the year, and not on types of dates.
    parts = {part: value for name in names for part, value in _parts(name).items()}
    found = nw.from_native(table).lazy().select(KEY, **parts).collect()
    ids = np.array([str(nw.to_py_scalar(one)) for one in found[KEY].to_list()], dtype=object)
    days: dict[str, NDArray[Any]] = {KEY: ids}
    for name in names:
        year, ordinal = (np.array(found[part].to_numpy(), np.float64) for part in _parts(name))
        days[name] = days_of(year, ordinal)
    return days


def days_of(years: NDArray[np.float64], ordinals: NDArray[np.float64]) -> Days:
    """Days, from years and days of the year, which are NaN where a day is not known."""
    is_known = ~(np.isnan(years) | np.isnan(ordinals))
    whole = np.where(is_known, years - 1970.0, 0.0).astype(np.int64).astype("datetime64[Y]")
    counted = np.where(is_known, ordinals - 1.0, 0.0).astype(np.int64)
    return np.where(is_known, whole.astype("datetime64[D]") + counted, np.datetime64("NaT"))


def _parts(name: str) -> dict[str, nw.Expr]:
    year, ordinal = date_parts(name)
    column = nw.col(name).dt
    return {
        year: column.year().cast(nw.Float64),
        ordinal: column.ordinal_day().cast(nw.Float64),
    }


def _named(schema: Schema) -> Iterator[tuple[str, bool, str]]:
    """Purpose, whether consent is given in it, and the column."""
    for purpose, consent in schema.campaigns.consent.items():
        if consent.given_on:
            yield purpose, True, consent.given_on
        if consent.withdrawn_on:
            yield purpose, False, consent.withdrawn_on


def _of_column(ids: NDArray[np.object_], purpose: str, given: bool, days: Days) -> Statements:  # noqa: FBT001 - a part of a statement
    stated = ~np.isnat(days)
    number = int(stated.sum())
    return Statements(
        ids[stated],
        np.full(number, purpose, dtype=object),
        np.full(number, given),
        days[stated],
        np.full(number, NEVER),
    )
