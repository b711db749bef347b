"""The market: the same for whoever asks, drifting mildly, and turning once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.marketing import SCHEMA
from tools.year.customers import silver
from tools.year.market import Market, end_of_month
from tools.year.traffic import records


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(3_000, seed=2)


def test_whoever_asks_for_a_month_gets_the_same_customers_and_answers(market: Market) -> None:
    again = Market(3_000, seed=2)
    for number in (0, 7):
        first, second = market.month(number), again.month(number)
        assert first.texts() == second.texts()
        np.testing.assert_array_equal(first.chances, second.chances)
        np.testing.assert_array_equal(first.answers("spring"), second.answers("spring"))
    assert Market(3_000, seed=3).month(0).texts() != market.month(0).texts()


def test_months_end_where_calendars_say() -> None:
    days = [end_of_month(number).isoformat() for number in (0, 1, 6, 8, 12)]
    assert days == ["2014-06-30", "2014-07-31", "2014-12-31", "2015-02-28", "2015-06-30"]


def test_who_answers_turns_in_month_6_and_how_many_hardly_do(market: Market) -> None:
    months = [market.month(number) for number in (4, 5, 6)]
    by_id = [dict(zip(month.ids, month.chances, strict=True)) for month in months]
    both = sorted(set(by_id[0]) & set(by_id[2]))
    assert len(both) == 2_750
    earlier, before, after = ([chances[one] for one in both] for chances in by_id)
    # Days since the last purchase differ between any two months.
    assert np.corrcoef(earlier, before)[0, 1] > 0.5
    assert np.corrcoef(before, after)[0, 1] < 0.2
    means = [market.month(number).chances.mean() for number in range(13)]
    assert min(means) > 0.1
    assert max(means) < 0.17


def test_a_few_leave_and_come_each_month_and_spend_grows(market: Market) -> None:
    first, last = market.month(0), market.month(12)
    assert len(first.ids) == len(last.ids) == 3_000
    assert len(np.intersect1d(first.ids, last.ids)) == 1_500
    assert set(last.columns["Response"].tolist()) == {0, 1}
    stayed = [np.isin(month.ids, np.intersect1d(first.ids, last.ids)) for month in (first, last)]
    for name in ("MntWines", "NumWebVisitsMonth"):
        before, after = (
            month.columns[name][there].mean()
            for month, there in zip((first, last), stayed, strict=True)
        )
        assert after > 1.02 * before


def test_the_projects_own_steps_keep_every_customer(market: Market, tmp_path: Path) -> None:
    month = market.month(9)
    kept = silver(month, SCHEMA)
    assert sorted(kept["customer_id"].to_list()) == sorted(month.ids.tolist())
    # Those who signed up lately, too: a year's day is its own.
    assert kept["enrolled_on"].null_count() == 0
    assert kept["as_of"].unique().to_list()[0].date() == month.day
    assert kept["responded"].sum() == month.columns["Response"].sum()
    month.write(tmp_path / "customers.csv")
    lines = (tmp_path / "customers.csv").read_bytes().split(b"\r\n")
    assert len(lines) == 3_000 + 2
    assert lines[0].startswith(b"ID\tYear_Birth\t")


def test_a_caller_sends_no_answer_that_is_asked_for(market: Market) -> None:
    found = records(market.month(3), SCHEMA)
    assert len(found) == 3_000
    assert "responded" not in found[0]
    assert "accepted_campaign_1" in found[0]
    assert found[0]["enrolled_on"].count("-") == 2
    assert isinstance(found[0]["customer_id"], str)
