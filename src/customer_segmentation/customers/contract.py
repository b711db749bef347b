"""The one table of rules: which columns a customer record has and what each may hold.

It drives the quarantine of a batch, the metadata of the scoring artifact, and the data dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["key", "number", "date", "category"]

KEY = "customer_id"
AS_OF = "as_of"
SAMPLE_KEY = "sample_key"

EDUCATION = ("basic", "graduation", "second_cycle", "master", "phd")
MARITAL_STATUS = ("single", "together", "married", "divorced", "widow")

PRODUCTS = ("wines", "fruits", "meat", "fish", "sweets", "gold")
CHANNELS = ("web", "catalog", "store")
CAMPAIGNS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Column:
    """A canonical column: its type, the values it may hold, and how to describe it.

    `minimum` and `maximum` are inclusive; `categories` are in the order of their codes.
    An `outcome` is an answer to a campaign: it never enters the segments.
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

    @property
    def is_flag(self) -> bool:
        """Whether it says no or yes, as 0 or 1."""
        return self.whole and (self.minimum, self.maximum) == (0.0, 1.0)


# Far above any real value, and far below where a sum or a square would stop being finite.
_MOST_MONEY = 1e12
_MOST_COUNT = 1e6


def _money(name: str, description: str) -> Column:
    return Column(name, "number", description, "monetary units", minimum=0.0, maximum=_MOST_MONEY)


def _count(name: str, description: str, unit: str) -> Column:
    return Column(name, "number", description, unit, minimum=0.0, maximum=_MOST_COUNT, whole=True)


def _flag(name: str, description: str, *, outcome: bool) -> Column:
    return Column(
        name,
        "number",
        description,
        "0 or 1",
        minimum=0.0,
        maximum=1.0,
        whole=True,
        outcome=outcome,
    )


CONTRACT: tuple[Column, ...] = (
    Column(KEY, "key", "Identifier of the customer, as text"),
    Column("year_birth", "number", "Year of birth", "year", whole=True),
    Column("education", "category", "Highest education", categories=EDUCATION),
    Column("marital_status", "category", "Marital status", categories=MARITAL_STATUS),
    _money("income", "Yearly income of the household"),
    _count("kids_home", "Small children in the household", "children"),
    _count("teens_home", "Teenagers in the household", "children"),
    Column("enrolled_on", "date", "Day the customer enrolled", "date"),
    _count("recency_days", "Days since the last purchase", "days"),
    *(_money(f"spend_{product}", f"Spend on {product} in two years") for product in PRODUCTS),
    _count("purchases_deals", "Purchases made with a discount", "purchases"),
    *(
        _count(f"purchases_{channel}", f"Purchases through the {channel} channel", "purchases")
        for channel in CHANNELS
    ),
    _count("web_visits_month", "Visits to the web site in the last month", "visits"),
    *(
        _flag(f"accepted_campaign_{n}", f"Accepted the offer of campaign {n}", outcome=True)
        for n in CAMPAIGNS
    ),
    _flag("responded", "Accepted the offer of the last campaign", outcome=True),
    _flag("complained", "Complained in the last two years", outcome=False),
)

COLUMNS: dict[str, Column] = {column.name: column for column in CONTRACT}
OUTCOMES: frozenset[str] = frozenset(column.name for column in CONTRACT if column.outcome)
