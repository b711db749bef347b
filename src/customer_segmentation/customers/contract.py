"""The contract: which columns a customer record has, and which values each may hold.

It drives the quarantine of a batch, the metadata of the scoring artifact, and the data dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["key", "number", "date", "category"]

KEY = "customer_id"
AS_OF = "as_of"
SAMPLE_KEY = "sample_key"

EDUCATION = ("basic", "graduation", "second_cycle", "master", "phd")
MARITAL_STATUS = ("single", "together", "married", "divorced", "widow")

# Code -> its name within a sentence.
PRODUCT_LABELS = {
    "wines": "wines",
    "fruits": "fruits",
    "meat": "meat",
    "fish": "fish",
    "sweets": "sweets",
    "gold": "gold products",
}
CHANNEL_LABELS = {"web": "the website", "catalog": "the catalogue", "store": "the store"}
PRODUCTS, CHANNELS = tuple(PRODUCT_LABELS), tuple(CHANNEL_LABELS)
CAMPAIGNS = (1, 2, 3, 4, 5)

MONEY, FLAG = "monetary units", "0 or 1"


@dataclass(frozen=True)
class Column:
    """A canonical column: its type, the values it may hold, and how to describe it.

    `minimum` and `maximum` are inclusive; `categories` are in the order of their codes.
    `label` is its name within a sentence, in lower case. An `outcome` is a response to a campaign
    and is never used for the segments.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False
    categories: tuple[str, ...] = ()
    outcome: bool = False
    label: str = ""

    @property
    def is_flag(self) -> bool:
        """Whether its values are 0 and 1, for no and yes."""
        return self.whole and (self.minimum, self.maximum) == (0.0, 1.0)


# Far above any real value, and low enough for sums and squares to stay finite.
_MAX_MONEY = 1e12
_MAX_COUNT = 1e6


def _money(name: str, label: str, description: str) -> Column:
    return Column(name, "number", description, MONEY, minimum=0.0, maximum=_MAX_MONEY, label=label)


def _count(name: str, label: str, description: str, unit: str) -> Column:
    return Column(
        name, "number", description, unit, minimum=0.0, maximum=_MAX_COUNT, whole=True, label=label
    )


def _flag(name: str, label: str, description: str, *, outcome: bool = True) -> Column:
    return replace(_count(name, label, description, FLAG), maximum=1.0, outcome=outcome)


CONTRACT: tuple[Column, ...] = (
    Column(KEY, "key", "Identifier of the customer, as text", label="customer's id"),
    Column("year_birth", "number", "Year of birth", "year", whole=True, label="year of birth"),
    Column("education", "category", "Highest education", categories=EDUCATION, label="education"),
    Column(
        "marital_status",
        "category",
        "Marital status",
        categories=MARITAL_STATUS,
        label="marital status",
    ),
    _money("income", "yearly income", "Yearly income of the household"),
    _count("kids_home", "small children at home", "Small children in the household", "children"),
    _count("teens_home", "teenagers at home", "Teenagers in the household", "children"),
    Column("enrolled_on", "date", "Day the customer enrolled", "date", label="day of enrolment"),
    _count("recency_days", "days since the last purchase", "Days since the last purchase", "days"),
    *(
        _money(f"spend_{product}", f"spend on {label}", f"Spend on {product} in two years")
        for product, label in PRODUCT_LABELS.items()
    ),
    _count(
        "purchases_deals",
        "purchases with a discount",
        "Purchases made with a discount",
        "purchases",
    ),
    *(
        _count(
            f"purchases_{channel}",
            f"purchases through {label}",
            f"Purchases through the {channel} channel",
            "purchases",
        )
        for channel, label in CHANNEL_LABELS.items()
    ),
    _count(
        "web_visits_month",
        "visits to the website a month",
        "Visits to the web site in the last month",
        "visits",
    ),
    *(
        _flag(
            f"accepted_campaign_{n}",
            f"accepted campaign {n}",
            f"Accepted the offer of campaign {n}",
        )
        for n in CAMPAIGNS
    ),
    _flag("responded", "response to the last campaign", "Accepted the offer of the last campaign"),
    _flag(
        "complained", "complaint in two years", "Complained in the last two years", outcome=False
    ),
)

COLUMNS: dict[str, Column] = {column.name: column for column in CONTRACT}
OUTCOMES: frozenset[str] = frozenset(column.name for column in CONTRACT if column.outcome)
