"""The approximations of waiting, held against a simulation of every request."""

from __future__ import annotations

from heapq import heapreplace

import numpy as np
import pytest
from scipy.special import ndtri

from customer_segmentation.errors import UserError
from tools.capacity.queueing import Queue
from tools.capacity.service import Service
from tools.capacity.workers import Promise, recommend

MEAN, REQUESTS = 0.02, 300_000
PROMISE = Promise(seconds=0.25, share=0.99, refused=0.001)
POINTS = (np.arange(2_000) + 0.5) / 2_000


def service(kind: str) -> Service:
    """Times of a kind, all of the same mean."""
    seconds = {
        "equal": np.ones(2_000),
        "even": 2 * POINTS,
        "exponential": -np.log1p(-POINTS),
        "long tail": np.exp(ndtri(POINTS)),
    }[kind]
    return Service(seconds, np.full(2_000, 1 / 2_000)).of_mean(MEAN)


def responses(queue: Queue, seed: int = 1) -> np.ndarray:
    """Seconds of each request, first come first served."""
    draw = np.random.default_rng(seed)
    at = np.cumsum(draw.exponential(1 / queue.arrivals, REQUESTS))
    taken = draw.choice(queue.service.seconds, REQUESTS)
    free = [0.0] * queue.workers
    found = np.empty(REQUESTS)
    for place, (arrival, seconds) in enumerate(zip(at.tolist(), taken.tolist(), strict=True)):
        done = max(free[0], arrival) + seconds
        heapreplace(free, done)
        found[place] = done - arrival
    return found[REQUESTS // 10 :]


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("utilisation", [0.5, 0.8])
@pytest.mark.parametrize("kind", ["equal", "even", "exponential", "long tail"])
def test_waits_and_the_slowest_hundredth_are_those_of_a_simulation(
    kind: str, utilisation: float, workers: int
) -> None:
    queue = Queue(utilisation * workers / MEAN, service(kind), workers)
    found = responses(queue)
    assert queue.utilisation == pytest.approx(utilisation)
    waited = found.mean() - MEAN
    # Of a single worker the mean is exact, and the simulation's own error is what is left.
    assert queue.mean_wait == pytest.approx(waited, rel=0.1 if workers == 1 else 0.2)
    slowest = np.quantile(found, 0.99)
    assert queue.response(0.99) == pytest.approx(slowest, rel=0.1)


def test_one_worker_with_exponential_times_is_as_the_textbook_has_it() -> None:
    # M/M/1: a response is exponential with the rate of service less that of arrivals.
    queue = Queue(40.0, service("exponential"))
    assert queue.waiting_share == pytest.approx(0.8)
    assert queue.response(0.99) == pytest.approx(np.log(100) / (50 - 40), rel=0.01)
    # And Erlang's C, of four workers with a load of three: 0.5094.
    assert Queue(150.0, service("exponential"), 4).waiting_share == pytest.approx(0.5094, abs=1e-3)


def test_more_requests_than_workers_can_do_are_never_answered_in_time() -> None:
    queue = Queue(51.0, service("even"))
    assert queue.response(0.99) == queue.mean_wait == float("inf")
    assert queue.share_above(1e9) == pytest.approx(queue.refused_share(256)) == 1.0


def test_without_requests_nobody_waits() -> None:
    queue = Queue(0.0, service("even"), 2)
    assert queue.mean_wait == 0.0
    assert queue.response(0.99) == pytest.approx(np.quantile(queue.service.seconds, 0.99), rel=0.01)


@pytest.mark.parametrize("kind", ["even", "exponential", "long tail"])
@pytest.mark.parametrize("rate", [30.0, 100.0, 400.0])
def test_the_recommended_number_holds_the_promise_and_half_of_it_does_not(
    kind: str, rate: float
) -> None:
    found = recommend(rate, service(kind), PROMISE)
    held = responses(Queue(rate / found.workers, service(kind)))
    assert np.mean(held > PROMISE.seconds) <= 1.2 * (1 - PROMISE.share)
    half = responses(Queue(rate / max(1, found.workers // 2), service(kind)))
    assert found.workers == 1 or np.mean(half > PROMISE.seconds) > 3 * (1 - PROMISE.share)


def test_one_worker_fewer_does_not_hold_it_by_the_formula() -> None:
    found = recommend(400.0, service("exponential"), PROMISE)
    fewer = Queue(400.0 / (found.workers - 1), service("exponential"))
    assert fewer.share_above(PROMISE.seconds) > 1 - PROMISE.share
    assert found.response <= PROMISE.seconds < fewer.response(0.99)
    assert 400.0 < found.most_arrivals < found.workers / MEAN


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(UserError, match="requests a second: give a number from 0 on"):
        recommend(rate, service("exponential"), PROMISE)


def test_what_may_be_refused_decides_where_waiting_is_allowed() -> None:
    slow = Promise(seconds=60.0, share=0.99, refused=1e-9)
    lax = Promise(seconds=60.0, share=0.99, refused=0.5)
    times = service("exponential")
    assert recommend(485.0, times, slow).workers > recommend(485.0, times, lax).workers


def test_a_service_that_is_too_slow_by_itself_is_refused_with_what_to_do() -> None:
    with pytest.raises(UserError, match=r"no number of workers holds that\. Send fewer customers"):
        recommend(1.0, service("exponential").of_mean(0.1), PROMISE)
