"""Who moved since the state before: in words, and as a picture that a template draws as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.schema.schema import Schema

WIDTH = 340.0
# Of all movers together, between two segments, and above the first one, which has its name there.
_FLOWING, _GAP, _TOP = 150.0, 24.0, 34.0
_BAR = 8.0
_THINNEST = 1.5
_LONGEST_NAME = 20
# As many colours are told apart; a further segment has the first one's again.
_COLOURS = 6
_UNKNOWN = "unknown"
_CAUSES = {
    "data": "because their data changed",
    "model": "because the model changed",
    "both": "for both reasons",
    _UNKNOWN: "for a reason that cannot be told",
}


@dataclass(frozen=True)
class Bar:
    """A segment that customers left (on the left) or joined (on the right)."""

    label: str
    x: float
    y: float
    height: float
    colour: int


@dataclass(frozen=True)
class Ribbon:
    """Those who moved from one segment to another: SVG's `d` of a path, in the former's colour."""

    path: str
    colour: int


@dataclass(frozen=True)
class Picture:
    """All moves; who stayed is not drawn."""

    alternative: str
    height: float
    left: tuple[Bar, ...]
    right: tuple[Bar, ...]
    ribbons: tuple[Ribbon, ...]


@dataclass(frozen=True)
class Moves:
    """The section of the page; without a picture nobody moved, or there is nothing to compare."""

    sentences: tuple[str, ...]
    picture: Picture | None
    before: str
    now: str
    rows: tuple[tuple[str, ...], ...]


def explain_moves(schema: Schema, flow: Mapping[str, Any]) -> Moves:
    """The flow between two states.

    Args:
        schema: Names the features.
        flow: What the history says of both states.
    """
    before = flow["before"]
    if not before:
        told = "The history begins with this run: the next one will say who moved, and why."
        return Moves((told,), None, "", "", ())
    names = flow["segments"]
    moves = [each for each in flow["flows"] if each["from"] != each["to"]]
    moves.sort(key=lambda each: (-each["customers"], each["from"], each["to"]))
    rows = tuple(
        (names[each["from"]], names[each["to"]], phrases.count(each["customers"]), _because(each))
        for each in moves
    )
    sentences = (_who(flow), *_why(flow), *_others(flow), *_in_common(schema, flow["in_common"]))
    picture = _picture(moves, names) if moves else None
    then, now = _times(flow)
    return Moves(sentences, picture, then, now, rows)


def _times(flow: Mapping[str, Any]) -> tuple[str, str]:
    """What tells the two states apart: their days, or of the same day their models."""
    states = flow["before"], flow
    by = "as_of" if len({state["as_of"] for state in states}) > 1 else "artifact_version"
    then, now = (str(state[by]) for state in states)
    return then, now


def _who(flow: Mapping[str, Any]) -> str:
    moved, stayed = flow["moved"], flow["stayed"]
    then, now = _times(flow)
    of_both = f"{phrases.count(moved + stayed)} customers who are in both snapshots ({then}, {now})"
    if flow["before"]["as_of"] == flow["as_of"]:
        of_both = (
            f"{phrases.count(moved + stayed)} customers of {flow['as_of']} whom a run before told "
            f"of, too (artifact {then} then, {now} now)"
        )
    if not moved:
        return f"Of the {of_both}, nobody is in another segment."
    share = phrases.percent(moved / (moved + stayed))
    verb = "is" if moved == 1 else "are"
    return f"Of the {of_both}, {phrases.count(moved)} ({share}) {verb} in another segment now."


def _why(flow: Mapping[str, Any]) -> list[str]:
    if not flow["moved"]:
        return []
    causes = [(flow["causes"][cause], words) for cause, words in _CAUSES.items()]
    told = [f"{phrases.count(customers)} {words}" for customers, words in causes if customers]
    sentences = [f"They moved: {phrases.listed(told)}."]
    if flow["causes"][_UNKNOWN]:
        version = flow["before"]["artifact_version"]
        sentences.append(
            f"The model of then (artifact {version}) is not kept any more, or cannot score these "
            "customers, so whether their data or the model moved them cannot be told."
        )
    return sentences


def _others(flow: Mapping[str, Any]) -> list[str]:
    entered, left = (sum(flow[which].values()) for which in ("entered", "left"))
    told = []
    if entered:
        told.append(f"{phrases.count(entered)} {'is' if entered == 1 else 'are'} new")
    if left:
        verb = "is" if left == 1 else "are"
        told.append(f"{phrases.count(left)} {verb} in no segment any more (gone, or left out)")
    return [f"Besides, {phrases.listed(told)}."] if told else []


def _in_common(schema: Schema, common: Iterable[Mapping[str, Any]]) -> list[str]:
    told = []
    for one in common:
        name = one["feature"]
        means = [one[who] for who in ("moved", "stayed")]
        if name == "margin":
            label, texts = "margin before", [phrases.score(mean) for mean in means]
        else:
            unit = schema.unit_of(name)
            label, texts = schema.label_of(name), [phrases.mean(unit, mean) for mean in means]
        told.append(f"{label} {' against '.join(texts)}")
    if not told:
        return []
    said = "their average against that of those who stayed"
    return [f"What those who moved have in common ({said}): {phrases.listed(told)}."]


def _because(flow: Mapping[str, Any]) -> str:
    parts = [(cause, flow[cause]) for cause in _CAUSES if flow[cause]]
    if len(parts) == 1:
        return parts[0][0]
    return ", ".join(f"{cause} {phrases.count(customers)}" for cause, customers in parts)


def _picture(moves: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Picture:
    moved = sum(each["customers"] for each in moves)
    heights = {
        (each["from"], each["to"]): max(_THINNEST, _FLOWING * each["customers"] / moved)
        for each in moves
    }
    left, starts = _bars(0.0, "from", moves, heights, names)
    right, ends = _bars(WIDTH - _BAR, "to", moves, heights, names)
    colours = {key: number % _COLOURS for number, key in enumerate(names)}
    ribbons = []
    # Stacked in the order of the segments on the other side, ribbons cross as little as they can.
    for former in names:
        for latter in names:
            height = heights.get((former, latter))
            if height:
                path = _ribbon(starts[former], ends[latter], height)
                ribbons.append(Ribbon(path, colours[former]))
                starts[former] += height
                ends[latter] += height
    spoken = "; ".join(
        f"{names[each['from']]} to {names[each['to']]}: {phrases.count(each['customers'])}"
        for each in moves
    )
    height = max(bar.y + bar.height for bar in (*left, *right)) + 4.0
    return Picture(f"Who moved. {spoken}.", round(height, 1), left, right, tuple(ribbons))


def _bars(
    x: float,
    side: str,
    moves: Sequence[Mapping[str, Any]],
    heights: Mapping[tuple[str, str], float],
    names: Mapping[str, str],
) -> tuple[tuple[Bar, ...], dict[str, float]]:
    """The segments of one side, and where each begins."""
    bars, begins = [], {}
    y = _TOP
    for number, (key, name) in enumerate(names.items()):
        own = [each for each in moves if each[side] == key]
        if not own:
            continue
        customers = sum(each["customers"] for each in own)
        height = sum(heights[each["from"], each["to"]] for each in own)
        label = f"{_short(name)} {phrases.count(customers)}"
        bars.append(Bar(label, x, round(y, 1), round(height, 1), number % _COLOURS))
        begins[key] = y
        y += height + _GAP
    return tuple(bars), begins


def _ribbon(start: float, end: float, height: float) -> str:
    left, right = _BAR, WIDTH - _BAR
    middle = (left + right) / 2.0
    a, b, c, d = (round(y, 1) for y in (start, end, end + height, start + height))
    return (
        f"M{left} {a}C{middle} {a} {middle} {b} {right} {b}"
        f"L{right} {c}C{middle} {c} {middle} {d} {left} {d}Z"
    )


def _short(name: str) -> str:
    plain = phrases.printable(name)
    if len(plain) <= _LONGEST_NAME:
        return plain
    return f"{plain[: _LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"
