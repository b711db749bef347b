"""Every feature: one small function whose parameters name the columns and features it uses.

Inputs are the numeric canonical columns (`customers/matrix.py`) and other features. Values are
finite numbers or missing; a feature with a missing input is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, signature

from customer_segmentation.customers.contract import (
    CHANNEL_LABELS,
    CHANNELS,
    COLUMNS,
    EDUCATION,
    FLAG,
    MARITAL_STATUS,
    MONEY,
    OUTCOMES,
    PRODUCT_LABELS,
    PRODUCTS,
)
from customer_segmentation.customers.matrix import canonical_columns, describe_numeric
from customer_segmentation.schema.operations import Values, floor_divide, indicator, ratio, total

# A ratio may be above 1.
SHARE, RATIO = "share of 1", "ratio"


@dataclass(frozen=True)
class Numbers:
    """A list of learned numbers: its minimum and maximum length, and the bound all exceed."""

    count: int
    max_count: int = 0
    above: float = -math.inf


@dataclass(frozen=True)
class Feature:
    """A feature's (or a decision's) function, its inputs by name, and how to describe it.

    `label` is what people call it, in lower case as in a sentence; `labels` are what the codes of a
    decision mean, in their order. `lists` are those of its keyword parameters that are no single
    numbers.
    """

    name: str
    function: Callable[..., Values]
    inputs: tuple[str, ...]
    label: str
    description: str
    unit: str
    labels: tuple[str, ...] = ()
    lists: Mapping[str, Numbers] = field(default_factory=dict)


def _day_number(year: Values, day: Values) -> Values:
    """Days from the first of January of year 1 of the Gregorian calendar."""
    past = year - 1.0
    leap_days = floor_divide(past, 4.0) - floor_divide(past, 100.0) + floor_divide(past, 400.0)
    return past * 365.0 + leap_days + day


def _age(as_of_year: Values, year_birth: Values) -> Values:
    return as_of_year - year_birth


def _tenure_days(
    as_of_year: Values, as_of_day: Values, enrolled_year: Values, enrolled_day: Values
) -> Values:
    return _day_number(as_of_year, as_of_day) - _day_number(enrolled_year, enrolled_day)


def _children(kids_home: Values, teens_home: Values) -> Values:
    return kids_home + teens_home


def _partnered(marital_status: Values) -> Values:
    together, married = MARITAL_STATUS.index("together"), MARITAL_STATUS.index("married")
    return _is_code(marital_status, together) + _is_code(marital_status, married)


def _household_size(partnered: Values, children: Values) -> Values:
    return partnered + children + 1.0


def _is_code(category: Values, code: int) -> Values:
    # The subtraction keeps a missing category missing.
    return indicator(category == float(code)) + (category - category)


def _sum(*values: Values) -> Values:
    return total(values)


def _share(part: Values, whole: Values) -> Values:
    return ratio(part, whole, at_zero=0.0)


def define(  # noqa: PLR0913 - all that a feature is
    function: Callable[..., Values],
    label: str,
    unit: str,
    description: str = "",
    *,
    name: str = "",
    inputs: Iterable[str] = (),
    labels: Sequence[str] = (),
    lists: Mapping[str, Numbers] | None = None,
) -> Feature:
    """A feature or a decision; what is not given is read off its function.

    Name and description are the function's (its docstring's first line), inputs its positional
    parameters.
    """
    positional = [
        parameter.name
        for parameter in signature(function).parameters.values()
        if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
    ]
    return Feature(
        name or function.__name__.removeprefix("_"),
        function,
        tuple(inputs or positional),
        label,
        description or (function.__doc__ or "").splitlines()[0],
        unit,
        tuple(labels),
        lists or {},
    )


def _category_features(column: str, categories: tuple[str, ...]) -> list[Feature]:
    return [
        define(
            lambda category, code=code: _is_code(category, code),
            f"{COLUMNS[column].label}: {category.replace('_', ' ')}",
            FLAG,
            f"1 where {column} is {category}, else 0",
            name=f"{column}_{category}",
            inputs=[column],
        )
        for code, category in enumerate(categories)
    ]


_DEFINED: tuple[Feature, ...] = (
    define(_age, "age", "years", "Age in the year of the snapshot"),
    define(_tenure_days, "days as a customer", "days", "Days from enrolment to the snapshot"),
    define(_children, "children at home", "children", "Children and teenagers in the household"),
    define(_partnered, "with a partner", FLAG, "1 where married or living together, else 0"),
    define(_household_size, "people in the household", "people", "Customer, partner and children"),
    *_category_features("education", EDUCATION),
    *_category_features("marital_status", MARITAL_STATUS),
    define(
        _sum,
        "spend in two years",
        MONEY,
        "Spend on all products in two years",
        name="spend_total",
        inputs=[f"spend_{product}" for product in PRODUCTS],
    ),
    *(
        define(
            _share,
            f"share of spend on {label}",
            SHARE,
            f"Share of the customer's spend that goes to {product}; 0 without spend",
            name=f"spend_share_{product}",
            inputs=[f"spend_{product}", "spend_total"],
        )
        for product, label in PRODUCT_LABELS.items()
    ),
    define(
        _share,
        "spend relative to income",
        RATIO,
        "Two-year spend over yearly income; 0 without income",
        name="spend_to_income",
        inputs=["spend_total", "income"],
    ),
    define(
        _sum,
        "purchases",
        "purchases",
        "Purchases through all channels",
        name="purchases_total",
        inputs=[f"purchases_{channel}" for channel in CHANNELS],
    ),
    *(
        define(
            _share,
            f"share of purchases through {label}",
            SHARE,
            f"Share of purchases made through the {channel} channel; 0 without purchases",
            name=f"purchase_share_{channel}",
            inputs=[f"purchases_{channel}", "purchases_total"],
        )
        for channel, label in CHANNEL_LABELS.items()
    ),
    define(
        _share,
        "share of purchases with a discount",
        RATIO,
        "Purchases with a discount over purchases through all channels; 0 without purchases",
        name="deal_share",
        inputs=["purchases_deals", "purchases_total"],
    ),
    define(
        _share,
        "spend per purchase",
        MONEY,
        "Average spend a purchase; 0 without purchases",
        name="average_basket",
        inputs=["spend_total", "purchases_total"],
    ),
    define(
        _sum,
        "earlier campaigns accepted",
        "campaigns",
        "Offers of the first five campaigns that were accepted",
        name="campaigns_accepted",
        inputs=[f"accepted_campaign_{n}" for n in range(1, 6)],
    ),
)

FEATURES: dict[str, Feature] = {feature.name: feature for feature in _DEFINED}


def needed_inputs(names: Iterable[str]) -> tuple[str, ...]:
    """The numeric canonical columns that these features come down to, in first-use order.

    A name that is no feature is taken for a column.
    """
    columns: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in FEATURES:
            columns[name] = None
            return
        for needed in FEATURES[name].inputs:
            visit(needed)

    for name in names:
        visit(name)
    return tuple(columns)


def needed_columns(names: Iterable[str]) -> tuple[str, ...]:
    """The canonical columns of a source that these features come down to."""
    return canonical_columns(needed_inputs(names))


def available_features(inputs: Iterable[str]) -> tuple[str, ...]:
    """The features that can be computed from these numeric columns, in definition order."""
    present = set(inputs)
    return tuple(name for name in FEATURES if present.issuperset(needed_inputs([name])))


def describe(name: str) -> tuple[str, str]:
    """Description and unit of a feature or of a numeric canonical column."""
    if name in FEATURES:
        return FEATURES[name].description, FEATURES[name].unit
    return describe_numeric(name)


def uses_outcome(name: str) -> bool:
    """Whether a feature is made of campaign answers, which segments must not see."""
    return not OUTCOMES.isdisjoint(needed_inputs([name]))
