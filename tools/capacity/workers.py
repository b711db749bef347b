"""How many workers hold the objective."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

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
        workers: That hold the promise.
        utilisation: Of each.
        response: Seconds within which the promised share is answered.
        most_arrivals: Requests a second up to which they hold it.
    """

    workers: int
    utilisation: float
    response: float
    most_arrivals: float


def promise_of(objectives: Objectives) -> Promise:
    """What the objectives promise of answers about customers."""
    latency, errors = objectives.latency[ANSWERS], objectives.errors[REQUESTS]
    return Promise(latency.seconds, latency.percentile / 100.0, errors.allowed)


def recommend(arrivals: float, service: Service, promise: Promise) -> Recommendation:
    """The fewest workers that hold a promise, each with a queue of its own.

    Args:
        arrivals: Requests a second.
        service: Of one request.
        promise: To be held.

    Raises:
        UserError: No number of workers holds it.
    """
    if not 0.0 <= arrivals < inf:
        raise UserError(f"{arrivals} requests a second: give a number from 0 on")
    alone = float(service.shares @ (service.seconds > promise.seconds))
    if alone > 1.0 - promise.share:
        raise UserError(
            f"{alone:.1%} of the requests take more than {promise.seconds:g} s where nobody waits, "
            f"and {1.0 - promise.share:.1%} may: no number of workers holds that. Send fewer "
            "customers in a request, or promise less in deploy/objectives.yml"
        )

    def holds(workers: int) -> bool:
        return _holds(Queue(arrivals / workers, service), promise)

    least = max(1, ceil(arrivals * service.mean))
    most = least
    while not holds(most):
        least, most = most + 1, 2 * most
        if most > _MOST_WORKERS:
            raise UserError(f"more than {_MOST_WORKERS:,} workers would be needed")
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if holds(middle) else (middle + 1, most)
    queue = Queue(arrivals / most, service)
    return Recommendation(
        workers=most,
        utilisation=queue.utilisation,
        response=queue.response(promise.share),
        most_arrivals=_most_arrivals(service, promise, most),
    )


def _holds(queue: Queue, promise: Promise) -> bool:
    return (
        queue.share_above(promise.seconds) <= 1.0 - promise.share
        and queue.refused_share(MOST_WAITING) <= promise.refused
    )


def _most_arrivals(service: Service, promise: Promise, workers: int) -> float:
    """The rate up to which workers hold a promise."""
    low, high = 0.0, workers / service.mean
    for _ in range(_HALVINGS):
        rate = (low + high) / 2.0
        if _holds(Queue(rate / workers, service), promise):
            low = rate
        else:
            high = rate
    return low
