"""A customer of a stream is what a batch over the same events says, to the last digit."""

from __future__ import annotations

import os
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.state import CustomerState
from tests.streaming.batch import batch_of
from tests.streaming.schemas import gifts, members, shop

SHOP, GIFTS, PLAIN, MEMBERS = shop(), gifts(), gifts(with_versions=False), members()
Row = dict[str, str]
Drawn = tuple[list[Row], list[int], list[int]]
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
_HURRIED = settings(
    max_examples=6, deadline=None, suppress_health_check=_SLOW, derandomize=True, database=None
)
_HISTORIES = 15 * int(os.environ.get("SEGMENTATION_KILLS", "20"))
_LONG = settings(max_examples=_HISTORIES, deadline=None, suppress_health_check=_SLOW, database=None)


def _days(last: date, before: int, after: int) -> st.SearchStrategy[str]:
    """Days about one, some of them no days."""
    days = st.integers(-before, after).map(lambda n: (last + timedelta(days=n)).isoformat())
    return st.one_of(days, days, days, days.map(lambda day: f"{day}T11:05:00Z"), st.just("soon"))


_AMOUNTS = st.sampled_from(
    ["1", "2.5", "-0.05", "0.1", "1e3", "-7", "33.33", "", "lots", "0", "-0"]
)
_SHOP_ROWS = st.fixed_dictionaries(
    {
        "Customer": st.sampled_from(["a", "b", "c", ""]),
        "Number": st.sampled_from(["1", "2", "3", "4"]),
        "Day": _days(SHOP.as_of, 25, 6),
        "Kind": st.sampled_from(["order", "visit", "Order", "call"]),
        "Channel": st.sampled_from(["web", "store"]),
        "Product": st.sampled_from(["shoes", "hats", "gloves"]),
        "Amount": _AMOUNTS,
        "changed_at": st.sampled_from(["1", "2", "3", "3.0"]),
        "removed": st.sampled_from(["", "", "", "0", "1", "yes", "perhaps"]),
    }
)
_GIFT_ROWS = st.fixed_dictionaries(
    {
        "CustomerID": st.sampled_from(["1", "2", " 2", "3"]),
        "InvoiceNo": st.sampled_from(["A", "B"]),
        "line": st.sampled_from(["1", "2"]),
        "InvoiceDate": _days(GIFTS.as_of, 20, 5),
        "Quantity": _AMOUNTS,
        "UnitPrice": st.sampled_from(["0.1", "0.2", "3", ""]),
        "changed_at": st.sampled_from(["2011-12-01T10", "2011-12-01T11", "2011-12-02"]),
        "removed": st.sampled_from(["", "", "1"]),
    }
)
_PLAIN_ROWS = _GIFT_ROWS.map(
    lambda row: {name: cell for name, cell in row.items() if name[0].isupper()}
)
_MEMBER_ROWS = st.fixed_dictionaries(
    {
        "ID": st.sampled_from(["1", "2", "3"]),
        "Year_Birth": st.sampled_from(["1980", "1914", "1913", "1996", "1890", ""]),
        "Education": st.sampled_from(["PhD", "Master", "none"]),
        "Income": st.sampled_from(["1000", "50000", "-3", ""]),
        "Dt_Customer": _days(MEMBERS.as_of, 20, 200),
        "Recency": st.sampled_from(["1", "5", "x"]),
        **{header: st.just("2") for header in (*("Marital_Status", "Kidhome", "Teenhome"),)},
        **{name: st.sampled_from(["0", "10.5", "-1"]) for name in ("MntWines", "MntFruits")},
        **dict.fromkeys(
            (
                *("MntMeatProducts", "MntFishProducts", "MntSweetProducts", "MntGoldProds"),
                *("NumDealsPurchases", "NumWebPurchases", "NumCatalogPurchases"),
                *("NumStorePurchases", "NumWebVisitsMonth"),
            ),
            st.just("3"),
        ),
        "changed_at": st.sampled_from(["1", "2", "3"]),
        "closed": st.sampled_from(["", "", "", "1"]),
    }
)


