"""How many workers hold the objective."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.objectives import Objectives
from tools.capacity.queueing import Queue
from tools.capacity.service import Service

# The class of routes that answers about customers, and what fails of all requests.
ANSWERS, REQUESTS = "answers", "requests"
# The server's default of `max_waiting`, of each process.
MOST_WAITING = 256
_MOST_WORKERS = 100_000
# To a millionth of all that workers can do.
_HALVINGS = 20


@dataclass(frozen=True)
class Promise:
    """What is to be held.

    Attributes:
        seconds: Within which requests are answered.
        share: Of them.
        refused: The share of requests that may be refused because the server is busy.
    """

    seconds: float
    share: float
    refused: float


@dataclass(frozen=True)
class Recommendation:
    """Workers for a rate of requests.

    Attributes:
        arrivals: Requests a second.
        workers: That hold the promise.
        spare: Workers besides, so that it is held while one is lost or replaced.
        utilisation: Of each of `workers`.
        response: Seconds within which the promised share is answered.
        most_arrivals: Requests a second up to which `workers` hold it.
    """

    arrivals: float
    workers: int
    spare: int
    utilisation: float
    response: float
    most_arrivals: float

    @property
    def all(self) -> int:
        """With those that are to spare."""
        return self.workers + self.spare


def promise_of(objectives: Objectives) -> Promise:
    """What the objectives promise of answers about customers."""
    latency, errors = objectives.latency[ANSWERS], objectives.errors[REQUESTS]
    return Promise(latency.seconds, latency.percentile / 100.0, errors.allowed)


def recommend(
    arrivals: float, service: Service, promise: Promise, *, spare: int = 0, is_shared: bool = False
) -> Recommendation:
    """The fewest workers that hold a promise.

    Args:
        arrivals: Requests a second.
        service: Of one request.
        promise: To be held.
        spare: Workers besides.
        is_shared: Whether all workers take from one queue; else each has its own.

    Raises:
        UserError: No number of workers holds it.
    """
    alone = float(service.shares @ (service.seconds > promise.seconds))
    if alone > 1.0 - promise.share:
        raise UserError(
            f"{alone:.1%} of the requests take more than {promise.seconds:g} s where nobody waits, "
            f"and {1.0 - promise.share:.1%} may: no number of workers holds that. Send fewer "
            "customers in a request, or promise less in deploy/objectives.yml"
        )

    def holds(workers: int) -> bool:
        return _holds(_queue(arrivals, service, workers, is_shared=is_shared), promise)

    least = max(1, ceil(arrivals * service.mean))
    most = least
    while not holds(most):
        least, most = most + 1, 2 * most
        if most > _MOST_WORKERS:
            raise UserError(f"more than {_MOST_WORKERS:,} workers would be needed")
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if holds(middle) else (middle + 1, most)
    queue = _queue(arrivals, service, most, is_shared=is_shared)
    return Recommendation(
        arrivals=arrivals,
        workers=most,
        spare=spare,
        utilisation=queue.utilisation,
        response=queue.response(promise.share),
        most_arrivals=_most_arrivals(service, promise, most, is_shared=is_shared),
    )


def _queue(arrivals: float, service: Service, workers: int, *, is_shared: bool) -> Queue:
    return Queue(arrivals, service, workers) if is_shared else Queue(arrivals / workers, service)


def _holds(queue: Queue, promise: Promise) -> bool:
    return (
        queue.share_above(promise.seconds) <= 1.0 - promise.share
        and queue.refused_share(MOST_WAITING) <= promise.refused
    )


def _most_arrivals(service: Service, promise: Promise, workers: int, *, is_shared: bool) -> float:
    """The rate up to which workers hold a promise."""
    low, high = 0.0, workers / service.mean
    for _ in range(_HALVINGS):
        rate = (low + high) / 2.0
        if _holds(_queue(rate, service, workers, is_shared=is_shared), promise):
            low = rate
        else:
            high = rate
    return low
