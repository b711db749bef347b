"""The campaign that the last batch run planned: who may be contacted, and on what terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import fsspec
import msgspec
import numpy as np

from customer_segmentation.campaigns.candidates import Candidates
from customer_segmentation.campaigns.hold_out import Chances, draw_chances
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.value import Calibration
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.serving.bundle import file_state
from customer_segmentation.serving.stored import StoredTable
from customer_segmentation.tables.campaign import (
    CONTACTED,
    MAY_GET,
    NEVER,
    NO_CONSENT,
    NOT_SEGMENTED,
    OFFERS_JOINED_BY,
    UNKNOWN,
    WHY,
)
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

if TYPE_CHECKING:
    import polars as pl

# Whom nothing that is asked here lets into the campaign.
BARRED = (NOT_SEGMENTED, NEVER, NO_CONSENT, CONTACTED, UNKNOWN)
_ABOUT = ("campaign", ARTIFACT_VERSION)
_AGAIN = "Run kedro run --pipeline=campaign_planning"


class Summary(msgspec.Struct):
    """What the run wrote beside the table, as far as a plan needs it.

    `parameters`: the block `campaign_planning`, with its day and currency. `names`: of segments by
    key, in their order. `calibration`: of the response model, if it says.
    """

    campaign: str
    artifact_version: str
    customers: int
    parameters: dict[str, Any]
    names: dict[str, str]
    calibration: dict[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class PlannedCampaign:
    """A planned campaign, as it can be planned again.

    Attributes:
        state: Changes when the campaign does.
        as_of: The day of the snapshot.
        artifact_version: Of the response model.
        parameters: Of the campaign.
        calibration: Of the response model.
        candidates: All customers.
        chances: Their chances in the campaign.
    """

    state: str
    as_of: date
    artifact_version: str
    parameters: CampaignParameters
    calibration: Calibration | None
    candidates: Candidates
    chances: Chances


class StoredCampaign:
    """Reads `gold_campaign` and what it was planned by, once for each state of theirs.

    Of 10^6 customers it holds some 300 MB.

    Args:
        table: A Parquet file or a Delta table's folder, as a path or a URL; it may not exist yet.
        summary: The JSON file that the same run wrote, as a path or a URL.
    """

    def __init__(self, table: str, summary: str) -> None:
        self._table = StoredTable(table)
        self._files, self._summary = fsspec.core.url_to_fs(summary)
        self._read_once = lru_cache(maxsize=1)(self._read)
        # One at a time: many may ask before the first is read.
        self._reading = Lock()

    def current(self) -> PlannedCampaign:
        """The campaign that was planned last.

        Raises:
            FileNotFoundError: None was planned yet.
            UserError: It cannot be read.
        """
        with self._reading:
            state = self._table.state()
            self._files.invalidate_cache()
            try:
                state = f"{state}-{file_state(self._files.info(self._summary))}"
            except FileNotFoundError as error:
                raise UserError(
                    f"{self._summary} is not there: campaign-summary names what the planner wrote "
                    f"beside {self._table.path}. {_AGAIN}"
                ) from error
            return self._read_once(state)

    def _read(self, state: str) -> PlannedCampaign:
        """The campaign of a state, which is the key of the cache."""
        import polars as pl  # noqa: PLC0415 - 40 MB that only this needs

        try:
            summary = msgspec.json.decode(self._files.cat_file(self._summary), type=Summary)
            parameters = CampaignParameters.model_validate_json(
                msgspec.json.encode(summary.parameters)
            )
            table = self._table.scan()
            # The same in every row.
            about = table.select(pl.col(AS_OF).cast(pl.Date), *_ABOUT).head(1).collect()
            candidates = _candidates(table, [*parameters.offers], [*summary.names])
            told = summary.campaign, summary.artifact_version, summary.customers
            found = *about.select(_ABOUT).row(0), len(candidates.ids)
        except (ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            # Its message may repeat a customer's id in the log.
            path, kind = self._table.path, type(error).__name__
            message = f"{path}: the planned campaign cannot be read ({kind}). {_AGAIN}"
            raise UserError(message) from None
        if told != found:
            raise UserError(
                f"{self._table.path} and {self._summary} are of different runs. {_AGAIN}"
            )
        return PlannedCampaign(
            state=state,
            as_of=about[AS_OF][0],
            artifact_version=summary.artifact_version,
            parameters=parameters,
            calibration=Calibration.of({"calibration": summary.calibration}),
            candidates=candidates,
            chances=draw_chances(parameters.name, candidates.ids),
        )


def _candidates(rows: pl.LazyFrame, offers: list[str], keys: list[str]) -> Candidates:
    """The candidates of the rows of `gold_campaign`."""
    import polars as pl  # noqa: PLC0415 - as above

    table = rows.select(KEY, "segment", "p_response", "why", MAY_GET).collect()
    places = table["segment"].replace_strict(
        keys, range(len(keys)), default=-1, return_dtype=pl.Int64
    )
    codes = table["why"].replace_strict(
        BARRED, [WHY.index(why) for why in BARRED], default=0, return_dtype=pl.Int8
    )
    may_get = table[MAY_GET].str.split(OFFERS_JOINED_BY)
    return Candidates(
        ids=table[KEY].to_numpy(),
        segments=places.to_numpy(),
        segment_keys=tuple(keys),
        p_response=table["p_response"].cast(pl.Float64).to_numpy(),
        allowed=np.column_stack([may_get.list.contains(name).to_numpy() for name in offers]),
        barred=codes.to_numpy(),
    )
