"""A file that a run reads as it was before, and writes anew by another entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kedro.io import AbstractDataset

from customer_segmentation.run_record import current_run


@dataclass(frozen=True)
class BeforeRun:
    """What was there before a run, and which run finds it.

    Attributes:
        content: Of the file; None on a first run.
        now: When the run read it, in UTC.
        run_id: Of the run.
    """

    content: Any
    now: datetime
    run_id: str


class BeforeRunDataset(AbstractDataset[Any, BeforeRun]):
    """Loads a file as the run before left it.

    Args:
        dataset: The entry by which a run writes it.
        metadata: For plugins.
    """

    def __init__(self, *, dataset: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        """Nothing need be there yet."""
        # No `_filepath`: each run changes it, and the tables of the next are no less valid for it.
        self._before: Any = AbstractDataset.from_config("before", dataset)
        self.metadata = metadata

    def load(self) -> BeforeRun:
        """What is there."""
        content = self._before.load() if self._before.exists() else None
        return BeforeRun(content, datetime.now(UTC), current_run.get().get("run_id", "none"))

    def save(self, data: Any) -> None:  # noqa: ANN401 - as the parent has it
        """Refused.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("the entry that it is made of is saved")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"dataset": str(self._before)}
