"""A campaign as a batch run plans and writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from customer_segmentation.campaigns.candidates import Candidates
from customer_segmentation.campaigns.known import Known
from customer_segmentation.campaigns.listing import Consented
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.planning import make_plan
from customer_segmentation.campaigns.value import Calibration, value_of
from customer_segmentation.pipelines.campaign_planning.nodes import (
    Listed,
    summarise_plan,
    tabulate_plan,
)
from customer_segmentation.pipelines.campaign_planning.nodes import Planned as PlannedCampaign
from customer_segmentation.tables.campaign import NO_CONSENT, NOT_SEGMENTED, WHY
from tests.marketing import SCHEMA

SEGMENTS = ("s0", "s1", "s2")
DAY = date(2014, 6, 30)
VERSION = "0123456789ab"
COVARIANCE = [[0.004, 0.001], [0.001, 0.002]]


@dataclass(frozen=True)
class Planned:
    """The two files of a planned campaign."""

    table: Path
    summary: Path

    @property
    def options(self) -> list[str | Path]:
        """Of `serve`."""
        return ["--campaign", self.table, "--campaign-summary", self.summary]

    def rows(self) -> pl.DataFrame:
        """The table."""
        return pl.read_parquet(self.table)


def campaign(**changes: Any) -> CampaignParameters:
    """The parameters of a campaign of one offer."""
    voucher = {"channel": "e_mail", "cost": 3.0, "value": 11.0}
    known = {"name": "spring", "day": DAY, "currency": "euros", "hold_out": 0.1, "quiet_days": 14}
    return CampaignParameters.model_validate({**known, "offers": {"voucher": voucher}, **changes})


def some_candidates(customers: int, offers: int = 1, seed: int = 7) -> Candidates:
    """Customers of three segments, who answer the more the higher their segment."""
    chance = np.random.default_rng(seed)
    segments = chance.integers(0, len(SEGMENTS), customers)
    segments[:3] = -1
    barred = np.where(chance.random(customers) < 0.2, WHY.index(NO_CONSENT), 0)
    barred[:3] = WHY.index(NOT_SEGMENTED)
    return Candidates(
        ids=np.array([f"c{number:07}" for number in range(customers)], dtype=np.object_),
        segments=segments,
        segment_keys=SEGMENTS,
        p_response=chance.beta(1.0 + np.maximum(segments, 0), 8.0),
        allowed=chance.random((customers, offers)) < (1.0 if offers == 1 else 0.8),
        barred=barred.astype(np.int8),
    )


def write_campaign(folder: Path, candidates: Candidates, parameters: CampaignParameters) -> Planned:
    """Plan a campaign and write what a run writes, by its nodes."""
    number = len(candidates.ids)
    known = Known(
        ids=candidates.ids,
        segments=candidates.segments,
        keys=SEGMENTS,
        names=tuple(f"Segment {key[1:]}" for key in SEGMENTS),
        p_response=candidates.p_response,
        never=np.zeros(number, dtype=np.bool_),
        among=candidates.allowed,
        contacted_on=np.full(number, np.datetime64("NaT", "D")),
        as_of=DAY,
        engine=nw.Implementation.POLARS,
    )
    listed = Listed(candidates, known, Consented(candidates.allowed, 0, 0), parameters, SCHEMA)
    plan, calibration = make_plan(candidates, parameters), Calibration(np.array(COVARIANCE))
    value = value_of(candidates, plan, parameters, calibration)
    made = PlannedCampaign(listed, plan, value, VERSION, calibration)
    folder.mkdir(parents=True, exist_ok=True)
    written = Planned(folder / "campaign.parquet", folder / "campaign.json")
    tabulate_plan(made).write_parquet(written.table)
    written.summary.write_text(json.dumps(summarise_plan(made)[0]), encoding="utf-8")
    return written
