"""Answers of a stream, and who moved."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import onnx
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from customer_segmentation.pipelines.label_generation.nodes import score_customers
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.streaming.scoring import answers_of, moves_of
from customer_segmentation.streaming.state import CustomerState
from tests.scoring.example import make_segmenter
from tests.streaming.schemas import members

DAY = date(2014, 6, 30)
DAY_OF = datetime.combine(DAY, time.min)


@pytest.fixture(scope="module")
def artifact() -> onnx.ModelProto:
    return build_segmenter(make_segmenter())


@pytest.fixture
def schema() -> Schema:
    return members()


def record(key: str, income: str, version: str, **others: str) -> dict[str, str]:
    """A member's record."""
    cells = dict.fromkeys(
        (
            *("Kidhome", "Teenhome", "Recency", "MntWines", "MntFruits", "MntMeatProducts"),
            *("MntFishProducts", "MntSweetProducts", "MntGoldProds", "NumDealsPurchases"),
            *("NumWebPurchases", "NumCatalogPurchases", "NumStorePurchases", "NumWebVisitsMonth"),
        ),
        "2",
    )
    known = {"ID": key, "Year_Birth": "1980", "Income": income, "changed_at": version}
    return cells | known | {"Dt_Customer": "2013-01-01", "closed": ""} | others


def test_answers_are_those_of_the_batch(
    tmp_path: Path, schema: Schema, artifact: onnx.ModelProto
) -> None:
    rows = [record(str(n), str(n * 9_000), "1", MntWines=str(n * 40)) for n in range(1, 12)]
    with CustomerState(tmp_path / "state.db", schema) as state:
        customers = state.apply(pl.DataFrame(rows), {}).customers
    assert len(customers) == 11
    answers = answers_of(customers, artifact)
    batch = score_customers(customers.lazy(), artifact)
    assert isinstance(batch, pl.LazyFrame)
    assert_frame_equal(answers, batch.collect())
    for one in (customers.slice(3, 1), customers.slice(0, 5)):
        some = answers.join(one.select("customer_id"), on="customer_id", how="semi")
        assert_frame_equal(answers_of(one, artifact), some)


def test_the_first_answer_enters_the_next_may_move_and_who_is_gone_leaves(
    tmp_path: Path, schema: Schema, artifact: onnx.ModelProto
) -> None:
    with CustomerState(tmp_path / "state.db", schema) as state:
        with state.batch(pl.DataFrame([record("7", "9000", "1")]), {}) as step:
            first = answers_of(step.customers, artifact)
            assert moves_of(step.before, first, DAY)["cause"].to_list() == ["entered"]
            step.set_answers(first)
        spends = record("7", "160000", "2", MntWines="1900", MntMeatProducts="1500")
        with state.batch(pl.DataFrame([spends]), {}) as step:
            second = answers_of(step.customers, artifact)
            moves = moves_of(step.before, second, DAY)
            step.set_answers(second)
        assert moves.select("from_segment", "to_segment", "cause").rows() == [
            (first["segment"][0], second["segment"][0], "data")
        ]
        assert first["segment"][0] != second["segment"][0]
        with state.batch(pl.DataFrame([spends | {"changed_at": "3"}]), {}) as step:
            assert moves_of(step.before, answers_of(step.customers, artifact), DAY).is_empty()
        with state.batch(pl.DataFrame([spends | {"changed_at": "4", "closed": "1"}]), {}) as step:
            assert step.gone == ["7"]
            left = moves_of(step.before, answers_of(step.customers, artifact), DAY)
        assert left.select("from_segment", "to_segment", "cause", "as_of").rows() == [
            (second["segment"][0], None, "left", DAY_OF)
        ]


@pytest.mark.parametrize(
    ("version", "is_changed", "cause"),
    [("old", True, "data"), ("other", False, "model"), ("other", True, "both")],
)
def test_a_move_is_by_the_data_the_model_or_both(
    version: str,
    is_changed: bool,  # noqa: FBT001 - a case
    cause: str,
) -> None:
    before = pl.DataFrame(
        {
            "customer_id": ["1"],
            "segment": ["a"],
            "segment_name": ["A"],
            "segment_id": [0],
            "artifact_version": ["old"],
            "is_changed": [is_changed],
        }
    )
    after = pl.DataFrame(
        {
            "customer_id": ["1"],
            "segment": ["b"],
            "segment_name": ["B"],
            "as_of": [DAY_OF],
            "artifact_version": [version],
        }
    )
    (move,) = moves_of(before, after, DAY).rows(named=True)
    assert (move["from_name"], move["to_name"], move["cause"]) == ("A", "B", cause)
    assert move["artifact_version"] == version
