"""What API and stream counted by hour, as the catalog names it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kedro.io import AbstractDataset

from customer_segmentation.monitoring.findings import Source
from customer_segmentation.monitoring.hours import ByTime, read_hours

# Source, and the first hour or day -> what was counted.
HoursReader = Callable[[Source, str], ByTime]


class MonitoringHoursDataset(AbstractDataset[Any, HoursReader]):
    """Loads what reads the hours of a source from some day on; writers write it by themselves.

    Args:
        filepath: The folder `monitoring` of the environment, a path or URL.
        metadata: For plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Nothing need be there yet."""
        # No `_filepath`: it grows between runs, and the tables of a run are no less valid for it.
        self._folder = filepath
        self.metadata = metadata

    def load(self) -> HoursReader:
        """`read_hours` of the folder."""
        return partial(read_hours, self._folder)

    def save(self, data: Any) -> None:  # noqa: ANN401 - as the parent has it
        """Refused.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("API and stream write what they count")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._folder}
