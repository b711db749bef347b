"""The mixture behind the synthetic customers: six types of household and how their traits vary.

Every number is a rounded summary (a mean, a deviation, a share or a logistic coefficient) of the
public marketing-campaign file of 2,240 retail customers; none belongs to a person.
"""

from typing import Final, NamedTuple


class Trait(NamedTuple):
    """A continuous trait: its mean and deviation in each type, and what moves it within a type.

    `loadings` are its correlations, within a type, with three hidden factors: purchasing power
    (above all wine and income), time on the web site, and taste for fresh food (fruit, fish,
    sweets, meat).
    """

    means: tuple[float, ...]
    deviations: tuple[float, ...]
    loadings: tuple[float, float, float]


TYPES: Final = (
    "affluent young",
    "affluent older",
    "comfortable with teens",
    "deal seekers with teens",
    "small budget with small kids",
    "small budget with teens",
)
"""The types, in the order of every tuple below."""

TYPE_SHARES: Final = (0.128, 0.115, 0.208, 0.136, 0.238, 0.175)

TRAITS: Final = {
    "Income": Trait(
        (75.87, 77.04, 60.44, 52.03, 29.33, 37.42),
        (10.5, 8.64, 10.36, 10.34, 10.11, 10.93),
        (0.51, -0.32, 0.07),
    ),
    "age": Trait(
        (33.68, 57.39, 51.41, 46.67, 35.04, 50.34),
        (7.0, 7.2, 9.08, 9.41, 6.75, 8.81),
        (0.04, 0.04, -0.08),
    ),
    "tenure": Trait(
        (0.09, -0.2, 0.09, 0.54, -0.03, -0.29),
        (1.03, 0.98, 0.95, 0.93, 0.93, 1.0),
        (0.07, 0.38, 0.22),
    ),
    "MntWines": Trait(
        (6.31, 6.23, 5.86, 5.64, 2.65, 3.18),
        (0.62, 0.67, 0.74, 0.76, 1.25, 0.91),
        (0.96, 0.09, -0.01),
    ),
    "MntFruits": Trait(
        (3.72, 3.75, 2.67, 2.09, 1.49, 0.86),
        (1.32, 0.99, 1.42, 1.42, 0.99, 0.92),
        (0.02, -0.05, 0.67),
    ),
    "MntMeatProducts": Trait(
        (5.94, 5.96, 4.69, 4.51, 2.83, 2.44),
        (0.65, 0.65, 0.8, 0.78, 0.89, 0.76),
        (0.49, -0.01, 0.57),
    ),
    "MntFishProducts": Trait(
        (4.15, 4.23, 2.88, 2.37, 1.77, 1.07),
        (1.15, 1.08, 1.52, 1.5, 1.08, 1.01),
        (0.0, -0.07, 0.66),
    ),
    "MntSweetProducts": Trait(
        (3.78, 3.68, 2.65, 2.07, 1.51, 0.87),
        (1.16, 1.33, 1.49, 1.46, 1.0, 0.9),
        (0.02, -0.08, 0.67),
    ),
    "MntGoldProds": Trait(
        (3.99, 3.85, 3.64, 3.64, 2.42, 2.0),
        (1.02, 1.16, 1.0, 1.02, 0.99, 1.01),
        (0.12, 0.09, 0.48),
    ),
    "NumDealsPurchases": Trait(
        (0.71, 0.68, 1.17, 1.88, 0.97, 1.02),
        (0.23, 0.23, 0.3, 0.25, 0.32, 0.33),
        (0.18, 0.16, 0.21),
    ),
    "NumWebPurchases": Trait(
        (2.24, 2.14, 2.37, 2.42, 1.4, 1.24),
        (0.47, 0.47, 0.51, 0.5, 0.48, 0.46),
        (0.44, 0.3, 0.29),
    ),
    "NumCatalogPurchases": Trait(
        (2.32, 2.4, 1.75, 1.5, 0.43, 0.37),
        (0.49, 0.52, 0.58, 0.52, 0.54, 0.51),
        (0.41, -0.12, 0.35),
    ),
    "NumStorePurchases": Trait(
        (2.9, 2.78, 2.76, 2.53, 1.74, 1.73),
        (0.48, 0.54, 0.51, 0.49, 0.28, 0.25),
        (0.41, -0.22, 0.27),
    ),
    "NumWebVisitsMonth": Trait(
        (3.0, 2.32, 4.98, 6.86, 6.9, 6.04),
        (1.84, 1.45, 1.7, 1.42, 1.61, 1.94),
        (0.05, 0.96, -0.06),
    ),
}
"""Scales: Income in thousands; age in years in 2014; tenure as a normal score; amounts and deals as
log(1 + x); web, catalog and store purchases as square roots; visits as they are."""

