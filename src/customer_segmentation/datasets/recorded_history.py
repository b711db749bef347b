"""A history, of segments or of features, as a run finds it, whichever way it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import narwhals as nw
from kedro.io import AbstractDataset

from customer_segmentation.run_record import current_run
from customer_segmentation.tables.history import (
    RECORDED_AT,
    RUN_ID,
    STREAM,
    History,
    Statement,
    statements_in,
)


class RecordedHistoryDataset(AbstractDataset[Any, History]):
    """Loads the history before the run that reads it, which appends to it by another entry.

    Args:
        dataset: That entry, such as that of `gold_history`.
        metadata: For plugins.
    """

    def __init__(self, *, dataset: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        """Nothing need be there yet."""
        # No `_filepath`: each run adds to it, and the tables of the next are no less valid for it.
        self._history: Any = AbstractDataset.from_config("history", dataset)
        self.metadata = metadata

    def load(self) -> History:
        """Its statements, and how to read the rows of each; without any on a first run."""
        history, run_id = self._history, current_run.get().get("run_id", "none")
        now = datetime.now(UTC)
        if hasattr(history, "statements"):
            kept = tuple(history.statements())
            return History(kept, history.rows, now, run_id, history.rows_of)
        if not history.exists():
            return History((), history.load, now, run_id)
        table = nw.from_native(history.load()).lazy()

        def rows(statement: Statement) -> Any:  # noqa: ANN401 - a table of any engine
            return table.filter(nw.col(RECORDED_AT) == statement.recorded_at).to_native()

        def changes(statements: Sequence[Statement]) -> Any:  # noqa: ANN401 - as above
            first, last = statements[0].recorded_at, statements[-1].recorded_at
            told = nw.col(RUN_ID).str.starts_with(STREAM)
            within = nw.col(RECORDED_AT).is_between(first, last)
            return table.filter(told, within).to_native()

        return History(tuple(statements_in(table)), rows, now, run_id, changes, history.load)

    def save(self, data: Any) -> None:  # noqa: ANN401 - as the parent has it
        """Refused.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("the entry that it is made of is saved")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"dataset": str(self._history)}
