"""A batch of Spark's stream: the batch's own answers, whatever is sent twice or tried again."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.streaming.spark.tables import Table
from tests.streaming.home import equal, expected, lines
from tests.streaming.spark.shop import Shop
from tests.tables.declared import require_declared

pytestmark = [pytest.mark.spark, pytest.mark.faults, pytest.mark.long]


class KilledError(Exception):
    """Stands for the end of the driver."""


@pytest.fixture(scope="module")
def shop(spark: Any, models: BundleStore, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(spark, tmp_path_factory.mktemp("shop"), models)


def test_batches_come_to_what_all_events_do_at_once_and_a_repeated_one_changes_nothing(
    shop: Shop, tmp_path: Path
) -> None:
    sent = [*lines(900, customers=60), b"no JSON", {"CustomerID": "a", "Quantity": "x"}]
    # Late, repeated and in another order than they were made in.
    first, second, third = sent[300:600], [*sent[600:], *sent[300:400]], sent[:300]
    shop.batches(shop.messages(first), 0)
    second = shop.messages(second)

    def killed(table: Table, *_: Any, **__: Any) -> None:
        raise KilledError(table.place)

    # The driver ends between two writes of the batch: those of lines and of moves are done.
    with patch.object(Table, "merge", killed), pytest.raises(KilledError):
        shop.batches(second, 1)
    shop.batches(second, 1)
    done = shop.all()
    shop.batches(second, 1)
    assert shop.all() == done
    shop.batches(shop.messages(third), 2)

    events = [event for event in sent if isinstance(event, dict) and "InvoiceNo" in event]
    segments = shop.table("segments")
    assert equal(segments, expected(shop.of.stream, events, tmp_path))
    letters = shop.table("dead_letters").sort("offset")
    assert [each["value"] for each in letters.to_dicts()] == [
        b"no JSON",
        b'{"CustomerID": "a", "Quantity": "x"}',
    ]
    assert "the value is no JSON object" in letters["reasons"][0]
    assert "quantity: not a number" in letters["reasons"][1]
    require_chains(shop.table("moves"), segments)
    require_newest(shop.table("history"), segments)
    gold = Path(shop.of.stream.catalog["gold_{table}"]["filepath"])
    require_declared(str(gold.parents[1]), "gold_moves", "gold_history")


def require_chains(moves: pl.DataFrame, segments: pl.DataFrame) -> None:
    """No move is lost or doubled: each begins where the one before has ended."""
    at: dict[str, str | None] = {}
    for row in moves.sort("recorded_at").iter_rows(named=True):
        assert row["from_segment"] == at.get(row["customer_id"]), row
        assert row["from_segment"] != row["to_segment"], row
        at[row["customer_id"]] = row["to_segment"]
    assert at == dict(segments.select("customer_id", "segment").iter_rows())


def require_newest(history: pl.DataFrame, segments: pl.DataFrame) -> None:
    """The last statement of each customer is the segment it is in, and none stands twice."""
    assert not history.select("customer_id", "recorded_at").is_duplicated().any()
    last = history.sort("recorded_at").unique("customer_id", keep="last")
    told = ("customer_id", "segment", "runner_up")
    assert last.select(told).sort("customer_id").equals(segments.select(told).sort("customer_id"))
