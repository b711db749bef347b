"""The graph: equal to scikit-learn and to the tables, for any customer in any batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from customer_segmentation.schema.decisions import INTERMEDIATE
from customer_segmentation.scoring.check import scikit_learn_pipeline
from customer_segmentation.scoring.graph import build_segmenter, input_columns
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.marketing import DECISIONS, on_arrays, on_frame
from tests.scoring.example import FEATURES, between_segments, draw_customers, make_segmenter

Matrix = NDArray[np.float64]


def scorer_of(segmenter: Segmenter) -> Scorer:
    return Scorer(build_segmenter(segmenter).SerializeToString())


def selected_features(matrix: Matrix, scorer: Scorer) -> Matrix:
    columns = {name: matrix[None, :, index] for index, name in enumerate(scorer.columns)}
    return np.concatenate(list(on_arrays(FEATURES, columns).values())).T


def test_segments_equal_those_of_scikit_learn(
    segmenter: Segmenter, scorer: Scorer, matrix: Matrix
) -> None:
    expected = scikit_learn_pipeline(segmenter).predict(selected_features(matrix, scorer))
    assert (scorer.score(matrix)["segment"] == expected).all()
    assert set(expected) == {0, 1, 2}


@settings(max_examples=10)
@given(seed=st.integers(2, 10_000), segments=st.integers(2, 10), halvings=st.integers(10, 30))
def test_segments_equal_those_of_scikit_learn_just_beside_a_boundary(
    seed: int, segments: int, halvings: int
) -> None:
    segmenter = make_segmenter(segments)
    scorer = scorer_of(segmenter)
    drawn = np.ascontiguousarray(draw_customers(300, seed)[list(scorer.columns)])
    rows = between_segments(drawn, scorer, halvings)
    answers = scorer.score(rows)
    expected = scikit_learn_pipeline(segmenter).predict(selected_features(rows, scorer))
    assert np.abs(answers["margin"]).max() < 0.01
    assert (answers["segment"] == expected).all()


@pytest.mark.parametrize("twins", [2, 10])
def test_of_equal_distances_the_lowest_index_wins(
    segmenter: Segmenter, matrix: Matrix, twins: int
) -> None:
    same = np.repeat(segmenter.centroids[:1], twins, axis=0)
    names = tuple(SegmentName(f"s{n}", f"Segment {n}") for n in range(twins))
    answers = scorer_of(replace(segmenter, centroids=same, names=names)).score(matrix)
    assert (answers["segment"] == 0).all()
    assert (answers["runner_up"] == 1).all()
    assert (answers["margin"] == 0.0).all()


def test_the_runner_up_is_the_second_nearest(
    segmenter: Segmenter, scorer: Scorer, matrix: Matrix
) -> None:
    distances = scikit_learn_pipeline(segmenter).transform(selected_features(matrix, scorer))
    answers = scorer.score(matrix)
    ordered = np.sort(distances, axis=1)
    assert (answers["runner_up"] == np.argsort(distances, axis=1)[:, 1]).all()
    assert answers["margin"] == pytest.approx(1.0 - ordered[:, 0] / ordered[:, 1], abs=1e-9)


def test_a_customer_on_a_centroid_has_margin_1(scorer: Scorer) -> None:
    # The example's centroids are its first customers.
    drawn = np.ascontiguousarray(draw_customers(2000)[list(scorer.columns)])[:3]
    answers = scorer.score(drawn)
    assert answers["segment"].tolist() == [0, 1, 2]
    assert answers["margin"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("column", range(len(input_columns(make_segmenter()))))
def test_a_missing_input_empties_all_answers_of_its_row_and_no_other(
    scorer: Scorer, matrix: Matrix, column: int
) -> None:
    rows = matrix[:50].copy()
    rows[[0, 20, 49], column] = np.nan
    whole = np.ones(50, dtype=bool)
    whole[[0, 20, 49]] = False
    for name, values in scorer.score(rows).items():
        empty = np.isnan(values) if values.dtype.kind == "f" else values == -1
        assert (empty == ~whole).all(), name
        assert (values[whole] == scorer.score(matrix[:50])[name][whole]).all(), name


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 17, 100, 4097])
def test_a_customer_has_the_same_answers_in_any_batch(
    scorer: Scorer, matrix: Matrix, size: int
) -> None:
    rows = matrix[:600] if size < 17 else matrix
    order = np.random.default_rng(size).permutation(len(rows))
    parts = [
        scorer.score(np.ascontiguousarray(rows[order[first : first + size]]))
        for first in range(0, len(rows), size)
    ]
    for name, values in scorer.score(rows).items():
        found = np.concatenate([part[name] for part in parts])
        assert found.tobytes() == values[order].tobytes(), name


def test_decisions_equal_those_on_a_table(
    segmenter: Segmenter, scorer: Scorer, matrix: Matrix, frame_of: Callable[..., Any]
) -> None:
    table = nw.from_native(frame_of(dict(zip(scorer.columns, matrix.T, strict=True)))).lazy()
    expected = on_frame(table, segmenter.decisions, segmenter.learned).collect()
    answers = scorer.score(matrix)
    for name in DECISIONS.keys() - INTERMEDIATE:
        assert (expected[name].to_numpy() == answers[name]).all(), name
        assert len(np.unique(answers[name])) > 1, name


def test_a_source_without_spend_gets_segments_and_the_decisions_it_allows(
    segmenter: Segmenter,
) -> None:
    kept = ("affluence_tier", "channel")
    scorer = scorer_of(replace(segmenter, decisions=kept))
    assert scorer.outputs == ("segment", "runner_up", "margin", *kept)


def test_a_segmenter_without_decisions_gives_segments_only(segmenter: Segmenter) -> None:
    scorer = scorer_of(replace(segmenter, decisions=()))
    assert scorer.outputs == ("segment", "runner_up", "margin")
