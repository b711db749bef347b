"""Propose a schema for an unknown file: a commented draft, and the questions that are left."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from unicodedata import normalize

import pandas as pd

from customer_segmentation.customers.account import percent
from customer_segmentation.customers.quarantine import ADDED
from customer_segmentation.errors import UserError
from customer_segmentation.proposal.recognise import Seen, SeenTable, recognise_table
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import RESERVED
from customer_segmentation.sources.content import UTF8
from customer_segmentation.sources.dataset import SourceDataset
from customer_segmentation.sources.header import SOURCE_FILE

# Columns of one kind whose headers share words are a group from so many on.
_SMALLEST_GROUP = 3
# A shared word counts as much as this many more columns.
_A_WORD = 1.5
_MAX_FEATURES = 6
_MAX_MISSING = 0.05
_OLDEST, _YOUNGEST = 100, 18
_MAX_AGE = 300


@dataclass(frozen=True)
class Group:
    """Columns with a common pattern: `spend_{product}`."""

    name: str
    pattern: str
    # Member -> column.
    members: dict[str, Seen]


@dataclass
class Proposal:
    """A draft of a schema.

    Attributes:
        text: The file, with comments.
        table: One row a column: header, what it is read as, how sure, remarks.
        questions: What only a person can answer; the draft is not complete without.
    """

    text: str = ""
    table: list[tuple[str, str, str, str]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)


def propose_file(
    path: Path, configuration: Path, as_of: date | None, out: Path | None
) -> Iterator[str]:
    """Write a schema for a file of customers, and tell what was recognised, line by line.

    Args:
        path: A file or a folder of files.
        configuration: The folder that holds `schemas`.
        as_of: The day that the file is of, if known.
        out: The file to write; by default `schemas/NAME.yml`.

    Raises:
        UserError: The file cannot be read, holds no customers, or there is such a schema already.
    """
    name = re.sub(r"\W+", "_", path.name.split(".")[0].lower()).strip("_") or "customers"
    place = out or configuration / "schemas" / f"{name}.yml"
    if place.exists():
        raise UserError(f"{place} is there already: remove it, or name another file with --out")
    source = SourceDataset(
        filepath=str(path.absolute()),
        encoding=os.environ.get("SEGMENTATION_ENCODING") or UTF8,
        sheet=os.environ.get("SEGMENTATION_SHEET") or None,
    )
    rows = source.load()
    cells = rows[[name for name in rows.columns if name not in ADDED and name != SOURCE_FILE]]
    proposal = propose_schema(cells, path.name, as_of)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(proposal.text, encoding="utf-8")
    yield from _as_table([("header", "read as", "sure", "remarks"), *proposal.table])
    yield ""
    if proposal.questions:
        yield f"Answer in {place} before a run:"
        yield from (f"  {number}. {text}" for number, text in enumerate(proposal.questions, 1))
        yield ""
    where = place if out else place.stem
    yield f"Next: SEGMENTATION_SCHEMA={where} SEGMENTATION_SOURCE={path} make run"


def _as_table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    shown = [[_plain(cell)[:60] for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in shown) for i in range(len(shown[0]))]
    for row in shown:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def propose_schema(cells: pd.DataFrame, source: str, as_of: date | None = None) -> Proposal:
    """A schema that reads the file.

    Args:
        cells: Text by header.
        source: The file's name.
        as_of: The snapshot's day, if known.

    Raises:
        UserError: The file holds order lines, or fewer than two numbers to tell customers apart.
    """
    seen = recognise_table(cells)
    if seen.are_orders:
        raise UserError(
            f"{source}: this looks like order lines, several rows a customer: write a schema with "
            "`orders`, as conf/schemas/online_retail.yml has one (docs/schema.md)"
        )
    return _Draft(seen, source, as_of).proposal()


class _Draft:
    """Names, groups, features and roles for what was recognised."""

    def __init__(self, seen: SeenTable, source: str, as_of: date | None) -> None:
        self._seen = seen
        self._source = source
        self._as_of = as_of
        read = [c for c in seen.columns if c.kind != "text" and c.header not in seen.copies]
        self._read = read
        self._groups = _groups([c for c in read if c.kind in {"money", "count", "flag"}])
        grouped = {c.header for group in self._groups for c in group.members.values()}
        self._single = [c for c in read if c.header not in grouped]
        self._names: dict[str, str] = {}
        for group in self._groups:
            for member, column in group.members.items():
                self._names[column.header] = group.pattern.replace(f"{{{group.name}}}", member)
        for column in self._single:
            self._names[column.header] = self._free_name(column)

    def proposal(self) -> Proposal:
        """The draft, its table and its questions."""
        features = dict(self._features())
        roles = self._roles(features)
        chosen = self._chosen(features, roles)
        questions = self._questions()
        if len(chosen) < 2:  # noqa: PLR2004 - one number makes no groups
            raise UserError(
                f"{self._source}: fewer than two columns of numbers tell customers apart: "
                f"{', '.join(c.header for c in self._seen.columns)}"
            )
        lines = [
            f"# Proposed from {self._source}: check it. docs/schema.md explains every key.",
            *(f"# QUESTION: {question}." for question in questions),
            "",
            *self._head(),
            "",
            *self._group_lines(),
            "columns:",
            *self._column_lines(),
            "",
            *self._feature_lines(features),
            *self._role_lines(roles),
            "# What segments are made of; never an answer to a campaign, or what came after it.",
            f"segment_features: [{', '.join(chosen)}]",
        ]
        table = [
            (c.header, self._told(c), percent(c.sure) if c.kind != "text" else "", self._remark(c))
            for c in self._seen.columns
        ]
        return Proposal("\n".join(lines) + "\n", table, questions)

    def _free_name(self, column: Seen) -> str:
        if column.kind == "key":
            return KEY
        name = plain_name(" ".join(column.words))
        name = name if re.match("[a-z]", name) else f"column_{len(self._names)}"
        if column.kind == "date" and not name.endswith("_on"):
            name += "_on"
        taken = {*self._names.values(), *RESERVED, KEY}
        name = f"customer_{name}" if name in RESERVED else name
        while name in taken:
            name += "_2"
        return name

    def _questions(self) -> list[str]:
        questions = [c.question for c in self._read if c.question]
        if self._seen.question:
            questions.append(self._seen.question)
        if not self._as_of and any(c.kind in {"date", "year"} for c in self._read):
            questions.append(
                "which day is the file of? Ages and tenures depend on it: set as_of, or give "
                "--as-of"
            )
        return questions

    def _head(self) -> Iterator[str]:
        needs_day = any(c.kind in {"date", "year"} for c in self._read)
        if self._as_of or not needs_day:
            yield f"as_of: {self._as_of or date(2000, 1, 1)}" + (
                "" if needs_day else "  # no column depends on it"
            )
        signs = self._seen.signs
        unit = next((sign for sign in signs.ignored if sign != "%"), "monetary units")
        yield f"money: {{unit: {json.dumps(unit, ensure_ascii=False)}, period: the file's period}}"
        if signs.decimal != ".":
            yield f'decimal_sign: "{signs.decimal}"'
        if signs.thousands:
            yield f'thousands_sign: "{signs.thousands}"'
        if signs.ignored:
            yield f"ignored_signs: {json.dumps(list(signs.ignored), ensure_ascii=False)}"
        formats = list(dict.fromkeys(c.date_format for c in self._read if c.date_format))
        if formats:
            yield f"date_formats: {json.dumps(formats)}"

    def _group_lines(self) -> Iterator[str]:
        if self._groups:
            yield "groups:"
            for group in self._groups:
                members = ", ".join(
                    f"{_text(m)}: {_text(m.replace('_', ' '))}" for m in group.members
                )
                yield f"  {group.name}: {{{members}}}"
            yield ""

    def _column_lines(self) -> Iterator[str]:
        if not self._seen.key:
            yield "  # The file has no key: a customer is known by the number of the row."
            yield f"  {KEY}: {{kind: key, from_row: true}}"
        shown: set[str] = set()
        for column in self._seen.columns:
            group = next((g for g in self._groups if column in g.members.values()), None)
            if group and group.name not in shown:
                shown.add(group.name)
                headers = ", ".join(
                    f"{_text(m)}: [{_text(c.header)}]" for m, c in group.members.items()
                )
                yield f"  {group.pattern}:"
                yield f"    kind: {column.kind}"
                yield f"    headers: {{{headers}}}"
                if column.has("outcome"):
                    yield "    outcome: true"
            elif not group and column.header in self._names:
                yield from self._one_column(column)
            elif not group:
                why = self._remark(column) or "nothing to group customers by"
                yield f"  # {_plain(column.header)}: not read, {_plain(why)}"

    def _one_column(self, column: Seen) -> Iterator[str]:
        name = self._names[column.header]
        yield f"  {name}:"
        yield f"    kind: {column.kind}"
        if column.header != name:
            yield f"    headers: [{_text(column.header)}]"
        if column.kind == "year":
            youngest, oldest = (_YOUNGEST, _OLDEST) if "birth" in column.words else (0, _MAX_AGE)
            yield f"    age: {{minimum: {youngest}, maximum: {oldest}}}"
        if column.kind == "date":
            first = column.first_day or "not clear"
            yield f"    earliest: {column.first_day[:4] or 1900}-01-01  # the first day is {first}"
        if column.kind == "category":
            yield "    categories:"
            for word, spelling in _categories(column.values):
                yield f"      {_text(word)}: [{_text(spelling)}]"
        if column.has("outcome"):
            yield "    outcome: true"
        if column.has("personal"):
            yield "    personal: true"

    def _features(self) -> Iterator[tuple[str, str]]:
        for column in self._single:
            if column.kind == "year" and "birth" in column.words:
                yield "age", f"as_of.year - {self._names[column.header]}"
        for group in self._groups:
            first = next(iter(group.members.values()))
            if first.kind in {"money", "count"} and not first.has("outcome"):
                yield f"{group.name}_total", f"sum({group.pattern})"

    def _roles(self, features: dict[str, str]) -> dict[str, str]:
        roles: dict[str, str] = {}
        by_kind = {
            kind: [
                g
                for g in self._groups
                if next(iter(g.members.values())).kind == kind and f"{g.name}_total" in features
            ]
            for kind in ("money", "count")
        }
        if by_kind["money"]:
            largest = max(by_kind["money"], key=lambda group: len(group.members))
            roles |= {"spend": f"{largest.name}_total", "product": largest.pattern}
        for topic, kind in (
            ("income", "money"),
            ("deals", "count"),
            ("visits", "count"),
            ("recency", "count"),
        ):
            column = next((c for c in self._single if c.has(topic) and c.kind == kind), None)
            if column:
                roles[topic] = self._names[column.header]
        purchases = [g for g in by_kind["count"] if "purchase" in g.pattern or "order" in g.pattern]
        if purchases:
            roles |= {"purchases": f"{purchases[0].name}_total", "channel": purchases[0].pattern}
            if "deals" in roles:
                features["deal_share"] = f"{roles['deals']} / {roles['purchases']}"
                roles["deal_share"] = "deal_share"
        return roles

    def _chosen(self, features: dict[str, str], roles: dict[str, str]) -> list[str]:
        """At most six features, those with a role first, then amounts, then counts."""
        of_spend = {roles.get("spend", ""), roles.get("deals", ""), roles.get("visits", "")}
        wanted = [roles.get("income", ""), "age" if "age" in features else "", *sorted(of_spend)]
        whole = [c for c in self._single if c.missing <= _MAX_MISSING and not c.has("outcome")]
        for kind in ("money", "number", "share", "count"):
            wanted += [self._names[c.header] for c in whole if c.kind == kind]
        wanted += [name for name in features if name.endswith("_total")]
        wanted += [self._names[c.header] for c in whole if c.kind == "flag"]
        known = {*features, *self._names.values()}
        return [n for n in dict.fromkeys(wanted) if n in known][:_MAX_FEATURES]

    def _feature_lines(self, features: dict[str, str]) -> Iterator[str]:
        if features:
            yield "features:"
            kinds = {f"{g.name}_total": next(iter(g.members.values())).kind for g in self._groups}
            for name, formula in features.items():
                kind = ", kind: money" if kinds.get(name) == "money" else ""
                yield f"  {name}: {{formula: {json.dumps(formula)}{kind}}}"
            yield ""

    def _role_lines(self, roles: dict[str, str]) -> Iterator[str]:
        if roles:
            yield "roles:"
            for role, name in roles.items():
                yield f"  {role}: {json.dumps(name) if '{' in name else name}"
            yield ""

    def _told(self, column: Seen) -> str:
        return (
            "not read"
            if column.header not in self._names
            else f"{column.kind} {self._names[column.header]}"
        )

    def _remark(self, column: Seen) -> str:
        told = [*column.notes]
        if other := self._seen.copies.get(column.header):
            told.append(f"it says the same as {other}")
        if column.missing > 0.0:
            told.append(f"{percent(column.missing)} missing")
        if column.has("outcome") and column.header in self._names:
            told.append("taken for an answer to a campaign: not part of segments")
        if column.question:
            told.append("see the question")
        return "; ".join(told)


def _groups(columns: Sequence[Seen]) -> list[Group]:
    """Columns of one kind whose headers share words at the start and the end."""
    left = [c for c in columns if not c.has("deals")]
    groups: list[Group] = []
    while True:
        candidates: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[Seen]] = {}
        for column in left:
            words = column.words
            for start in range(len(words)):
                for end in range(len(words) - start):
                    if start + end:
                        shared = (
                            column.kind,
                            words[:start],
                            words[len(words) - end :] if end else (),
                        )
                        candidates.setdefault(shared, []).append(column)
        scores = {
            shared: len(found) + _A_WORD * (len(shared[1]) + len(shared[2]))
            for shared, found in candidates.items()
            if len(found) >= _SMALLEST_GROUP
        }
        if not scores:
            return groups
        best = max(scores, key=lambda shared: scores[shared])
        _, prefix, suffix = best
        members = {
            plain_name(" ".join(c.words[len(prefix) : len(c.words) - len(suffix)])): c
            for c in candidates[best]
        }
        name = plain_name(" ".join([*prefix, *suffix]))
        ends = [plain_name(" ".join(part)) for part in (prefix, suffix)]
        pattern = "_".join(filter(None, [ends[0], f"{{{name}}}", ends[1]]))
        if len(members) == len(candidates[best]) and re.fullmatch("[a-z][a-z0-9_]*", name):
            groups.append(Group(name, pattern, members))
        left = [c for c in left if c not in candidates[best]]


def plain_name(text: str) -> str:
    """A text in lower-case letters of ASCII, digits and underscores; '' if nothing is left."""
    apart = normalize("NFKD", text.lower().replace("ß", "ss"))
    return re.sub(r"[\W_]+", "_", apart.encode("ascii", "ignore").decode()).strip("_")


def _categories(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each value as a name, and as it is spelled."""
    taken: set[str] = set()
    for value in values:
        name = plain_name(value) or "blank"
        name = name if re.match("[^0-9]", name) else f"value_{name}"
        while name in taken:
            name += "_2"
        taken.add(name)
        yield name, value


def _text(header: str) -> str:
    return json.dumps(header, ensure_ascii=False)


def _plain(text: str) -> str:
    """Text that may stand in a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
