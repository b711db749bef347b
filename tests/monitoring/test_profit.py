"""The estimate of profit without labels: right under covariate drift, blind to the concept."""

from __future__ import annotations

import numpy as np
import pytest

from customer_segmentation.campaigns.value import Calibration
from customer_segmentation.monitoring.profit import ALL, UNSEEN, estimated_profit
from customer_segmentation.monitoring.summary import Baseline, nobody

SEGMENTS = ("high", "low", "moderate")
BASELINE = Baseline("v1", "2014-06-30", SEGMENTS, {}, nobody("v1", 3))
COST, VALUE = 3.0, 11.0
WINDOWS, CUSTOMERS = 200, 60_000


def counted(segments, p):
    matrix = np.empty((len(p), 0))
    return BASELINE.summarise((), matrix, {"segment": segments, "p_response": p})


def drawn(draw, customers, moved):
    """Customers whose inputs have moved: segments, and the probabilities that are true of them."""
    segments = draw.integers(0, 3, customers)
    odds = draw.normal(-1.0, 1.5, customers) + 0.4 * (segments == 0) + moved
    return segments, 1.0 / (1.0 + np.exp(-odds))


def realised(draw, segments, p, code):
    """What answers, drawn by their true probabilities, bring to those who are contacted."""
    contacted = (p * VALUE > COST) & (segments == code)
    answers = draw.random(len(p)) < p
    return float((VALUE * answers - COST)[contacted].sum())


def test_the_estimate_is_within_a_tenth_of_what_is_realised_in_nine_of_ten_windows_per_segment():
    near = dict.fromkeys(SEGMENTS, 0)
    inside = dict.fromkeys(SEGMENTS, 0)
    for window in range(WINDOWS):
        draw = np.random.default_rng(window)
        # Another drift in each window, of up to a deviation of what answers depend on.
        segments, p = drawn(draw, CUSTOMERS, draw.uniform(-1.5, 1.5))
        estimates = estimated_profit(SEGMENTS, counted(segments, p), COST, VALUE)
        for code, key in enumerate(SEGMENTS):
            brought = realised(draw, segments, p, code)
            near[key] += abs(estimates[key].profit - brought) <= 0.1 * abs(brought)
            inside[key] += estimates[key].low <= brought <= estimates[key].high
    assert min(near.values()) >= 0.9 * WINDOWS
    # Intervals are of 90 %.
    assert min(inside.values()) >= 0.84 * WINDOWS


def test_the_estimate_of_counts_is_that_of_single_customers():
    draw = np.random.default_rng(1)
    segments, p = drawn(draw, CUSTOMERS, 0.0)
    estimates = estimated_profit(SEGMENTS, counted(segments, p), COST, VALUE)
    paying = p * VALUE > COST
    expected = float((p * VALUE - COST)[paying].sum())
    assert estimates[ALL].profit == pytest.approx(expected, rel=0.002)
    assert estimates[ALL].contacts == pytest.approx(paying.sum(), rel=0.005)
    assert estimates[ALL].customers == CUSTOMERS
    assert sum(estimates[key].profit for key in SEGMENTS) == pytest.approx(estimates[ALL].profit)
    # Where a contact costs little, small probabilities count, which their bins tell apart.
    cheap = estimated_profit(SEGMENTS, counted(segments, p**4), 0.01, VALUE)[ALL]
    assert cheap.profit == pytest.approx(float(np.maximum(p**4 * VALUE - 0.01, 0).sum()), rel=0.002)


def test_a_change_of_the_concept_leaves_the_estimate_unmoved_and_that_is_said():
    draw = np.random.default_rng(2)
    segments, p = drawn(draw, CUSTOMERS, 0.0)
    estimate = estimated_profit(SEGMENTS, counted(segments, p), COST, VALUE)[ALL]
    # Nobody wants the offer any more: the customers, and so the counts, are as they were.
    lost = -COST * float((p * VALUE > COST).sum())
    assert lost < 0.0 < estimate.low
    again = estimated_profit(SEGMENTS, counted(segments, p), COST, VALUE)[ALL]
    assert again == estimate
    assert "change of the concept" in UNSEEN


def test_an_uncertain_calibration_widens_the_interval():
    segments, p = drawn(np.random.default_rng(3), CUSTOMERS, 0.0)
    summary = counted(segments, p)
    alone = estimated_profit(SEGMENTS, summary, COST, VALUE)[ALL]
    unsure = Calibration(np.array([[0.01, 0.0], [0.0, 0.01]]))
    wider = estimated_profit(SEGMENTS, summary, COST, VALUE, unsure)[ALL]
    assert wider.profit == alone.profit
    assert wider.high - wider.low > 2.0 * (alone.high - alone.low)


def test_outcomes_correct_the_probabilities():
    segments, p = drawn(np.random.default_rng(4), CUSTOMERS, 0.0)
    odds = np.log(p / (1.0 - p))
    true = 1.0 / (1.0 + np.exp(-(0.8 * odds - 0.5)))
    corrected = estimated_profit(SEGMENTS, counted(segments, p), COST, VALUE, logit=(-0.5, 0.8))
    expected = float(np.maximum(true * VALUE - COST, 0.0).sum())
    assert corrected[ALL].profit == pytest.approx(expected, rel=0.005)


def test_an_offer_that_is_answered_more_often_pays_for_more():
    segments, p = drawn(np.random.default_rng(5), CUSTOMERS, 0.0)
    double = estimated_profit(SEGMENTS, counted(segments, p), COST, VALUE, answer_factor=2.0)
    expected = float(np.maximum(np.minimum(1.0, 2.0 * p) * VALUE - COST, 0.0).sum())
    assert double[ALL].profit == pytest.approx(expected, rel=0.005)


def test_without_probabilities_nothing_is_estimated():
    assert estimated_profit(SEGMENTS, BASELINE.empty(), COST, VALUE) is None
    unknown = counted(np.zeros(5, dtype=int), np.full(5, np.nan))
    assert estimated_profit(SEGMENTS, unknown, COST, VALUE) is None


def test_an_offer_that_never_pays_brings_nothing():
    segments, p = drawn(np.random.default_rng(6), 1_000, 0.0)
    estimate = estimated_profit(SEGMENTS, counted(segments, p), 12.0, VALUE)[ALL]
    assert (estimate.contacts, estimate.profit) == (0, 0.0)
    assert estimated_profit(SEGMENTS, counted(segments, p), 0.0, 0.0)[ALL].profit == 0.0
