"""Drift: what is found, what is named first, and that unchanged data give no alarms."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from customer_segmentation.monitoring.bins import category_bins, number_bins
from customer_segmentation.monitoring.bounds import Bounds
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.monitoring.measures import measure
from customer_segmentation.monitoring.summary import Baseline, Summary, nobody
from tests.marketing import SCHEMA
from tests.monitoring.customers import Population, population_of

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "customers.csv"
PUBLISHED = os.environ.get("SEGMENTATION_REAL_CSV")
FILES = {"sample": str(SAMPLE), "published": PUBLISHED}
NAN = np.nan


@pytest.fixture(scope="module", params=["sample", "published"])
def population(request) -> Population:
    file = FILES[request.param]
    if not file:
        pytest.skip("the published file is not shipped: set SEGMENTATION_REAL_CSV to its path")
    return population_of(Path(file))


def judged(
    baseline: Baseline, now: Summary, before: Summary | None = None, source: str = "batch", **more
) -> list[Finding]:
    window = Window(source, "2014-07-01", "2014-07-02", now.customers, baseline.version)
    return measure(window, baseline, now, before, Bounds(), **more)


def alarms(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.is_alarm]


def found(findings: Sequence[Finding], name: str, measured: str) -> Finding:
    return next(one for one in findings if (one.name, one.measure) == (name, measured))


def test_of_a_thousand_windows_on_unchanged_data_at_most_ten_have_an_alarm() -> None:
    population = population_of(SAMPLE)
    wrong = windows = 0
    for customers in (50, 300, 2_000, 10_000, 100_000):
        draw = np.random.default_rng(customers)
        # What a champion learned from is a draw, too.
        baseline, before = population.baseline(2_000, draw), None
        for now in population.windows(baseline, customers, 200, draw):
            wrong += bool(alarms(judged(baseline, now, before)))
            windows, before = windows + 1, now
    assert windows == 1_000
    assert wrong <= 10


def test_half_a_deviation_in_any_input_is_found_and_named_first(population) -> None:
    draw = np.random.default_rng(1)
    baseline = population.baseline(2_000, draw)
    rows = draw.integers(0, len(population.matrix), 10_000)
    unchanged = population.summary(baseline, rows)
    assert not alarms(judged(baseline, unchanged))
    missed = []
    for place, name in enumerate(population.columns):
        if SCHEMA.is_category(name):
            continue
        for sign in (-0.5, 0.5):
            values = population.matrix[rows, place]
            shifted = values + sign * np.nanstd(population.matrix[:, place])
            if found_first(baseline, unchanged, name, shifted) != name:
                missed.append((name, sign))
    assert not missed


def test_more_of_a_rare_flag_or_of_a_category_is_found_and_named_first(population) -> None:
    draw = np.random.default_rng(2)
    baseline = population.baseline(2_000, draw)
    rows = draw.integers(0, len(population.matrix), 10_000)
    unchanged = population.summary(baseline, rows)
    missed = []
    for place, name in enumerate(population.columns):
        values = population.matrix[rows, place].copy()
        if SCHEMA.is_category(name):
            # A fifth of all become the rarest.
            values[:2_000] = np.bincount(values[np.isfinite(values)].astype(int)).argmin()
        elif SCHEMA.columns.get(name) and SCHEMA.columns[name].is_flag:
            share = values.mean()
            more = 0.5 * np.sqrt(share * (1.0 - share))
            values[draw.random(len(values)) < more / (1.0 - share)] = 1.0
        else:
            continue
        if found_first(baseline, unchanged, name, values) != name:
            missed.append(name)
    assert not missed


@pytest.mark.parametrize("sign", [-0.5, 0.5])
@pytest.mark.parametrize("kind", ["normal", "skewed", "zero-inflated", "few whole numbers"])
def test_half_a_deviation_is_found_whatever_the_distribution(kind, sign) -> None:
    draw = np.random.default_rng(3)
    made = {
        "normal": lambda n: draw.normal(100.0, 15.0, n),
        "skewed": lambda n: draw.lognormal(3.0, 1.5, n),
        "zero-inflated": lambda n: draw.exponential(200.0, n) * (draw.random(n) < 0.05),
        "few whole numbers": lambda n: draw.poisson(1.0, n).astype(float),
    }[kind]
    learned, now = made(5_000), made(10_000)
    others = draw.normal(size=(15_000, 29))
    names = ("x", *(f"other_{n}" for n in range(29)))
    baseline = baseline_of(names, np.column_stack([learned, others[:5_000]]))
    unchanged = baseline.summarise(names, np.column_stack([now, others[5_000:]]), {})
    assert not alarms(judged(baseline, unchanged))
    shifted = now + sign * learned.std()
    assert found_first(baseline, unchanged, "x", shifted) == "x"


def test_that_time_goes_on_is_no_alarm_and_is_told() -> None:
    draw = np.random.default_rng(6)
    learned, later = draw.integers(2012, 2015, (2_000, 1)), draw.integers(2013, 2016, (2_000, 1))
    baseline = baseline_of(("enrolled_year",), learned.astype(float), is_calendar=True)
    now, soon = (
        baseline.summarise(("enrolled_year",), years.astype(float), {})
        for years in (later, later[:1_000])
    )
    psi = found(judged(baseline, soon, now), "enrolled_year", "psi")
    assert psi.value > 1.0
    assert psi.bound is None
    assert psi.told.endswith("It is part of a date, which time alone moves: no alarm.")
    assert not alarms(judged(baseline, soon, now))


def test_an_alarm_says_what_how_much_and_what_to_do() -> None:
    baseline = baseline_of(("x",), np.random.default_rng(4).normal(size=(2_000, 1)))
    now = baseline.summarise(("x",), np.random.default_rng(5).normal(0.7, 1.0, (3_000, 1)), {})
    psi = found(judged(baseline, now), "x", "psi")
    assert psi.is_alarm
    assert psi.told.startswith("x differs from the training data: PSI 0.")
    assert "its mean 0.7" in psi.told
    assert "deviations higher" in psi.told
    assert psi.advice.startswith("Look at how x is measured")
    assert 700 < psi.affected < 1_100
    wasserstein = found(judged(baseline, now), "x", "wasserstein")
    assert wasserstein.value == pytest.approx(0.7, abs=0.08)


def test_the_window_before_is_compared_too() -> None:
    draw = np.random.default_rng(6)
    baseline = baseline_of(("x",), draw.normal(size=(2_000, 1)))
    before = baseline.summarise(("x",), draw.normal(1.0, 1.0, (3_000, 1)), {})
    now = baseline.summarise(("x",), draw.normal(1.0, 1.0, (3_000, 1)), {})
    findings = judged(baseline, now, before)
    assert {one.measure for one in alarms(findings)} == {"psi", "wasserstein"}
    assert found(findings, "x", "psi_before").value < 0.05
    other = Baseline("v0", "2014-01-01", baseline.segments, baseline.bins, nobody("v0", 2))
    elsewhere = other.summarise(("x",), draw.normal(size=(3_000, 1)), {})
    assert not [f for f in judged(baseline, now, elsewhere) if f.measure.endswith("_before")]


def test_few_customers_are_not_enough_for_an_alarm_and_that_is_said() -> None:
    baseline = baseline_of(("x",), np.random.default_rng(7).normal(size=(2_000, 1)))
    twelve = baseline.summarise(("x",), np.random.default_rng(8).normal(0.4, 1.0, (12, 1)), {})
    psi = found(judged(baseline, twelve), "x", "psi")
    assert psi.value > 0.1
    assert psi.bound is None
    assert not psi.is_alarm
    assert psi.told.endswith("12 customers.") or "too few to tell" in psi.told


def test_missing_values_are_an_alarm_and_no_drift_of_the_known_ones() -> None:
    draw = np.random.default_rng(9)
    values = draw.normal(size=(5_000, 1))
    baseline = baseline_of(("x",), values[:2_000])
    lacking = np.where(draw.random((3_000, 1)) < 0.2, NAN, values[2_000:])
    findings = judged(baseline, baseline.summarise(("x",), lacking, {}))
    assert [one.measure for one in alarms(findings)] == ["missing_share"]
    assert "x is missing for 2" in findings[0].told
    # Callers of the API may leave out what the source of the training data has.
    of_api = judged(baseline, baseline.summarise(("x",), lacking, {}), source="api")
    assert not alarms(of_api)
    assert found(of_api, "x", "missing_share").value == pytest.approx(0.2, abs=0.03)


def test_a_column_that_is_all_missing_is_told() -> None:
    baseline = baseline_of(("x",), np.random.default_rng(10).normal(size=(2_000, 1)))
    findings = judged(baseline, baseline.summarise(("x",), np.full((500, 1), NAN), {}))
    assert [one.measure for one in findings] == ["missing_share"]
    assert findings[0].is_alarm
    # And one that the champion knew no value of.
    empty = baseline_of(("x",), np.full((2_000, 1), NAN))
    assert not alarms(judged(empty, empty.summarise(("x",), np.full((500, 1), NAN), {})))
    assert not alarms(judged(empty, empty.summarise(("x",), np.ones((500, 1)), {})))


def test_another_value_of_a_constant_is_found() -> None:
    baseline = baseline_of(("x",), np.full((2_000, 1), 3.0))
    assert not alarms(judged(baseline, baseline.summarise(("x",), np.full((500, 1), 3.0), {})))
    other = judged(baseline, baseline.summarise(("x",), np.full((500, 1), 4.0), {}))
    assert [one.measure for one in alarms(other)] == ["psi"]


def test_columns_that_only_one_side_has_are_told_and_the_others_compared() -> None:
    draw = np.random.default_rng(11)
    baseline = baseline_of(("x", "gone"), draw.normal(size=(2_000, 2)))
    now = baseline.summarise(("x", "new"), draw.normal(1.0, 1.0, (3_000, 2)), {})
    findings = judged(baseline, now, new=["new", "x"])
    assert found(findings, "x", "psi").is_alarm
    assert "compared: gone." in found(findings, "", "absent_columns").told
    assert "compared: new." in found(findings, "", "new_columns").told


def test_a_window_of_nobody_is_compared_with_nothing() -> None:
    baseline = baseline_of(("x",), np.random.default_rng(12).normal(size=(2_000, 1)))
    (finding,) = judged(baseline, baseline.empty())
    assert finding.told == "Nobody was counted: nothing is compared."
    now = baseline.summarise(("x",), np.random.default_rng(13).normal(size=(500, 1)), {})
    assert not alarms(judged(baseline, now, baseline.empty()))


def test_a_summary_of_another_baseline_is_refused() -> None:
    baseline = baseline_of(("x",), np.random.default_rng(14).normal(size=(2_000, 1)))
    other = replace(baseline.empty(), baseline="v0", customers=1)
    with pytest.raises(ValueError, match="other bins than those of v1"):
        judged(baseline, other)


def test_segments_that_change_their_size_are_named() -> None:
    draw = np.random.default_rng(15)
    values = draw.normal(size=(5_000, 1))
    learned = {"segment": np.repeat([0, 1], 1_000)}
    baseline = baseline_of(("x",), values[:2_000], learned)
    outputs = {"segment": np.repeat([0, 1], [600, 2_400]), "margin": np.full(3_000, 0.5)}
    findings = alarms(judged(baseline, baseline.summarise(("x",), values[2_000:], outputs)))
    assert [(one.subject, one.name) for one in findings] == [
        *(("segment", "high"), ("segment", "low"), ("segment", ""))
    ]
    assert findings[0].told == (
        "Segment high has 20 % of the customers, and 50 % in the training data."
    )
    assert findings[0].affected == 900


def test_new_categories_are_found_among_what_was_refused() -> None:
    draw = np.random.default_rng(16)
    names = ("x", "education")
    learned = np.column_stack([draw.normal(size=2_000), draw.integers(0, 3, 2_000)])
    baseline = baseline_of(names, learned)
    before = baseline.summarise(names, learned, {}).with_rejected({"x: negative": 5})
    why = "education: unknown category"
    now = baseline.summarise(names, learned, {}).with_rejected({"x: negative": 4, why: 300})
    found = alarms(judged(baseline, now, before))
    # Though the source of the training data had nothing refused.
    assert not baseline.summary.rejected
    assert [(one.name, one.measure) for one in found] == [
        (why, "new_category_share"),
        (why, "new_category_share_before"),
    ]
    assert {one.affected for one in found} == {300}
    assert "add it to the column's categories" in found[0].advice


def test_a_category_that_grew_is_named() -> None:
    baseline = baseline_of(("education",), np.repeat([0.0, 1.0, 2.0], 700)[:, None])
    now = baseline.summarise(("education",), np.repeat([0.0, 2.0], [400, 1_600])[:, None], {})
    assert "phd 33 % then and 80 % now" in found(judged(baseline, now), "education", "psi").told


def baseline_of(names, matrix, outputs=None, *, is_calendar=False) -> Baseline:
    bins = {
        name: category_bins(["basic", "master", "phd"])
        if name == "education"
        else replace(number_bins(values[:5_000]), is_calendar=is_calendar)
        for name, values in zip(names, matrix.T, strict=True)
    }
    empty = Baseline("v1", "2014-06-30", ("high", "low"), bins, nobody("v1", 2))
    return replace(empty, summary=empty.summarise(names, matrix, outputs or {}))


def found_first(baseline, unchanged, name, values) -> str:
    """The input that is named first once a column has other values; '' without an alarm."""
    one = baseline.summarise((name,), values[:, None], {})
    now = replace(
        unchanged,
        columns={**unchanged.columns, **one.columns},
        sums={**unchanged.sums, **one.sums},
    )
    # Time alone moves parts of dates away from the training data, and not from the window before.
    before = unchanged if baseline.bins[name].is_calendar else None
    first = judged(baseline, now, before)[0]
    return first.name if first.is_alarm and first.subject == "input" else ""


def test_probabilities_of_another_response_model_are_not_compared_and_inputs_are() -> None:
    draw = np.random.default_rng(17)
    values = draw.normal(size=(3_000, 1))
    baseline = baseline_of(("x",), values)
    low, high = (
        baseline.summarise(("x",), values, {"p_response": draw.beta(a, 9.0, 3_000)})
        for a in (1.0, 4.0)
    )
    baseline = replace(baseline, summary=replace(low, response="r1"))
    same = judged(baseline, replace(high, response="r1"), baseline.summary)
    assert {one.measure for one in alarms(same)} == {"psi", "psi_before"}
    learned_anew = judged(baseline, replace(high, response="r2"), baseline.summary)
    assert not [one for one in learned_anew if one.subject == "response"]
    assert found(learned_anew, "x", "psi_before").value < 1e-6
