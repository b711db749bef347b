"""Whether a model is to be learned anew, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from customer_segmentation.bundles.challenger import Challenger
from customer_segmentation.monitoring.findings import Finding
from customer_segmentation.retraining.parameters import RetrainingParameters

BY_HAND, DRIFT, CALIBRATION, SCHEDULE = "by hand", "drift", "calibration", "schedule"
# What a finding may be about for a model learned anew to help.
_LEARNED = ("input", "segment", "response")


@dataclass(frozen=True)
class Situation:
    """What is known when it is asked.

    Attributes:
        today: UTC.
        champion: The id of the bundle that is live; '' where there is none.
        artifact_version: Of its segmenter.
        response_version: Of its response model; '' where there is none.
        learned: The day on which it was made.
        findings: Of the last run of monitoring.
        calibration: Response version -> what came of contacts, as feedback states it.
        challenger: What is tried already.
        response_since: The first day of the outcomes that the response model was learned from; ''
            if it was learned from the answers in a source.
    """

    today: date
    champion: str
    artifact_version: str = ""
    response_version: str = ""
    learned: date | None = None
    findings: tuple[Finding, ...] = ()
    calibration: Mapping[str, Mapping[str, Any]] | None = None
    challenger: Challenger | None = None
    response_since: str = ""


@dataclass(frozen=True)
class Decision:
    """Whether to learn.

    Attributes:
        why: `by hand`, `drift`, `calibration` or `schedule`; '' if it is not due.
        reason: In words, either way.
        since: The first day of contacts, in ISO format, that response models are learned from; ''
            for all.
    """

    why: str
    reason: str
    since: str = ""

    @property
    def is_due(self) -> bool:
        """Whether to learn."""
        return bool(self.why)


def decide(known: Situation, parameters: RetrainingParameters) -> Decision:
    """The first reason to learn anew, if there is one.

    While a challenger is tried, only a person begins another.
    """
    if not known.champion:
        return Decision("", "there is no champion to compare with yet")
    if parameters.by_hand:
        return Decision(BY_HAND, "somebody asked for it", _since(known))
    if one := known.challenger:
        return Decision("", f"bundle {one.bundle} is tried since {one.since[:10]} ({one.why})")
    asked = [judge(known, parameters) for judge in (_by_drift, _by_calibration, _by_age)]
    due = next((one for one in asked if one.is_due), None)
    if due:
        return replace(due, since=_since(known))
    reasons = "; ".join(one.reason for one in asked if one.reason)
    return Decision("", reasons or "nothing is watched")


def _since(known: Situation) -> str:
    """Since when outcomes tell of the market as it is.

    Where the champion is shown to be wrong, and predictions were right up to a day, what came
    before that day tells of another market. Else nothing counts from before the outcomes that the
    champion was learned from.
    """
    one = (known.calibration or {}).get(known.response_version) or {}
    departed = str(one.get("turned", "")) if one.get("departs") else ""
    return max(departed, known.response_since)


def _by_drift(known: Situation, parameters: RetrainingParameters) -> Decision:
    if parameters.drift_days is None:
        return Decision("", "")
    alarms = [
        one
        for one in known.findings
        # What was found beside another champion, or since the last window alone, is no reason.
        if one.is_alarm
        and one.subject in _LEARNED
        and not one.is_step
        and one.window.baseline == known.artifact_version
    ]
    if not alarms:
        return Decision("", "nothing is known to have drifted")
    longest = max(alarms, key=_days)
    days, told = _days(longest), longest.told.rstrip(".") or _named(longest)
    is_long = days >= parameters.drift_days
    since = (longest.since or longest.window.start)[:10]
    return Decision(
        DRIFT if is_long else "",
        f"{told} (since {since}, for {days} of {parameters.drift_days} days)",
    )


def _named(finding: Finding) -> str:
    return f"{finding.subject} {finding.name}: {finding.measure} is {finding.value:.3g}"


def _days(finding: Finding) -> int:
    """For how long it has been beyond its bound; a clock that stepped back makes that no less."""
    start = finding.window.start
    first, last = (date.fromisoformat(text[:10]) for text in (finding.since or start, start))
    return max(0, (last - first).days)


def _by_calibration(known: Situation, parameters: RetrainingParameters) -> Decision:
    if not parameters.when_wrong:
        return Decision("", "")
    one = (known.calibration or {}).get(known.response_version)
    if not one:
        return Decision("", "no outcomes tell of the response model")
    found = f"{one['answers']:,} of {one['contacts']:,} contacts answered"
    found = f"{found}, {one['expected']:,.0f} were expected"
    if one["departs"] and _learnable(one) < parameters.min_answers:
        # The answers in a source are those of before: learned from them, it would be as wrong.
        return Decision("", f"the response model is wrong, and too few outcomes are known: {found}")
    if one["departs"]:
        return Decision(CALIBRATION, f"the response model is wrong: {found}")
    return Decision("", f"the response model is not shown to be wrong: {found}")


def _learnable(calibration: Mapping[str, Any]) -> int:
    """The contacts that answered, or those that did not, whichever are fewer."""
    answers, contacts = int(calibration["answers"]), int(calibration["contacts"])
    return min(answers, contacts - answers)


def _by_age(known: Situation, parameters: RetrainingParameters) -> Decision:
    if parameters.every_days is None or known.learned is None:
        return Decision("", "")
    days = max(0, (known.today - known.learned).days)
    is_old = days >= parameters.every_days
    told = f"the champion was learned {days} days ago, of {parameters.every_days}"
    return Decision(SCHEDULE if is_old else "", told)
