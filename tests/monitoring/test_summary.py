"""Summaries: what they count, that they add up, and what is no summary."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from customer_segmentation.monitoring.bins import Bins, category_bins, number_bins
from customer_segmentation.monitoring.counting import chance_edges
from customer_segmentation.monitoring.summary import Baseline, Summary, nobody

NAN = np.nan
COLUMNS = ("income", "education")
MATRIX = np.array([[10.0, 0.0], [20.0, 1.0], [30.0, NAN], [NAN, 1.0]])
OUTPUTS = {
    "segment": np.array([0, 1, -1, 1]),
    "margin": np.array([0.0, 0.5, NAN, 1.0]),
    "p_response": np.array([0.0, 0.25, NAN, 1.0]),
}


@pytest.fixture
def baseline() -> Baseline:
    bins = {"income": Bins((15.0, 25.0), (), (10.0, 20.0, 30.0), 20.0)}
    bins["education"] = category_bins(["basic", "degree"])
    return Baseline("v1", "2014-06-30", ("high", "low"), bins, nobody("v1", 2))


def test_each_customer_is_counted_once_in_each_column(baseline):
    summary = baseline.summarise(COLUMNS, MATRIX, OUTPUTS)
    assert summary.customers == 4
    assert summary.columns["income"].tolist() == [1, 1, 1, 1]
    assert summary.columns["education"].tolist() == [1, 2, 1]
    assert summary.sums["income"].tolist() == [3.0, 0.0, 200.0]
    assert summary.segments.tolist() == [1, 2, 1]
    assert (summary.margins[0], summary.margins[10], summary.margins[19]) == (1, 1, 1)
    assert summary.chances.sum() == 4
    assert summary.chances[0, 0] == summary.chances[2, 100] == summary.chances[1, 99] == 1
    assert summary.chances[1, np.searchsorted(chance_edges(), 0.25)] == 1


def test_many_values_are_counted_as_few_are():
    values = np.random.default_rng(1).normal(size=5_000).round(2)
    values[:100] = NAN
    bins = number_bins(values)
    # Few are searched for, many compared.
    few = sum(bins.counted(values[start : start + 100]) for start in range(0, 5_000, 100))
    assert bins.counted(values).tolist() == few.tolist()
    expected = np.bincount(np.digitize(values[100:], bins.edges), minlength=bins.count)
    assert bins.counted(values).tolist() == [*expected, 100]


def test_summaries_of_parts_add_up_to_that_of_all(baseline):
    whole = baseline.summarise(COLUMNS, MATRIX, OUTPUTS)
    parts = [
        baseline.summarise(COLUMNS, MATRIX[rows], {n: o[rows] for n, o in OUTPUTS.items()})
        for rows in (slice(0, 1), slice(1, 4))
    ]
    assert parts[0].merged(parts[1]).stated() == whole.stated()
    assert baseline.empty().merged(whole).stated() == whole.stated()


def test_huge_counts_add_up_exactly(baseline):
    summary = baseline.summarise(COLUMNS, MATRIX, OUTPUTS)
    huge = replace(summary, customers=3 * 10**18, segments=np.array([10**18, 7, 0]))
    read = Summary.of(json.loads(json.dumps(huge.stated())))
    both = read.merged(huge)
    assert both.customers == 6 * 10**18
    assert both.segments.tolist() == [2 * 10**18, 14, 0]


def test_a_column_that_only_one_part_has_keeps_its_counts(baseline):
    without = baseline.summarise(("income", "shoe_size"), MATRIX, {})
    assert [*without.columns] == ["income"]
    both = without.merged(baseline.summarise(COLUMNS, MATRIX, OUTPUTS))
    assert both.columns["income"].sum() == 8
    assert both.columns["education"].sum() == 4


def test_outputs_that_are_not_known_count_nobody(baseline):
    summary = baseline.summarise(COLUMNS, MATRIX, {})
    assert summary.segments.sum() == summary.margins.sum() == summary.chances.sum() == 0


def test_what_was_refused_is_added(baseline):
    once = baseline.empty().with_rejected({"income: negative": 2})
    assert once.merged(once).rejected == {"income: negative": 4}


def test_summaries_of_two_baselines_do_not_add_up(baseline):
    with pytest.raises(ValueError, match="do not add up"):
        baseline.empty().merged(nobody("v2", 2))


def test_summary_and_baseline_come_back_from_json(baseline):
    summary = baseline.summarise(COLUMNS, MATRIX, OUTPUTS).with_rejected({"income: negative": 1})
    whole = replace(baseline, summary=summary)
    content = json.dumps(whole.stated()).encode()
    assert json.dumps(Baseline.of(content).stated()).encode() == content
    assert Baseline.of(json.loads(content)).bins == baseline.bins
    assert Summary.of(summary.stated()).stated() == summary.stated()


@pytest.mark.parametrize(
    "damage",
    [
        {"customers": None},
        {"columns": {"income": [-1, 2]}},
        {"columns": {"income": [1, 2, 3, 4]}, "sums": {}},
        {"margins": [1]},
        {"chances": [[1]]},
        {"segments": []},
        {"rejected": []},
        {"segments": [2**70, 0, 0]},
    ],
    ids="-".join,
)
def test_what_is_no_summary_is_refused(baseline, damage):
    with pytest.raises(ValueError, match="no summary"):
        Summary.of(baseline.empty().stated() | damage)


@pytest.mark.parametrize("damage", [{"format": 2}, {"bins": {}}, {"version": "v2"}, {"summary": 1}])
def test_what_is_no_baseline_is_refused(baseline, damage):
    summary = baseline.summarise(COLUMNS, MATRIX, OUTPUTS)
    with pytest.raises(ValueError, match=r"no baseline|other bins"):
        Baseline.of(replace(baseline, summary=summary).stated() | damage)


def test_a_value_that_many_have_gets_a_bin_of_its_own():
    values = np.concatenate([np.zeros(900), np.random.default_rng(0).exponential(100, 100)])
    bins = number_bins(values)
    assert bins.counted(np.zeros(3))[0] == 3
    assert bins.counted(values)[0] <= 905


def test_any_other_value_of_a_constant_is_seen():
    bins = number_bins(np.full(50, 3.0))
    assert bins.counted(np.array([2.9, 3.0, 3.0000001])).tolist() == [1, 1, 1, 0]


def test_a_column_without_values_has_one_bin():
    bins = number_bins(np.full(50, NAN))
    assert bins.counted(np.array([NAN, 1.0])).tolist() == [1, 1]


def test_edges_that_few_customers_have_are_rounded():
    values = np.random.default_rng(2).normal(50_000, 20_000, 2_000)
    bins = number_bins(values)
    assert 30 <= bins.count <= 60
    assert all(edge % 100 == 0 for edge in bins.edges)
    assert min(bins.counted(values)[:-2]) >= 5


def test_of_two_response_models_neither_counts_nor_probabilities_add_up(baseline):
    one, other = (nobody("v1", 2, response) for response in ("r1", "r2"))
    assert Summary.of(one.stated()).response == "r1"
    with pytest.raises(ValueError, match="v1 r1 and v1 r2 do not add up"):
        one.merged(other)
    known = replace(baseline, summary=one)
    counted = known.summarise(("age",), np.zeros((1, 1)), {}).with_rejected({"age: negative": 1})
    assert counted.response == "r1"
