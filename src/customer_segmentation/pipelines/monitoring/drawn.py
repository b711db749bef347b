"""Pictures of monitoring, as numbers that a template draws as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from customer_segmentation.campaigns.phrases import count
from customer_segmentation.customers.account import percent

WIDTH, HEIGHT = 320.0, 130.0
_TOP, _BOTTOM = 8.0, 34.0
_LINE_WIDTH, _LINE_HEIGHT = 640.0, 80.0
_LINE_BOTTOM = 28.0
# A window among many is still seen, and one alone is no block.
_THINNEST, _WIDEST = 3.0, 28.0
# As many labels as stand beside each other on a phone.
_FEW = 6


def histogram(title: str, labels: Sequence[str], was: Sequence[int], now: Sequence[int]) -> Any:  # noqa: ANN401 - of the template
    """Shares by bin, of what the champion learned from and of now.

    Args:
        title: What is counted.
        labels: Of each bin.
        was: Customers by bin, of the baseline.
        now: The same of the window.
    """
    shares = [_shares(was), _shares(now)]
    most = max((*shares[0], *shares[1]), default=0.0) or 1.0
    step = WIDTH / max(len(labels), 1)
    room = HEIGHT - _TOP - _BOTTOM
    bars = []
    for place, label in enumerate(labels):
        heights = [room * each[place] / most for each in shares]
        left = place * step
        bars.append(
            {
                "label": label if len(labels) <= _FEW or place in {0, len(labels) - 1} else "",
                "anchor": _anchor(place, len(labels)),
                "at": round(_at(place, len(labels), left, step), 1),
                "width": round(step * 0.4, 1),
                "was": {"x": round(left + step * 0.08, 1), **_bar(heights[0], room)},
                "now": {"x": round(left + step * 0.5, 1), **_bar(heights[1], room)},
            }
        )
    spoken = "; ".join(
        f"{label}: {percent(before)} then, {percent(here)} now"
        for label, before, here in zip(labels, *shares, strict=True)
    )
    return {
        "title": title,
        "alternative": f"{title}, shares of customers. {spoken}.",
        "bars": bars,
        "floor": HEIGHT - _BOTTOM,
    }


def time_line(title: str, windows: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - as above
    """How many figures were beyond their bounds, window by window.

    Args:
        title: Of which windows.
        windows: `start`, `customers`, `alarms` and `is_compared` of each, the oldest first.
    """
    most = max((one["alarms"] for one in windows), default=0) or 1
    step = min(_WIDEST, _LINE_WIDTH / max(len(windows), 1))
    room = _LINE_HEIGHT - _LINE_BOTTOM - 4.0
    bars = []
    for place, one in enumerate(windows):
        height = max(room * one["alarms"] / most, 3.0)
        kind = "beyond" if one["alarms"] else "calm" if one["is_compared"] else "unknown"
        bars.append(
            {
                "kind": kind,
                "x": round(place * step, 1),
                "width": round(max(step * 0.75, _THINNEST), 1),
                **_bar(height, room, top=4.0),
            }
        )
    beyond = [one for one in windows if one["alarms"]]
    told = "; ".join(f"{one['start']}: {count(one['alarms'])}" for one in beyond[-_FEW:])
    spoken = f"in {count(len(beyond))} something was beyond its bound"
    return {
        "title": title,
        "alternative": f"{title}: {count(len(windows))} windows, {spoken}. {told}".strip(),
        "bars": bars,
        "first": windows[0]["start"] if windows else "",
        "last": windows[-1]["start"] if len(windows) > 1 else "",
        "end": round(max(step * len(windows), 2 * 76.0), 1),
        "width": _LINE_WIDTH,
        "height": _LINE_HEIGHT,
    }


def _bar(height: float, room: float, top: float = _TOP) -> dict[str, float]:
    return {"y": round(top + room - height, 1), "height": round(height, 1)}


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts)
    return [each / whole if whole else 0.0 for each in counts]


def _anchor(place: int, bins: int) -> str:
    if bins <= _FEW and 0 < place < bins - 1:
        return "middle"
    return "start" if place == 0 else "end"


def _at(place: int, bins: int, left: float, step: float) -> float:
    return {"start": left, "middle": left + step / 2.0, "end": left + step}[_anchor(place, bins)]
