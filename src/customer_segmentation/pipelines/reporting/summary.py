"""The segments in five lines, for the terminal."""

from __future__ import annotations

from typing import Any

from narwhals.typing import IntoFrame

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.pipelines.reporting.cards import top
from customer_segmentation.pipelines.reporting.profiles import Profile, read_profiles
from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.headline import headline

_LINES = 5


def five_lines(schema: Schema, profiles: IntoFrame, clustering_summary: dict[str, Any]) -> str:
    """How the segments came out, then one line a segment; at most five lines in all."""
    profiled = read_profiles(schema, profiles)
    head = headline(clustering_summary, profiled.customers)
    room = _LINES - 1
    shown = profiled.segments if len(profiled.segments) <= room else profiled.segments[: room - 1]
    names = [phrases.printable(segment.name) for segment in shown]
    width = max((len(name) for name in names), default=0)
    lines = [head, *(_line(n.ljust(width), s) for n, s in zip(names, shown, strict=True))]
    left = len(profiled.segments) - len(shown)
    return "\n".join([*lines, f"and {left} more"] if left else lines)


def _line(name: str, segment: Profile) -> str:
    parts = [f"{_plain(phrases.percent(segment.share)):>4}"]
    index = segment.index(segment.schema.roles.spend)
    if index is not None:
        parts.append(f"spend {index / 100.0:.1f}x average")
    if "waits_for_offers=yes" in segment.means:
        waiting = _plain(phrases.percent(segment.means["waits_for_offers=yes"]))
        parts.append(f"{waiting} wait for offers")
    tops = [(name, top(segment, name)) for name in ("offer", "product", "channel")]
    mostly = [f"{name} {answer}" for name, answer in tops if answer]
    if mostly:
        parts.append(f"mostly {', '.join(mostly)}")
    return f"{name}  {', '.join(parts)}"


def _plain(text: str) -> str:
    # Not every terminal shows a no-break space as a space.
    return text.replace("\N{NO-BREAK SPACE}", " ")
