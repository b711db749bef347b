"""The stored answers of the last batch run, by customer.

`gold_segments` is sorted by key, so that Polars reads only the part of the file that may hold the
customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import fsspec

from customer_segmentation.customers.contract import AS_OF, KEY
from customer_segmentation.errors import UserError
from customer_segmentation.scoring.scorer import ARTIFACT_VERSION
from customer_segmentation.serving.answers import DECIDED
from customer_segmentation.serving.bundle import file_state
from customer_segmentation.serving.contract import LONGEST_KEY

# Of a table that another program wrote.
UNKNOWN_VERSION = "unknown"
# A number that only a run's own tables need.
_ID = "segment_id"
_KEPT = 10_000


@dataclass(frozen=True)
class Counted:
    """Of a segment's stored answers: how many, the most frequent offer, and its share of 1."""

    customers: int
    offer: str | None
    offer_share: float | None


@dataclass(frozen=True, eq=False)
class Summary:
    """Of all stored answers: how many, of which artifact (or artifacts), each segment's by key.

    `state` is what changes when the table does.
    """

    state: str
    customers: int
    artifact_version: str
    segments: dict[str, Counted]


def told_of_champion(found: dict[str, Any], champion: str) -> dict[str, Any]:
    """A stored answer, which says so where another artifact than the champion gave it.

    Args:
        found: The stored answer.
        champion: The version of the artifact in use.
    """
    version = found.get(ARTIFACT_VERSION) or UNKNOWN_VERSION
    if version == champion:
        return found
    note = (
        f"artifact {version} gave this answer, and {champion} is the champion: the last batch run "
        "was a trial, or is older than the champion. A whole kedro run that promotes what it "
        "learned brings the two together"
    )
    return {**found, "champion_version": champion, "note": note}


class StoredAnswers:
    """Looks customers up in `gold_segments`; the last ten thousand found are kept.

    Args:
        path: A Parquet file or a Delta table's folder, as a path or a URL; it need not be there
            yet.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._files, self._root = fsspec.core.url_to_fs(path)
        self._is_file = path.endswith(".parquet")
        self._find = lru_cache(maxsize=_KEPT)(self._look_up)
        self._summary: Summary | None = None

    def find(self, customer_id: str) -> tuple[dict[str, Any] | None, str]:
        """The answer for a customer, or None; and what changes when the table does.

        Raises:
            FileNotFoundError: No batch run has stored answers yet.
            UserError: They cannot be read.
        """
        state = self._look()
        # Long ids would take hundreds of MB.
        find = self._find if len(customer_id) <= LONGEST_KEY else self._look_up
        return find(customer_id, state), state

    def summary(self) -> Summary | None:
        """What all answers together say, computed once a table; None of an empty table.

        Raises:
            FileNotFoundError: No batch run has stored answers yet.
        """
        state = self._look()
        if self._summary is None or self._summary.state != state:
            self._summary = self._sum_up(state)
        return self._summary

    def _look(self) -> str:
        """What changes when the table does."""
        self._files.invalidate_cache()
        if not self._is_file:
            # A commit is a file of its own; a folder of S3 has neither time nor size.
            files = self._files.ls(f"{self._root}/_delta_log", detail=False)
            return max(PurePosixPath(file).name for file in files if file.endswith(".json"))
        return file_state(self._files.info(self._root))

    def _scan(self) -> Any:  # noqa: ANN401 - polars, which is imported when asked
        import polars as pl  # noqa: PLC0415 - 40 MB that only this needs

        return pl.scan_parquet(self._path) if self._is_file else pl.scan_delta(self._path)

    def _sum_up(self, state: str) -> Summary | None:
        import polars as pl  # noqa: PLC0415 - as above

        table = self._scan()
        names = table.collect_schema().names()
        # An artifact whose customers have no channels gives no offers.
        has_offer = "offer" in names
        offer = pl.col("offer") if has_offer else pl.lit(None, pl.String).alias("offer")
        has_version = ARTIFACT_VERSION in names
        version = pl.col(ARTIFACT_VERSION) if has_version else pl.lit(None, pl.String)
        by = ["segment", offer, version.fill_null(UNKNOWN_VERSION).alias(ARTIFACT_VERSION)]
        rows = table.group_by(by).len().sort("len", "offer", descending=True).collect().to_dicts()
        if not rows:
            return None
        segments = {}
        for key in {row["segment"] for row in rows}:
            own = [row for row in rows if row["segment"] == key]
            count = sum(row["len"] for row in own)
            share = own[0]["len"] / count if has_offer else None
            segments[key] = Counted(count, own[0]["offer"], share)
        total = sum(row["len"] for row in rows)
        versions = ", ".join(sorted({row[ARTIFACT_VERSION] for row in rows}))
        return Summary(state, total, versions, segments)

    def _look_up(self, customer_id: str, _state: str) -> dict[str, Any] | None:
        """The row of a customer; by the state too, so that what is kept is of one table."""
        import polars as pl  # noqa: PLC0415 - as above

        found = (
            self._scan()
            .filter(pl.col(KEY) == customer_id)
            .drop(_ID)
            .with_columns(pl.col(AS_OF).cast(pl.Date))
        )
        try:
            rows = found.collect().to_dicts()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            # Its words repeat what was asked, and with it the customer, in the log.
            kind = type(error).__name__
            message = f"{self._path}: the stored answers cannot be read ({kind}). Run kedro run."
            raise UserError(message) from None
        if not rows:
            return None
        row: dict[str, Any] = rows[0]
        # What the run did not answer is null, as in an answer made now.
        return row | {name: None for name in DECIDED if name not in row}
