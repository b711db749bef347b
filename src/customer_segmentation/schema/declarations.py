"""What the keys of a schema's file may say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from customer_segmentation.schema.cells import folded
from customer_segmentation.schema.parameters import Parameters, Shown
from customer_segmentation.schema.parts import ColumnKind

NAME = r"^[a-z][a-z0-9_]{0,99}$"
# A value of a category: it ends the name of a feature.
_VALUE = r"^[a-z0-9][a-z0-9_]{0,99}$"
# Far above any real value, and low enough for sums and squares to stay finite.
_MAX_MONEY = 1e12
_MAX_COUNT = 1e6
# Beyond it, the other features count for nothing.
_MAX_WEIGHT = 1_000.0
# The smallest and largest number of a kind.
RANGES: dict[str, tuple[float | None, float | None]] = {
    "money": (0.0, _MAX_MONEY),
    "count": (0.0, _MAX_COUNT),
    "share": (0.0, 1.0),
    "number": (-_MAX_MONEY, _MAX_MONEY),
    "flag": (0.0, 1.0),
}
_RANGED = RANGES.keys() - {"flag"}


# `--params` gives dates as text; YAML gives them as dates.
Day = Annotated[date, Field(strict=False)]
Word = Annotated[str, Field(min_length=1)]
ShownWord = Annotated[Shown, Field(min_length=1)]
Headers = list[Word] | dict[str | int, list[Word]]


class Money(Parameters):
    """The unit of amounts of money, and the period that their sums cover, as in a sentence."""

    unit: ShownWord
    period: ShownWord


class AgeWindow(Parameters):
    """The allowed years from a year to the snapshot's."""

    minimum: int = Field(ge=0)
    maximum: int = Field(le=2_000)

    @model_validator(mode="after")
    def _minimum_is_below_maximum(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum ({self.minimum}) is above maximum ({self.maximum})")
        return self


# Keys of a file whose names stand for what is made of them.
BY_ALIAS = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)


class ColumnRule(Parameters):
    """What a file says of a column, or of the columns that a pattern stands for.

    Attributes:
        kind: What it holds. An `email` is kept as its SHA-256, for those who deliver lists.
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
        other: Of a category: the value of every spelling that is not listed.
        outcome: An answer to a campaign, which segments never see.
        personal: Says who somebody is, as every `email` does.
        changeable: The retailer can influence it.
        from_purchases: Unknown until a customer has bought.
        at_sign_up: Known when a customer signs up.
        aggregate: Where the source has order lines: what a customer's come to.
        from_row: Of the key: a source without one, whose customers are known by their row numbers.
        from_float: Of the key: whole numbers that a program wrote with a fraction, such as 12345.0.
    """

    kind: ColumnKind
    headers: Headers = Field([])
    label: Shown = ""
    description: Shown = ""
    unit: Shown = ""
    minimum: Annotated[float, Field(strict=False, allow_inf_nan=False)] | None = None
    maximum: Annotated[float, Field(strict=False, allow_inf_nan=False)] | None = None
    age: AgeWindow | None = None
    earliest: Annotated[Day, Field(ge=date(1900, 1, 1))] | None = None
    categories: dict[Annotated[str, Field(pattern=_VALUE)], list[Word]] = Field({})
    other: str = ""
    outcome: bool = False
    personal: bool = False
    changeable: bool = False
    from_purchases: bool = False
    at_sign_up: bool = False
    aggregate: str = ""
    from_row: bool = False
    from_float: bool = False

    @model_validator(mode="after")
    def _keys_suit_the_kind(self) -> Self:
        for key, kind in (("age", "year"), ("earliest", "date"), ("categories", "category")):
            if bool(getattr(self, key)) != (self.kind == kind):
                needs = (
                    f"a {self.kind} needs `{key}`"
                    if self.kind == kind
                    else f"`{key}` is only for a {kind}"
                )
                raise ValueError(needs)
        for key in ("from_row", "from_float"):
            if getattr(self, key) and self.kind != "key":
                raise ValueError(f"`{key}` is only for the key")
        if self.outcome and self.at_sign_up:
            raise ValueError("an outcome is not known at sign-up: `at_sign_up` is wrong")
        if self.kind not in _RANGED and (self.minimum, self.maximum) != (None, None):
            raise ValueError(f"a {self.kind} has no minimum and no maximum")
        if self.other and self.other not in self.categories:
            raise ValueError(f"other: `{self.other}` is none of its categories")
        values = self.categories.items()
        spelled = [each for value, words in values for each in {value, *map(folded, words)}]
        if twice := repeated(spelled):
            raise ValueError(f"categories: {twice} stand for two values")
        return self


class FeatureRule(Parameters):
    """What a file says of a feature, or of the features that a pattern stands for.

    Attributes:
        formula: One line of arithmetic (`schema/formula.py`).
        kind: money, share (at most 1) or flag, which give it a unit; else it has its own.
        at_zero: The value of a quotient whose divisor is 0, and of a logarithm of 0 and below.
    """

    formula: Word
    kind: Literal["money", "share", "flag", "number"] = "number"
    label: Shown = ""
    description: Shown = ""
    unit: Shown = ""
    at_zero: Annotated[float, Field(strict=False, allow_inf_nan=False)] = 0.0


