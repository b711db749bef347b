"""How long a worker is taken by a request, as the server's own histogram has measured it.

`segmentation_request_seconds` runs from a request's head to its last byte: measure it while few
requests are in flight, since a request also waits for those that it shares a process with. What
HTTP costs before the head is read is not in it; `of_mean` takes the whole from processor time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from customer_segmentation.errors import UserError

METRIC = "segmentation_request_seconds"
# Points that stand for a bucket, in which times are taken to be evenly spread.
_POINTS = 16
# Of requests beyond the last bound, above which their times would decide.
_MOST_BEYOND = 0.001
_LEAST_REQUESTS = 100


@dataclass(frozen=True)
class Service:
    """Times of service as points.

    Attributes:
        seconds: (points,) ascending.
        shares: (points,) of all requests; they come to 1.
    """

    seconds: NDArray[np.float64]
    shares: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """In seconds."""
        return float(self.seconds @ self.shares)

    @property
    def variability(self) -> float:
        """The squared coefficient of variation: 0 if all are equal, 1 of an exponential."""
        return float((self.seconds**2) @ self.shares) / self.mean**2 - 1.0

    @property
    def cube(self) -> float:
        """The cubes' mean by the mean's cube: 1 if all are equal, 6 of an exponential."""
        return float((self.seconds**3) @ self.shares) / self.mean**3

    def of_mean(self, mean: float) -> Service:
        """Times of the same shape with another mean, in seconds."""
        return Service(self.seconds * (mean / self.mean), self.shares)


def of_histogram(bounds: Mapping[float, float], total: float) -> Service:
    """Times of service from a histogram; their mean is the measured one.

    Args:
        bounds: Upper bound in seconds -> requests up to it, as Prometheus counts; infinity has all.
        total: The sum of all times in seconds.

    Raises:
        UserError: There are too few requests, or too many that are beyond the last bound.
    """
    uppers = sorted(bounds)
    count = bounds[uppers[-1]] if len(uppers) > 1 else 0.0
    if count < _LEAST_REQUESTS:
        raise UserError(
            f"{count:.0f} requests were measured, and {_LEAST_REQUESTS} are the least that tell "
            "anything: send more, one after the other"
        )
    last = uppers[-2]
    if (beyond := 1.0 - bounds[last] / count) > _MOST_BEYOND:
        raise UserError(
            f"{beyond:.1%} of the requests took more than {last:g} s, beyond which nothing is "
            "measured: the server was overloaded while it was measured; measure it with few "
            "requests in flight"
        )
    places = (np.arange(_POINTS) + 0.5) / _POINTS
    points, shares = [], []
    for low, high in pairwise([0.0, *uppers]):
        inside = bounds[high] - (bounds[low] if low else 0.0)
        # Of the open one the length of the last before it.
        end = high if np.isfinite(high) else 2 * low
        points.append(low + places * (end - low))
        shares.append(np.full(_POINTS, inside / count / _POINTS))
    found = Service(np.concatenate(points), np.concatenate(shares))
    kept = found.shares > 0.0
    return Service(found.seconds[kept], found.shares[kept]).of_mean(total / count)


def of_metrics(text: str, routes: Collection[str]) -> Service:
    """Times of service of routes, from the text of `/metrics`; refusals and errors are left out.

    Raises:
        UserError: It is none, has no such histogram, or `of_histogram` refuses it.
    """
    bounds: dict[float, float] = {}
    total = 0.0
    try:
        samples = [*_samples(text)]
    except ValueError as error:
        raise UserError(
            f"these are no metrics ({error}): give what GET /metrics answers"
        ) from error
    for name, labels, value in samples:
        if labels.get("route") not in routes or labels.get("status") != "200":
            continue
        if name.endswith("_bucket"):
            upper = float(labels["le"])
            bounds[upper] = bounds.get(upper, 0.0) + value
        elif name.endswith("_sum"):
            total += value
    if not bounds:
        raise UserError(
            f"the metrics have no {METRIC} of {', '.join(sorted(routes))} with status 200: give "
            "what GET /metrics of the server answers, after it has answered requests"
        )
    return of_histogram(bounds, total)


def _samples(text: str) -> Iterable[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        if family.name == METRIC:
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value
