"""Column expressions give what the artifact gives: onnxruntime is held against every engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from customer_segmentation.customers.contract import COLUMNS
from customer_segmentation.customers.generator import generate
from customer_segmentation.customers.parameters import CustomerParameters
from customer_segmentation.scoring.columns import score_columns
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.projection import Projection
from customer_segmentation.segmentation.scaling import Scaling
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.scoring.example import between_segments, draw_customers, make_segmenter

Matrix = NDArray[np.float64]
Answers = dict[str, NDArray[Any]]
SEGMENTS = ("segment", "runner_up")


def scorer_of(segmenter: Segmenter) -> Scorer:
    return Scorer(build_segmenter(segmenter).SerializeToString())


def by_expressions(table: Any, scorer: Scorer) -> nw.DataFrame[Any]:
    return score_columns(nw.from_native(table).lazy(), scorer.metadata).collect()


def as_table(matrix: Matrix, scorer: Scorer) -> pa.Table:
    return pa.table(
        {
            name: pa.array(values, from_pandas=True)
            for name, values in zip(scorer.columns, matrix.T, strict=True)
        }
    )


def of_polars(matrix: Matrix, scorer: Scorer) -> nw.DataFrame[Any]:
    return by_expressions(pl.from_arrow(as_table(matrix, scorer)).lazy(), scorer)


def assert_same_answers(found: nw.DataFrame[Any], expected: Answers) -> None:
    for name, values in expected.items():
        column = found[name]
        if values.dtype.kind == "i":
            np.testing.assert_array_equal(column.to_numpy(), values, err_msg=name)
        else:
            assert column.null_count() == np.isnan(values).sum(), name
            column = column.cast(nw.Float64)
            np.testing.assert_allclose(
                column.to_numpy(), values, rtol=1e-9, atol=1e-12, err_msg=name
            )


@pytest.fixture(scope="module")
def gaps(matrix: Matrix) -> Matrix:
    """500 customers, of whom every eleventh misses an input: in the end each was missing once."""
    rows = matrix[:500].copy()
    for number, row in enumerate(range(0, len(rows), 11)):
        rows[row, number % rows.shape[1]] = np.nan
    return rows


def test_answers_are_those_of_the_artifact_and_of_a_gap_none(
    gaps: Matrix, scorer: Scorer, frame_of: Callable[..., Any]
) -> None:
    columns = as_table(gaps, scorer).to_pydict()
    found = by_expressions(frame_of(columns | {"note": ["kept"] * len(gaps)}), scorer)
    assert_same_answers(found, scorer.score(gaps))
    assert found.columns == [*scorer.columns, "note", *scorer.outputs]
    without = found.filter(nw.col("segment") == -1)
    assert len(without) == 46
    assert set(without["runner_up"].to_list()) == set(without["offer"].to_list()) == {-1}
    assert without["margin"].null_count() == without["likely_to_spend"].null_count() == 46


@pytest.mark.spark
def test_spark_gives_the_answers_of_the_artifact(
    gaps: Matrix, matrix: Matrix, scorer: Scorer, spark: Any
) -> None:
    beside = between_segments(matrix[:500], scorer, 20)
    rows = np.concatenate([gaps, beside])
    found = by_expressions(spark.createDataFrame(as_table(rows, scorer)), scorer)
    assert_same_answers(found, scorer.score(rows))


def test_an_artifact_without_decisions_is_scored_too(segmenter: Segmenter) -> None:
    scorer = scorer_of(replace(segmenter, decisions=()))
    rows = np.ascontiguousarray(draw_customers(100)[list(scorer.columns)])
    assert_same_answers(of_polars(rows, scorer), scorer.score(rows))


@pytest.mark.parametrize("twins", [2, 10])
def test_of_equal_distances_the_lowest_index_wins(
    segmenter: Segmenter, matrix: Matrix, frame_of: Callable[..., Any], twins: int
) -> None:
    scorer = scorer_of(
        replace(segmenter, centroids=np.repeat(segmenter.centroids[:1], twins, axis=0))
    )
    found = by_expressions(frame_of(as_table(matrix[:50], scorer).to_pydict()), scorer)
    assert set(found["segment"].to_list()) == {0}
    assert set(found["runner_up"].to_list()) == {1}
    assert set(found["margin"].to_list()) == {0.0}


def test_a_customer_halfway_between_two_segments_is_of_the_lower_one(
    segmenter: Segmenter, frame_of: Callable[..., Any]
) -> None:
    # Income alone, in whole units: every distance is exact.
    line = replace(
        segmenter,
        scaling=Scaling(("income",), *(np.array([n]) for n in (1000.0, 0.0, 1.0))),
        projection=Projection(np.eye(1), np.ones(1)),
        centroids=np.array([[30.0], [20.0], [10.0]]),
        decisions=(),
    )
    scorer = scorer_of(line)
    incomes = np.array([[25.0], [15.0], [20.0], [0.0], [2000.0]])
    found = by_expressions(frame_of(as_table(incomes, scorer).to_pydict()), scorer)
    assert found["segment"].to_list() == [0, 1, 1, 2, 0]
    assert found["runner_up"].to_list() == [1, 2, 0, 1, 1]
    assert found["margin"].to_list()[:3] == [0.0, 0.0, 1.0]
    assert_same_answers(found, scorer.score(incomes))


@settings(max_examples=10)
@given(seed=st.integers(2, 10_000), segments=st.integers(2, 10), halvings=st.integers(10, 30))
def test_segments_equal_the_artifacts_just_beside_a_boundary(
    seed: int, segments: int, halvings: int
) -> None:
    scorer = scorer_of(make_segmenter(segments))
    drawn = np.ascontiguousarray(draw_customers(300, seed)[list(scorer.columns)])
    rows = between_segments(drawn, scorer, halvings)
    expected = scorer.score(rows)
    found = of_polars(rows, scorer)
    for name in SEGMENTS:
        np.testing.assert_array_equal(found[name].to_numpy(), expected[name])


def test_on_a_boundary_to_the_last_bit_no_third_segment_is_named(
    scorer: Scorer, matrix: Matrix
) -> None:
    # Neighbouring float64: the two add up the same products in another order.
    rows = between_segments(matrix[:1000], scorer, 80)
    expected = scorer.score(rows)
    found = of_polars(rows, scorer)
    pairs = (
        np.sort(np.stack([answers[name] for name in SEGMENTS]), axis=0)
        for answers in (expected, {name: found[name].to_numpy() for name in SEGMENTS})
    )
    np.testing.assert_array_equal(*pairs)
    assert np.abs(found["margin"].to_numpy()).max() < 1e-9


def in_range(name: str, scorer: Scorer) -> st.SearchStrategy[float]:
    """Any value that the contract allows, and often an end of a range or a learned number."""
    if name == "as_of_year":
        return st.just(2014.0)
    if name == "year_birth":
        return st.integers(1914, 1996).map(float)
    column = COLUMNS[name]
    low, high = column.minimum or 0.0, column.maximum or 0.0
    scaling = scorer.metadata["scaling"]
    learned = [
        cap for n, cap in zip(scaling["features"], scaling["caps"], strict=True) if n == name
    ]
    learned += [49_000.0, 75_000.0] if name == "income" else [1.0, 3.0]
    ends = st.sampled_from([low, high, *learned])
    if column.whole:
        return ends.map(round).map(float) | st.integers(int(low), int(high)).map(float)
    return ends | st.floats(low, high) | st.floats(low, 2000.0)


@settings(max_examples=50)
@given(data=st.data())
def test_answers_are_those_of_the_artifact_whatever_the_contract_allows(
    data: st.DataObject, scorer: Scorer
) -> None:
    customer = st.tuples(*(in_range(name, scorer) for name in scorer.columns))
    rows = np.array(data.draw(st.lists(customer, min_size=1, max_size=20)))
    gaps = st.tuples(*(st.integers(0, size - 1) for size in rows.shape))
    for gap in data.draw(st.lists(gaps, max_size=3)):
        rows[gap] = np.nan
    assert_same_answers(of_polars(rows, scorer), scorer.score(rows))


def test_every_one_of_100_000_generated_customers_has_the_artifacts_answers(
    scorer: Scorer, customer_parameters: CustomerParameters
) -> None:
    sent = generate(100_000, seed=3)
    columns = {customer_parameters.aliases.get(name, name): cells for name, cells in sent.items()}
    columns["as_of_year"] = np.full(100_000, 2014.0)
    rows = np.column_stack([columns[name].astype(np.float64) for name in scorer.columns])
    expected = scorer.score(rows)
    assert {-1, 0, 1, 2} == set(expected["segment"])
    assert_same_answers(of_polars(rows, scorer), expected)
