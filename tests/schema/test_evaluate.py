"""One definition, many interpreters: tables of two engines, NumPy, and a graph in onnxruntime.

All arithmetic is the same sequence of float64 operations, so results are compared exactly: no
feature and no decision is allowed a tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import narwhals as nw
import ndonnx as ndx
import numpy as np
import onnxruntime as ort
import pandas as pd
import polars as pl
import pytest
import spox.opset.ai.onnx.v21 as op
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from spox import Tensor, argument, build

from tests.marketing import DECISIONS, FEATURES, needed_inputs, on_arrays, on_frame

Matrix = NDArray[np.float64]
Answers = dict[str, NDArray[np.float64]]

INPUTS = needed_inputs(FEATURES)
LEARNED: dict[str, dict[str, Any]] = {
    "affluence_tier": {"income_thresholds": [51_381.5, 71_163.0]},
    "waits_for_offers": {"min_deal_share": 0.230769230769, "min_deals": 3.0},
    "expected_spend": {
        "potential_caps": [84_130.0, 1.0, 1.0],
        "potential_weights": [0.0211907, -254.115, -121.372, -251.0],
    },
    "likely_to_spend": {"potential_thresholds": [n * 73.7 for n in range(1, 20)]},
    "product": {
        "means": [0.458, 0.049, 0.249, 0.071, 0.051, 0.122],
        "spreads": [0.227, 0.055, 0.125, 0.078, 0.064, 0.108],
    },
    "channel": {"means": [0.329, 0.165, 0.506], "spreads": [0.113, 0.131, 0.142]},
    "offer": {"min_likely_to_spend": 75.0},
}
ALL = [*FEATURES, *DECISIONS]


def graph_of(names: Iterable[str]) -> Callable[[Matrix], Answers]:
    """A matrix (rows x INPUTS) -> one vector a name, through a graph as the artifact has it."""
    matrix = argument(Tensor(np.float64, ("N", len(INPUTS))))
    parts = op.split(op.transpose(matrix), num_outputs=len(INPUTS), axis=0)
    columns = {name: ndx.asarray(part) for name, part in zip(INPUTS, parts, strict=True)}
    values = on_arrays(names, columns, LEARNED)
    model = build({"matrix": matrix}, {name: values[name].unwrap_spox() for name in values})
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(rows: Matrix) -> Answers:
        found = session.run(None, {"matrix": rows})
        return {name: vector[0] for name, vector in zip(values, found, strict=True)}

    return run


@pytest.fixture(scope="module")
def graph() -> Callable[[Matrix], Answers]:
    """Every feature and decision as a graph."""
    return graph_of(ALL)


def in_numpy(names: Iterable[str], rows: Matrix) -> Answers:
    columns = {name: rows[:, [place]].T for place, name in enumerate(INPUTS)}
    found = on_arrays(names, columns, LEARNED)
    return {name: vector[0] for name, vector in found.items()}


def in_table(names: Iterable[str], rows: Matrix, engine: Callable[..., Any]) -> Answers:
    listed = {
        name: [None if np.isnan(value) else value for value in rows[:, place].tolist()]
        for place, name in enumerate(INPUTS)
    }
    schema = {"schema": dict.fromkeys(listed, pl.Float64)} if engine is pl.DataFrame else {}
    table = nw.from_native(engine(listed, **schema or {"dtype": "float64"}))
    found = on_frame(table.lazy(), names, LEARNED).collect()
    return {name: found[name].to_numpy().astype(np.float64) for name in names}


def assert_same(answers: Mapping[str, NDArray[np.float64]], expected: Answers) -> None:
    for name, vector in expected.items():
        np.testing.assert_array_equal(answers[name], vector, err_msg=name, strict=True)


def cells(name: str) -> st.SearchStrategy[float]:
    """Values that the contract lets a column hold, and their edges."""
    money = st.one_of(
        st.sampled_from([0.0, 0.01, 51_381.5, 71_163.0, 84_130.0, 1e12]),
        # Less than a hundredth is no money, and could make a quotient infinite.
        st.floats(0.01, 1e5),
        st.floats(0.01, 1e12),
        st.integers(0, 3_000).map(float),
    )
    count = st.one_of(st.integers(0, 4), st.integers(0, 10**6)).map(float)
    if name.endswith("_year") or name == "year_birth":
        return st.integers(1, 9999).map(float)
    if name.endswith("_day"):
        return st.integers(1, 366).map(float)
    if name in ("education", "marital_status"):
        return st.integers(0, 4).map(float)
    return money if name == "income" or name.startswith("spend") else count


COMPLETE = st.tuples(*(cells(name) for name in INPUTS))
WITH_MISSING = st.tuples(*(st.one_of(st.just(np.nan), cells(name)) for name in INPUTS))


def matrices(rows: st.SearchStrategy[tuple[float, ...]]) -> st.SearchStrategy[Matrix]:
    return st.lists(rows, min_size=1, max_size=12).map(np.array)


@settings(max_examples=20)
@given(rows=matrices(WITH_MISSING))
def test_features_are_equal_on_tables_arrays_and_in_the_graph_missing_values_too(
    rows: Matrix, graph: Callable[[Matrix], Answers]
) -> None:
    expected = in_numpy(FEATURES, rows)
    assert_same(in_table(FEATURES, rows, pd.DataFrame), expected)
    assert_same(in_table(FEATURES, rows, pl.DataFrame), expected)
    assert_same(graph(rows), expected)


@settings(max_examples=15)
@given(rows=matrices(COMPLETE))
def test_decisions_are_equal_on_tables_arrays_and_in_the_graph_for_complete_rows(
    rows: Matrix, graph: Callable[[Matrix], Answers]
) -> None:
    expected = in_numpy(ALL, rows)
    assert all(np.isfinite(vector).all() for vector in expected.values())
    for name, decision in DECISIONS.items():
        if decision.labels:
            assert set(expected[name]) <= {float(code) for code in range(len(decision.labels))}
    assert_same(in_table(ALL, rows, pd.DataFrame), expected)
    assert_same(in_table(ALL, rows, pl.DataFrame), expected)
    assert_same(graph(rows), expected)


@settings(max_examples=20)
@given(rows=matrices(WITH_MISSING))
def test_a_row_has_the_same_answers_whoever_else_is_in_the_table(
    rows: Matrix, graph: Callable[[Matrix], Answers]
) -> None:
    together = graph(rows)
    for place in range(len(rows)):
        alone = graph(rows[[place]])
        assert_same(alone, {name: vector[[place]] for name, vector in together.items()})


def test_a_graph_holds_what_is_asked_for_in_the_order_asked() -> None:
    rows = np.ones((2, len(INPUTS)))
    assert list(graph_of(["deal_share", "age"])(rows)) == ["deal_share", "age"]


def test_a_column_may_be_asked_for_beside_features() -> None:
    columns = {"income": np.array([[1.0]]), "spend_total": np.array([[2.0]])}
    found = on_arrays(["income", "spend_to_income"], columns)
    assert {name: value.item() for name, value in found.items()} == {
        "income": 1.0,
        "spend_to_income": 2.0,
    }


def test_a_table_keeps_its_columns_and_gains_float64_features(frame_of: Callable[..., Any]) -> None:
    table = nw.from_native(
        frame_of({"kids_home": [1, 0], "teens_home": [1, 0], "note": ["a", "b"]})
    )
    found = on_frame(table.lazy(), ["children"]).collect()
    assert found.columns == ["kids_home", "teens_home", "note", "children"]
    assert found.schema["children"] == nw.Float64()
    assert found["children"].to_list() == [2.0, 0.0]


def test_a_feature_that_a_table_has_already_is_not_computed_again(
    frame_of: Callable[..., Any],
) -> None:
    table = nw.from_native(frame_of({"spend_total": [10.0], "income": [100.0]}))
    found = on_frame(table.lazy(), ["spend_to_income", "spend_total"]).collect()
    assert found.columns == ["spend_total", "income", "spend_to_income"]
    assert found["spend_to_income"].to_list() == [0.1]
