"""Who is a customer, who is not and why: every row is in one place, with every reason."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_segmentation.customers.quarantine import (
    ADDED,
    SHARED_KEY,
    check_customers,
    map_headers,
    require_columns,
)
from customer_segmentation.customers.reading import settle
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from tests.marketing import COLUMNS, changed

Rows = list[dict[str, str]]
Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """Where the rows went, as Python values."""

    customers: Records
    quarantine: Records
    repeats: list[int]
    lost_values: dict[str, int]

    @property
    def reasons(self) -> dict[int, list[str]]:
        """Row number -> its reasons."""
        return {row["row_number"]: row["reasons"].split("; ") for row in self.quarantine}


@pytest.fixture(scope="session")
def checked(
    bronze_of: Callable[..., Any],
    records_of: Callable[..., Records],
    customer_parameters: Schema,
) -> Callable[..., Outcome]:
    """Rows as sent -> where each went."""

    def check(
        rows: Rows,
        engine: Callable[..., Any],
        parameters: Schema = customer_parameters,
        needed: Iterable[str] = COLUMNS,
    ) -> Outcome:
        bronze = nw.from_native(bronze_of(rows, engine)).lazy()
        mapped = map_headers(bronze.collect_schema().names(), parameters)
        reading = settle(bronze, mapped, parameters)
        found = check_customers(bronze, reading, needed)
        repeats = found.rows.filter(nw.col("checked__is_repeat")).select("row_number")
        customers, quarantine, removed = (
            records_of(part.to_native())
            for part in (found.valid().sort(KEY), found.quarantined(reading, needed), repeats)
        )
        numbers = sorted(row["row_number"] for row in removed)
        return Outcome(customers, quarantine, numbers, found.lost_values(reading))

    return check


def test_a_row_that_keeps_the_contract_is_a_customer(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    found = checked([sent()], frame_of)
    assert (found.quarantine, found.repeats) == ([], [])
    assert found.customers == [
        {
            "customer_id": "5524",
            "year_birth": 1957.0,
            "education": "graduation",
            "marital_status": "single",
            "income": 58138.0,
            "kids_home": 0.0,
            "teens_home": 0.0,
            "enrolled_on": datetime(2012, 9, 24),  # noqa: DTZ001 - a day has no time zone
            "recency_days": 58.0,
            "spend_wines": 635.0,
            "spend_fruits": 88.0,
            "spend_meat": 546.0,
            "spend_fish": 172.0,
            "spend_sweets": 88.0,
            "spend_gold": 88.0,
            "purchases_deals": 3.0,
            "purchases_web": 8.0,
            "purchases_catalog": 10.0,
            "purchases_store": 4.0,
            "web_visits_month": 7.0,
            "accepted_campaign_1": 0.0,
            "accepted_campaign_2": 0.0,
            "accepted_campaign_3": 0.0,
            "accepted_campaign_4": 0.0,
            "accepted_campaign_5": 0.0,
            "responded": 1.0,
            "complained": 0.0,
            "as_of": datetime(2014, 6, 30),  # noqa: DTZ001 - a day has no time zone
            "sample_key": found.customers[0]["sample_key"],
        }
    ]


def as_floats(block: dict[str, Any]) -> Schema:
    """A schema whose keys may be written as floats."""
    return Schema.model_validate(changed(block, ("columns.customer_id.from_float", True)))


FLOATS = [("12345.0", "Phd"), ("7.00", "Phd"), ("7", "Master"), ("8,0", "Phd"), ("1.000", "Phd")]


def test_a_key_that_was_written_as_a_float_is_a_whole_number(
    checked: Callable[..., Outcome],
    sent: Callable[..., Any],
    frame_of: Callable[..., Any],
    customers_block: dict[str, Any],
) -> None:
    rows = [sent(ID=key, Education=degree) for key, degree in FLOATS]
    found = checked(rows, frame_of, as_floats(customers_block))
    assert [row["customer_id"] for row in found.customers] == ["1.000", "12345", "8"]
    # Two customers for 7 and 7.00 would be one too many.
    assert found.reasons == {n: [SHARED_KEY] for n in (2, 3)}


@pytest.mark.spark
def test_spark_reads_the_same_keys(
    checked: Callable[..., Outcome],
    sent: Callable[..., Any],
    customers_block: dict[str, Any],
    spark: Any,
) -> None:
    rows = [sent(ID=key, Education=degree) for key, degree in FLOATS]
    schema = as_floats(customers_block)
    of_spark = checked(rows, lambda columns: spark.createDataFrame(pa.table(columns)), schema)
    assert of_spark == checked(rows, pd.DataFrame, schema)


BREAKING = [
    ("Income", "", "income: missing"),
    ("Income", "N/A", "income: missing"),
    ("Income", "12,5", "income: not a number"),
    ("Income", "nan", "income: not finite"),
    ("Income", "1e999", "income: not finite"),
    ("Income", "-Infinity", "income: not finite"),
    ("Income", "-0.01", "income: negative"),
    ("Income", "1e13", "income: above 1000000000000"),
    ("MntWines", "-1", "spend_wines: negative"),
    ("Kidhome", "-1", "kids_home: negative"),
    ("Kidhome", "0.5", "kids_home: not a whole number"),
    ("Recency", "1e7", "recency_days: above 1000000"),
    ("Response", "2", "responded: above 1"),
    ("Complain", "perhaps", "complained: not a number"),
    ("Year_Birth", "", "year_birth: missing"),
    ("Year_Birth", "1913", "year_birth: age outside 18 to 100"),
    ("Year_Birth", "1997", "year_birth: age outside 18 to 100"),
    ("Year_Birth", "1980.5", "year_birth: not a whole number"),
    ("Dt_Customer", "", "enrolled_on: missing"),
    ("Dt_Customer", "31-02-2013", "enrolled_on: not a date"),
    ("Dt_Customer", "soon", "enrolled_on: not a date"),
    ("Dt_Customer", "01-01-0000", "enrolled_on: not a date"),
    ("Dt_Customer", "01-07-2014", "enrolled_on: outside 2000-01-01 to 2014-06-30"),
    ("Dt_Customer", "31-12-1999", "enrolled_on: outside 2000-01-01 to 2014-06-30"),
    ("Dt_Customer", "05-05-0099", "enrolled_on: outside 2000-01-01 to 2014-06-30"),
    ("Dt_Customer", "31-12-9999", "enrolled_on: outside 2000-01-01 to 2014-06-30"),
    ("Education", "", "education: missing"),
    ("Education", "Doctor", "education: unknown category"),
    ("Education", "Not stated", "education: missing"),
    ("Dt_Customer", "2013-02-01", "enrolled_on: not a date"),
    ("Marital_Status", "YOLO", "marital_status: unknown category"),
]
KEPT = [
    ("Year_Birth", "1914", "year_birth", 1914.0),
    ("Year_Birth", "1996", "year_birth", 1996.0),
    ("Year_Birth", " 1957.0 ", "year_birth", 1957.0),
    ("Dt_Customer", "30-06-2014", "enrolled_on", datetime(2014, 6, 30)),  # noqa: DTZ001
    ("Dt_Customer", "1-1-2000", "enrolled_on", datetime(2000, 1, 1)),  # noqa: DTZ001
    ("Dt_Customer", "29-02-2012 10:00", "enrolled_on", datetime(2012, 2, 29)),  # noqa: DTZ001
    ("Complain", "Yes", "complained", 1.0),
    ("Response", "false", "responded", 0.0),
    ("Income", "0", "income", 0.0),
    ("Income", "1e12", "income", 1e12),
    ("Education", "2n Cycle", "education", "second_cycle"),
    ("Education", " PHD ", "education", "phd"),
    ("Marital_Status", "Alone", "marital_status", "single"),
]


def test_a_row_that_breaks_one_rule_is_quarantined_for_it_alone(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    rows = [sent(**{"ID": f"{n}", header: cell}) for n, (header, cell, _) in enumerate(BREAKING)]
    found = checked([*rows, sent(ID="last")], frame_of)
    assert found.reasons == {n: [reason] for n, (*_, reason) in enumerate(BREAKING, 1)}
    assert [row[KEY] for row in found.customers] == ["last"]


def test_the_ends_of_every_range_and_known_spellings_are_kept(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    rows = [sent(**{"ID": f"{n:02}", header: cell}) for n, (header, cell, *_) in enumerate(KEPT)]
    found = checked(rows, frame_of)
    assert found.reasons == {}
    for customer, (*_, column, value) in zip(found.customers, KEPT, strict=True):
        assert customer[column] == value


def test_a_key_is_its_trimmed_text(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    found = checked([sent(ID=" 007\t"), sent(ID="7"), sent(ID="0")], frame_of)
    assert [row[KEY] for row in found.customers] == ["0", "007", "7"]


def test_a_row_is_quarantined_with_all_its_reasons_and_its_cells_as_sent(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    broken = sent(
        Income=" NA ",
        Year_Birth="1893",
        MntWines="-5",
        Dt_Customer="2013-02-30",
        Education="Doctor",
        Complain="inf",
    )
    found = checked([broken], frame_of)
    assert sorted(found.reasons[1]) == [
        "complained: not finite",
        "education: unknown category",
        "enrolled_on: not a date",
        "income: missing",
        "spend_wines: negative",
        "year_birth: age outside 18 to 100",
    ]
    (row,) = found.quarantine
    assert {header: row[f"sent_{header}"] for header in broken} == broken
    assert (row["customer_id"], row["source_name"]) == ("5524", "customers.csv")
    assert row["source_sha256"] == "0" * 64


def test_rows_equal_in_every_cell_are_repeats_and_the_lowest_stays(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    rows = [sent(ID="1"), sent(ID="2"), sent(ID="1"), sent(ID="1")]
    found = checked(rows, frame_of)
    assert [row[KEY] for row in found.customers] == ["1", "2"]
    assert (found.quarantine, found.repeats) == ([], [3, 4])


def test_a_broken_row_that_repeats_is_quarantined_once(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    found = checked([sent(ID="2"), sent(Income=""), sent(Income="")], frame_of)
    assert found.reasons == {2: ["income: missing"]}
    assert found.repeats == [3]


def test_rows_without_a_key_repeat_but_do_not_conflict(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    rows = [sent(ID=""), sent(ID="", Income="1"), sent(ID=""), sent(ID="NA")]
    found = checked(rows, frame_of)
    assert found.reasons == {n: ["customer_id: missing"] for n in (1, 2, 4)}
    assert found.repeats == [3]


def test_a_key_with_different_values_condemns_all_its_rows(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    rows = [sent(ID="1"), sent(ID="2"), sent(ID=" 1 ", Income="7"), sent(ID="1", Income="")]
    found = checked(rows, frame_of)
    different = "customer_id: appears with different values"
    assert found.reasons == {1: [different], 3: [different], 4: [different, "income: missing"]}
    assert [row[KEY] for row in found.customers] == ["2"]


def test_a_column_that_the_contract_does_not_know_still_tells_rows_apart(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    rows = [sent(Z_Revenue="11"), sent(Z_Revenue="12")]
    found = checked(rows, frame_of)
    assert set(found.reasons) == {1, 2}


def test_cells_that_hold_separators_do_not_make_other_rows_equal(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    rows = [sent(Note="a\x1fb", Other="c"), sent(Note="a", Other="b\x1fc")]
    assert checked(rows, frame_of).repeats == []


def test_headers_may_be_any_words(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    words = ["reasons", "is_repeat", "is_conflict", "same_key", "first", "whole_row"]
    extra = dict.fromkeys(words, "x")
    found = checked([sent(**extra), sent(**extra), sent(**extra, ID="2", Income="")], frame_of)
    assert (len(found.customers), found.repeats) == (1, [2])
    assert found.reasons == {3: ["income: missing"]}
    assert found.quarantine[0]["sent_reasons"] == "x"


def test_the_windows_are_those_configured(
    checked: Callable[..., Outcome],
    sent: Callable[..., Any],
    frame_of: Callable[..., Any],
    customers_block: dict[str, Any],
) -> None:
    age = {"minimum": 21, "maximum": 60}
    windows = ("columns.year_birth.age", age), ("columns.enrolled_on.earliest", "2013-01-01")
    parameters = Schema.model_validate(changed(customers_block, *windows))
    rows = [sent(ID="1", Year_Birth="1994"), sent(ID="2", Year_Birth="1953"), sent(ID="3")]
    found = checked([*rows, sent(ID="4", Dt_Customer="01-01-2013")], frame_of, parameters)
    assert found.reasons == {
        1: ["year_birth: age outside 21 to 60", "enrolled_on: outside 2013-01-01 to 2014-06-30"],
        2: ["year_birth: age outside 21 to 60", "enrolled_on: outside 2013-01-01 to 2014-06-30"],
        3: ["enrolled_on: outside 2013-01-01 to 2014-06-30"],
    }
    assert [row[KEY] for row in found.customers] == ["4"]


def test_a_column_has_the_range_and_the_window_that_a_schema_gives_it(
    checked: Callable[..., Outcome],
    sent: Callable[..., Any],
    frame_of: Callable[..., Any],
    customers_block: dict[str, Any],
) -> None:
    day = {"kind": "date", "headers": ["Visit"], "earliest": "2014-01-01"}
    changes = (
        ("columns.recency_days.minimum", 10),
        ("columns.income.maximum", 99_999.5),
        ("columns.balance", {"kind": "number", "minimum": -5}),
        ("columns.visited_on", day),
    )
    parameters = Schema.model_validate(changed(customers_block, *changes))
    good = {"balance": "-5", "Visit": "2014-06-30"}
    rows = [
        sent(ID="1", Recency="10", Income="99999.5") | good,
        sent(ID="2", Recency="9", Income="99999.51") | good,
        sent(ID="3") | good | {"balance": "-5.5", "Visit": "2013-12-31"},
    ]
    needed = parameters.columns
    found = checked(rows, frame_of, parameters, needed)
    assert found.reasons == {
        2: ["income: above 99999.5", "recency_days: below 10"],
        3: ["balance: below -5", "visited_on: outside 2014-01-01 to 2014-06-30"],
    }
    (kept,) = found.customers
    assert (kept["balance"], kept["visited_on"].isoformat()) == (-5.0, "2014-06-30T00:00:00")


@pytest.mark.spark
def test_spark_finds_the_same_of_every_row(
    sent: Callable[..., Any],
    bronze_of: Callable[..., Any],
    records_of: Callable[..., Records],
    customer_parameters: Schema,
    spark: Any,
) -> None:
    # Only the headers that are about something, to spare time; and one of signs.
    headers = dict.fromkeys(["ID", *(header for header, *_ in (*BREAKING, *KEPT))])
    good = {header: sent()[header] for header in headers} | {"Note; net": ""}
    cells = enumerate((*BREAKING, *KEPT))
    rows = [good | {"ID": f"{n}", header: cell} for n, (header, cell, *_) in cells]
    # A repeat, a conflict, a repeat in conflict, and nobody.
    again = [rows[0], rows[1] | {"Note; net": "x"}, rows[1], good | {"ID": ""}]

    def verdicts(engine: Callable[..., Any]) -> tuple[Records, Records]:
        bronze = nw.from_native(bronze_of([*rows, *again], engine)).lazy()
        mapped = map_headers(bronze.collect_schema().names(), customer_parameters)
        reading = settle(bronze, mapped, customer_parameters)
        found = check_customers(bronze, reading, COLUMNS)
        verdicts = sorted(records_of(found.rows.to_native()), key=lambda row: row["row_number"])
        return verdicts, records_of(found.quarantined(reading, COLUMNS).to_native())

    of_spark = verdicts(lambda columns: spark.createDataFrame(pa.table(columns)))
    assert of_spark == verdicts(pd.DataFrame)


def test_headers_are_trimmed_and_aliases_and_canonical_names_both_map(
    customer_parameters: Schema,
) -> None:
    headers = [" ID ", "income", "MntWines", "Z_Revenue", *ADDED]
    mapped = map_headers(headers, customer_parameters)
    assert mapped == {"customer_id": " ID ", "income": "income", "spend_wines": "MntWines"}


def test_a_column_that_nothing_needs_condemns_no_row_and_its_losses_are_counted(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    odd = [
        {"Recency": "", "Education": "Doctor", "Dt_Customer": "soon"},
        {"Recency": "-1", "Complain": "2", "AcceptedCmp1": "0.5"},
        {"Recency": "x", "Income": "x"},
        {},
    ]
    rows = [sent(ID=str(number), **cells) for number, cells in enumerate(odd)]
    found = checked(rows, frame_of, needed=["income"])
    assert found.reasons == {3: ["income: not a number"]}
    kept = [
        {name for name, value in customer.items() if value is None or value != value}  # noqa: PLR0124 - NaN
        for customer in found.customers
    ]
    assert kept == [
        {"recency_days", "education", "enrolled_on"},
        {"recency_days", "complained", "accepted_campaign_1"},
        set(),
    ]
    assert found.lost_values == {
        "education: unknown category": 1,
        "enrolled_on: not a date": 1,
        "recency_days: missing": 1,
        "recency_days: negative": 1,
        "accepted_campaign_1: not a whole number": 1,
        "complained: above 1": 1,
    }


def test_the_loss_of_one_column_alone_is_counted(
    checked: Callable[..., Outcome], sent: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    found = checked([sent(Dt_Customer="soon")], frame_of, needed=["income"])
    assert found.lost_values == {"enrolled_on: not a date": 1}


def test_two_headers_for_one_column_are_refused_by_name(
    customer_parameters: Schema,
) -> None:
    with pytest.raises(UserError, match=r"'Income' and ' income' both stand for `income`"):
        map_headers(["ID", "Income", " income"], customer_parameters)


def test_every_missing_column_is_named_with_its_alias_and_the_file(
    customer_parameters: Schema,
) -> None:
    required = ["customer_id", "income", "year_birth"]
    with pytest.raises(UserError) as caught:
        require_columns(["ID"], {"customer_id": "ID"}, required, customer_parameters, "export.csv")
    message = str(caught.value)
    assert message.startswith("export.csv: no column for `income` (header Income or income)")
    assert "`year_birth` (header Year_Birth or year_birth)" in message
    assert "customer_id" not in message
    assert "add it to the column's headers in conf/schemas/marketing_campaign.yml" in message


DIRT = st.one_of(
    st.sampled_from(
        [
            *("", " ", "NA", "N/A", "null", "None", "nan", "-NaN", "inf", "-Infinity", "1e999"),
            *("-1e999", "1e308", "9" * 40, "-1", "-0", "0.5", "+7", "1,5", "1e5", "0x10", "007"),
            *("31-02-2013", "29-02-2012", "2013-02-28", "30/06/2014", "1-1-1", "01-01-0000"),
            *("05-05-0099", "31-12-9999", "2n Cycle", "Alone", "YOLO", "PhD ", "\ufeff1", "\x1f1"),
            *('"', '"1"', "'", "\\", "1\n2", "a\x1fb", "\x00", "\u202e1", "\xa05\xa0", "İ", "ẞ"),
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.floats().map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.dates(date(1, 1, 1)).map(lambda day: day.strftime("%d-%m-%Y")),
)

ONE_A_RULE = ["ID", "Year_Birth", "Education", "Income", "Dt_Customer", "Complain"]


@st.composite
def exports(draw: st.DrawFn, good_row: dict[str, str]) -> Rows:
    """Rows of which some are dirty, some share a key, and some repeat another one.

    One header a rule, to spare time, and one that the contract does not know.
    """
    good = {header: good_row[header] for header in ONE_A_RULE} | {"Note": ""}
    keys = st.sampled_from(["1", " 1", "2", "3", "4", "5", "6", "", "NA", "é"])
    changes = st.dictionaries(st.sampled_from(sorted(good)), DIRT, max_size=3)
    rows = [good | {"ID": draw(keys)} | draw(changes) for _ in range(draw(st.integers(1, 15)))]
    again = draw(st.lists(st.sampled_from(range(len(rows))), max_size=4))
    return draw(st.permutations(rows + [rows[index] for index in again]))


def keeps_the_contract(customer: dict[str, Any]) -> bool:
    for column in (COLUMNS[name] for name in customer if name in COLUMNS):
        value = customer[column.name]
        if column.kind == "key":
            kept = isinstance(value, str) and value != ""
        elif column.kind == "category":
            kept = value in column.categories
        elif column.kind == "date":
            kept = datetime(2000, 1, 1) <= value <= datetime(2014, 6, 30)  # noqa: DTZ001
        else:
            low = 1914.0 if column.name == "year_birth" else column.minimum
            high = 1996.0 if column.name == "year_birth" else column.maximum
            kept = low <= value <= high and (not column.whole or value.is_integer())
        if not kept:
            return False
    return True


def by_content(found: Outcome) -> Counter[tuple[Any, ...]]:
    return Counter(
        tuple(value for name, value in row.items() if name != "row_number")
        for row in found.quarantine
    )


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_row_is_in_one_place_whatever_the_dirt_the_engine_and_the_order(
    data: st.DataObject, checked: Callable[..., Outcome], sent: Callable[..., Any]
) -> None:
    rows = data.draw(exports(sent()))
    found = checked(rows, pd.DataFrame)
    assert found == checked(rows, pl.DataFrame)

    quarantined = {row["row_number"] for row in found.quarantine}
    assert len(found.customers) + len(found.quarantine) + len(found.repeats) == len(rows)
    assert len(quarantined) == len(found.quarantine)
    assert quarantined.isdisjoint(found.repeats)
    keys = [row[KEY] for row in found.customers]
    assert len(set(keys)) == len(keys)
    assert all(keeps_the_contract(customer) for customer in found.customers)
    assert all(reason.split(":")[0] in COLUMNS for r in found.reasons.values() for reason in r)

    distinct = {tuple(row.values()): number for number, row in reversed([*enumerate(rows, 1)])}
    assert found.repeats == sorted({*range(1, len(rows) + 1)} - {*distinct.values()})

    shuffled = list(rows)
    random.Random(len(rows)).shuffle(shuffled)  # noqa: S311 - no secret
    other = checked(shuffled, pl.DataFrame)
    assert other.customers == found.customers
    assert by_content(other) == by_content(found)
    assert len(other.repeats) == len(found.repeats)
