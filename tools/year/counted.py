"""What came of a campaign, by the truth that the market alone knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from customer_segmentation.campaigns.hold_out import draw_chances, held_out
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import P_RESPONSE
from customer_segmentation.scoring.table import score_table
from customer_segmentation.tables.campaign import (
    CHOSEN,
    DOES_NOT_PAY,
    EXPLORATION,
    HELD_OUT,
    LIMIT,
)
from tools.year.market import Month
from tools.year.told import Told

# Whom nothing bars from a campaign, whatever becomes of them.
_OPEN = (CHOSEN, HELD_OUT, DOES_NOT_PAY, LIMIT, EXPLORATION)
_LINES = 4

Chosen = NDArray[np.bool_]
Chances = NDArray[np.float64]


@dataclass(frozen=True)
class Campaign:
    """A campaign as it was sent, beside what else could have been.

    Attributes:
        name: Its name.
        ids: (n,) customers.
        chances: (n,) the true probability of an answer.
        planned: (n,) the probability that it was planned with.
        first: (n,) that of the first champion.
        contacted: (n,) who was contacted.
        explored: (n,) who of them did not pay.
        may: (n,) whom nothing bars, and whom the draw does not hold out.
        answers: (n,) who answers, if contacted.
    """

    name: str
    ids: NDArray[np.object_]
    chances: Chances
    planned: Chances
    first: Chances
    contacted: Chosen
    explored: Chosen
    may: Chosen
    answers: Chosen

    @classmethod
    def of(cls, plan: pl.DataFrame, first: pl.DataFrame, month: Month, hold_out: float) -> Self:
        """A campaign of some customers of a month.

        Args:
            plan: `gold_campaign`.
            first: Key and `p_response` by the first champion.
            month: Whose customers.
            hold_out: The share that is held out.
        """
        name = str(plan["campaign"][0])
        known = pl.DataFrame(
            {
                KEY: month.ids.tolist(),
                "true": month.chances.tolist(),
                "answers": month.answers(name).tolist(),
            }
        )
        joined = plan.join(known, on=KEY).join(
            first.select(KEY, pl.col(P_RESPONSE).alias("first")), on=KEY
        )
        joined = joined.sort(KEY)
        ids = np.array(joined[KEY].to_list(), dtype=object)
        is_open = joined["why"].is_in(_OPEN).to_numpy()
        contacted = joined["is_contacted"].to_numpy() == 1
        return cls(
            name=name,
            ids=ids,
            chances=joined["true"].to_numpy(),
            planned=joined[P_RESPONSE].to_numpy(),
            first=joined["first"].to_numpy(),
            contacted=contacted,
            explored=contacted & (joined["why"] == EXPLORATION).to_numpy(),
            may=is_open & ~held_out(draw_chances(name, ids), hold_out),
            answers=joined["answers"].to_numpy(),
        )

    @property
    def answered(self) -> NDArray[np.object_]:
        """Ids of those contacted who answered."""
        return self.ids[self.contacted & self.answers]

    def told(self, month: Month, cost: float, value: float) -> Told:
        """What it comes to.

        Args:
            month: Of which.
            cost: Of a contact.
            value: Of an answer.
        """

        def profit(chosen: Chosen) -> float:
            return float((value * self.chances[chosen] - cost).sum())

        return Told(
            number=month.number,
            day=month.day.isoformat(),
            loop=profit(self.contacted),
            without=profit(self.may & (value * self.first > cost)),
            oracle=profit(self.may & (value * self.chances > cost)),
            contacts=int(self.contacted.sum()),
            explored=int(self.explored.sum()),
            answers=len(self.answered),
            expected=float(self.planned[self.contacted].sum()),
        )


def scored(silver: pl.DataFrame, response: Any) -> pl.DataFrame:  # noqa: ANN401 - onnx.ModelProto
    """Key and `p_response` of a response model, for the customers of silver."""
    lazy: pl.LazyFrame = score_table(nw.from_native(silver.lazy()), response).to_native()
    return lazy.select(KEY, P_RESPONSE).collect()


def drift_of(monitoring: Mapping[str, Any], schema: Schema) -> dict[str, float]:
    """Label of an input -> its population stability index in the run's own window."""
    return {
        schema.label_of(one["name"]): float(one["value"])
        for one in monitoring.get("findings", [])
        if (one["subject"], one["measure"]) == ("input", "psi")
        and one["window"]["source"] == "batch"
        and one["value"] is not None
    }


def first_lines(text: str) -> str:
    """The beginning of a message, on one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    more = f" and {len(lines) - _LINES} more lines" if len(lines) > _LINES else ""
    return " ".join(lines[:_LINES]) + more
