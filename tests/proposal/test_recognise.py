"""What the columns of an unknown file are taken for."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.proposal.draft import propose_schema
from customer_segmentation.proposal.recognise import recognise_table
from customer_segmentation.proposal.seen import Corrections, Seen
from customer_segmentation.proposal.words import words_of

ROWS = 40


def table_of(**columns: Iterable[object]) -> pa.Table:
    return pa.table({header: [str(cell) for cell in cells] for header, cells in columns.items()})


def seen(header: str, cells: Iterable[object]) -> Seen:
    return recognise_table(table_of(id=range(ROWS), **{header: cells})).columns[1]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("NumWebPurchases", ("num", "web", "purchases")),
        ("year_of birth", ("year", "of", "birth")),
        ("AcceptedCmp3", ("accepted", "cmp", "3")),
        ("Umsatz (EUR)", ("umsatz", "eur")),
    ],
)
def test_a_header_is_made_of_words(header: str, words: tuple[str, ...]) -> None:
    assert words_of(header) == words


@pytest.mark.parametrize(
    ("header", "cell", "kind"),
    [
        ("Year_Birth", lambda n: 1950 + n, "year"),
        ("NumWebPurchases", lambda n: n % 9, "count"),
        ("MntWines", lambda n: 17 * n, "money"),
        ("turnover", lambda n: f"{17 * n}.50", "money"),
        ("rate", lambda n: f"0.{n:02}", "share"),
        ("change", lambda n: n - 20, "number"),
        ("married", lambda n: ("yes", "No")[n % 2], "flag"),
        ("answered", lambda n: n % 2, "flag"),
        ("Region", lambda n: 1 + n % 3, "category"),
        ("town", lambda n: ("Bonn", "Köln")[n % 2], "category"),
        ("joined", lambda n: f"{n % 28 + 1:02}.03.2014", "date"),
        ("remark", lambda n: f"said {n} things", "text"),
        ("blank", lambda _: "", "text"),
        ("constant", lambda _: 3, "text"),
    ],
)
def test_a_column_is_taken_for_a_kind(header: str, cell, kind: str) -> None:  # type: ignore[no-untyped-def]
    assert seen(header, map(cell, range(ROWS))).kind == kind


def test_what_both_orders_of_day_and_month_fit_is_asked() -> None:
    column = seen("joined", (f"{n % 12 + 1:02}/{n % 11 + 1:02}/2014" for n in range(ROWS)))
    assert column.kind == "date"
    assert "two ways" in column.question


@pytest.mark.parametrize(
    ("cells", "decimal", "thousands", "ignored"),
    [
        ([f"{n},5" for n in range(ROWS)], ",", "", ()),
        ([f"{n + 1}.234,5" for n in range(ROWS)], ",", ".", ()),
        ([f"{n + 1},234.5" for n in range(ROWS)], ".", ",", ()),
        ([f"€ {n}.5" for n in range(ROWS)], ".", "", ("€",)),
        ([f"{n} %" for n in range(ROWS)], ".", "", ("%",)),
    ],
)
def test_the_signs_of_numbers_are_recognised(
    cells: list[str], decimal: str, thousands: str, ignored: tuple[str, ...]
) -> None:
    signs = recognise_table(table_of(spend=cells)).signs
    assert (signs.decimal, signs.thousands, signs.ignored) == (decimal, thousands, ignored)


def test_three_digits_after_the_sign_are_asked_about() -> None:
    cells = [f"{n + 1}.{n + 100}" for n in range(ROWS)]
    table = recognise_table(table_of(spend=cells))
    assert "thousands" in table.question


def test_the_key_is_the_column_that_tells_customers_apart() -> None:
    table = table_of(spend=range(ROWS), client_no=[f"C{n}" for n in range(ROWS)])
    assert recognise_table(table).key == "client_no"
    amounts = table_of(spend=range(ROWS), income=range(ROWS, 2 * ROWS))
    assert recognise_table(amounts).key == ""


def test_a_column_that_says_the_same_as_another_is_told() -> None:
    table = table_of(spend=range(ROWS), spend_in_cents=range(0, 100 * ROWS, 100))
    assert recognise_table(table).copies == {"spend_in_cents": "spend"}


def test_customers_on_several_rows_without_a_date_are_refused_until_explained() -> None:
    table = table_of(client_id=[f"C{n % 25}" for n in range(ROWS)], a=range(ROWS), b=[1, 5] * 20)
    with pytest.raises(UserError, match="client_id names customers who stand on several rows"):
        propose_schema(table, "x.csv")
    said = Corrections(kinds={"client_id": "text"})
    assert "from_row: true" in propose_schema(table, "x.csv", said).text


def test_years_are_no_products_and_claims_no_spend() -> None:
    years = {year: [(n * (7 + year % 5)) % 97 for n in range(ROWS)] for year in (2021, 2022, 2023)}
    others = {"id": range(ROWS), "visits": [n % 9 for n in range(ROWS)]}
    spent = {f"spend {year}": cells for year, cells in years.items()}
    text = propose_schema(table_of(**others, **spent), "x.csv").text
    assert "spend: spend_total" in text
    assert "product:" not in text
    claims = {f"claims amount {year}": cells for year, cells in years.items()}
    text = propose_schema(table_of(**others, **claims), "x.csv").text
    assert "claims_amount_total: {" in text
    assert "spend: " not in text


def test_what_a_person_says_counts() -> None:
    table = table_of(no=range(ROWS), ref=[f"C{n}" for n in range(ROWS)], town=[1, 2] * 20)
    said = Corrections(kinds={"town": "category"}, key="ref")
    found = {column.header: column.kind for column in recognise_table(table, said).columns}
    assert (found["town"], found["ref"], found["no"]) == ("category", "key", "count")