KID_SHARES: Final = (
    (0.089, 0.007),
    (0.000, 0.000),
    (0.035, 0.000),
    (0.573, 0.027),
    (0.821, 0.027),
    (0.619, 0.057),
)
"""For each type, the shares of households with one and with two."""

TEEN_SHARES: Final = (
    (0.082, 0.000),
    (0.071, 0.000),
    (0.838, 0.052),
    (0.833, 0.047),
    (0.006, 0.000),
    (0.875, 0.034),
)
"""For each type, the shares of households with one and with two."""

EDUCATIONS: Final = ("2n Cycle", "Basic", "Graduation", "Master", "PhD")
EDUCATION_SHARES: Final = (
    (0.078, 0.0, 0.566, 0.139, 0.217),
    (0.083, 0.0, 0.522, 0.178, 0.217),
    (0.063, 0.002, 0.494, 0.172, 0.269),
    (0.087, 0.003, 0.5, 0.193, 0.217),
    (0.124, 0.08, 0.502, 0.151, 0.143),
    (0.091, 0.026, 0.465, 0.167, 0.251),
)

MARITAL_STATUSES: Final = ("Married", "Together", "Single", "Divorced", "Widow")
MARITAL_SHARES: Final = (0.387, 0.260, 0.215, 0.104, 0.034)
COUPLES: Final = ("Married", "Together")

SPEND_LIMITS: Final = {
    "MntWines": 1493,
    "MntFruits": 199,
    "MntMeatProducts": 1000,
    "MntFishProducts": 259,
    "MntSweetProducts": 200,
    "MntGoldProds": 250,
}
"""Largest amounts over two years; larger draws are reflected, as the published tails end there."""

COUNT_LIMITS: Final = {
    "NumDealsPurchases": 15,
    "NumWebPurchases": 27,
    "NumCatalogPurchases": 28,
    "NumStorePurchases": 13,
    "NumWebVisitsMonth": 20,
}

CAMPAIGNS: Final = {
    "AcceptedCmp3": {
        "intercept": -4.15,
        "MntGoldProds": 0.53,
        "Teenhome": -0.21,
        "NumCatalogPurchases": 1.06,
        "NumStorePurchases": -1.17,
        "NumWebVisitsMonth": 0.18,
    },
    "AcceptedCmp4": {
        "intercept": -11.95,
        "Income": 0.034,
        "MntWines": 1.72,
        "MntGoldProds": -0.33,
        "NumWebPurchases": -0.38,
        "NumCatalogPurchases": -0.58,
        "NumStorePurchases": -0.28,
        "NumWebVisitsMonth": 0.23,
        "accepted": -2.09,
    },
    "AcceptedCmp5": {
        "intercept": -22.43,
        "Income": 0.134,
        "MntWines": 1.65,
        "Teenhome": -1.14,
        "accepted": 1.57,
    },
    "AcceptedCmp1": {
        "intercept": -11.85,
        "Income": 0.07,
        "MntWines": 0.43,
        "Teenhome": -0.91,
        "NumCatalogPurchases": 0.57,
        "NumWebVisitsMonth": 0.17,
        "accepted": 0.78,
    },
    "AcceptedCmp2": {
        "intercept": -10.7,
        "MntWines": 0.53,
        "Teenhome": 0.37,
        "NumWebPurchases": -0.91,
        "NumStorePurchases": 0.68,
        "NumWebVisitsMonth": 0.26,
        "accepted": 1.72,
    },
    "Response": {
        "intercept": -3.45,
        "couple": -1.55,
        "years": 1.75,
        "Recency": -0.0405,
        "Teenhome": -0.65,
        "MntMeatProducts": 0.96,
        "MntWines": -0.62,
        "NumWebPurchases": 0.37,
        "NumCatalogPurchases": 0.91,
        "NumStorePurchases": -1.43,
        "NumWebVisitsMonth": 0.20,
        "PhD": 1.39,
        "accepted": 1.99,
    },
}
"""Log-odds of accepting each offer, in the order drawn: `accepted` counts the offers before it.

Scales as in TRAITS; `years` since enrolment, Recency in days, `couple` and `PhD` 0 or 1.
"""

COMPLAINT_SHARE: Final = 0.0094

TWIN_SHARE: Final = 0.081
"""Customers whose every value but the id equals another customer's."""

REPEAT_SHARE: Final = 0.005
"""Rows that repeat another row, id included (the published file has none)."""

DIRT: Final = {
    "missing_income": 24 / 2240,
    "income_typo": 1 / 2240,
    "no_purchase": 6 / 2240,
    "born_1893": 1 / 2240,
    "born_1899": 1 / 2240,
    "born_1900": 1 / 2240,
    "Alone": 3 / 2240,
    "Absurd": 2 / 2240,
    "YOLO": 2 / 2240,
}
"""Share of rows with each kind of dirt; no row has two kinds."""