def _drawn(rows: st.SearchStrategy[Row]) -> st.SearchStrategy[Drawn]:
    """Rows in the order of their arrival, some again; sizes of batches; days that pass between."""
    some = st.lists(rows, min_size=1, max_size=25)
    again = some.flatmap(
        lambda first: st.lists(st.sampled_from(first), max_size=8).map(lambda more: first + more)
    )
    mixed = again.flatmap(st.permutations)
    return st.tuples(
        mixed,
        st.lists(st.integers(1, 9), min_size=1, max_size=6),
        st.lists(st.sampled_from([0, 0, 1, 3, 20, 190]), min_size=6, max_size=6),
    )


def _streamed(drawn: Drawn, schema: Schema) -> None:
    """Take the events in, and compare after a day has passed and at the end."""
    rows, sizes, passed = drawn
    rows = rows[: sum(sizes)]
    with (
        tempfile.TemporaryDirectory() as folder,
        CustomerState(Path(folder) / "state.db", schema) as state,
    ):
        seen: list[Row] = []
        is_compared = False
        told: dict[str, dict[str, Any]] = {}
        for size, days in zip(sizes, passed, strict=False):
            some, rows = rows[:size], rows[size:]
            if not some:
                break
            seen += some
            step = state.apply(pl.DataFrame(some), {"events-0": len(seen)})
            _note(told, step)
            for chunk in state.advance(
                min(state.as_of + timedelta(days=days), date(2199, 1, 1)), confirmed=True
            ):
                with chunk:
                    _note(told, chunk, whole=True)
            if (days and not is_compared) or not rows:
                _compare(state, seen, schema, told)
                is_compared = True
        before = _all_of(state)
        step = state.apply(pl.DataFrame(seen), {"events-0": len(seen)})
        assert step.customers.is_empty()
        assert not step.gone
        assert_frame_equal(_all_of(state), before)


def _note(told: dict[str, dict[str, Any]], step: Any, *, whole: bool = False) -> None:
    """What somebody knows who only hears of changes."""
    for row in step.customers.iter_rows(named=True):
        told[row["customer_id"]] = row
    for key in step.gone:
        told.pop(key, None)
    assert not whole or not {*step.gone} & {*step.customers["customer_id"]}


def _all_of(state: CustomerState) -> pl.DataFrame:
    return pl.concat([*state.customers(), state.nobody()])


def _compare(
    state: CustomerState, seen: list[Row], schema: Schema, told: dict[str, dict[str, Any]]
) -> None:
    expected = batch_of(pl.DataFrame(seen), schema.on(state.as_of))
    found = _all_of(state)
    if expected is None:
        assert found.is_empty()
        assert not told
        return
    absent = [name for name in found.columns if name not in expected.columns]
    assert all(found[name].is_null().all() for name in absent)
    assert_frame_equal(found.select(expected.columns), expected, check_exact=True)
    heard = pl.DataFrame([*told.values()], schema=found.schema).sort("customer_id")
    assert_frame_equal(heard, found, check_exact=True)


@_HURRIED
@given(_drawn(_SHOP_ROWS))
def test_channels_products_visits_and_refunds_are_those_of_a_batch(drawn: Drawn) -> None:
    _streamed(drawn, SHOP)


@_HURRIED
@given(_drawn(_GIFT_ROWS))
def test_corrected_late_and_removed_order_lines_come_to_what_a_batch_says(drawn: Drawn) -> None:
    _streamed(drawn, GIFTS)


@_HURRIED
@given(_drawn(_PLAIN_ROWS))
def test_lines_without_an_id_are_told_apart_by_all_their_cells(drawn: Drawn) -> None:
    _streamed(drawn, PLAIN)


@_HURRIED
@given(_drawn(_MEMBER_ROWS))
def test_of_a_customers_records_the_latest_stands_on_every_day(drawn: Drawn) -> None:
    _streamed(drawn, MEMBERS)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("rows", "schema"),
    [(_SHOP_ROWS, SHOP), (_GIFT_ROWS, GIFTS), (_PLAIN_ROWS, PLAIN), (_MEMBER_ROWS, MEMBERS)],
    ids=["shop", "gifts", "plain", "members"],
)
def test_stream_and_batch_agree_over_hundreds_of_histories(
    rows: st.SearchStrategy[Row], schema: Schema
) -> None:
    @_LONG
    @given(_drawn(rows))
    def agree(drawn: Drawn) -> None:
        _streamed(drawn, schema)

    agree()
