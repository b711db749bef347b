"""What a window's customers would bring, and what that they are others costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.phrases import count, spoken
from customer_segmentation.campaigns.updated import Updated
from customer_segmentation.campaigns.value import Calibration
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.monitoring.profit import ALL, Estimate, estimated_profit
from customer_segmentation.monitoring.summary import Summary
from customer_segmentation.monitoring.words import place_of
from customer_segmentation.pipelines.monitoring.baselines import Known
from customer_segmentation.scoring.metadata import VERSION

ESTIMATED = "estimated_profit"

Estimates = Mapping[str, Estimate]


@dataclass(frozen=True)
class Money:
    """The profit that is expected of a window's customers, and of those of the baseline.

    Attributes:
        now: Of each segment and of `ALL`; None where no probability of an answer is known.
        then: Of those that the champion learned from, by the same probabilities.
        offer: What they would be contacted with, in words.
        currency: Of all amounts.
    """

    now: Estimates | None
    then: Estimates | None
    offer: str
    currency: str

    def cost(self, key: str) -> float | None:
        """What a window loses, in a segment or in all, against as many of the baseline's customers.

        The costs of the segments add up to that of all. It is below 0 where these bring more.
        """
        if not self.now or not self.then or key not in self.now or not self.then[ALL].customers:
            return None
        alike = self.now[ALL].customers / self.then[ALL].customers
        return self.then[key].profit * alike - self.now[key].profit

    def findings(self, window: Window) -> list[Finding]:
        """The profit to be expected, in all and by segment, which is only told."""
        return [
            Finding(
                *(window, "response", key, ESTIMATED, estimate.profit, None),
                affected=estimate.customers,
                money=self.cost(key),
                told=f"{self._who(key)} would bring {self._range(estimate)}.",
            )
            for key, estimate in sorted((self.now or {}).items())
        ]

    def priced(self, findings: Sequence[Finding]) -> list[Finding]:
        """Alarms with what they cost: a segment's own, or all where one input alone has drifted.

        Of several inputs nobody can tell which of them costs how much.
        """
        inputs = {one.name for one in findings if one.is_alarm and one.subject == "input"}

        def key_of(one: Finding) -> str | None:
            if one.subject == "segment":
                return one.name
            is_alone = one.subject == "response" or inputs == {one.name}
            return ALL if is_alone else None

        return [
            replace(one, money=self.cost(key))
            if one.is_alarm and (key := key_of(one)) is not None
            else one
            for one in findings
        ]

    def sentences(self, window: Window) -> tuple[str, ...]:
        """What a window's customers would bring, and as many like those of the baseline."""
        cost = self.cost(ALL)
        if cost is None or not self.now:
            return (f"{place_of(window)}: what it costs is unknown without a response model.",)
        estimate = self.now[ALL]
        change = f"{count(abs(cost))} {self.currency} {'less' if cost > 0.0 else 'more'} a window"
        if not round(cost):
            change = "as much"
        told = (
            f"{place_of(window)}: contacting those whom it pays to contact ({self.offer}) would "
            f"bring {self._range(estimate)}; of as many customers like those that the champion "
            f"learned from it would be {count(estimate.profit + cost)}: {change}, if "
            "answers depend on customers as they did then."
        )
        return (told,)

    def _who(self, key: str) -> str:
        return f"Those of {key} whom it pays to contact" if key else "All whom it pays to contact"

    def _range(self, estimate: Estimate) -> str:
        ends = f"{count(estimate.low)} to {count(estimate.high)}"
        return f"{count(estimate.profit)} {self.currency} ({ends})"


def money_of(
    summary: Summary,
    known: Known,
    planning: CampaignParameters,
    currency: str,
    latest: Mapping[str, Any] | None,
) -> Money:
    """What a window's customers would bring with the first offer of the campaign.

    Args:
        summary: The window's.
        known: The champion, and what it learned from.
        planning: Of the campaign.
        currency: Of its amounts.
        latest: What outcomes have said of response models; None if nothing yet.
    """
    name, offer = next(iter(planning.offers.items()))
    words = f"{spoken(name)}: a contact costs {offer.cost:g}, an answer brings {offer.value:g}"
    if summary.response != known.baseline.summary.response:
        return Money(None, None, words, currency)
    calibration, logit = Calibration.of(known.response), (0.0, 1.0)
    # Where campaigns are planned without it, what they bring is estimated without it, too.
    used = latest if planning.updated_calibration else None
    if updated := Updated.of(used, str(known.response.get(VERSION, ""))):
        calibration, logit = updated.calibration, (updated.intercept, updated.slope)
    now, then = (
        estimated_profit(
            *(known.baseline.segments, each, offer.cost, offer.value, calibration),
            answer_factor=offer.answer_factor,
            logit=logit,
        )
        for each in (summary, known.baseline.summary)
    )
    return Money(now, then, words, currency)
