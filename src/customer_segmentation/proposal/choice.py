"""What segments are made of: the numbers of an unknown table that tell its customers apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from customer_segmentation.proposal.groups import Group
from customer_segmentation.proposal.kinds import is_heavy_tailed
from customer_segmentation.proposal.likeness import alike
from customer_segmentation.proposal.seen import NUMERIC, Numbers, Seen, SeenTable
from customer_segmentation.proposal.text import event

_FEWEST, _MAX_FEATURES = 2, 6
# Yes or no halves the customers, whatever else they do: only where there are fewer numbers.
_FEW_NUMBERS = 3
_FEW_STEPS = 4
_MAX_MISSING = 0.02
_MOST_MISSING = 0.5
# A column with nearly one value tells nobody apart.
_MAX_COMMONEST = 0.95


@dataclass(frozen=True)
class Choice:
    """Chooses among columns, totals of groups and days since dates.

    Attributes:
        seen: The table.
        read: The columns that are read.
        groups: Those that belong together.
        names: Header -> name.
    """

    seen: SeenTable
    read: Sequence[Seen]
    groups: Sequence[Group]
    names: Mapping[str, str]

    def chosen(self, features: Mapping[str, str], roles: Mapping[str, str]) -> list[str]:
        """What segments are made of; empty where nothing tells customers apart.

        Args:
            features: Name -> formula.
            roles: Role -> name.
        """
        # Better some rows less than no segments.
        shares = (self._losing(features, roles, most) for most in (_MAX_MISSING, _MOST_MISSING))
        return next((names for names in shares if len(names) >= _FEWEST), [])

    def _losing(
        self, features: Mapping[str, str], roles: Mapping[str, str], most_lost: float
    ) -> list[str]:
        """At most six, those with a role first, then amounts, then counts; no two alike.

        None loses more than such a share of the rows.
        """
        of_spend = {roles.get("spend", ""), roles.get("deals", ""), roles.get("visits", "")}
        wanted = [roles.get("income", ""), "age", *sorted(of_spend), roles.get("recency", "")]
        summed = [g for g in self.groups if f"{g.name}_total" in features]
        parts = {c.header for g in summed for c in g.members.values()}
        whole = [
            c
            for c in self.read
            if c.header not in parts
            if c.lost <= most_lost and c.commonest <= _MAX_COMMONEST
            if not (c.is_outcome or c.is_coded)
        ]
        wanted += [f"{g.name}_total" for g in summed if g.missing <= most_lost]
        for kind in ("money", "number", "share", "count"):
            wanted += [self.names[c.header] for c in whole if c.kind == kind]
        wanted += [f"days_since_{event(self.names[c.header])}" for c in whole if c.kind == "date"]
        kinds = {self.names[c.header]: c.kind for c in self.read}
        allowed = {*features, *(self.names[c.header] for c in whole)}
        fitting = [
            name
            for name in dict.fromkeys(wanted)
            if name in allowed and kinds.get(name, "number") in NUMERIC
        ]
        steps = {self.names[c.header] for c in whole if self._has_steps(c)}
        several = [name for name in fitting if name not in steps]
        if len(several) >= _FEW_NUMBERS:
            fitting = several
        if len(fitting) < _FEW_NUMBERS:
            flags = (c for c in whole if c.kind == "flag" and not c.has("consent"))
            fitting += [self.names[c.header] for c in flags]
        if len(fitting) < _FEWEST:
            # A total alone makes no groups; its parts may.
            fitting = [self.names[c.header] for g in summed for c in g.members.values()]
        apart = self._apart(fitting)
        if len(apart) < _FEWEST:
            # Who somebody is comes last.
            named = sorted(
                (c for c in whole if c.kind == "category"), key=lambda c: c.has("personal")
            )
            apart += [self.names[c.header] for c in named]
        # Better two that are alike than none.
        return (apart if len(apart) >= _FEWEST else fitting)[:_MAX_FEATURES]

    def _apart(self, names: list[str]) -> list[str]:
        """Those that are not nearly the same as one before."""
        numbers = self._numbers()
        apart: list[str] = []
        for name in names:
            before = (numbers[other] for other in apart if name in numbers and other in numbers)
            if not any(alike(numbers[name], other) for other in before):
                apart.append(name)
        return apart

    def _numbers(self) -> dict[str, Numbers]:
        """Column, group's total or days since a date -> its numbers."""
        numbers = self.seen.numbers
        known = {self.names[h]: values for h, values in numbers.items() if h in self.names}
        dates = (self.names[c.header] for c in self.read if c.kind == "date")
        known |= {f"days_since_{event(name)}": known[name] for name in dates}
        for group in self.groups:
            parts = [numbers[c.header] for c in group.members.values()]
            known[f"{group.name}_total"] = sum(parts[1:], start=parts[0])
        return known

    def heavy_tailed(self, chosen: Iterable[str]) -> list[str]:
        """Those of the chosen that are amounts or counts of very different sizes."""
        kinds = {self.names[c.header]: c.kind for c in self.read}
        kinds |= {f"{g.name}_total": g.kind for g in self.groups}
        numbers = self._numbers()
        return [
            name
            for name in chosen
            if (kind := kinds.get(name)) in {"money", "count"}
            and is_heavy_tailed(numbers[name], is_count=kind == "count")
        ]

    def columns_of(self, name: str, features: Mapping[str, str]) -> list[Seen]:
        """The columns that a chosen name needs."""
        for group in self.groups:
            if name in features and name == f"{group.name}_total":
                return [*group.members.values()]
        # A formula over one column names it last.
        column = re.findall(r"[a-z]\w*", features.get(name, name))[-1]
        return [c for c in self.read if self.names[c.header] == column]

    def _has_steps(self, column: Seen) -> bool:
        """Whether amounts are few prices, such as those of tariffs."""
        numbers = self.seen.numbers.get(column.header, np.empty(0))
        known = numbers[~np.isnan(numbers)]
        return column.kind in {"money", "share", "number"} and len(np.unique(known)) <= _FEW_STEPS
