"""What a trial of targeting says: in the last lines of its run, and on its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from customer_segmentation.campaigns import phrases
from customer_segmentation.campaigns.phrases import SPACE
from customer_segmentation.campaigns.policies import BEST_CONSTANT
from customer_segmentation.customers.account import percent

Summary = Mapping[str, Any]
Outcome = Mapping[str, Any]

_NAMES = {
    "two models": "targeting by two models",
    "doubly robust": "targeting by doubly robust scores",
    BEST_CONSTANT: "the best arm for everybody, as half of the customers show it",
}
_UNEVEN = (
    "the arms differ in size by more than chance explains, and all is computed as if each were "
    "as likely. Find out how customers came into their arms before believing a figure"
)
_RANKS = "A ranking alone is no reason to target: one arm may still be best for nearly everybody."
# Of a drawn curve.
_WIDTH, _HEIGHT, _SIDE, _TOP, _BOTTOM = 300.0, 150.0, 12.0, 10.0, 22.0


def lines(summary: Summary) -> list[str]:
    """What a marketer reads at the end of the run."""
    told = [f"Randomised test: {customers(summary)}; halved {summary['splits']} times"]
    told += [f"Warning: {each}" for each in warnings(summary)]
    for outcome in summary["outcomes"].values():
        told += [constants(outcome, summary), verdict(outcome, summary)]
    told += ranks(summary)
    return [phrases.plain(each) for each in told]


def page(summary: Summary) -> dict[str, Any]:
    """What the page shows."""
    return {
        "customers": phrases.capitalised(customers(summary)),
        "splits": summary["splits"],
        "warnings": warnings(summary),
        "control": phrases.spoken(summary["control"]),
        "ranks": ranks(summary),
        "outcomes": [
            {
                "label": phrases.capitalised(outcome["label"]),
                "constants": constants(outcome, summary),
                "verdict": verdict(outcome, summary),
                "cost": f"{outcome['cost']:g} {_unit(outcome)}" if outcome["cost"] else "",
                "best": _everybody(outcome["best"], summary),
                "unit": _unit(outcome),
                "rows": [_row(policy, outcome, summary) for policy in _policies(outcome)],
                "curves": [_drawn(curve, outcome) for curve in outcome["curves"]],
            }
            for outcome in summary["outcomes"].values()
        ],
    }


def customers(summary: Summary) -> str:
    """Who was tested."""
    arms = [f"{size:,} {phrases.spoken(arm)}" for arm, size in summary["arms"].items()]
    told = f"{summary['customers']:,} customers ({', '.join(arms)})"
    drawn = summary["rows"] - summary["incomplete"]
    if summary["customers"] < drawn:
        told += f", drawn from {drawn:,}"
    if summary["incomplete"]:
        told += f"; {summary['incomplete']:,} without an arm or outcome are left out"
    return told


def warnings(summary: Summary) -> list[str]:
    """What may make all figures wrong."""
    return [_UNEVEN] if summary["is_uneven"] else []


def constants(outcome: Outcome, summary: Summary) -> str:
    """What each arm brings if everybody is in it."""
    told = [
        f"{phrases.spoken(one['name'])} to everybody {_interval(one['over_control'], outcome)}"
        for one in outcome["constants"]
    ]
    against = phrases.spoken(summary["control"])
    return f"{phrases.capitalised(outcome['label'])}, a customer over {against}: {', '.join(told)}."


def verdict(outcome: Outcome, summary: Summary) -> str:
    """Whether targeting beats the best arm for everybody, in one sentence."""
    best = _everybody(outcome["best"], summary)
    better = [policy for policy in outcome["policies"] if policy["is_better"]]
    tried = [policy for policy in outcome["policies"] if policy["name"] != BEST_CONSTANT]
    most = max(better or tried, key=lambda policy: policy["over_constant"]["value"])
    interval = _interval(most["over_constant"], outcome)
    if better:
        return f"{phrases.capitalised(_NAMES[most['name']])} beats {best} by {interval} a customer."
    return (
        f"No targeting was shown to beat {best}: the best, {_NAMES[most['name']]}, is "
        f"{interval} a customer against it."
    )


def ranks(summary: Summary) -> list[str]:
    """Which arms help some customers more than others, beyond noise."""
    shown = [
        f"{phrases.spoken(curve['arm'])} ({outcome['label']})"
        for outcome in summary["outcomes"].values()
        for curve in outcome["curves"]
        if curve["is_shown"]
    ]
    if not shown:
        return ["No ranking of customers is better than noise (Qini)."]
    return [f"Customers are ranked better than by noise (Qini) for: {', '.join(shown)}. {_RANKS}"]


def _everybody(arm: str, summary: Summary) -> str:
    if arm == summary["control"]:
        return "contacting nobody"
    return f"{phrases.spoken(arm)} to everybody"


def _policies(outcome: Outcome) -> list[Mapping[str, Any]]:
    return [*outcome["constants"], *outcome["policies"]]


def _row(policy: Mapping[str, Any], outcome: Outcome, summary: Summary) -> dict[str, Any]:
    over = policy["over_constant"]
    # Of the constant that half of the customers show, only the value: it is what is compared with.
    is_compared = over is not None and policy["name"] != BEST_CONSTANT
    shares = [
        f"{percent(share)} {phrases.spoken(arm)}"
        for arm, share in zip(summary["arms"], policy["shares"], strict=True)
        if share
    ]
    name = _NAMES.get(policy["name"]) or f"{phrases.spoken(policy['name'])} to everybody"
    return {
        "name": phrases.capitalised(name),
        "shares": ", ".join(shares) if over is not None else "",
        "over_control": _numbers(policy["over_control"], outcome),
        "over_constant": _numbers(over, outcome) if is_compared else "",
        "robust": _numbers(policy["robust"], outcome) if is_compared else "",
        "is_better": policy["is_better"],
    }


def _interval(estimate: Mapping[str, float], outcome: Outcome) -> str:
    value, low, high = (_number(estimate[name], outcome) for name in ("value", "low", "high"))
    return f"{value}{SPACE}{_unit(outcome)} ({low} to {high})"


def _numbers(estimate: Mapping[str, float], outcome: Outcome) -> str:
    value, low, high = (_number(estimate[name], outcome) for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _number(value: float, outcome: Outcome) -> str:
    return f"{100.0 * value:+.2f}" if outcome["is_flag"] else f"{value:+.3f}"


def _unit(outcome: Outcome) -> str:
    return "points" if outcome["is_flag"] else str(outcome["unit"])


def _drawn(curve: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """A Qini curve and its band as SVG."""
    gains, band = curve["gains"], curve["band"]
    furthest = max(*map(abs, gains), *band) or 1.0
    last = max(len(gains) - 1, 1)

    def points(values: Sequence[float]) -> list[str]:
        return [
            f"{_SIDE + (_WIDTH - 2 * _SIDE) * place / last:.1f},"
            f"{_TOP + (_HEIGHT - _TOP - _BOTTOM) * (0.5 - 0.5 * value / furthest):.1f}"
            for place, value in enumerate(values)
        ]

    below = points([-each for each in band])
    peak = max(range(len(gains)), key=lambda place: gains[place])
    is_shown = "above the band" if curve["is_shown"] else "within the band: noise would do the same"
    arm = phrases.spoken(curve["arm"])
    return {
        "title": f"{phrases.capitalised(arm)}: {is_shown}",
        "alternative": (
            f"Gain of contacting first whom the models rank first with {arm}, over as many at "
            f"random: at most {_number(gains[peak], outcome)} {_unit(outcome)} a customer, at "
            f"{100.0 * peak / last:.0f} % contacted; {is_shown}."
        ),
        "line": " ".join(points(gains)),
        "band": " ".join([*points(band), *reversed(below)]),
        "peak": f"{_number(gains[peak], outcome)} {_unit(outcome)}",
        "zero": f"{_TOP + (_HEIGHT - _TOP - _BOTTOM) / 2:.1f}",
        "width": _WIDTH,
        "height": _HEIGHT,
        "side": _SIDE,
    }
