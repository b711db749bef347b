"""Propose a schema for an unknown table: a commented draft, and the questions that are left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from customer_segmentation.customers.account import listed, percent
from customer_segmentation.errors import UserError
from customer_segmentation.proposal.choice import Choice
from customer_segmentation.proposal.groups import find_groups
from customer_segmentation.proposal.lines import OrderLines, find_lines
from customer_segmentation.proposal.lines_schema import lines_schema
from customer_segmentation.proposal.losses import Losses, find_losses
from customer_segmentation.proposal.recognise import PIVOT, recognise_table
from customer_segmentation.proposal.seen import (
    KINDS,
    MONEY,
    Corrections,
    Seen,
    SeenTable,
)
from customer_segmentation.proposal.text import (
    DATE_WORDS,
    categories,
    earliest,
    event,
    in_comment,
    is_word,
    plain_name,
    quoted,
    scaling_lines,
)
from customer_segmentation.proposal.words import bare, spoken
from customer_segmentation.schema.dates import DateFormat
from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import DATE_FORMATS, MISSING, RESERVED

_MAX_MISSING = 0.02
_OLDEST, _YOUNGEST = 100, 18
_MAX_AGE = 300
# Columns and values of categories; a schema may have more, with features.
_MOST = 800
_DEFAULT_DAY = "2000-01-01"
# What a schema allows.
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)


@dataclass
class Proposal:
    """A draft of a schema.

    Attributes:
        text: The file, with comments.
        table: One row a column: header, what it is read as, how sure, remarks.
        kinds: Header -> kind.
        questions: What only a person can answer; the draft is not complete without.
        needs_day: Whether the day of the snapshot is one of them.
        are_orders: Whether the rows are order lines.
        rows: How many there are.
        losses: Those that a run would leave out.
    """

    text: str = ""
    table: list[tuple[str, str, str, str]] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    needs_day: bool = False
    are_orders: bool = False
    rows: int = 0
    losses: Losses = field(default_factory=Losses)


def propose_schema(
    cells: pa.Table, source: str, corrections: Corrections | None = None
) -> Proposal:
    """A schema that reads the table.

    Args:
        cells: Text by header.
        source: The file's name.
        corrections: What is known better.

    Raises:
        UserError: A correction names no column or kind, or fewer than two numbers tell customers
            apart.
    """
    given = corrections or Corrections()
    _require_known(cells, given)
    seen = recognise_table(cells, given)
    lines = find_lines(seen)
    emails = [header for header, kind in given.kinds.items() if kind == "email"]
    if len(emails) > 1 or (emails and lines):
        raise UserError(
            f"{in_comment(emails[-1])} cannot be an email: a customer has one address, and an "
            "order line none"
        )
    if not (lines or seen.key) and (several := seen.on_several_rows):
        raise UserError(
            f"{source}: {in_comment(several)} names customers who stand on several rows, and no "
            "date tells that these are order lines: give one row a customer, or order lines with "
            "their date; or say what it is, by --key HEADER or by --kind HEADER=text"
        )
    return _Draft(seen, source, given, lines).proposal()


def _require_known(cells: pa.Table, given: Corrections) -> None:
    headers = [name.strip() for name in cells.column_names]
    for header, kind in {**given.kinds, **({given.key: "key"} if given.key else {})}.items():
        if header not in headers:
            known = ", ".join(map(in_comment, headers))
            raise UserError(f"there is no column {header!r}: the headers are {known}")
        if kind not in KINDS:
            raise UserError(f"there is no kind {kind!r}: give one of {', '.join(KINDS)}")
    try:
        day = date.fromisoformat(given.as_of or _DEFAULT_DAY)
    except ValueError as error:
        raise UserError(f"as_of: {given.as_of!r} is no day: write it as 2025-12-31") from error
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise UserError(f"as_of: {day} is not between {_FIRST_DAY} and {_LAST_DAY}")
    try:
        DateFormat.of(given.date_format or DATE_FORMATS[0], PIVOT)
    except ValueError as error:
        raise UserError(f"date format: {error}") from error


class _Draft:
    """Names, groups, features and roles for what was recognised."""

    def __init__(
        self, seen: SeenTable, source: str, given: Corrections, lines: OrderLines | None
    ) -> None:
        self._seen = seen
        self._source = source
        self._given = given
        self._lines = lines
        self._parts = {c.header: c for c in lines.columns} if lines else {}
        self._read = [
            c
            for c in seen.columns
            if (
                c.header in self._parts
                if lines
                else c.kind != "text" and c.header not in seen.copies
            )
        ]
        to_come = {c.header for c in self._read if not lines and self._is_to_come(c)}
        self._unread = dict.fromkeys(to_come, "its days are after the snapshot's")
        self._unread |= dict.fromkeys(
            _beyond(c for c in self._read if c.header not in to_come),
            "there are more columns and categories than a schema may have",
        )
        self._read = [
            c
            for c in self._read
            if c.header not in self._unread and (c.header != KEY or c.kind == "key")
        ]
        groupable = [
            c
            for c in self._read
            if c.kind in {"money", "count", "flag"} or (c.kind == "number" and c.has("measured"))
        ]
        self._groups = [] if lines else find_groups(groupable)
        grouped = {c.header for group in self._groups for c in group.members.values()}
        self._single = [c for c in self._read if c.header not in grouped]
        # Without a value of these, a row is left out.
        self._needed = lines.columns if lines else [c for c in seen.columns if c.kind == "key"]
        self._names: dict[str, str] = {}
        for group in self._groups:
            for member, column in group.members.items():
                self._names[column.header] = group.pattern.replace(f"{{{group.name}}}", member)
        for column in self._single:
            self._names[column.header] = self._free_name(column)

    def _is_to_come(self, column: Seen) -> bool:
        is_late = bool(self._given.as_of) and column.late_day > self._given.as_of
        return column.kind == "date" and (is_late or column.has("future"))

    def proposal(self) -> Proposal:
        """The draft, its table and its questions."""
        questions = self._questions()
        body = (
            lines_schema(self._lines, self._names, self._given.as_of)
            if self._lines
            else self._customers()
        )
        what = "order lines" if self._lines else "customers"
        lines = [
            f"# Proposed from {in_comment(self._source)}, {self._seen.rows:,} {what}: check it.",
            "# docs/schema.md explains every key.",
            *(f"# QUESTION: {in_comment(question)}." for question in questions),
            "",
            *self._head(),
            "",
            *body,
        ]
        table = [
            (c.header, self._told(c), self._sure(self._parts.get(c.header, c)), self._remark(c))
            for c in self._seen.columns
        ]
        parts = self._parts
        kinds = {
            c.header: parts[c.header].kind if c.header in parts else _without_key(c.kind, parts)
            for c in self._seen.columns
        }
        needs_day = self._has_days and not self._given.as_of
        text = "\n".join(lines) + "\n"
        losses = find_losses(self._seen, self._needed)
        return Proposal(
            text, table, kinds, questions, needs_day, bool(self._lines), self._seen.rows, losses
        )

    def _customers(self) -> list[str]:
        features = dict(self._features())
        roles = self._roles(features)
        choice = Choice(self._seen, self._read, self._groups, self._names)
        chosen = choice.chosen(features, roles)
        if not chosen:
            raise UserError(
                f"{self._source}: fewer than two columns of numbers or categories tell customers "
                f"apart: {listed(in_comment(c.header) for c in self._seen.columns)}"
            )
        for name in chosen:
            self._needed += choice.columns_of(name, features)
        return [
            *self._group_lines(),
            "columns:",
            *self._column_lines(),
            "",
            *self._feature_lines(features),
            *self._role_lines(roles),
            "# What segments are made of; never an answer to a campaign, or what came after it.",
            f"segment_features: [{', '.join(chosen)}]",
            *scaling_lines(choice.heavy_tailed(chosen)),
        ]

    @property
    def _has_days(self) -> bool:
        return any(c.kind in {"date", "year"} for c in self._read)

    def _free_name(self, column: Seen) -> str:
        if column.kind == "key":
            return KEY
        # Of `signed_up_at`, what happened.
        is_stamp = column.kind == "date" and len(column.words) > 1 and column.words[-1] == "at"
        words = spoken(bare(column.header))
        name = plain_name(words.removesuffix(" at") if is_stamp else words)[:80]
        if not re.match("[a-z]", name):
            name = f"column_{name or len(self._names)}"
        if column.kind == "date" and not name.endswith(("_on", "_date")):
            name += "_on"
        # A column's name is a header, too.
        headers = {c.header for c in self._seen.columns} - {column.header}
        taken = {*self._names.values(), *RESERVED, *headers, KEY}
        name = f"customer_{name}" if name in RESERVED or is_word(name) else name
        named = [c for c in self._read if c.header in self._names]
        taken |= {part for c in named for part in _parts_of(c, self._names[c.header])}
        while not taken.isdisjoint([name, *_parts_of(column, name)]):
            name += "_2"
        return name

    def _questions(self) -> list[str]:
        questions = [c.question for c in self._read if c.question]
        if self._seen.question:
            questions.append(self._seen.question)
        if not self._given.as_of and self._has_days:
            last = max((c.last_day for c in self._read), default="")
            found = f"; the last day in it is {last}" if last else ""
            questions.append(
                "which day is the file of? Ages and tenures depend on it: set as_of, or give "
                f"--as-of{found}"
            )
        return questions

    def _head(self) -> Iterator[str]:
        if self._given.as_of or not self._has_days:
            note = "" if self._has_days else "  # no column depends on it"
            yield f"as_of: {self._given.as_of or _DEFAULT_DAY}{note}"
        signs = self._seen.signs
        yield f"money: {{unit: {quoted(self._money)}, period: the file's period}}"
        if signs.decimal != ".":
            yield f'decimal_sign: "{signs.decimal}"'
        if signs.thousands:
            yield f'thousands_sign: "{signs.thousands}"'
        if signs.ignored:
            yield f"ignored_signs: {json.dumps(list(signs.ignored), ensure_ascii=False)}"
        if self._seen.missing_values:
            every = [*MISSING, *self._seen.missing_values]
            yield f"missing_values: {json.dumps(every, ensure_ascii=False)}"
        formats = list(dict.fromkeys(c.date_format for c in self._read if c.date_format))
        if formats:
            yield f"date_formats: {json.dumps(formats)}"
        if any("%y" in each for each in formats):
            ends = f"{PIVOT - 1} is 20{PIVOT - 1}, {PIVOT} is 19{PIVOT}"
            yield f"two_digit_years_before: {PIVOT}  # {ends}"

    @property
    def _money(self) -> str:
        """The unit of money."""
        return next((sign for sign in self._seen.signs.ignored if sign != "%"), "monetary units")

    def _group_lines(self) -> Iterator[str]:
        if self._groups:
            yield "groups:"
            for group in self._groups:
                members = ", ".join(
                    f"{quoted(m)}: {quoted(m.replace('_', ' '))}" for m in group.members
                )
                yield f"  {quoted(group.name)}: {{{members}}}"
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
                    f"{quoted(m)}: [{quoted(c.header)}]" for m, c in group.members.items()
                )
                yield f"  {quoted(group.pattern)}:"
                yield f"    kind: {column.kind}"
                yield f"    headers: {{{headers}}}"
                if column.unit:
                    yield f"    unit: {quoted(column.unit)}"
                if column.is_outcome:
                    yield "    outcome: true"
            elif not group and column.header in self._names:
                yield from self._one_column(column)
            elif not group:
                why = self._remark(column) or "nothing to group customers by"
                header = in_comment(column.header) or "the column without a name"
                yield f"  # {header}: not read, {in_comment(why)}"

    def _one_column(self, column: Seen) -> Iterator[str]:
        name = self._names[column.header]
        yield f"  {name}:"
        yield f"    kind: {column.kind}"
        if column.header != name:
            yield f"    headers: [{quoted(column.header)}]"
        label = spoken(bare(column.header))
        if column.kind != "key" and label != name.replace("_", " ") and label.isprintable():
            yield f"    label: {quoted(label)}"
        if column.is_float:
            yield "    from_float: true  # 12345.0 is 12345"
        if column.unit:
            yield f"    unit: {quoted(self._money if column.unit == MONEY else column.unit)}"
        yield from self._of_its_kind(column)
        if column.is_outcome:
            yield "    outcome: true"
        if column.has("personal"):
            yield "    personal: true"

    def _of_its_kind(self, column: Seen) -> Iterator[str]:
        """The keys that only its kind has."""
        if column.kind == "year":
            youngest, oldest = (_YOUNGEST, _OLDEST) if column.has("birth") else (0, _MAX_AGE)
            yield f"    age: {{minimum: {youngest}, maximum: {oldest}}}"
        if column.kind == "date":
            first = column.first_day or "not clear"
            start = earliest(column.first_day, self._given.as_of)
            yield f"    earliest: {start}  # the first day is {first}"
        if column.kind == "category":
            yield "    categories:"
            for word, spellings in categories(column.values):
                yield f"      {quoted(word)}: [{', '.join(map(quoted, spellings))}]"

    def _features(self) -> Iterator[tuple[str, str]]:
        taken = {*self._names.values()}
        for column in self._single:
            name = self._names[column.header]
            if column.kind == "year" and column.has("birth") and "age" not in taken:
                yield "age", f"as_of.year - {name}"
            if column.kind == "date" and column.has("birth") and "age" not in taken:
                yield "age", f"(as_of - {name}) / 365.25"
            elif column.kind == "date" and not column.is_outcome:
                since = f"days_since_{event(name)}"
                if since not in taken:
                    yield since, f"as_of - {name}"
        for group in self._groups:
            first = next(iter(group.members.values()))
            total = f"{group.name}_total"
            if group.can_be_summed and not first.is_outcome and total not in taken:
                yield total, f"sum({group.pattern})"

    def _roles(self, features: dict[str, str]) -> dict[str, str]:
        roles: dict[str, str] = {}
        by_kind = {
            kind: [g for g in self._groups if g.kind == kind and f"{g.name}_total" in features]
            for kind in ("money", "count")
        }
        whole = [c for c in self._single if c.missing <= _MAX_MISSING and not c.is_outcome]
        if spent := [g for g in by_kind["money"] if g.is_spend]:
            largest = max(spent, key=lambda group: len(group.members))
            roles["spend"] = f"{largest.name}_total"
            if not largest.is_of_periods:
                roles["product"] = largest.pattern
        elif one := [c for c in whole if c.kind == "money" and c.has("spend")]:
            total = [c for c in one if not c.has("average")] or one
            roles["spend"] = self._names[total[0].header]
        for topic, kinds in (
            ("income", {"money"}),
            ("deals", {"count"}),
            ("visits", {"count"}),
            ("recency", {"count"}),
        ):
            column = next((c for c in whole if c.has(topic) and c.kind in kinds), None)
            if column:
                roles[topic] = self._names[column.header]
        purchases = [g for g in by_kind["count"] if re.search("purchase|order", g.pattern)]
        if purchases:
            roles["purchases"] = f"{purchases[0].name}_total"
            product = next((g for g in self._groups if g.pattern == roles.get("product")), None)
            # What is bought, counted, is no channel.
            is_product = product and product.members.keys() == purchases[0].members.keys()
            if not (is_product or purchases[0].is_of_periods):
                roles["channel"] = purchases[0].pattern
            if "deals" in roles:
                features["deal_share"] = f"{roles['deals']} / {roles['purchases']}"
                roles["deal_share"] = "deal_share"
        last = (self._names[c.header] for c in whole if c.kind == "date" and c.has("last"))
        since = (f"days_since_{event(name)}" for name in last)
        if "recency" not in roles and (name := next((n for n in since if n in features), "")):
            roles["recency"] = name
        return roles

    def _feature_lines(self, features: dict[str, str]) -> Iterator[str]:
        if features:
            yield "features:"
            money = {f"{g.name}_total" for g in self._groups if g.kind == "money"}
            for name, formula in features.items():
                kind = ", kind: money" if name in money else ""
                unit = (
                    ", unit: years" if name == "age" else ", unit: days" * ("as_of - " in formula)
                )
                label = self._since(formula.split()[-1]) if name.startswith("days_since_") else ""
                label = f", label: {quoted(label)}" if label else ""
                yield f"  {name}: {{formula: {json.dumps(formula)}{kind}{unit}{label}}}"
            yield ""

    def _since(self, name: str) -> str:
        """What people call the days since a date; '' where its name says it."""
        headers = (h for h, n in self._names.items() if n == name)
        said = DATE_WORDS.sub("", spoken(bare(next(headers)))).strip()
        return f"days since {said}" if said and said.isprintable() and not said.isascii() else ""

    def _role_lines(self, roles: dict[str, str]) -> Iterator[str]:
        if roles:
            yield "roles:"
            for role, name in roles.items():
                yield f"  {role}: {json.dumps(name) if '{' in name else name}"
            yield ""

    def _told(self, column: Seen) -> str:
        if column.header not in self._names:
            return "not read"
        role = self._lines.part_of(column) if self._lines else ""
        return f"{role or column.kind} {self._names[column.header]}"

    def _sure(self, column: Seen) -> str:
        kind = self._parts.get(column.header, column).kind
        is_read = column.header in self._names and kind != "text"
        return percent(column.sure) if is_read else ""

    def _remark(self, column: Seen) -> str:
        told = [*self._parts.get(column.header, column).notes]
        if (other := self._seen.copies.get(column.header)) and column.header not in self._names:
            told.append(f"it says the same as {other}")
        told += [why] if (why := self._unread.get(column.header)) else []
        if 0.0 < column.missing < 1.0:
            told.append(f"{percent(column.missing)} missing")
        if column.is_outcome and column.header in self._names:
            told.append("taken for an answer to a campaign: not part of segments")
        if column.question:
            told.append("see the question")
        return "; ".join(told)


def _parts_of(column: Seen, name: str) -> tuple[str, ...]:
    """What else a column gives: a date its year and its day, a category a flag for each value."""
    if column.kind == "date":
        return date_parts(name)
    words = categories(column.values) if column.kind == "category" else ()
    return tuple(f"{name}_{word}" for word, _ in words)


def _without_key(kind: str, parts: Mapping[str, Seen]) -> str:
    """A line's own key is not that of a customer."""
    return "text" if parts and kind == "key" else kind


def _beyond(columns: Iterable[Seen]) -> set[str]:
    """The headers of columns that are too many for one schema."""
    left, beyond = _MOST, set()
    # Categories cost most: numbers come first.
    for column in sorted(columns, key=lambda c: (c.kind != "key", len(c.values))):
        left -= 1 + len(column.values)
        if left < 0:
            beyond.add(column.header)
    return beyond
