"""The year with the real commands and a real server, in a folder of its own.

Each month: the customers' file, the champion's answers for it, requests to the server, the plan,
its delivery, who answered, what feedback and monitoring make of that, alerts, and where it is due a
challenger, which is tried on the month's requests and handed to promotion's gates.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from time import time
from typing import Any

import httpx
import polars as pl

from customer_segmentation.bundles.bundle import RESPONSE
from customer_segmentation.bundles.challenger import Challenger
from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.shadow import ShadowCounts
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.artifact_file import read_model
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from tools.ports import free_port
from tools.receiver import Receiver
from tools.stage import Stage, staged
from tools.year import traffic
from tools.year.counted import Campaign, drift_of, first_lines, scored
from tools.year.house import SOURCE, House
from tools.year.market import MONTHS, Market, Month
from tools.year.planted import turned
from tools.year.receivers import Listener
from tools.year.told import Event, Kind, Told

COST, VALUE = 3.0, 11.0
# Days after its campaign that a month is looked back on.
_LATER = 20
_FLUSHED_SECONDS = "1"
# A little more than conf/base/catalog_feedback.yml asks for.
_SETTLED_SECONDS = 1.5
Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What is to be played.

    Attributes:
        customers: In each month.
        months: How many.
        turn: The first month in which others answer.
        planted: The month in which a bad challenger is planted; 0 for never.
        exploration: The share of those who do not pay that is contacted all the same.
        hold_out: The share that is held out.
        scheduled: How many months old a champion becomes, before its model is learned anew. The
            commands' own schedule (`every_days`) goes by the machine's clock, and a year is
            played in minutes: so the rehearsal asks by hand.
        seed: Of the market.
    """

    customers: int = 4_000
    months: int = MONTHS
    turn: int = 6
    planted: int = 3
    exploration: float = 0.005
    hold_out: float = 0.02
    scheduled: int = 1
    seed: int = 1


