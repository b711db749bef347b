"""Headers that nothing reads, and the columns that they may be meant for."""

from __future__ import annotations

import pytest

from customer_segmentation.customers.headers import as_headers, nearest_columns
from customer_segmentation.schema.schema import Schema


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["INCOME", "YEAR BIRTH"], {"INCOME": "income", "YEAR BIRTH": "year_birth"}),
        (["Kid-home", "mnt wines"], {"Kid-home": "kids_home", "mnt wines": "spend_wines"}),
        (["Incomes"], {"Incomes": "income"}),
        (["MntWine", "MNT_WINES"], {"MNT_WINES": "spend_wines"}),
        (["Postcode", "", "Z_Revenue"], {}),
    ],
    ids=["capitals", "signs", "nearly", "the-same-first", "others"],
)
def test_a_header_is_offered_the_column_whose_name_or_alias_it_nearly_is(
    customer_parameters: Schema, headers: list[str], expected: dict[str, str]
) -> None:
    wanted = ["income", "year_birth", "kids_home", "spend_wines"]
    assert nearest_columns(headers, wanted, customer_parameters) == expected


def test_the_offer_is_a_header_to_add_to_its_column() -> None:
    assert as_headers({" INCOME ": "income", "A": "b"}) == 'income: "INCOME", b: "A"'
