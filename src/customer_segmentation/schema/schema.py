"""The schema of a source: its columns, features and roles, as one file in `conf/schemas` says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from difflib import get_close_matches
from functools import cached_property
from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from customer_segmentation.schema.dates import DateFormat
from customer_segmentation.schema.decisions import (
    DECISION_NAMES,
    OFFER_LABELS,
    define_decisions,
)
from customer_segmentation.schema.declarations import (
    BY_ALIAS,
    NAME,
    RANGES,
    Campaigns,
    Card,
    ColumnRule,
    Day,
    Events,
    Experiment,
    FeatureRule,
    FeatureStore,
    Headers,
    Lifetime,
    Money,
    Orders,
    Roles,
    ScalingRule,
    ShownWord,
    Word,
    repeated,
)
from customer_segmentation.schema.formula import Known, date_parts, is_value, parse
from customer_segmentation.schema.lifetime import VALUES
from customer_segmentation.schema.numbers import NumberSigns
from customer_segmentation.schema.orders import Aggregate, parse_aggregate
from customer_segmentation.schema.parameters import Parameters
from customer_segmentation.schema.parts import (
    AS_OF,
    FLAG,
    KEY,
    SAMPLE_KEY,
    SHARE,
    Column,
    Feature,
    Kind,
)

# Columns and features, each member of a pattern and each value of a category among them: what is
# checked of each against the others takes seconds beyond.
_MOST = 1_000
_PATTERN = re.compile(r"\{(\w+)(\.label)?\}")
_PERIOD = "period"
# What tables call other things from the first on.
_RESERVED_FOR_ROWS = frozenset(
    {AS_OF, SAMPLE_KEY, *date_parts(AS_OF), "row_number", "reasons"}
    | {"source_name", "source_sha256", "source_file"}
)
# And what those with answers, artifacts and the API do.
RESERVED = _RESERVED_FOR_ROWS | {
    *DECISION_NAMES,
    *("segment", "segment_name", "segment_id", "runner_up", "margin"),
    *("artifact_version", "event_timestamp", "feature_version"),
    *("recorded_at", "created_timestamp", "run_id"),
}
_SNAPSHOT = "Day of the snapshot"
_AS_OF = Column(AS_OF, "date", _SNAPSHOT, "date", meaning="date")
_SIGNS_OF_A_NUMBER = frozenset("0123456789+-")
MISSING = ["", "NA", "N/A", "NULL", "null", "None"]
DATE_FORMATS = [
    *("%d-%m-%Y", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d"),
    *("%Y%m%d", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y"),
]
FLAGS: dict[str, Literal[0, 1]] = {
    **dict.fromkeys(("yes", "y", "true", "t", "on", "ja", "oui", "si", "sí", "sim"), 1),
    **dict.fromkeys(("no", "n", "false", "f", "off", "nein", "non", "não"), 0),
}
UNKNOWN_CATEGORIES = [
    *("unknown", "not known", "other", "n/a", "na", "not available", "not applicable"),
    *("not stated", "not specified", "not given", "unspecified", "undefined", "undisclosed"),
    *("prefer not to say", "missing", "none", "?", "-"),
]


class Schema(Parameters):
    """What a customer is, and how its source is read: the block `customers` of the configuration.

    Attributes:
        as_of: The snapshot's day.
        money: Of amounts.
        groups: Members, each with its label, over which patterns such as `spend_{product}` go.
        column_rules: `columns` in a file.
        feature_rules: `features` in a file.
        roles: Which column or feature plays which part.
        orders: Where the source has order lines instead of customers: what a line holds.
        events: How rows that tell of the same thing more than once are told apart.
        segment_features: What segments are made of; a category counts as one number.
        scaling: Which of these count otherwise than as they are.
        sign_up_features: What the cold-start model looks at; without any there is none.
        card: What the report says of each segment.
        feature_store: Version and owner of the features, for those who read them elsewhere.
        campaigns: What a campaign needs to know: consent, and what is known before a contact.
        experiment: Where the source is of a randomised test: its arms and outcomes.
        date_formats: What dates look like, most likely first; one is chosen for each column.
        two_digit_years_before: Years of two digits below it belong to this century.
        missing_values: Cells without a value.
        decimal_sign: Before the fraction of a number.
        thousands_sign: Between groups of three digits.
        ignored_signs: What may stand around a number.
        flags: Words for 0 and 1 in columns of flags; case is ignored.
        unknown_categories: Words that say that a category is not known.
    """

    model_config = BY_ALIAS

    as_of: Annotated[Day, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31))]
    money: Money
    groups: dict[Annotated[str, Field(pattern=NAME)], dict[str | int, ShownWord]] = Field({})
    column_rules: dict[str, ColumnRule] = Field(alias="columns")
    feature_rules: dict[str, FeatureRule] = Field({}, alias="features")
    roles: Roles = Roles()
    orders: Orders | None = None
    events: Events = Events()
    segment_features: list[str] = Field(min_length=2)
    scaling: dict[str, ScalingRule] = Field({})
    sign_up_features: list[str] = Field([])
    card: Card = Card()
    feature_store: FeatureStore = FeatureStore()
    campaigns: Campaigns = Campaigns()
    experiment: Experiment | None = None

    date_formats: list[str] = Field(DATE_FORMATS, min_length=1)
    two_digit_years_before: Annotated[int, Field(ge=0, le=100)] | None = None
    missing_values: list[str] = Field(MISSING)
    decimal_sign: Literal[".", ","] = "."
    thousands_sign: Literal["", ".", ",", " ", "'"] = ""
    ignored_signs: list[Word] = Field([])
    flags: dict[str, Literal[0, 1]] = Field(FLAGS)
    unknown_categories: list[Word] = Field(UNKNOWN_CATEGORIES)

    def __str__(self) -> str:
        """In few words, as a record of a run tells it."""
        return f"{len(self.columns)} columns and {len(self.features)} features as of {self.as_of}"

    def short(self) -> dict[str, Any]:
        """What it says beside the columns and features, fit for JSON."""
        long = {"groups", "column_rules", "feature_rules", "card", "flags", "unknown_categories"}
        return self.model_dump(mode="json", exclude=long)

    @field_validator("flags", mode="before")
    @classmethod
    def _flags_are_words(cls, flags: object) -> object:
        if isinstance(flags, dict) and not all(isinstance(word, str) and word for word in flags):
            raise ValueError(
                "give its words in quotes: YAML reads yes, no, true and false as no words"
            )
        return flags

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        try:
            _ = self.formats
        except ValueError as error:
            raise ValueError(f"date_formats: {error}") from error
        if self.decimal_sign == self.thousands_sign:
            raise ValueError(f"decimal_sign: it and thousands_sign are {self.decimal_sign!r}")
        taken = _SIGNS_OF_A_NUMBER | {self.decimal_sign, self.thousands_sign}
        wrong = [sign for sign in self.ignored_signs if not taken.isdisjoint(sign)]
        if wrong:
            raise ValueError(
                f"ignored_signs: {wrong} contain digits, signs or separators of numbers"
            )
        return self

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        self._check_size()
        self._check_columns()
        if not self.orders and any(rule.aggregate for rule in self.column_rules.values()):
            raise ValueError("columns: `aggregate` is only for a schema with `orders`")
        if self.orders:
            try:
                self.rows._check_columns(_RESERVED_FOR_ROWS)  # noqa: SLF001 - another of this class
            except ValueError as error:
                raise ValueError(f"orders.{str(error).removeprefix('orders.')}") from error
        self._check_events()
        self._check_emails()
        _ = self.aggregates
        self._check_lifetime()
        self._check_texts()
        self._check_features()
        self._check_scaling()
        self._check_roles()
        self._check_card()
        self._check_campaigns()
        self._check_experiment()
        return self

    def _check_columns(self, reserved: AbstractSet[str] = RESERVED) -> None:
        """Names, headers and ranges of columns and features."""
        keys = [name for name, column in self.columns.items() if column.kind == "key"]
        if keys != [KEY]:
            raise ValueError(f"columns: `{KEY}` must be there, and be the one of kind key")
        for place, names in (("columns", self.columns), ("features", self.features)):
            if taken := reserved & {*names}:
                raise ValueError(f"{place}: {sorted(taken)} are names of answers: choose others")
        if twice := repeated(column.name for column, _ in self._expanded):
            raise ValueError(f"columns: {twice} stand twice")
        named = [name for made, headers in self._expanded for name in {made.name, *headers}]
        if twice := repeated(named):
            raise ValueError(f"columns: {twice} are headers of two columns")
        numbers = [*self.numeric_columns([*self.columns, AS_OF]), *self.features]
        if twice := repeated(numbers):
            raise ValueError(f"columns: two things give the numbers {twice}: name one otherwise")
        for name, column in self.columns.items():
            if column.minimum is not None and column.maximum is not None:
                _require_order(f"columns.{name}", column.minimum, column.maximum)
            if column.earliest and column.earliest > self.as_of:
                raise ValueError(
                    f"columns.{name}: earliest ({column.earliest}) is after as_of ({self.as_of})"
                )

    def _check_lifetime(self) -> None:
        if not (lifetime := self.lifetime):
            return
        rows = self.rows
        numbers = [name for name, column in rows.columns.items() if column.kind == "number"]
        for key, name in (("purchase", lifetime.purchase), ("spend", lifetime.brings)):
            _require(f"orders.lifetime.{key}", name, {*numbers, *rows.features})
        if taken := {*VALUES}.intersection([*self.columns, *self.features]):
            raise ValueError(
                f"orders.lifetime: {sorted(taken)} are names of what it tells: name the column or "
                "feature otherwise"
            )

    def _check_events(self) -> None:
        events, columns = self.events, self.rows.columns
        place = "orders.columns" if self.orders else "columns"
        for name in events.id:
            if name not in columns or columns[name].kind == "key":
                raise ValueError(f"events.id: `{name}` is none of {place} beside the key")
        if (name := events.version) and (
            name not in columns or columns[name].kind not in {"number", "text"}
        ):
            raise ValueError(f"events.version: `{name}` is no number and no text among {place}")
        if (name := events.removed) and (name not in columns or not columns[name].is_flag):
            raise ValueError(f"events.removed: `{name}` is no flag among {place}")
        named = [name for name in (*events.id, events.version, events.removed) if name]
        if twice := repeated(named):
            raise ValueError(f"events: {twice} stand twice")
        if events.id and not self.orders:
            raise ValueError("events.id: only for order lines: a record is its customer's")
        if self.orders and (events.version or events.removed) and not events.id:
            raise ValueError("events.id: name the columns that tell one line from another")
        if self.orders and events.removed and not events.version:
            raise ValueError(
                "events.version: without it nobody can tell what `removed` comes after"
            )

    def _check_size(self) -> None:
        """Count before any pattern is filled."""
        lines = self.orders
        columns = [*self.column_rules.items(), *(lines.column_rules.items() if lines else ())]
        features = [*self.feature_rules, *(lines.feature_rules if lines else ())]
        every = [(pattern, 1 + len(rule.categories)) for pattern, rule in columns]
        count = 0
        for pattern, each in every + [(pattern, 1) for pattern in features]:
            groups = (self.groups.get(name, {}) for name, _ in _PATTERN.findall(pattern))
            count += each * prod(map(len, groups))
        if count > _MOST:
            raise ValueError(
                f"columns: they and the features are {count}; at most {_MOST} are allowed"
            )

    def _check_roles(self) -> None:
        numbers = [name for name, column in self.columns.items() if column.kind == "number"]
        known = {*numbers, *self.features}
        for role, played in self.roles.model_dump().items():
            for name in played if isinstance(played, list) else [played]:
                names = [name] if name else []
                if name and role in _ROLES_OF_GROUPS:
                    try:
                        names = [*self.members_of(name).values()]
                    except ValueError as error:
                        raise ValueError(f"roles.{role}: {error}") from error
                    if not names:
                        raise ValueError(
                            f"roles.{role}: `{name}` is no pattern such as spend_{{product}}"
                        )
                for one in names:
                    _require(f"roles.{role}", one, known)

    def _check_card(self) -> None:
        flags = {name for name, feature in self.features.items() if feature.of_category}
        flags -= self.segment_numbers.keys()
        measured = {n for n in (*self.columns, *self.features) if self.is_quantity(n)} - flags
        for part, measures in self.card.model_dump().items():
            for measure in measures:
                name, _, answer = measure.partition("=")
                _require(f"card.{part}", name, measured | {*DECISION_NAMES})
                labels = self.decisions[name].labels if name in self.decisions else ()
                is_wrong = answer not in labels if labels else answer and name in measured
                if is_wrong:
                    answers = ", ".join(f"{name}={label}" for label in labels) or name
                    raise ValueError(f"card.{part}: `{measure}`: write {answers}")

    def _check_campaigns(self) -> None:
        _ = self.known_before
        flags = {name for name, column in self.columns.items() if column.is_flag}
        flags |= {name for name, feature in self.features.items() if feature.unit == FLAG}
        for name in self.campaigns.never:
            if name not in flags:
                raise ValueError(f"campaigns.never: `{name}` is no flag{_hint(name, flags)}")
        dates = {name for name, column in self.columns.items() if column.kind == "date"}
        named = {"contacted_on": self.campaigns.contacted_on}
        for purpose, consent in self.campaigns.consent.items():
            named |= {
                f"consent.{purpose}.given_on": consent.given_on,
                f"consent.{purpose}.withdrawn_on": consent.withdrawn_on,
            }
        for key, name in named.items():
            if name and name not in dates:
                raise ValueError(f"campaigns.{key}: `{name}` is no date{_hint(name, dates)}")

    def _check_experiment(self) -> None:
        if not (test := self.experiment):
            return
        arm = self.columns.get(test.arm)
        if not arm or arm.kind != "category" or not arm.outcome:
            raise ValueError(f"experiment.arm: `{test.arm}` is no category with `outcome: true`")
        if test.control not in arm.categories:
            raise ValueError(
                f"experiment.control: `{test.control}` is none of {', '.join(arm.categories)}"
            )
        for name in test.outcomes:
            _require("experiment.outcomes", name, {*self.numeric_columns(self.columns)})
            if not self.uses_outcome(name):
                raise ValueError(f"experiment.outcomes: `{name}` needs `outcome: true`")

    @cached_property
    def known_before(self) -> tuple[str, ...]:
        """Campaign answers, and what is made of them, that were known before the last campaign."""
        names: list[str] = []
        for pattern in self.campaigns.known_before:
            try:
                names += [*self.members_of(pattern).values()] or [pattern]
            except ValueError as error:
                raise ValueError(f"campaigns.known_before: {error}") from error
        answered = {name for name in (*self.columns, *self.features) if self.uses_outcome(name)}
        for name in names:
            _require("campaigns.known_before", name, answered)
            if self.roles.response and {*self.needed_columns([name])} & {
                *self.needed_columns([self.roles.response])
            }:
                raise ValueError(f"campaigns.known_before: `{name}` is known after the contact")
        return tuple(names)

    @property
    def email(self) -> str:
        """The column of the customers' e-mail addresses; '' without one."""
        return next((name for name, column in self.columns.items() if column.is_email), "")

    def _check_emails(self) -> None:
        emails = [name for name, column in self.columns.items() if column.is_email]
        if len(emails) > 1:
            raise ValueError(f"columns: {emails} are e-mail addresses: a customer has one")
        lines = self.rows.columns.values() if self.orders else ()
        if self.orders and (emails or any(column.is_email for column in lines)):
            raise ValueError(
                "columns: an e-mail address is only for a source with a row for each customer, "
                "and not for order lines"
            )

    def _check_texts(self) -> None:
        texts = {name for name, column in self.columns.items() if column.kind == "text"}
        for name, feature in self.features.items():
            if not texts.isdisjoint(feature.inputs):
                raise ValueError(f"features.{name}: `starts` is only for order lines")

    def _check_features(self) -> None:
        at_sign_up = {name for name, column in self.columns.items() if column.at_sign_up}
        for key in ("segment_features", "sign_up_features"):
            names: list[str] = getattr(self, key)
            if len({*names}) < len(names):
                raise ValueError(f"{key}: one stands twice")
            known = {*self.features, *self.numeric_columns(self.columns)}
            for name in names:
                _require(key, name, known)
        if twice := repeated(n for name in self.segment_features for n in self.flags_of(name)):
            raise ValueError(f"segment_features: {twice} stand twice, once in their category")
        for name in self.segment_features:
            if self.uses_outcome(name):
                raise ValueError(
                    f"segment_features: `{name}` comes from campaign answers, which segments must "
                    f"not see ({', '.join(self.needed_inputs([name]))})"
                )
        for name in self.sign_up_features:
            if self.is_category(name):
                raise ValueError(
                    f"sign_up_features: `{name}` is a code without distances: take {name}_* instead"
                )
            if later := {*self.needed_columns([name])} - at_sign_up:
                raise ValueError(
                    f"sign_up_features: `{name}` needs {', '.join(sorted(later))}, not known at "
                    "sign-up: mark it `at_sign_up: true` if it is"
                )

    def _check_scaling(self) -> None:
        for name, rule in self.scaling.items():
            if name not in self.segment_features:
                raise ValueError(
                    f"scaling: `{name}` is not among segment_features"
                    f"{_hint(name, self.segment_features)}"
                )
            if self.is_category(name) and (rule.log or rule.cap is not None):
                raise ValueError(f"scaling.{name}: a category has a weight, but no log and no cap")
            measured = self.columns.get(name) or self.features.get(name)
            if rule.log and not (measured and measured.is_never_negative):
                raise ValueError(
                    f"scaling.{name}: it may be below 0, where there is no logarithm: leave out "
                    "`log`, or declare a `minimum` of 0 or a feature such as max(0, ...)"
                )

    @cached_property
    def formats(self) -> tuple[DateFormat, ...]:
        """The allowed formats of a date column, most likely first."""
        return tuple(DateFormat.of(text, self.two_digit_years_before) for text in self.date_formats)

    @property
    def signs(self) -> NumberSigns:
        """How numbers are written."""
        return NumberSigns(self.decimal_sign, self.thousands_sign, tuple(self.ignored_signs))

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The columns by name, in the file's order, with a pattern's in its place."""
        return {column.name: column for column, _ in self._expanded}

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Header -> column."""
        return {header: column.name for column, headers in self._expanded for header in headers}

    def spellings(self, column: str) -> dict[str, str]:
        """Other spelling -> category."""
        rules = self.column_rules.items()
        rule = next(rule for pattern, rule in rules if column in dict(self._members(pattern)))
        return {text: word for word, texts in rule.categories.items() for text in texts}

    def numeric_columns(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The numbers that these columns give: a date gives its year and its day of the year."""
        present = set(columns)
        names = [number for number, column in self._numbers if column in present]
        return (*names, *date_parts(AS_OF)) if AS_OF in present else tuple(names)

    @cached_property
    def _numbers(self) -> list[tuple[str, str]]:
        """Every number, with the column that gives it."""
        return [
            (number, name)
            for name, column in self.columns.items()
            if column.kind not in {"key", "text"}
            for number in (date_parts(name) if column.kind == "date" else [name])
        ]

    def canonical_columns(self, numeric: Iterable[str]) -> tuple[str, ...]:
        """The columns behind these numbers, without `as_of`."""
        wanted = set(numeric)
        return tuple(dict.fromkeys(name for number, name in self._numbers if number in wanted))

    def needed_inputs(self, names: Iterable[str]) -> tuple[str, ...]:
        """The numbers that these features come down to, in first-use order.

        A name that is no feature is taken for one of them.
        """
        found = self._inputs
        return tuple(dict.fromkeys(part for name in names for part in found.get(name, [name])))

    @cached_property
    def _inputs(self) -> dict[str, list[str]]:
        """Feature -> the numbers that it comes down to, in first-use order."""
        found: dict[str, list[str]] = {}
        # Whatever a feature uses is defined before it.
        for name, feature in self.features.items():
            parts = (part for used in feature.inputs for part in found.get(used, [used]))
            found[name] = [*dict.fromkeys(parts)]
        return found

    def needed_columns(self, names: Iterable[str]) -> tuple[str, ...]:
        """The columns of a source that these features come down to."""
        return self.canonical_columns(self.needed_inputs(names))

    def available_features(self, inputs: Iterable[str]) -> tuple[str, ...]:
        """The features that can be computed from these numbers, in the file's order."""
        present = set(inputs)
        return tuple(n for n in self.features if present.issuperset(self.needed_inputs([n])))

    def uses_outcome(self, name: str) -> bool:
        """Whether a column or feature is made of campaign answers, which segments must not see."""
        return any(self.columns[column].outcome for column in self.needed_columns([name]))

    def is_known_before(self, name: str) -> bool:
        """Whether a column or feature is known before the contact that `roles.response` is of."""
        needed = {*self.needed_columns([name])}
        response = {*self.needed_columns([self.roles.response])} if self.roles.response else set()
        answered = {column for column in needed if self.columns[column].outcome}
        return answered <= {*self.needed_columns(self.known_before)} and not needed & response

    def is_quantity(self, name: str) -> bool:
        """Whether the size of a number means something: no code, no year, no part of a date."""
        column = self.columns.get(name)
        is_amount = column and column.kind == "number" and column.meaning != "year"
        return name in self.features or bool(is_amount)

    def is_category(self, name: str) -> bool:
        """Whether it is a column of categories, and not one value's flag."""
        return name in self.columns and self.columns[name].kind == "category"

    def flags_of(self, name: str) -> list[str]:
        """A category's flags, one a value; of anything else only itself."""
        if not self.is_category(name):
            return [name]
        return [flag for flag, made in self.features.items() if made.of_category == name]

    def value_of(self, flag: str) -> str:
        """What people call the value of a category that a flag is of; '' of anything else."""
        made = self.features.get(flag)
        if not made or not made.of_category:
            return ""
        return made.label.removeprefix(f"{self.columns[made.of_category].label}: ")

    @cached_property
    def segment_numbers(self) -> dict[str, str]:
        """Every number that segments are made of -> the one of `segment_features` it is of."""
        return {flag: name for name in self.segment_features for flag in self.flags_of(name)}

    def describe(self, name: str) -> tuple[str, str]:
        """Description and unit of a feature or of a number that a column gives."""
        if name in self.features:
            return self.features[name].description, self.features[name].unit
        source = next(iter(self.canonical_columns([name])), AS_OF)
        described = self.columns[source].description if source in self.columns else _SNAPSHOT
        if source == AS_OF or self.columns[source].kind == "date":
            part = "year" if name == date_parts(source)[0] else "day of the year"
            return f"{described}: its {part}", ""
        column = self.columns[source]
        if column.kind == "category":
            codes = ", ".join(f"{code} {word}" for code, word in enumerate(column.categories))
            return f"{described}, as a code: {codes}", "code"
        return described, column.unit

    @cached_property
    def features(self) -> dict[str, Feature]:
        """The features by name: a flag for each category's value, then the file's."""
        found: dict[str, Feature] = {}
        for column in self.columns.values():
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
                    of_category=column.name,
                )
                if feature.name in found or feature.name in self.columns:
                    raise ValueError(f"columns.{column.name}: `{feature.name}` is there already")
                found[feature.name] = feature
        for pattern, rule in self.feature_rules.items():
            try:
                for name, fill in self._members(pattern):
                    found[name] = self._feature(name, fill, rule, found)
            except ValueError as error:
                raise ValueError(f"features.{pattern}: {error}") from error
        return found

    def _feature(
        self, name: str, fill: _Fill, rule: FeatureRule, found: Mapping[str, Feature]
    ) -> Feature:
        if name in found or name in self.columns:
            raise ValueError(f"`{name}` is there already")
        known: dict[str, Known] = {AS_OF: _AS_OF, **self.columns, **found}
        formula = parse(self._listed(fill(rule.formula)), known, rule.at_zero)
        label = fill.whole(rule.label) or name.replace("_", " ")
        return Feature(
            name,
            formula,
            formula.inputs,
            label,
            fill.whole(rule.description) or _capitalised(label),
            rule.unit or self._unit(rule.kind),
            is_never_negative=formula.is_never_negative,
        )

    def on(self, day: date) -> Schema:
        """The same as of another day."""
        same = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_construct(**same | {"as_of": day})

    @cached_property
    def rows(self) -> Schema:
        """The schema of a row of the source: of a line where it has order lines, else this one."""
        if not self.orders:
            return self
        orders, rules = self.orders, dict(self.orders.column_rules)
        rule = rules.get(orders.time)
        if not rule or rule.kind != "date":
            raise ValueError(f"orders.time: `{orders.time}` is no date among orders.columns")
        earliest = max(self.first_day, rule.earliest) if rule.earliest else self.first_day
        rules[orders.time] = rule.model_copy(update={"earliest": earliest})
        return self._of_lines(orders, rules)

    @cached_property
    def rows_of_any_day(self) -> Schema:
        """The same without the window."""
        return self._of_lines(self.orders, self.orders.column_rules) if self.orders else self

    @property
    def first_day(self) -> date:
        """Of the window; the snapshot's day without order lines."""
        days = self.orders.window_days - 1 if self.orders else 0
        return self.as_of - timedelta(days=days)

    def _of_lines(self, orders: Orders, rules: dict[str, ColumnRule]) -> Schema:
        same = {name: getattr(self, name) for name in type(self).model_fields}
        changed = {"column_rules": rules, "feature_rules": orders.feature_rules}
        none: dict[str, Any] = {
            "orders": None,
            "roles": Roles(),
            "segment_features": [],
            "scaling": {},
            "sign_up_features": [],
        }
        return type(self).model_construct(**same | changed | none)

    @property
    def time(self) -> str:
        """The date of a line; '' without order lines."""
        return self.orders.time if self.orders else ""

    @property
    def lifetime(self) -> Lifetime | None:
        """How what customers are worth is told; None where it is not."""
        return self.orders.lifetime if self.orders else None

    @property
    def needed_of_lines(self) -> tuple[str, ...]:
        """The columns without which a line is left out; empty without order lines."""
        if not self.orders:
            return ()
        used = [name for part in self.aggregates.values() for name in part.inputs]
        if lifetime := self.lifetime:
            used += [lifetime.purchase, lifetime.brings]
        inputs = self.rows.needed_inputs(used)
        plain = [name for name in inputs if name in self.rows.columns]
        needed = (KEY, self.time, *plain, *self.rows.canonical_columns(inputs), *self.event_columns)
        return tuple(dict.fromkeys(needed))

    @property
    def event_columns(self) -> tuple[str, ...]:
        """The columns without which nobody can tell which of several rows stands."""
        version = self.events.version
        return (*self.events.id, *([version] if version else ()))

    @property
    def window(self) -> str:
        """The reason of lines outside the window; '' without order lines."""
        if not self.orders:
            return ""
        return f"{self.time}: outside {self.rows.columns[self.time].earliest} to {self.as_of}"

    @cached_property
    def aggregates(self) -> dict[str, Aggregate]:
        """What each column comes to over a customer's lines; empty without order lines."""
        if not self.orders:
            return {}
        if ours := [name for name, rule in self.orders.column_rules.items() if rule.aggregate]:
            raise ValueError(f"orders.columns.{ours[0]}: `aggregate` is for columns of customers")
        known: dict[str, Known] = {AS_OF: _AS_OF, **self.rows.columns, **self.rows.features}
        made = {}
        for pattern, rule in self.column_rules.items():
            for name, fill in self._members(pattern):
                if name == KEY:
                    continue
                if not rule.aggregate:
                    raise ValueError(
                        f"columns.{pattern}: needs `aggregate`, since customers are made of order "
                        "lines alone: give it one, or leave the column out"
                    )
                try:
                    made[name] = parse_aggregate(self._listed(fill(rule.aggregate)), known)
                    made[name].require_fit(self.columns[name])
                except ValueError as error:
                    raise ValueError(f"columns.{pattern}: aggregate: {error}") from error
        return made

    @cached_property
    def decisions(self) -> dict[str, Feature]:
        """What is decided beside the segment, by name (`schema/decisions.py`)."""
        return define_decisions(self)

    def members_of(self, pattern: str) -> dict[str, str]:
        """Member of a pattern's group -> the column or feature of it; {} without a pattern."""
        if not _PATTERN.search(pattern):
            return {}
        return {str(fill.member): name for name, fill in self._members(pattern)}

    @cached_property
    def labels(self) -> dict[str, str]:
        """What people call a column, feature, decision, member or answer, as in a sentence."""
        features = [*self.features.values(), *self.decisions.values()]
        columns = self.columns.values()
        members = [group.items() for group in self.groups.values()]
        return (
            {column.name: column.label for column in columns}
            | {feature.name: feature.label for feature in features}
            | {str(member): label for group in members for member, label in group}
            | (OFFER_LABELS if "offer" in self.decisions else {})
        )

    def label_of(self, name: str) -> str:
        """A name, or a measure such as `offer=discount`, in lower case as in a sentence.

        A name that is not declared is shown with spaces for underscores.
        """
        plain, _, answer = name.partition("=")
        label = self.labels.get(plain, plain.replace("_", " "))
        return f"{label}: {self.label_of(answer)}" if answer not in {"", "yes"} else label

    def unit_of(self, name: str) -> str:
        """The unit of a column, feature or decision, or of a measure such as `offer=discount`."""
        if "=" in name:
            return SHARE
        return self.decisions[name].unit if name in self.decisions else self.describe(name)[1]

    @cached_property
    def _expanded(self) -> list[tuple[Column, list[str]]]:
        made: list[tuple[Column, list[str]]] = []
        for pattern, rule in self.column_rules.items():
            try:
                made += self._columns_of(pattern, rule)
            except ValueError as error:
                raise ValueError(f"columns.{pattern}: {error}") from error
        return made

    def _columns_of(self, pattern: str, rule: ColumnRule) -> Iterator[tuple[Column, list[str]]]:
        self._check_headers(pattern, rule.headers)
        for name, fill in self._members(pattern):
            label = fill.whole(rule.label) or name.replace("_", " ")
            description = fill.whole(rule.description) or _capitalised(label)
            minimum, maximum = RANGES.get(rule.kind, (None, None))
            column = Column(
                name,
                _KINDS.get(rule.kind, "number"),
                description,
                rule.unit or self._unit(rule.kind),
                minimum if rule.minimum is None else rule.minimum,
                maximum if rule.maximum is None else rule.maximum,
                rule.kind in {"count", "flag", "year"},
                tuple(rule.categories),
                rule.outcome,
                label,
                rule.kind,
                rule.personal or rule.kind == "email",
                rule.changeable,
                rule.from_purchases,
                rule.at_sign_up,
                (rule.age.minimum, rule.age.maximum) if rule.age else None,
                rule.earliest,
                rule.other,
            )
            headers = rule.headers
            yield column, headers if isinstance(headers, list) else headers.get(fill.member, [])

    def _check_headers(self, pattern: str, headers: Headers) -> None:
        members = {fill.member for _, fill in self._members(pattern) if fill.group}
        if bool(members) != isinstance(headers, dict) and headers:
            needs = "by member, as in {wines: [MntWines]}" if members else "as a list"
            raise ValueError(f"give its headers {needs}")
        if unknown := sorted(map(str, {*headers} - members)) if members else []:
            raise ValueError(f"headers: {unknown} are no members of its group")

    def _unit(self, kind: str) -> str:
        return self.money.unit if kind == "money" else _UNITS.get(kind, "")

    def _members(self, pattern: str) -> Iterator[tuple[str, _Fill]]:
        """The names that a pattern stands for, each with what fills its texts."""
        groups = [group for group, _ in _PATTERN.findall(pattern)]
        if len(groups) > 1:
            raise ValueError(f"`{pattern}`: a name has one group in it")
        fills = [_Fill(self.money.period)]
        for group in groups:
            members = self._group(group).items()
            fills = [_Fill(self.money.period, group, *member) for member in members]
        for fill in fills:
            name = fill(pattern)
            if not re.fullmatch(NAME, name):
                raise ValueError(
                    f"`{name}`: begin a name with a letter, and go on with lower-case letters, "
                    "digits and underscores, 100 at most"
                )
            yield name, fill

    def _listed(self, formula: str) -> str:
        """A formula with the members of each pattern in it: `sum(spend_{product})`."""
        return re.sub(
            r"\w*\{(\w+)\}\w*",
            lambda match: ", ".join(
                match[0].replace(f"{{{match[1]}}}", str(member)) for member in self._group(match[1])
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
        self.group = group
        self.member = member
        self._words = {_PERIOD: period, group: str(member), f"{group}.label": label}

    def __call__(self, text: str) -> str:
        return _PATTERN.sub(lambda match: self._words.get(match[0][1:-1], match[0]), text)

    def whole(self, text: str) -> str:
        """The text with nothing left to fill.

        Raises:
            ValueError: It names another group.
        """
        for match in _PATTERN.finditer(text):
            if match[0][1:-1] not in self._words:
                known = ", ".join(f"{{{word}}}" for word in self._words if word.strip("."))
                raise ValueError(f"`{match[0]}` is not known here: there are {known}")
        return self(text)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _require_order(place: str, minimum: float, maximum: float) -> None:
    if minimum > maximum:
        raise ValueError(f"{place}: minimum ({minimum:g}) is above maximum ({maximum:g})")


def _require(place: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise ValueError(f"{place}: `{name}` is no feature and no number{_hint(name, known)}")


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f": did you mean {near[0]}?" if near else ""


_KINDS: dict[str, Kind] = {kind: kind for kind in ("key", "date", "category", "text")}
_KINDS["email"] = "text"
_UNITS = {"share": SHARE, "flag": FLAG, "year": "year", "date": "date"}
_ROLES_OF_GROUPS = {"product", "channel"}
