"""What the routes tell of their answers, and who is told of it: the counts, and a challenger.

Nothing here waits, and nothing here fails an answer: what is told lies in bounded buffers until
threads of their own take it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.collecting import Answered, Collector
from customer_segmentation.monitoring.hourly import count_by_reason, hours_of
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.metrics import Metrics
from customer_segmentation.serving.monitoring.challenger import Shadow
from customer_segmentation.serving.settings import Settings
from customer_segmentation.serving.validation import Problem

logger = logging.getLogger(__name__)

# A store that hangs does not keep the server from ending for longer.
END_SECONDS = 3.0
_OFF = "monitoring is turned off in this server's settings"


class Monitor:
    """Counts answers, and tries a challenger on the customers that are answered.

    Args:
        settings: The server's.
        metrics: Counts what is dropped, and whether a challenger agrees.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._is_on = settings.is_monitoring
        self._said = ""
        if not self._is_on:
            return
        self._collector = _collector(settings, metrics.not_counted)
        self._shadow = Shadow(settings, metrics)
        self._is_counting = False

    def start(self) -> None:
        """Begin to count; what is told before is not counted."""
        if self._is_on:
            self._collector.start()
            self._shadow.start()
            self._is_counting = True

    def end(self) -> None:
        """Write what is counted, for some seconds at most."""
        if not self._is_on or not self._is_counting:
            return
        self._is_counting = False
        until = monotonic() + END_SECONDS
        self._shadow.stop()
        is_written = self._collector.end(END_SECONDS)
        if not self._shadow.end(max(0.0, until - monotonic())) or not is_written:
            logger.warning("the last counts of monitoring could not be written in time")

    def why_not(self, bundle: Bundle) -> str:
        """Why the answers of a bundle are not counted; '' if they are."""
        return bundle.unmonitored if self._is_on else _OFF

    def uses(self, bundle: Bundle) -> None:
        """Say once in the log if the answers of the bundle in use are not counted."""
        why = self.why_not(bundle)
        if why and why != self._said:
            logger.warning("answers are not counted: %s", why)
        self._said = why

    def look(self, champion: Bundle) -> None:
        """Take up or leave a challenger, if there is another."""
        if self._is_on:
            self._shadow.look(champion)

    def answered(
        self, bundle: Bundle, matrix: NDArray[np.float64], outputs: Mapping[str, NDArray[Any]]
    ) -> None:
        """The segmenter has answered customers: their inputs and its outputs."""
        if not self._is_on or not self._is_counting:
            return
        if bundle.baseline:
            columns = bundle.columns[: matrix.shape[1]]
            self._collector.put(Answered(bundle.baseline, columns, matrix, outputs))
        if self._shadow.is_on:
            self._shadow.put(bundle, matrix, outputs)

    def answered_cold(self, bundle: Bundle, customers: int) -> None:
        """The cold-start model has answered so many."""
        if not self._is_on or not self._is_counting:
            return
        if bundle.baseline:
            self._collector.put(Answered(bundle.baseline, cold_start=customers))
        if self._shadow.is_on:
            self._shadow.skip(bundle, customers)

    def rejected(self, bundle: Bundle, problems: Iterable[Problem]) -> None:
        """Fields of customers were refused."""
        if not self._is_on or not self._is_counting or not bundle.baseline:
            return
        found: dict[str, int] = {}
        for problem in problems:
            why = f"{problem.path.rsplit('.', 1)[-1]}: {problem.problem}"
            found[why] = found.get(why, 0) + 1
        if found:
            told = count_by_reason(found, frozenset(bundle.contract.rules))
            self._collector.put(Answered(bundle.baseline, rejected=told))


@contextmanager
def counting(settings: Settings) -> Iterator[Collector]:
    """What counts the answers of a worker of jobs, during a `with` block.

    Args:
        settings: The server's.
    """
    collector = _collector(settings, lambda _: None)
    if settings.is_monitoring:
        collector.start()
    try:
        yield collector
    finally:
        collector.end(END_SECONDS)


def _collector(settings: Settings, dropped: Callable[[int], None]) -> Collector:
    hour = hours_of(settings.monitoring_hour)
    return Collector(settings.monitoring, "api", hour, settings.monitoring_seconds, dropped)