@dataclass
class Year:
    """A year that is being played.

    Attributes:
        wanted: What is to be played.
        house: Where.
        schema: Of the customers.
        receiver: Takes the lists.
        listener: Takes the alerts.
        say: Takes lines for people.
        market: Whose customers.
        first: The first champion's response model, once it is learned.
        alerted: Alerts that were told.
        learned_in: The month in which a model was learned last.
    """

    wanted: Wanted
    house: House
    schema: Schema
    receiver: Receiver
    listener: Listener
    say: Say
    market: Market = field(init=False)
    first: Any = None
    alerted: set[str] = field(default_factory=set)
    learned_in: int = 0

    def __post_init__(self) -> None:
        """The market, and what does not change in the year."""
        wanted = self.wanted
        self.market = Market(wanted.customers, wanted.seed, wanted.turn)
        # Nobody is asked for consent, which is another story.
        offer = {"channel": "e_mail", "purpose": "", "cost": COST, "value": VALUE}
        self.house.parameters(
            "campaign_planning",
            {
                "hold_out": wanted.hold_out,
                "exploration": wanted.exploration,
                "offers": {"voucher": offer},
            },
        )

    def play(self) -> Iterator[Told]:
        """The months, one after the other.

        Raises:
            UserError: A command fails, or a bad challenger is not refused.
        """
        self._place(self.market.month(0))
        self.house.kedro("run")
        champion = self.house.bundles.champion()
        if champion is None:
            raise UserError("the first run made no champion")
        self.first = read_model(champion.files[RESPONSE])
        self.say("the first champion is learned from the month before the year")
        for number in range(1, self.wanted.months + 1):
            told = self._month(self.market.month(number))
            self.say(
                f"month {number:>2}: profit {told.loop:,.0f}, without the loop "
                f"{told.without:,.0f}, oracle {told.oracle:,.0f}"
            )
            for event in told.events:
                self.say(f"    {event.kind}: {event.told}")
            yield told

    def _month(self, month: Month) -> Told:
        self._place(month)
        self.house.kedro("run", "--pipeline=scoring")
        customers = traffic.records(month, self.schema)
        with self._serving(month) as (stage, client):
            requests = traffic.ask(client, customers)
            self.house.kedro("run", "--pipeline=campaign_planning")
            to, on = f"--to={self.receiver.url}", f"--on={month.day}"
            self.house.kedro("campaign", "deliver", to, on)
            campaign = self._sent(month)
            traffic.send_outcomes(client, month, campaign.name, campaign.answered)
            stage.wait(self._is_settled, "outcomes that are no longer written")
            events = self._noticed()
            if month.number == self.wanted.planted:
                events.append(self._planted(stage, client, customers))
            elif self._learned(events, month.number):
                events.append(self._judged(stage, client, customers))
        drift = drift_of(self.house.told("monitoring"), self.schema)
        told = campaign.told(month, COST, VALUE)
        return replace(told, events=tuple(events), requests=requests, drift=drift)

    def _is_settled(self) -> bool:
        """Whether what was sent lies long enough to be read: what is younger waits for a month."""
        files = (self.house.root / "data" / "inbox" / "outcomes").rglob("*.jsonl")
        newest = max((file.stat().st_mtime for file in files), default=0.0)
        return time() - newest > _SETTLED_SECONDS

    def _sent(self, month: Month) -> Campaign:
        """The campaign that was just delivered."""
        data = self.house.root / "data"
        plan = pl.read_parquet(data / "gold" / "campaign.parquet")
        silver = pl.read_parquet(data / "silver" / "customers.parquet")
        return Campaign.of(plan, scored(silver, self.first), month, self.wanted.hold_out)

    def _place(self, month: Month) -> None:
        """Write the customers of a month, and its days, where commands look for them."""
        month.write(self.house.root / SOURCE)
        self.house.parameters("customers", {"as_of": month.day})
        named = {"name": f"month_{month.number:02}", "day": month.day}
        self.house.parameters("campaign_planning", named)
        self.house.parameters("feedback", {"day": month.day + timedelta(days=_LATER)})

    def _noticed(self) -> list[Event]:
        """What feedback and monitoring make of the month, and who is told."""
        house = self.house
        house.kedro("run", "--pipeline=feedback")
        house.kedro("run", "--pipeline=monitoring")
        house.kedro("monitor", "alert")
        found = [
            Event("drift", one["told"])
            for one in house.told("monitoring")["findings"]
            if one["is_alarm"] and one["subject"] == "input" and one["window"]["source"] == "batch"
        ][:1]
        found += [
            Event("departure", line.removeprefix("Warning: "))
            for line in house.told("calibration")["lines"]
            if line.startswith(f"Warning: Response model {self._champion()}")
        ]
        alerts = {k: v for k, v in self.listener.alerts().items() if k not in self.alerted}
        self.alerted |= {*alerts}
        return found + [Event("alert", first_lines(text)) for text in alerts.values()]

    def _champion(self) -> str:
        """The version of the champion's response model."""
        champion = self.house.bundles.champion()
        if champion is None:
            raise UserError("there is no champion any more")
        return str(metadata_of(read_model(champion.files[RESPONSE]))[VERSION])

    def _learned(self, events: list[Event], number: int) -> bool:
        """Whether there is a challenger: retraining made one, or an earlier one's trial goes on."""
        before = self.house.bundles.challenger()
        months = number - self.learned_in
        # A model that is wrong is to be learned anew without being asked for.
        is_wrong = any(event.kind == "departure" for event in events)
        is_old = before is None and not is_wrong and months >= self.wanted.scheduled
        asked = ["--params=retraining.by_hand=true"] if is_old else []
        self.house.kedro("run", "--pipeline=retraining", *asked)
        challenger = self.house.bundles.challenger()
        if challenger and challenger != before:
            old = f"{months} months" if months > 1 else "a month"
            reason = f"the champion is {old} old" if is_old else challenger.reason
            events.append(Event("retrained", f"Bundle {challenger.bundle}, since {reason}."))
            self.learned_in = number
        return challenger is not None

    def _planted(
        self, stage: Stage, client: httpx.Client, customers: list[traffic.Record]
    ) -> Event:
        """A bad challenger, which must be refused and answer nobody.

        Raises:
            UserError: It is promoted, or has answered.
        """
        store = self.house.bundles
        champion, live = store.champion(), store.live()
        if champion is None or live is None:
            raise UserError("there is no champion to plant a challenger beside")
        before = traffic.answers(client, customers)
        bad = turned(champion)
        store.add(bad)
        store.challengers.begin(
            Challenger(
                bundle=bad.id,
                champion=champion.id,
                promotion=live.number,
                by="year",
                why="by hand",
                reason="planted: every effect turned round",
            )
        )
        event = self._judged(stage, client, customers)
        if event.kind == "promoted":
            raise UserError(f"the planted bad challenger {bad.id} was promoted")
        if traffic.answers(client, customers) != before:
            raise UserError(f"customers were answered by the planted bad challenger {bad.id}")
        told = "Planted with every effect turned round; it answered nobody."
        return Event(event.kind, f"{told} {event.told}")

    def _judged(self, stage: Stage, client: httpx.Client, customers: list[traffic.Record]) -> Event:
        """What the gates make of the challenger, once it was tried on the month's requests."""
        challenger = self.house.bundles.challenger()
        if challenger is None:
            raise UserError("there is no challenger to judge")
        folder = self.house.root / "data" / "monitoring" / "shadow" / challenger.bundle

        def is_tried() -> bool:
            traffic.ask(client, customers[: traffic.A_REQUEST])
            return shadowed(folder) > 0

        stage.wait(is_tried, "the challenger beside the champion")
        traffic.ask(client, customers)
        stage.wait(lambda: shadowed(folder) >= len(customers), "the challenger's answers")
        code, output = self.house.tried(
            "run", "--pipeline=promotion", "--params=promotion.source=challenger"
        )
        said = [line for line in output.splitlines() if line.strip()][-1].strip()
        refused: Kind = "tried" if self.house.bundles.challenger() else "refused"
        return Event(refused if code else "promoted", said)

    @contextmanager
    def _serving(self, month: Month) -> Iterator[tuple[Stage, httpx.Client]]:
        """The server, whose hours are those of the month's last day."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "customer_segmentation.serving", "serve"]
        environment = {
            "SEGMENTATION_SERVING_MONITORING_HOUR": f"{month.day}T12",
            "SEGMENTATION_SERVING_MONITORING_SECONDS": _FLUSHED_SECONDS,
            "SEGMENTATION_SERVING_INGEST_OUTCOMES": "data/inbox/outcomes",
        }
        with staged(self.house.root) as stage, httpx.Client(base_url=url, timeout=30.0) as client:
            stage.start("the server", [*command, "--port", str(port)], environment)
            stage.wait(lambda: traffic.is_ready(client), "the server")
            yield stage, client


def shadowed(folder: Path) -> int:
    """Customers whom a challenger was tried on."""
    told = (json.loads(file.read_bytes()) for file in folder.glob("*/*.json"))
    return sum(ShadowCounts.of(one).customers for one in told)
