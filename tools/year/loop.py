"""The loop of feedback and retraining over a year, by the project's own steps, without its runs.

Campaigns go out in waves: each plans for a part of a month's customers with the response model of
the moment, and what comes back is known to the next. What plans, joins, calibrates, decides, learns
and judges is what the pipelines call; tables are frames in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from customer_segmentation.bundles.challenger import Challenger, Compared
from customer_segmentation.delivery.assignments import CONTACTS
from customer_segmentation.feedback.calibrating import Calibrated, calibrations
from customer_segmentation.feedback.training import training_set
from customer_segmentation.pipelines.campaign_planning import nodes
from customer_segmentation.retraining.comparing import compare_on_outcomes, compare_out_of_fold
from customer_segmentation.retraining.due import Situation, decide
from customer_segmentation.retraining.outcomes import FIRST, contacts_since, learn_response_from
from customer_segmentation.retraining.trial import evidence, gates_of_outcomes
from customer_segmentation.schema.parts import KEY
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.scoring.response import checked_response
from customer_segmentation.segmentation.labelled import LeftOut
from customer_segmentation.tables.history import History, Statement
from tools.year.counted import Campaign, scored
from tools.year.customers import Artifact, Rules, first_models, segments, silver
from tools.year.market import Market, Month
from tools.year.planted import turned_response
from tools.year.told import Event, Told

_NO_CONTACTS = CONTACTS.empty_table()
# Plans are made, then sent, then answered.
_PLANNED = time(8)
_WEEK = timedelta(days=7)


@dataclass
class Loop:
    """A year of campaigns that learn from their answers.

    Attributes:
        rules: How it is played.
        market: Whose customers.
        segmenter: Of all of them.
        first: The first champion.
        champion: The response model of the moment.
        learned: The day of what it was learned from.
        challenger: What is tried beside it.
        tried: The entry of the challenger, as the log of an environment has it.
        inputs: `gold_campaign_inputs`, by wave.
        sent: What the send log says, by wave.
        outcomes: `gold_outcomes`, by wave.
    """

    rules: Rules
    market: Market
    segmenter: Artifact
    first: Artifact
    champion: Artifact
    learned: date
    challenger: Artifact | None = None
    tried: Challenger | None = None
    inputs: list[pl.DataFrame] = field(default_factory=list)
    sent: list[pl.DataFrame] = field(default_factory=list)
    outcomes: list[pl.DataFrame] = field(default_factory=list)

    @classmethod
    def begun(cls, market: Market, rules: Rules) -> Loop:
        """With a champion that is learned from the answers to a campaign to everybody."""
        month = market.month(0)
        segmenter, response = first_models(month, rules)
        return cls(rules, market, segmenter, response, response, month.day)

    def plant(self) -> None:
        """Try a bad challenger: the champion with every effect turned round."""
        self._try(turned_response(self.champion), "planted: every effect turned round")

    def month(self, number: int) -> Told:
        """Play a month."""
        month = self.market.month(number)
        customers = silver(month, self.rules.schema)
        part = pl.col(KEY).cast(pl.Int64) % self.rules.waves
        waves = [
            self._wave(month, customers.filter(part == wave), wave)
            for wave in range(self.rules.waves)
        ]
        told = waves[0]
        for wave in waves[1:]:
            told = told.added(wave)
        return told

    def _wave(self, month: Month, customers: pl.DataFrame, wave: int) -> Told:
        """Plan for some customers, and learn from what comes back."""
        rules = self.rules
        day = month.day - (rules.waves - 1 - wave) * _WEEK
        named = {"name": f"month_{month.number:02}_{wave + 1}", "day": day}
        planning = rules.planning.model_copy(update=named)
        of_segments, lazy = segments(customers, self.segmenter).lazy(), customers.lazy()
        listed = nodes.list_customers(
            scored_responses=nodes.score_responses(lazy, of_segments, self.champion),
            silver_customers=lazy,
            gold_segments=of_segments,
            consents=None,
            contacts=_NO_CONTACTS,
            response=self.champion,
            latest_calibration=None,
            customers=rules.schema,
            campaign_planning=planning,
        )
        planned = nodes.plan_campaign(listed, self.champion)
        plan = _frame(nodes.tabulate_plan(planned))
        history = History((), _nothing, datetime.combine(day, _PLANNED, UTC), "year")
        self.inputs.append(_frame(nodes.record_inputs(planned, lazy, history)))
        first = scored(customers, self.first)
        campaign = Campaign.of(plan, first, month, planning.hold_out)
        self._send(plan, campaign, day)
        (offer,) = planning.offers.values()
        told = campaign.told(month, offer.cost, offer.value)
        return replace(told, events=tuple(self._mended(day)))

    def _send(self, plan: pl.DataFrame, campaign: Campaign, day: date) -> None:
        """What is sent at noon, and who answers in the evening."""
        chosen = plan.filter((pl.col("is_contacted") == 1) | (pl.col("in_hold_out") == 1))
        self.sent.append(
            chosen.select(
                KEY,
                "campaign",
                "offer",
                pl.col("in_hold_out") == 1,
                day=pl.lit(day.isoformat()),
                at=pl.lit(f"{day}T12:00:00Z"),
            )
        )
        told = pl.DataFrame({KEY: campaign.answered.tolist()}, schema={KEY: pl.String})
        told = told.with_columns(
            outcome_id=pl.format("{} {}", pl.lit(campaign.name), KEY),
            revision=pl.lit(1, pl.Int64),
            campaign=pl.lit(campaign.name),
            answered=pl.lit(1.0),
            happened_at=pl.lit(f"{day}T18:00:00Z"),
        )
        self.outcomes.append(told)

    def _mended(self, day: date) -> Iterator[Event]:
        """What is noticed by what came back, and done."""
        contacts = training_set(
            pl.concat(self.outcomes),
            pl.concat(self.sent),
            pl.concat(self.inputs, how="diagonal"),
            day.isoformat(),
        )
        about = metadata_of(self.champion)
        own = {str(about[VERSION]): np.array(about["calibration"]["covariance"])}
        found = calibrations(contacts, own, self.rules.feedback)
        now = found.get(str(about[VERSION]))
        if now and now.departs:
            yield Event("departure", _told(now))
        yield from self._judged(contacts)
        known = Situation(
            today=day,
            champion="champion",
            response_version=str(about[VERSION]),
            learned=self.learned,
            calibration={version: one.stated() for version, one in found.items()},
            challenger=self.tried,
            response_since=str(about["metrics"].get(FIRST, "")),
        )
        decision = decide(known, self.rules.retraining)
        if decision.is_due:
            yield self._learned_anew(contacts, day, decision.since, decision.reason)
            yield from self._judged(contacts)

    def _learned_anew(self, contacts: pa.Table, day: date, since: str, reason: str) -> Event:
        """What is learned from outcomes is tried beside the champion."""
        learned = learn_response_from(
            contacts,
            self.segmenter.SerializeToString(deterministic=True),
            self.rules.training,
            self.rules.retraining,
            day.isoformat(),
            since=since,
        )
        if isinstance(learned, LeftOut):
            return Event("retrained", f"Not yet: {learned.reason}.")
        response = checked_response(learned, metadata_of(self.segmenter))
        compared = compare_out_of_fold(
            contacts_since(contacts, since),
            learned,
            self.champion.SerializeToString(deterministic=True),
            response.SerializeToString(deterministic=True),
            self.rules.planning.offers,
        )
        self._try(response, reason, compared)
        self._learned_on = day
        rows, begun = len(learned.example.answers), learned.about[FIRST]
        return Event("retrained", f"From {rows:,} contacts since {begun}, as {reason}.")

    def _try(self, response: Artifact, reason: str, compared: Compared | None = None) -> None:
        self.challenger = response
        self.tried = Challenger(
            bundle="challenger", champion="champion", promotion=1, why=reason, compared=compared
        )

    def _judged(self, contacts: pa.Table) -> Iterator[Event]:
        """What outcomes say of the challenger, once there are enough."""
        challenger, tried = self.challenger, self.tried
        if challenger is None or tried is None:
            return
        bounds = self.rules.retraining.trial
        later = compare_on_outcomes(
            contacts,
            self.champion.SerializeToString(deterministic=True),
            challenger.SerializeToString(deterministic=True),
            self.rules.planning.offers,
        )
        found = evidence(tried, later, bounds)
        if not found:
            return
        gates = gates_of_outcomes(found)
        wrong = [gate.figure for gate in gates if not gate.passed]
        if wrong:
            yield Event("refused", f"By {'; '.join(wrong)}.")
        else:
            self.champion = challenger
            self.learned = self._learned_on
            contacts_of, answers = found[-1].contacts, found[-1].answers
            figures = f"{contacts_of:,} contacts, {answers:,} of whom answered"
            yield Event("promoted", f"By {figures}: not worse than the champion.")
        self.challenger = self.tried = None


def _frame(table: Any) -> pl.DataFrame:  # noqa: ANN401 - of any engine
    return pl.DataFrame(table)


def _nothing(_: Statement) -> None:
    """The rows of a statement, of which there is none."""


def _told(one: Calibrated) -> str:
    return (
        f"Of {one.contacts:,} contacts since {one.since}, {one.answers:,} answered, and "
        f"{one.expected:,.0f} should have."
    )
