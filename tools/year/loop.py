"""The loop of feedback and retraining over a year, by the project's own steps, without its runs.

Campaigns go out in waves: each plans a part of a month's customers with the response model of the
moment, and what comes back is there for the next. What plans, joins, calibrates, decides, learns and
judges is what the pipelines call; tables are frames in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import onnx
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.customers.features import features_of
from customer_segmentation.delivery.assignments import CONTACTS
from customer_segmentation.feedback.calibrating import Calibrated, calibrations
from customer_segmentation.feedback.parameters import FeedbackParameters
from customer_segmentation.feedback.training import training_set
from customer_segmentation.pipelines.campaign_planning import nodes
from customer_segmentation.schema.evaluate import on_arrays
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.scoring.response import checked_response
from customer_segmentation.segmentation.answers import learn_answers
from customer_segmentation.segmentation.labelled import LabelledCustomers, LeftOut
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from customer_segmentation.tables.history import RECORDED_AT, RUN_ID, History
from tools.year.counted import Campaign, scored
from tools.year.customers import SEGMENT, segments, silver
from tools.year.market import Market, Month
from tools.year.told import Event, Story, Told

_SEGMENTER = "0" * 12
_OUTCOMES = {
    "outcome_id": pl.String,
    "revision": pl.Int64,
    KEY: pl.String,
    "campaign": pl.String,
    "answered": pl.Float64,
    "happened_at": pl.String,
}
_NO_CONTACTS = CONTACTS.empty_table()
_MORNING = time(8)
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Rules:
    """How a year is played.

    Attributes:
        schema: Of the customers.
        planning: Of each campaign, but for its name and day.
        training: Of response models.
        feedback: Of what comes back.
        waves: Of a month.
    """

    schema: Schema
    planning: CampaignParameters
    training: TrainingParameters
    feedback: FeedbackParameters
    waves: int = 4


@dataclass
class Loop:
    """A year of campaigns that learn from their answers.

    Attributes:
        rules: How it is played.
        market: Whose customers.
        first: The first champion.
        champion: The response model of the moment.
    """

    rules: Rules
    market: Market
    first: onnx.ModelProto
    champion: onnx.ModelProto
    inputs: list[pl.DataFrame] = field(default_factory=list)
    sent: list[pl.DataFrame] = field(default_factory=list)
    outcomes: list[pl.DataFrame] = field(default_factory=list)
    departed: str = ""
    learned_on: str = ""
    learns: bool = True

    @classmethod
    def begun(cls, market: Market, rules: Rules) -> Loop:
        """With a champion that is learned from the answers to a campaign to everybody."""
        month = market.month(0)
        customers = silver(month, rules.schema)
        learned = learn_answers(labelled(customers, rules.schema), rules.training)
        about = {"as_of": month.day.isoformat(), "customers": len(customers)}
        first = checked_response(learned, {VERSION: _SEGMENTER, "provenance": about})
        return cls(rules, market, first, first)

    def play(self, months: int) -> tuple[Told, ...]:
        """The months, one after the other."""
        return tuple(self._month(number) for number in range(1, months + 1))

    def _month(self, number: int) -> Told:
        month = self.market.month(number)
        customers = silver(month, self.rules.schema)
        part = pl.col(KEY).cast(pl.Int64) % self.rules.waves
        told: Told | None = None
        for wave in range(self.rules.waves):
            one = self._wave(month, customers.filter(part == wave), wave)
            told = told.added(one) if told else one
        assert told
        return told

    def _wave(self, month: Month, customers: pl.DataFrame, wave: int) -> Told:
        """Plan for some customers, and have what comes back known to the next wave."""
        rules = self.rules
        day = month.day - (rules.waves - 1 - wave) * _WEEK
        named = {"name": f"month_{month.number:02}_{wave + 1}", "day": day}
        planning = rules.planning.model_copy(update=named)
        of_one = segments(customers, _SEGMENTER)
        responses = nodes.score_responses(customers.lazy(), of_one.lazy(), self.champion)
        listed = nodes.list_customers(
            *(responses, customers.lazy(), of_one.lazy(), None, _NO_CONTACTS),
            *(self.champion, None, rules.schema, planning),
        )
        planned = nodes.plan_campaign(listed, self.champion)
        plan = nodes.tabulate_plan(planned)
        first = scored(customers, self.first)
        campaign = Campaign.of(pl.DataFrame(plan), first, month, planning.hold_out)
        history = History((), dict, datetime.combine(day, _MORNING, UTC), "year")
        self.inputs.append(pl.DataFrame(nodes.record_inputs(planned, customers.lazy(), history)))
        self._keep(pl.DataFrame(plan), campaign, day)
        (offer,) = planning.offers.values()
        told = campaign.told(month, offer.cost, offer.value)
        return replace(told, events=tuple(self._mended(day))) if self.learns else told

    def _keep(self, plan: pl.DataFrame, campaign: Campaign, day: date) -> None:
        """What is sent, and who answers the same day."""
        chosen = plan.filter((pl.col("is_contacted") == 1) | (pl.col("in_hold_out") == 1))
        self.sent.append(
            chosen.select(
                KEY,
                "campaign",
                pl.lit(day.isoformat()).alias("day"),
                pl.lit(f"{day}T12:00:00Z").alias("at"),
                "offer",
                pl.col("in_hold_out") == 1,
            )
        )
        ids = campaign.answered.tolist()
        told = {
            "outcome_id": [f"{campaign.name} {one}" for one in ids],
            "revision": [1] * len(ids),
            KEY: ids,
            "campaign": [campaign.name] * len(ids),
            "answered": [1.0] * len(ids),
            "happened_at": [f"{day}T18:00:00Z"] * len(ids),
        }
        self.outcomes.append(pl.DataFrame(told, schema=_OUTCOMES))

    def _contacts(self, day: date, since: str) -> pa.Table:
        """What came of contacts."""
        tables = (self.outcomes, self.sent, self.inputs)
        parts = (pl.concat(each, how="diagonal") for each in tables)
        found: pa.Table = training_set(*parts, day.isoformat(), since=since)
        return found

    def _mended(self, day: date) -> list[Event]:
        """INTERIM."""
        recent = max((day - timedelta(days=13)).isoformat(), self.learned_on)
        contacts = self._contacts(day, recent)
        version = str(metadata_of(self.champion)[VERSION])
        own = {version: np.array(metadata_of(self.champion)["calibration"]["covariance"])}
        found = calibrations(contacts, own, self.rules.feedback)
        one = found.get(version)
        events = []
        if one and one.departs:
            if not self.departed:
                self.departed = day.isoformat()
            events.append(Event("departure", f"{one.answers} of {one.expected:.0f}, p {one.p_value:.1g} moved {one.moved}"))
        self.count = getattr(self, "count", 0) + 1
        if self.departed and ((one and one.departs) or self.count % 4 == 0):
            table = self._contacts(day, self.departed)
            learned = learn_answers(labelled(pl.DataFrame(table), self.rules.schema, table=True), self.rules.training)
            if isinstance(learned, LeftOut):
                events.append(Event("refused", learned.reason))
                return events
            about = {"as_of": day.isoformat(), "customers": len(table)}
            self.champion = checked_response(learned, {VERSION: _SEGMENTER, "provenance": about})
            self.learned_on = (day + timedelta(days=1)).isoformat()
            events.append(Event("promoted", f"from {len(table)} contacts since {self.departed}, {int(np.sum(table['answered'].to_numpy()))} answered"))
        return events


def labelled(customers: pl.DataFrame, schema: Schema, *, table: bool = False) -> LabelledCustomers:
    """Customers with their features, and the answer that is learned."""
    if table:
        numbers = {n: customers[n].to_numpy().astype(float) for n in customers.columns if n in schema.numeric_columns([*schema.columns, AS_OF])}
        numbers[schema.roles.response] = customers["answered"].to_numpy().astype(float)
        feats = schema.available_features(numbers)
        made = on_arrays(schema, feats, numbers)
        cols = numbers | made
        weights = None
        if len(customers) and __import__("os").environ.get("W"):
            weights = np.minimum(customers["weight"].to_numpy(), float(__import__("os").environ["W"]))
        _, groups = np.unique(customers[KEY].to_numpy().astype(str), return_inverse=True)
        return LabelledCustomers(schema, tuple(cols), np.column_stack([np.broadcast_to(c,(len(customers),)) for c in cols.values()]), np.zeros(len(customers), dtype=np.int64), (SegmentName(SEGMENT, "Everybody"),), len(customers), weights, groups.astype(np.int64))
    frame = features_of(nw.from_native(customers.lazy()), schema).collect()
    names = tuple(n for n in frame.columns if n in {*schema.numeric_columns([*schema.columns, AS_OF]), *schema.features})
    return LabelledCustomers(schema, names, np.ascontiguousarray(frame.select(*names).to_numpy(), dtype=float), np.zeros(len(frame), dtype=np.int64), (SegmentName(SEGMENT, "Everybody"),), len(frame))
