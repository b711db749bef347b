"""Count the customers whom a process answers, beside its work.

What comes faster than it can be counted is dropped, and the number of those is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.beside import Beside, room_of
from customer_segmentation.monitoring.findings import Source
from customer_segmentation.monitoring.hourly import HourlyFiles, HourlySummary
from customer_segmentation.monitoring.hours import hour_file
from customer_segmentation.monitoring.summary import Baseline
from customer_segmentation.monitoring.together import Together

_log = logging.getLogger(__name__)

WRITE_SECONDS = 10.0
# With their answers, some tens of MB.
MOST_CUSTOMERS = 50_000
# Baselines, and sets of columns, that come at once.
_MOST_COUNTERS = 8
_COUNTED = ("segment", "margin", "p_response")


@dataclass(frozen=True, eq=False)
class Answered:
    """Customers who were answered together.

    Attributes:
        baseline: Of the artifact that has answered.
        columns: Names of the matrix's.
        matrix: (customers x columns), null as NaN.
        outputs: Of the artifacts, (customers,) each.
        rejected: Fields that were refused: why -> how many.
        cold_start: Customers whom the cold-start model answered.
    """

    baseline: Baseline
    columns: tuple[str, ...] = ()
    matrix: NDArray[np.float64] | None = None
    outputs: Mapping[str, NDArray[Any]] | None = None
    rejected: Mapping[str, int] | None = None
    cold_start: int = 0

    @property
    def rows(self) -> int:
        """Of the matrix."""
        return 0 if self.matrix is None else len(self.matrix)

    @property
    def customers(self) -> int:
        """How many were answered."""
        return self.rows + self.cold_start


class Collector:
    """Counts what one process answers.

    Args:
        root: The folder `monitoring` of an environment, or its URL.
        source: What is watched.
        hour: Tells the hour that is counted now.
        seconds: Between two writings: as much is lost when the process is killed.
        dropped: Is told how many customers are not counted.
    """

    def __init__(
        self,
        root: str,
        source: Source,
        hour: Callable[[], str],
        seconds: float = WRITE_SECONDS,
        dropped: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._files = HourlyFiles(root, hour, partial(_place, source))
        self._tell_dropped = dropped
        self._beside = Beside(self._count, self._files.write, MOST_CUSTOMERS, seconds)
        # Each holds its baseline, so that no other has its id.
        self._counters: dict[tuple[int, tuple[str, ...]], Together] = {}
        self._dropped: dict[int, tuple[Baseline, int]] = {}
        self._dropping = Lock()
        self._last_error = ""

    def start(self) -> None:
        """Begin to count and to write."""
        self._beside.start()

    def stop(self) -> None:
        """Have it come to its end."""
        self._beside.stop()

    def end(self, seconds: float) -> bool:
        """Count and write what waits, for so many seconds at most; whether all is written."""
        return self._beside.end(seconds)

    def put(self, answered: Answered) -> None:
        """Have customers counted soon; never waits."""
        room = 1 if answered.matrix is None else room_of(answered.matrix)
        if not self._beside.put(answered, room):
            self._drop(answered.baseline, answered.customers)

    def add(self, counts: HourlySummary) -> None:
        """Add what was counted elsewhere."""
        if lost := self._files.add(counts):
            self._tell_dropped(lost)

    def _drop(self, baseline: Baseline, customers: int) -> None:
        self._tell_dropped(customers)
        with self._dropping:
            _, before = self._dropped.get(id(baseline), (baseline, 0))
            self._dropped[id(baseline)] = baseline, before + customers

    def _count(self, taken: list[Answered]) -> None:
        groups: dict[tuple[int, tuple[str, ...]], list[Answered]] = {}
        for one in taken:
            groups.setdefault((id(one.baseline), one.columns), []).append(one)
        for key, together in groups.items():
            try:
                if key not in self._counters:
                    if len(self._counters) >= _MOST_COUNTERS:
                        self._counters.clear()
                    self._counters[key] = Together(together[0].baseline, key[1])
                self.add(counts_of(together, self._counters[key]))
            except Exception as error:  # noqa: BLE001 - what is counted must not end the counting
                self._drop(together[0].baseline, sum(one.customers for one in together))
                # What a library says may hold what a customer sent.
                self._say_once(f"customers are not counted ({type(error).__name__})")
        self._count_dropped()

    def _count_dropped(self) -> None:
        with self._dropping:
            dropped, self._dropped = self._dropped, {}
        for baseline, customers in dropped.values():
            try:
                self.add(HourlySummary(baseline.empty(), dropped=customers))
            except Exception as error:  # noqa: BLE001 - as above
                self._say_once(f"dropped customers are not told ({type(error).__name__})")

    def _say_once(self, error: str) -> None:
        if error != self._last_error:
            _log.error("%s", error)
        self._last_error = error


def _place(source: Source, root: str, counts: HourlySummary, hour: str, writer: str) -> str:
    return hour_file(root, source, hour, counts.summary.baseline, writer)


def counts_of(together: list[Answered], counter: Together) -> HourlySummary:
    """The counts of customers whose baseline and columns are those of the counter."""
    scored = [one for one in together if one.matrix is not None and one.outputs is not None]
    summary = together[0].baseline.empty()
    if scored:
        matrix = np.concatenate([one.matrix for one in scored if one.matrix is not None])
        summary = counter.summarise(matrix, _outputs_of(scored))
    for one in together:
        if one.rejected:
            summary = summary.with_rejected(one.rejected)
    return HourlySummary(summary, cold_start=sum(one.cold_start for one in together))


def _outputs_of(scored: list[Answered]) -> dict[str, NDArray[Any]]:
    """What is counted of the outputs, as far as it was asked for."""
    parts = [(one.rows, one.outputs or {}) for one in scored]
    found = {name: joined(parts, name) for name in _COUNTED}
    return {name: values for name, values in found.items() if values is not None}


def joined(
    parts: Sequence[tuple[int, Mapping[str, NDArray[Any]]]], name: str
) -> NDArray[Any] | None:
    """An output of customers who were answered one after another; None if nobody has it.

    Args:
        parts: Customers, and their outputs by name.
        name: Of the output; NaN for customers who lack it.
    """
    if not any(name in outputs for _, outputs in parts):
        return None
    return np.concatenate(
        [
            outputs[name] if name in outputs else np.full(customers, np.nan)
            for customers, outputs in parts
        ]
    )
