"""Columns of an unknown table that belong together: `spend_{product}`."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from customer_segmentation.proposal.seen import Seen
from customer_segmentation.proposal.text import plain_name
from customer_segmentation.proposal.words import about

# Columns of one kind whose headers share words are a group from so many on.
_SMALLEST = 3
# A formula holds so many names.
_LARGEST = 90
_LONGEST = 40
_PERIOD = re.compile(
    "[qmwy]?_?[0-9][0-9_]*|(?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*[0-9_]*"
)
# A shared word counts as much as this many more columns.
_A_WORD = 1.5


@dataclass(frozen=True)
class Group:
    """Columns with a common pattern.

    Attributes:
        name: Of the group.
        pattern: Of the columns' names.
        members: Member -> column.
    """

    name: str
    pattern: str
    members: dict[str, Seen]

    @property
    def kind(self) -> str:
        """Of its columns."""
        return next(iter(self.members.values())).kind

    @property
    def missing(self) -> float:
        """The share without a value, of the worst column."""
        return max(column.missing for column in self.members.values())

    @property
    def can_be_summed(self) -> bool:
        """Whether a sum means something: not of averages, and of no part twice."""
        words = {word for column in self.members.values() for word in column.words}
        members = {word for member in self.members for word in member.split("_")}
        is_short = len(self.members) <= _LARGEST
        return (
            is_short
            and self.kind in {"money", "count", "number"}
            and not (about(words, "average") or members & {"total", "all", "sum"})
        )

    @property
    def is_of_periods(self) -> bool:
        """Whether its members are years, quarters or months, and not products or channels."""
        return all(_PERIOD.fullmatch(member) for member in self.members)

    @property
    def is_spend(self) -> bool:
        """Whether its columns may be what somebody spent, and not what they owe or own."""
        return not about(self.name.split("_"), "income") and not re.search(
            "balance|bill|limit|credit|loan|debit|saldo|schaden|claim|damage|debt", self.pattern
        )


def find_groups(columns: Sequence[Seen]) -> list[Group]:
    """Columns of one kind whose headers share words at the start and the end."""
    left = [c for c in columns if not (c.has("deals") or c.is_coded)]
    groups: list[Group] = []
    while found := _best(left):
        prefix, suffix, columns = found
        members = {
            plain_name(" ".join(c.words[len(prefix) : len(c.words) - len(suffix)])): c
            for c in columns
        }
        # Of Q1_2024_kWh, kwh.
        telling = [w for w in (*prefix, *suffix) if len(w) > 1 and not w.isdigit()]
        name = plain_name(" ".join(telling))
        if not name or name in {group.name for group in groups}:
            name = plain_name(" ".join([*prefix, *suffix]))
        ends = [plain_name(" ".join(part)) for part in (prefix, suffix)]
        pattern = "_".join(filter(None, [ends[0], f"{{{name}}}", ends[1]]))
        is_named = (
            re.fullmatch(f"[a-z][a-z0-9_]{{0,{_LONGEST}}}", name)
            # It has a meaning of its own in texts.
            and name != "period"
            and (ends[0] or re.match("[a-z]", min(members)))
            and max(map(len, members)) <= _LONGEST
        )
        if len(members) == len(columns) and "" not in members and is_named:
            groups.append(Group(name, pattern, members))
        left = [c for c in left if c not in columns]
    return groups


def _best(left: Sequence[Seen]) -> tuple[tuple[str, ...], tuple[str, ...], list[Seen]] | None:
    """The shared first words and last words that bind most columns, and these columns."""
    candidates: dict[tuple[Hashable, tuple[str, ...], tuple[str, ...]], list[Seen]] = {}
    for column in left:
        words = column.words
        for start in range(len(words)):
            for end in range(len(words) - start):
                if start + end:
                    tail = words[len(words) - end :] if end else ()
                    alike = (column.kind, column.unit, column.is_outcome)
                    shared = (alike, words[:start], tail)
                    candidates.setdefault(shared, []).append(column)
    scores = {
        shared: len(found) + _A_WORD * (len(shared[1]) + len(shared[2]))
        for shared, found in candidates.items()
        if len(found) >= _SMALLEST
    }
    if not scores:
        return None
    best = max(scores, key=lambda shared: scores[shared])
    return best[1], best[2], candidates[best]
