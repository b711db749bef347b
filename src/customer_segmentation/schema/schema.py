"""The schema of a source: its columns, features and roles, as one file in `conf/schemas` says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from customer_segmentation.schema.formula import FormulaError, is_value, parse
from customer_segmentation.schema.parts import AS_OF, FLAG, KEY, SHARE, Column, Feature, Kind

# Far above any real value, and low enough for sums and squares to stay finite.
_MAX_MONEY = 1e12
_MAX_COUNT = 1e6
_NAME = r"^[a-z][a-z0-9_]*$"
_PATTERN = re.compile(r"\{(\w+)(\.label)?\}")
_PERIOD = "period"


class Parameters(BaseModel):
    """A block of the configuration; wrong types and unknown names are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


# `--params` gives dates as text; YAML gives them as dates.
Day = Annotated[date, Field(strict=False)]
Word = Annotated[str, Field(min_length=1)]
Headers = list[Word] | dict[str | int, list[Word]]


class Money(Parameters):
    """The unit of amounts of money, and the period that their sums cover, as in a sentence."""

    unit: Word
    period: Word


class AgeWindow(Parameters):
    """The allowed years from a year to the snapshot's."""

    minimum: int = Field(ge=0)
    maximum: int = Field(le=2_000)

    @model_validator(mode="after")
    def _minimum_is_below_maximum(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum ({self.minimum}) is above maximum ({self.maximum})")
        return self


class ColumnRule(Parameters):
    """What a file says of a column, or of the columns that a pattern stands for.

    Attributes:
        kind: What it holds.
        headers: The headers that it may have in a source, beside its own name; with a pattern, by
            member.
        label: Its name within a sentence; by default its name with spaces.
        description: By default the label.
        unit: By default the kind's.
        minimum: The smallest allowed number; by default the kind's.
        maximum: The largest.
        age: Of a year: how many years may be between it and the snapshot's.
        earliest: Of a date: the first allowed day; the last is the snapshot's.
        categories: Of a category: its values, each with its other spellings.
        outcome: An answer to a campaign, which segments never see.
        personal: Says who somebody is.
        changeable: The retailer can influence it.
        from_purchases: Unknown until a customer has bought.
        at_sign_up: Known when a customer signs up.
    """

    kind: Literal[
        "key", "money", "count", "share", "number", "year", "date", "flag", "category"
    ]
    headers: Headers = []
    label: str = ""
    description: str = ""
    unit: str = ""
    minimum: Annotated[float, Field(strict=False, allow_inf_nan=False)] | None = None
    maximum: Annotated[float, Field(strict=False, allow_inf_nan=False)] | None = None
    age: AgeWindow | None = None
    earliest: Annotated[Day, Field(ge=date(1900, 1, 1))] | None = None
    categories: dict[Word, list[Word]] = {}
    outcome: bool = False
    personal: bool = False
    changeable: bool = False
    from_purchases: bool = False
    at_sign_up: bool = False

    @model_validator(mode="after")
    def _keys_suit_the_kind(self) -> Self:
        for key, kind in (("age", "year"), ("earliest", "date"), ("categories", "category")):
            if bool(getattr(self, key)) != (self.kind == kind):
                needs = f"a {self.kind} needs `{key}`" if self.kind == kind else f"`{key}` is only for a {kind}"
                raise ValueError(needs)
        if self.kind not in _RANGES and (self.minimum, self.maximum) != (None, None):
            raise ValueError(f"a {self.kind} has no minimum and no maximum")
        return self


class FeatureRule(Parameters):
    """What a file says of a feature, or of the features that a pattern stands for.

    Attributes:
        formula: One line of arithmetic (`schema/formula.py`).
        kind: money, share (at most 1) or flag, which give it a unit; else it has its own.
        at_zero: The value of a quotient whose divisor is 0.
    """

    formula: Word
    kind: Literal["money", "share", "flag", "number"] = "number"
    label: str = ""
    description: str = ""
    unit: str = ""
    at_zero: Annotated[float, Field(strict=False, allow_inf_nan=False)] = 0.0


class Roles(Parameters):
    """Which column or feature plays which part in names, decisions and the report."""

    income: str = ""
    means: list[str] = []
    spend: str = ""
    purchases: str = ""
    deals: str = ""
    deal_share: str = ""
    visits: str = ""
    recency: str = ""
    response: str = ""
    product: str = ""
    channel: str = ""


class Schema(Parameters):
    """What a customer is."""

    as_of: Day
    money: Money
    groups: dict[Annotated[str, Field(pattern=_NAME)], dict[str | int, Word]] = {}
    columns: dict[str, ColumnRule]
    features: dict[str, FeatureRule] = {}
    roles: Roles = Roles()

    @cached_property
    def contract(self) -> dict[str, Column]:
        """The columns by name, in the file's order, with a pattern's in its place."""
        return {column.name: column for column, _ in self._expanded}

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Header -> column."""
        return {header: column.name for column, headers in self._expanded for header in headers}

    @cached_property
    def computed(self) -> dict[str, Feature]:
        """The features by name: a flag for each category's value, then the file's."""
        found: dict[str, Feature] = {}
        for column in self.contract.values():
            for code, word in enumerate(column.categories):
                part = is_value(column.name, code)
                spoken = word.replace("_", " ")
                feature = Feature(
                    f"{column.name}_{word}",
                    lambda value, compute=part.compute, name=column.name: compute({name: value}),
                    part.inputs,
                    f"{column.label}: {spoken}",
                    f"1 where {column.name} is {word}, else 0",
                    FLAG,
                    is_never_negative=True,
                )
                found[feature.name] = feature
        as_of = Column(AS_OF, "date", "Day of the snapshot", "date", meaning="date")
        for pattern, rule in self.features.items():
            for name, fill in self._members(pattern):
                if name in found or name in self.contract:
                    raise ValueError(f"features.{pattern}: `{name}` is there already")
                known = {AS_OF: as_of, **self.contract, **found}
                try:
                    formula = parse(self._listed(fill(rule.formula)), known, rule.at_zero)
                except FormulaError as error:
                    raise ValueError(f"features.{pattern}: {error}") from error
                label = fill(rule.label) or name.replace("_", " ")
                found[name] = Feature(
                    name,
                    formula,
                    formula.inputs,
                    label,
                    fill(rule.description) or _capitalised(label),
                    rule.unit or self._unit(rule.kind),
                    is_never_negative=formula.is_never_negative,
                )
        return found

    @cached_property
    def _expanded(self) -> list[tuple[Column, list[str]]]:
        return [made for pattern in self.columns for made in self._columns_of(pattern)]

    def _columns_of(self, pattern: str) -> Iterator[tuple[Column, list[str]]]:
        rule = self.columns[pattern]
        for name, fill in self._members(pattern):
            label = fill(rule.label) or name.replace("_", " ")
            minimum, maximum = _RANGES.get(rule.kind, (None, None))
            column = Column(
                name,
                _KINDS.get(rule.kind, "number"),
                fill(rule.description) or _capitalised(label),
                rule.unit or self._unit(rule.kind),
                minimum if rule.minimum is None else rule.minimum,
                maximum if rule.maximum is None else rule.maximum,
                rule.kind in {"count", "flag", "year"},
                tuple(rule.categories),
                rule.outcome,
                label,
                rule.kind,
                rule.personal,
                rule.changeable,
                rule.from_purchases,
                rule.at_sign_up,
            )
            headers = rule.headers
            yield column, headers if isinstance(headers, list) else headers.get(fill.member, [])

    def _unit(self, kind: str) -> str:
        return self.money.unit if kind == "money" else _UNITS.get(kind, "")

    def _members(self, pattern: str) -> Iterator[tuple[str, _Fill]]:
        """The names that a pattern stands for, each with what fills its texts."""
        named = [group for group, _ in _PATTERN.findall(pattern)]
        if not named:
            yield pattern, _Fill(self.money.period)
            return
        (group,) = named
        for member, label in self._group(group).items():
            fill = _Fill(self.money.period, group, member, label)
            yield fill(pattern), fill

    def _listed(self, formula: str) -> str:
        """A formula with the members of each pattern in it: `sum(spend_{product})`."""
        return re.sub(
            r"\w*\{(\w+)\}\w*",
            lambda match: ", ".join(
                match[0].replace(f"{{{match[1]}}}", str(member))
                for member in self._group(match[1])
            ),
            formula,
        )

    def _group(self, name: str) -> Mapping[str | int, str]:
        if name not in self.groups:
            near = get_close_matches(name, self.groups, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self.groups)}"
            raise ValueError(f"there is no group `{name}`: {hint}")
        return self.groups[name]


class _Fill:
    """Fills `{group}`, `{group.label}` and `{period}` of a text."""

    def __init__(
        self, period: str, group: str = "", member: str | int = "", label: str = ""
    ) -> None:
        self.member = member
        self._words = {_PERIOD: period, group: str(member), f"{group}.label": label}

    def __call__(self, text: str) -> str:
        return _PATTERN.sub(lambda match: self._words.get(match[0][1:-1], match[0]), text)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


_KINDS: dict[str, Kind] = {"key": "key", "date": "date", "category": "category"}
_UNITS = {"share": SHARE, "flag": FLAG, "year": "year", "date": "date"}
_RANGES: dict[str, tuple[float | None, float | None]] = {
    "money": (0.0, _MAX_MONEY),
    "count": (0.0, _MAX_COUNT),
    "share": (0.0, 1.0),
    "number": (-_MAX_MONEY, _MAX_MONEY),
    "flag": (0.0, 1.0),
}
