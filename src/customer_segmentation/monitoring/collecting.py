"""Count the customers whom a process answers, beside its work.

What comes faster than it can be counted is dropped, and the number of those is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.beside import Beside
from customer_segmentation.monitoring.findings import Source
from customer_segmentation.monitoring.hourly import HourlyFiles, HourlySummary, summaries_folder
from customer_segmentation.monitoring.summary import Baseline

_log = logging.getLogger(__name__)

WRITE_SECONDS = 10.0
# Some tens of MB at most.
MOST_CUSTOMERS = 50_000
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
    def size(self) -> int:
        """How much it takes of the buffer."""
        return len(self.matrix) if self.matrix is not None else 1


class Collector:
    """Counts what one process answers.

    Args:
        files: Where the counts are kept.
        source: What is watched.
        seconds: Between two writings: as much is lost when the process is killed.
        dropped: Is told how many customers are not counted.
    """

    def __init__(
        self,
        files: HourlyFiles[HourlySummary],
        source: Source,
        seconds: float = WRITE_SECONDS,
        dropped: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._files, self._source = files, source
        self._tell_dropped = dropped
        self._beside: Beside[Answered] = Beside(self._count, files.write, MOST_CUSTOMERS, seconds)
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
        if not self._beside.put(answered, answered.size):
            self._drop(answered.baseline, answered.size)

    def add(self, counts: HourlySummary) -> None:
        """Add what was counted elsewhere."""
        folder = summaries_folder(self._source, counts.summary.baseline)
        if lost := self._files.add(folder, counts):
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
        for together in groups.values():
            try:
                self.add(counts_of(together))
            except Exception as error:  # noqa: BLE001 - what is counted must not end the counting
                self._drop(together[0].baseline, sum(one.size for one in together))
                self._say_once(f"customers are not counted: {type(error).__name__}: {error}")
        self._count_dropped()

    def _count_dropped(self) -> None:
        with self._dropping:
            dropped, self._dropped = self._dropped, {}
        for baseline, customers in dropped.values():
            try:
                self.add(HourlySummary(baseline.empty(), dropped=customers))
            except Exception as error:  # noqa: BLE001 - as above
                self._say_once(f"dropped customers are not told: {error}")

    def _say_once(self, error: str) -> None:
        if error != self._last_error:
            _log.error("%s", error)
        self._last_error = error


def counts_of(together: list[Answered]) -> HourlySummary:
    """The counts of customers whose baseline and columns are the same."""
    first = together[0]
    scored = [one for one in together if one.matrix is not None and one.outputs is not None]
    summary = first.baseline.empty()
    if scored:
        matrix = np.concatenate([one.matrix for one in scored if one.matrix is not None])
        summary = first.baseline.summarise(first.columns, matrix, _outputs_of(scored))
    rejected = dict(summary.rejected)
    for one in together:
        for why, count in (one.rejected or {}).items():
            rejected[why] = rejected.get(why, 0) + count
    cold = sum(one.cold_start for one in together)
    return HourlySummary(replace(summary, rejected=rejected), cold_start=cold)


def _outputs_of(scored: list[Answered]) -> dict[str, NDArray[Any]]:
    """What is counted of the outputs; NaN where one was not asked for."""
    found = {}
    for name in _COUNTED:
        parts = [(one.outputs or {}).get(name) for one in scored]
        if any(part is not None for part in parts):
            found[name] = np.concatenate(
                [
                    np.full(one.size, np.nan) if part is None else part
                    for one, part in zip(scored, parts, strict=True)
                ]
            )
    return found