class ScalingRule(Parameters):
    """How a feature counts when segments are made.

    Attributes:
        cap: The quantile where it is cut off; 1 for nowhere below its largest value; by default
            `clustering.cap_quantile`.
        log: The logarithm of 1 + its value counts.
        weight: Squared distances are multiplied by it: it counts as so many features.
    """

    cap: Annotated[float, Field(strict=False, gt=0.0, le=1.0)] | None = None
    log: bool = False
    weight: Annotated[float, Field(strict=False, gt=0.0, le=_MAX_WEIGHT)] = 1.0


class Lifetime(Parameters):
    """What customers are worth: which lines are purchases, and how what they bring is counted.

    Attributes:
        purchase: A number of a line, above 0 where something was bought. All that a customer buys
            on a day is one purchase.
        spend: What a line brings, below 0 for what was sent back; by default `purchase`.
        horizon_days: Purchases of so many coming days count.
        yearly_discount: What comes in a year is worth so much less than today, as a share.
        margin: The share of spend that is earned; with 1, the lifetime value is spend.
        held_back_days: The model is checked on so many last days, after learning from those before.
    """

    purchase: str
    spend: str = ""
    horizon_days: int = Field(365, ge=1, le=3_650)
    yearly_discount: Annotated[float, Field(strict=False, ge=0.0, le=10.0)] = 0.1
    margin: Annotated[float, Field(strict=False, gt=0.0, le=1.0)] = 1.0
    held_back_days: int = Field(90, ge=1, le=3_650)

    @property
    def brings(self) -> str:
        """The number of a line that is its spend."""
        return self.spend or self.purchase


class Orders(Parameters):
    """Order lines as the source of customers.

    Attributes:
        window_days: Lines of so many days, the snapshot's included, are aggregated.
        time: The date of a line.
        column_rules: `columns` of a line in a file.
        feature_rules: `features` of a line in a file.
        lifetime: What customers are worth, if that is to be told.
    """

    model_config = BY_ALIAS

    window_days: int = Field(ge=1, le=36_500)
    time: str
    column_rules: dict[str, ColumnRule] = Field(alias="columns")
    feature_rules: dict[str, FeatureRule] = Field({}, alias="features")
    lifetime: Lifetime | None = None


class Events(Parameters):
    """How rows that tell of the same thing more than once are told apart.

    Attributes:
        id: With order lines: the columns that together name a line of a customer. Without it, lines
            with the same cells are one line. Of customer records it is the key.
        version: A number, or a text that sorts as it grows such as an ISO time: of rows with the
            same id, the one with the highest stands.
        removed: A flag: 1 takes the line or the customer back.
    """

    id: list[Word] = Field([])
    version: str = ""
    removed: str = ""

    @property
    def is_declared(self) -> bool:
        """Whether rows are told apart otherwise than by all their cells."""
        return bool(self.id or self.version or self.removed)


class Roles(Parameters):
    """Which column or feature plays which part in names, decisions and the report."""

    income: str = ""
    means: list[str] = Field([])
    spend: str = ""
    purchases: str = ""
    deals: str = ""
    deal_share: str = ""
    visits: str = ""
    recency: str = ""
    response: str = ""
    product: str = ""
    channel: str = ""


class Card(Parameters):
    """What a segment's card in the report says of its customers, as columns, features or measures.

    Attributes:
        who: Who they are.
        habits: What they do.
    """

    who: list[str] = Field([])
    habits: list[str] = Field([])


class FeatureStore(Parameters):
    """How features are kept for those who read a single customer's.

    Attributes:
        version: Of what the features mean: raise it to change a formula or a unit that others read.
        owner: Who answers for them.
        max_age_days: Values of an older snapshot are called stale.
    """

    version: int = Field(1, ge=1, le=10_000)
    owner: Shown = ""
    max_age_days: int = Field(31, ge=0, le=36_500)


class Consent(Parameters):
    """A purpose for which customers may be contacted only if they agreed.

    Attributes:
        label: The purpose, as in a sentence: "offers by e-mail".
        given_on: The date column of the day when a customer agreed, if the customers' file has one.
        withdrawn_on: That of the day when they took it back.
    """

    label: ShownWord
    given_on: str = ""
    withdrawn_on: str = ""


class Campaigns(Parameters):
    """What a campaign needs to know of a customer.

    Attributes:
        known_before: Campaign answers that were known before the campaign whose answers
            `roles.response` holds: columns, features or patterns that a response model may look at.
        never: Flags of whom no campaign contacts.
        contacted_on: The date column of the last contact, beside what the send log says.
        consent: Purpose -> how customers agree to it.
    """

    known_before: list[str] = Field([])
    never: list[str] = Field([])
    contacted_on: str = ""
    consent: dict[Annotated[str, Field(pattern=NAME)], Consent] = Field({})


class Experiment(Parameters):
    """A randomised test whose arm and outcomes the source holds.

    Attributes:
        arm: The category of the arm that each customer was in; arms are of equal probability.
        control: The arm of those who got nothing.
        outcomes: What came of it: flags or amounts.
    """

    arm: str
    control: str
    outcomes: list[str] = Field(min_length=1)


def repeated(names: Iterable[str]) -> list[str]:
    """The names that stand more than once."""
    return sorted(name for name, count in Counter(names).items() if count > 1)
