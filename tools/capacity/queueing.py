"""Waiting for workers: M/G/c by approximation.

With c workers at one queue, arrivals at rate l (Poisson), times of service of mean s and squared
coefficient of variation v, load a = l s, utilisation u = a / c:

- P(wait) = C(c, a), Erlang's formula for M/M/c; exactly u for c = 1.
- Mean wait = (1 + v) / 2 x C s / (c (1 - u)): Allen and Cunneen (A. O. Allen, Probability,
  Statistics, and Queueing Theory, 2nd ed. 1990, section 5.3); for c = 1 it is Pollaczek and
  Khinchine's, and exact.
- Who waits, waits a time with mean (mean wait) / C and squared coefficient of variation
  2 u - 1 + 4 (1 - u) d / (3 (1 + v)^2), where d = E[s^3] / E[s]^3: W. Whitt, The Queueing Network
  Analyzer, Bell System Technical Journal 62 (1983), section 5.1; exact for c = 1. In heavy traffic
  it is 1, an exponential (J. F. C. Kingman, Proc. Camb. Phil. Soc. 57, 1961). In between a gamma
  distribution of these two moments is taken.
- A response is a wait and, independent of it, a service.
- What is refused beyond k waiting requests: P(wait > k s / c), the time that they take to go.

The server's connections belong to one worker each, and a balancer that knows nothing of queues
picks a machine at random: then each worker has a queue of its own with l / c of the arrivals, which
is the slower of the two, and what is recommended by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaincc

from tools.capacity.service import Service


@dataclass(frozen=True)
class Queue:
    """Workers who share one queue.

    Attributes:
        arrivals: A second, at this queue.
        service: Of one request.
        workers: How many.
    """

    arrivals: float
    service: Service
    workers: int = 1

    @property
    def utilisation(self) -> float:
        """The share of the time that a worker is taken; from 1 on the queue grows for ever."""
        return self.arrivals * self.service.mean / self.workers

    @property
    def waiting_share(self) -> float:
        """The share of requests that wait."""
        if self.utilisation >= 1.0:
            return 1.0
        load = self.arrivals * self.service.mean
        blocked = 1.0
        # Erlang's B, by its recursion, which overflows nowhere.
        for servers in range(1, self.workers + 1):
            blocked = load * blocked / (servers + load * blocked)
        return blocked / (1.0 - self.utilisation * (1.0 - blocked))

    @property
    def mean_wait(self) -> float:
        """In seconds."""
        if self.utilisation >= 1.0:
            return float("inf")
        variability = (1.0 + self.service.variability) / 2.0
        alone = self.service.mean / (self.workers * (1.0 - self.utilisation))
        return variability * self.waiting_share * alone

    def share_waiting_above(self, seconds: float) -> float:
        """The share of requests that wait longer."""
        return float(self._share_waiting_above(np.array([seconds]))[0])

    def share_above(self, seconds: float) -> float:
        """The share of requests that are answered later."""
        left = seconds - self.service.seconds
        waits = self._share_waiting_above(np.maximum(left, 0.0))
        return float(self.service.shares @ np.where(left < 0.0, 1.0, waits))

    def _share_waiting_above(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.utilisation >= 1.0:
            return np.ones_like(seconds)
        if not (share := self.waiting_share):
            return np.zeros_like(seconds)
        # Of those who wait.
        mean, spread = self.mean_wait / share, self._waiting_variability
        return share * np.asarray(gammaincc(1.0 / spread, seconds / (mean * spread)))

    @property
    def _waiting_variability(self) -> float:
        free = 1.0 - self.utilisation
        skewed = self.service.cube / (1.0 + self.service.variability) ** 2
        return 1.0 - 2.0 * free + 4.0 / 3.0 * free * skewed

    def response(self, share: float) -> float:
        """Seconds within which this share of requests is answered; infinite where none is."""
        if self.utilisation >= 1.0:
            return float("inf")
        above = 1.0 - share
        high = float(self.service.seconds[-1])
        while self.share_above(high) > above:
            high *= 2.0
        return float(brentq(lambda at: self.share_above(at) - above, 0.0, high, xtol=1e-6))

    def refused_share(self, most_waiting: int) -> float:
        """The share of requests that come while so many wait already."""
        return self.share_waiting_above(most_waiting * self.service.mean / self.workers)
