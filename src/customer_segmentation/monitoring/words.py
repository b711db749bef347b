"""What monitoring found, in words: for the last lines of a run, its page and the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from customer_segmentation.campaigns.phrases import count, plain, spoken
from customer_segmentation.monitoring.findings import Finding, Source, Window
from customer_segmentation.monitoring.profit import UNSEEN

# Of what `monitoring.json` holds.
Told = Mapping[str, Any]

_SOURCES: Mapping[Source, str] = {
    "batch": "The customers of",
    "api": "The answers of the API on",
    "stream": "The answers of the stream on",
}
# In the last lines of a run.
_MOST_LINES = 3
# The figure that every window has; it says so where nothing is compared.
SIZE = "customers"
# What no window can show, whatever it holds.
BLIND = (
    UNSEEN,
    (
        "Of few customers only large changes are seen: one that chance alone makes in more than "
        "one of a hundred windows is not called one."
    ),
    (
        "An API or a stream that answers nobody any more is not seen here: a day without answers "
        "is a window only once a later day has some. The objectives watch that each minute."
    ),
    (
        "Whether an answer was right for one customer is not seen: only counts are kept, and "
        "nobody can be found in them."
    ),
)


def window_of(stated: Told) -> Window:
    """A window of `monitoring.json`."""
    return Window(**{each.name: stated[each.name] for each in fields(Window)})


def place_of(window: Window) -> str:
    """A window, as a sentence about it begins."""
    return f"{_SOURCES[window.source]} {window.start}"


def verdict(window: Window, findings: Sequence[Finding]) -> str:
    """One sentence on a window: whether all is as it was, and if not, what comes first."""
    where = place_of(window)
    alarms = [one for one in findings if one.is_alarm]
    if not window.baseline:
        return next((one.told for one in findings if one.measure == SIZE), f"{where}: no figures.")
    who = f"{where} ({count(window.customers)})"
    if not alarms:
        return f"{who} are like those that the champion learned from: nothing has drifted."
    number = f"{len(alarms)} figures are beyond their bounds"
    if len(alarms) == 1:
        number = "one figure is beyond its bound"
    return f"{who} differ from those that the champion learned from: {number}."


def lines(findings: Sequence[Finding]) -> list[str]:
    """The last lines of a run; none where all is well."""
    alarms = [first for first, *_ in grouped(findings)]
    told = [f"Monitoring: {_begun(_dated(one))}" for one in alarms[:_MOST_LINES]]
    if more := len(alarms) - len(told):
        bounds = "its bound" if more == 1 else "their bounds"
        told.append(f"Monitoring: {more} more beyond {bounds}")
    told += [
        f"Monitoring: {_begun(one.told)}"
        for one in findings
        if one.measure == SIZE and one.window.source == "batch" and not one.window.baseline
    ]
    return [plain(each) for each in told]


def grouped(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Alarms of one thing together, such as all of a column, of the last window that has any."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for one in findings:
        if not one.is_alarm:
            continue
        key = (one.window.source, one.subject, one.name)
        if key not in groups or one.window.start > groups[key][0].window.start:
            groups[key] = [one]
        elif one.window == groups[key][0].window:
            groups[key].append(one)
    return list(groups.values())


def rows(findings: Iterable[Finding], currency: str) -> list[dict[str, str]]:
    """What is beyond its bound, one row a thing, as a table shows it."""
    return [_row(group, currency) for group in grouped(findings)]


def measure_name(measure: str) -> str:
    """A measure, as people say it."""
    name = measure.removesuffix("_before")
    told = spoken(name).replace("psi", "PSI").replace("wasserstein", "Wasserstein")
    return told if name == measure else f"{told} to the window before"


def _row(group: Sequence[Finding], currency: str) -> dict[str, str]:
    first = group[0]
    money = next((one.money for one in group if one.money is not None), None)
    return {
        "told": first.told,
        "where": place_of(first.window),
        "figure": "; ".join(
            f"{measure_name(one.measure)} {one.value:.3g} (bound {one.bound:.3g})" for one in group
        ),
        "since": min(one.since for one in group),
        "affected": count(max(one.affected for one in group)),
        "money": _cost(money, currency),
        "advice": first.advice,
    }


def _cost(money: float | None, currency: str) -> str:
    if money is None:
        return "unknown"
    amount = f"{count(abs(money))} {currency}".strip()
    if not round(money):
        return "none"
    return amount if money > 0.0 else f"none ({amount} gained)"


def _dated(finding: Finding) -> str:
    is_new = finding.since in {"", finding.window.start}
    told = finding.told if is_new else f"{finding.told.rstrip('.')} (since {finding.since})."
    return told if finding.window.source == "batch" else f"{place_of(finding.window)}: {told}"


def _begun(sentence: str) -> str:
    """The sentence after a colon."""
    return sentence[:1].lower() + sentence[1:]
