"""A schema: what is wrong in it is named before any data is read, and what it says of columns."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.parts import KEY, Column
from customer_segmentation.schema.schema import Schema
from tests.marketing import (
    COLUMNS,
    CONTRACT,
    FEATURES,
    FOLDER,
    NOTHING,
    OUTCOMES,
    SCHEMA,
    changed,
)

# Of a small shop, with one of each kind of column.
SHOP: dict[str, Any] = {
    "as_of": "2014-06-30",
    "money": {"unit": "euros", "period": "one year"},
    "groups": {"product": {"tea": "tea", "rice": "brown rice"}},
    "columns": {
        "customer_id": {"kind": "key", "headers": ["Id"]},
        "born": {"kind": "year", "age": {"minimum": 18, "maximum": 100}, "at_sign_up": True},
        "joined_on": {"kind": "date", "earliest": "2000-01-01", "headers": ["Since"]},
        "area": {"kind": "category", "categories": {"town": ["City"], "country": []}},
        "income": {"kind": "money", "label": "yearly income", "at_sign_up": True},
        "spend_{product}": {
            "kind": "money",
            "headers": {"tea": ["Tea"], "rice": ["Rice", "Brown"]},
            "label": "spend on {product.label}",
            "description": "Spend on {product} in {period}",
        },
        "visits": {"kind": "count", "unit": "visits"},
        "loyalty": {"kind": "share"},
        "balance": {"kind": "number", "unit": "points"},
        "answered": {"kind": "flag", "outcome": True},
    },
    "features": {
        "age": {"formula": "as_of.year - born", "unit": "years"},
        "spend_total": {"formula": "sum(spend_{product})", "kind": "money"},
        "spend_share_{product}": {"formula": "spend_{product} / spend_total", "kind": "share"},
        "answers": {"formula": "answered + 0"},
    },
    "roles": {"income": "income", "spend": "spend_total", "product": "spend_{product}"},
    "segment_features": ["income", "spend_total"],
    "sign_up_features": ["age", "income"],
    "card": {"who": ["age", "affluence_tier=affluent"], "habits": ["spend_total", "visits"]},
}


def refusal(block: dict[str, Any]) -> str:
    """What is wrong with a block, in one line a problem: its place and its message."""
    with pytest.raises(ValidationError) as caught:
        Schema.model_validate(block)
    return "\n".join(
        f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in caught.value.errors()
    )


def shop(*changes: tuple[str, object]) -> Schema:
    return Schema.model_validate(changed(SHOP, *changes))


def test_the_shipped_parameters_are_valid(customer_parameters: Schema) -> None:
    assert customer_parameters == SCHEMA
    assert customer_parameters.as_of == date(2014, 6, 30)
    assert len(customer_parameters.aliases) == 27


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yml")), ids=lambda file: file.stem)
def test_every_shipped_schema_is_valid_and_survives_the_way_through_an_artifact(file: Any) -> None:
    schema = read_schema(file)
    text = json.dumps(schema.model_dump(mode="json"))
    again = Schema.model_validate_json(text)
    assert again.columns == schema.columns
    assert again.labels == schema.labels
    assert [*again.features] == [*schema.features]
    assert [*again.decisions] == [*schema.decisions]
    assert json.dumps(again.model_dump(mode="json")) == text


def test_a_day_may_be_text_as_the_command_line_gives_it(customers_block: dict[str, Any]) -> None:
    block = customers_block | {"as_of": "2015-01-31"}
    assert Schema.model_validate(block).as_of == date(2015, 1, 31)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("columns.income.headers", [5], "string"),
        ("columns.income.header", ["Salary"], "not permitted"),
        ("columns.income.kind", "amount", "'money'"),
        ("columns.income.kind", NOTHING, "required"),
        ("columns.income.minimum", float("nan"), "finite"),
        ("date_formats", ["%d-%m-%y"], "add `customers.two_digit_years_before: 30`"),
        ("two_digit_years_before", 1930, "less than or equal to 100"),
        ("decimal_sign", ";", "'.' or ','"),
        ("thousands_sign", ".", "decimal_sign: it and thousands_sign are '.'"),
        ("ignored_signs", ["k.r"], "contain digits, signs or separators of numbers"),
        ("flags", {True: 1}, "in quotes"),
        ("flags", {"maybe": 2}, "0 or 1"),
        ("date_formats", ["%d-%m/%Y"], "one separator"),
        ("date_formats", ["%d-%d-%Y"], "once each"),
        ("date_formats", ["%d-%Y"], "once each"),
        ("date_formats", ["%d, %m, %Y"], "one separator"),
        ("date_formats", ["%d-%m-%Y %H"], "one separator"),
        ("date_formats", ["%A"], "or give excel"),
        ("date_formats", ["%d-%Y-%m"], "%Y first or last"),
        ("date_formats", ["%d-%m-%Y "], "one separator"),
        ("date_formats", [], "at least 1"),
        ("date_formats", "%d-%m-%Y", "list"),
        ("as_of", "30.06.2014", "date"),
        ("as_of", "2014-02-30", "date"),
        ("missing_values", "NA", "list"),
        ("missing_values", ["NA", 0], "string"),
        ("as_off", "2014-06-30", "not permitted"),
        ("columns.joined_on.earliest", NOTHING, "a date needs `earliest`"),
        ("columns.joined_on.earliest", "1899-12-31", "1900"),
        ("columns.born.age", NOTHING, "a year needs `age`"),
        ("columns.born.age", {"minimum": "18", "maximum": 100}, "integer"),
        ("columns.born.age", {"minimum": -1, "maximum": 100}, "greater than or equal to 0"),
        ("columns.born.age", {"minimum": 18}, "required"),
        ("columns.born.age", {"minimum": 18, "maximum": 100, "mean": 50}, "not permitted"),
        ("columns.income.age", {"minimum": 1, "maximum": 2}, "`age` is only for a year"),
        ("columns.income.earliest", "2000-01-01", "`earliest` is only for a date"),
        ("columns.income.categories", {"much": ["1"]}, "`categories` is only for a category"),
        ("columns.area.categories", {}, "a category needs `categories`"),
        ("columns.area.categories", {"town": [5]}, "string"),
        ("columns.area.categories", {"Town": []}, "should match pattern"),
        ("columns.area.categories", {"old town": []}, "should match pattern"),
        ("columns.area.other", "abroad", "other: `abroad` is none of its categories"),
        ("columns.income.other", "town", "other: `town` is none of its categories"),
        ("columns.area.minimum", 0, "a category has no minimum and no maximum"),
        ("columns.born.minimum", 1900, "a year has no minimum and no maximum"),
        ("columns.answered.maximum", 2, "a flag has no minimum and no maximum"),
        ("columns.income.from_row", True, "`from_row` is only for the key"),
        ("columns.income.from_float", True, "`from_float` is only for the key"),
        ("columns.answered.at_sign_up", True, "an outcome is not known at sign-up"),
        ("segment_features", ["income"], "at least 2"),
        ("segment_features", "income", "list"),
        ("money", {"unit": "euros"}, "required"),
        ("groups", {"Product": {"tea": "tea"}}, "should match pattern"),
        ("features.age.formula", NOTHING, "required"),
        ("features.age.kind", "years", "'money'"),
        ("roles.incomes", "income", "not permitted"),
        ("roles.means", "income", "list"),
    ],
)
def test_what_is_wrong_is_said_with_the_name_of_the_parameter(
    path: str, value: object, message: str
) -> None:
    said = refusal(changed(SHOP, (path, value)))
    # The check of a column, which is of more than one key, names the column.
    assert any(key in said for key in path.split(".")[-2:])
    assert message in said


@pytest.mark.parametrize(
    ("name", "rule", "message"),
    [
        ("balance", {"log": True}, "scaling.balance: it may be below 0, where there is no log"),
        ("change", {"log": True}, "scaling.change: it may be below 0, where there is no log"),
        ("area", {"log": True}, "scaling.area: a category has a weight, but no log and no cap"),
        ("area", {"cap": 0.9}, "scaling.area: a category has a weight, but no log and no cap"),
    ],
)
def test_a_scaling_that_a_feature_cannot_have_is_refused(
    name: str, rule: dict[str, Any], message: str
) -> None:
    formula = {"formula": "balance - visits"}
    block = changed(SHOP, ("features.change", formula), ("segment_features", ["income", name]))
    assert message in refusal(changed(block, ("scaling", {name: rule})))


def test_what_cannot_be_below_0_has_a_logarithm() -> None:
    formula = {"formula": "max(0, balance - visits)"}
    names = ["gain", "spend_total", "visits", "area"]
    made = shop(
        ("features.gain", formula),
        ("segment_features", names),
        ("scaling", {key: {"log": True} for key in names[:3]}),
    )
    assert made.segment_numbers == {
        **{name: name for name in names[:3]},
        "area_town": "area",
        "area_country": "area",
    }


@pytest.mark.parametrize("name", ["as_of", "money", "columns", "segment_features"])
def test_what_a_schema_is_about_may_not_be_left_out(name: str) -> None:
    assert f"{name}: Field required" in refusal(changed(SHOP, (name, NOTHING)))


def test_parameters_do_not_change(customer_parameters: Schema) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        customer_parameters.as_of = date(2020, 1, 1)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "columns.born.age",
            {"minimum": 90, "maximum": 20},
            "minimum (90) is above maximum (20)",
        ),
        (
            "columns.joined_on.earliest",
            "2030-01-01",
            "columns.joined_on: earliest (2030-01-01) is after as_of (2014-06-30)",
        ),
        ("columns.visits.maximum", -1, "columns.visits: minimum (0) is above maximum (-1)"),
        ("columns.balance.minimum", 1e15, "columns.balance: minimum (1e+15) is above maximum"),
    ],
)
def test_windows_that_hold_nothing_are_refused(path: str, value: object, message: str) -> None:
    assert message in refusal(changed(SHOP, (path, value)))


A_FLAG = {"kind": "flag"}
A_DATE = {"kind": "date", "earliest": "2000-01-01"}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("columns.customer_id", NOTHING, "`customer_id` must be there, and be the one of kind key"),
        ("columns.customer_id.kind", "count", "`customer_id` must be there"),
        ("columns.email", {"kind": "key"}, "the one of kind key"),
        ("columns.segment", A_FLAG, "['segment'] are names of answers: choose others"),
        ("columns.as_of", A_DATE, "['as_of'] are names of answers"),
        ("columns.sample_key", {"kind": "number"}, "['sample_key'] are names of answers"),
        ("columns.source_name", {"kind": "number"}, "['source_name'] are names of answers"),
        ("features.offer", {"formula": "income + 1"}, "['offer'] are names of answers"),
        ("features.as_of_year", {"formula": "income + 1"}, "['as_of_year'] are names of answers"),
        ("columns.visits.headers", ["Since"], "columns: ['Since'] are headers of two columns"),
        ("columns.visits.headers", ["income"], "columns: ['income'] are headers of two columns"),
        ("columns.spend_tea", {"kind": "money"}, "columns: ['spend_tea'] stand twice"),
        # A date gives two numbers, which no other column and no feature may shadow.
        ("columns.joined_day", {"kind": "count"}, "two things give the numbers ['joined_day']"),
        ("columns.joined", A_DATE, "two things give the numbers ['joined_day', 'joined_year']"),
        ("features.joined_year", {"formula": "born + 1"}, "the numbers ['joined_year']"),
        ("columns.area_town", A_FLAG, "columns.area: `area_town` is there already"),
        ("columns.Income (EUR)", {"kind": "money"}, "`Income (EUR)`: begin a name with a letter"),
        ("columns.2nd", A_FLAG, "`2nd`: begin a name with a letter"),
        ("features.Big", {"formula": "income + 1"}, "`Big`: begin a name with a letter"),
        ("columns.paid_{product.label}", {"kind": "money"}, "`paid_brown rice`: begin a name"),
        ("columns.paid_{produkt}", {"kind": "money"}, "no group `produkt`: did you mean product?"),
        ("columns.paid_{city}", {"kind": "money"}, "no group `city`: there are product"),
        ("columns.{product}_{product}", {"kind": "money"}, "a name has one group in it"),
        ("columns.income.label", "income of {product}", "columns.income: `{product}` is not known"),
        ("columns.income.label", "of {month}", "is not known here: there are {period}"),
        (
            "columns.spend_{product}.description",
            "In {prodct.label}",
            (
                "columns.spend_{product}: `{prodct.label}` is not known here: there are {period}, "
                "{product}, {product.label}"
            ),
        ),
        ("features.age.label", "age by {product}", "features.age: `{product}` is not known here"),
        ("columns.spend_{product}.headers", ["Tea"], "give its headers by member"),
        ("columns.spend_{product}.headers", {"coffee": ["C"]}, "['coffee'] are no members"),
        ("columns.income.headers", {"tea": ["Income"]}, "columns.income: give its headers as a li"),
        ("columns.area.categories", {"town": ["City"], "country": ["CITY "]}, "['city'] stand for"),
        ("columns.area.categories", {"town": ["Country"], "country": []}, "['country'] stand for"),
    ],
)
def test_two_things_with_one_name_and_names_that_are_none_are_refused(
    path: str, value: object, message: str
) -> None:
    assert message in refusal(changed(SHOP, (path, value)))


def test_two_categories_whose_values_give_one_feature_are_refused() -> None:
    categories = {"kind": "category", "categories": {"town_hall": [], "hall": []}}
    other = {"kind": "category", "categories": {"hall": []}}
    block = changed(SHOP, ("columns.area", categories), ("columns.area_town", other))
    assert "columns.area_town: `area_town_hall` is there already" in refusal(block)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "features.age.formula",
            "as_of.year - borne",
            "features.age: `borne` is not known: did you mean born?",
        ),
        (
            "features.age.formula",
            "as_of.year - spend_total",
            "features.age: `spend_total` is not known: did you mean spend_tea?",
        ),
        ("features.age.formula", "is(area, twn)", "no value twn: did you mean town?"),
        ("features.age.formula", "lgo(income)", "features.age: `lgo(income)` is not allowed"),
        ("features.age.formula", "import os", "features.age: `import os` is no line of arithmetic"),
        (
            "features.spend_total.formula",
            "sum(spend_{produce})",
            "features.spend_total: there is no group `produce`: did you mean product?",
        ),
        (
            "features.spend_share_{product}.formula",
            "spnd_{product} / spend_total",
            "features.spend_share_{product}: `spnd_tea` is not known: did you mean spend_tea?",
        ),
        ("features.income", {"formula": "born + 1"}, "features.income: `income` is there already"),
        ("features.area_town", {"formula": "born + 1"}, "`area_town` is there already"),
        ("features.spend_{product}", {"formula": "born + 1"}, "`spend_tea` is there already"),
    ],
)
def test_what_is_wrong_with_a_feature_is_said_with_its_name(
    path: str, value: object, message: str
) -> None:
    assert message in refusal(changed(SHOP, (path, value)))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("roles.income", "incme", "roles.income: `incme` is no feature and no number: did you mea"),
        ("roles.income", "area", "roles.income: `area` is no feature and no number"),
        ("roles.income", "joined_on", "roles.income: `joined_on` is no feature and no number"),
        ("roles.income", "spend_{product}", "roles.income: `spend_{product}` is no feature"),
        ("roles.means", ["income", "kids"], "roles.means: `kids` is no feature and no number"),
        ("roles.product", "spend_total", "roles.product: `spend_total` is no pattern such as"),
        ("roles.product", "cost_{product}", "roles.product: `cost_tea` is no feature and no"),
        ("roles.product", "spend_{produce}", "roles.product: there is no group `produce`: did"),
        ("segment_features", ["income", "incme"], "segment_features: `incme` is no feature and"),
        ("segment_features", ["income", "income"], "segment_features: one stands twice"),
        ("segment_features", ["income", "customer_id"], "`customer_id` is no feature and no num"),
        ("segment_features", ["income", "joined_on"], "`joined_on` is no feature and no number"),
        (
            "segment_features",
            ["area", "area_town"],
            "segment_features: ['area_town'] stand twice, once in their category",
        ),
        ("scaling", {"spend_totl": {}}, "not among segment_features: did you mean spend_total?"),
        ("scaling", {"income": {"wieght": 2}}, "scaling.income.wieght"),
        ("scaling", {"income": {"weight": 0}}, "scaling.income.weight: Input should be greater"),
        ("scaling", {"income": {"cap": 1.5}}, "scaling.income.cap: Input should be less"),
        (
            "segment_features",
            ["income", "answered"],
            "`answered` comes from campaign answers, which segments must not see (answered)",
        ),
        (
            "segment_features",
            ["income", "answers"],
            "`answers` comes from campaign answers, which segments must not see (answered)",
        ),
        ("sign_up_features", ["age", "age"], "sign_up_features: one stands twice"),
        ("sign_up_features", ["x"], "sign_up_features: `x` is no feature and no number"),
        ("sign_up_features", ["area"], "sign_up_features: `area` is a code without distances"),
        (
            "sign_up_features",
            ["spend_total"],
            (
                "sign_up_features: `spend_total` needs spend_rice, spend_tea, not known at "
                "sign-up: mark it `at_sign_up: true` if it is"
            ),
        ),
        ("card.who", ["agee"], "card.who: `agee` is no feature and no number: did you mean age?"),
        ("card.habits", ["area_town"], "card.habits: `area_town` is no feature and no number"),
        (
            "card.who",
            ["affluence_tier"],
            "write affluence_tier=modest, affluence_tier=comfortable, affluence_tier=affluent",
        ),
        ("card.who", ["affluence_tier=rich"], "card.who: `affluence_tier=rich`: write affluence"),
        ("card.who", ["age=old"], "card.who: `age=old`: write age"),
    ],
)
def test_a_part_is_played_by_what_is_there_and_may_play_it(
    path: str, value: object, message: str
) -> None:
    assert message in refusal(changed(SHOP, (path, value)))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("orders.time", "when", "orders.time: `when` is no date among orders.columns"),
        ("orders.columns.customer_id", NOTHING, "orders.columns: `customer_id` must be there"),
        ("orders.columns.invoice.headers", ["Quantity"], "orders.columns: ['Quantity'] are head"),
        ("orders.columns.row_number", {"kind": "text"}, "orders.columns: ['row_number'] are names"),
        (
            "orders.features.amount.formula",
            "quantity * unit_prize",
            "orders.features.amount: `unit_prize` is not known: did you mean unit_price?",
        ),
        (
            "columns.spend_bought.aggregate",
            "sum(boght)",
            "columns.spend_bought: aggregate: `boght` is not known: did you mean bought?",
        ),
        ("columns.lines.aggregate", NOTHING, "columns.lines: needs `aggregate`, since"),
        ("orders.columns.quantity.aggregate", "count()", "quantity: `aggregate` is for columns of"),
        ("columns.lines.aggregate", "median(amount)", "`median(amount)` is no aggregate: write"),
        ("columns.lines.aggregate", "first(amont)", "`amont` is not known: did you mean amount?"),
        ("columns.lines.aggregate", "last(customer_id)", "have the same key"),
        ("columns.lines.aggregate", "last(invoice)", "gives a text, which a count cannot hold"),
        ("columns.last_order_on.aggregate", "sum(amount)", "gives a number, which a date cannot"),
        (
            "columns.last_way",
            {"kind": "category", "categories": {"web": []}, "aggregate": "last(way)"},
            "`last(way)` may give till: add to the column's categories",
        ),
        ("columns.lines.aggregate", 'sum(starts(amount, "C"))', "`amount` is no text"),
        ("columns.lines.aggregate", "sum(starts(invoice, C))", 'write starts(text, "its first'),
        ("columns.lines.aggregate", "sum(invoice)", 'write starts(invoice, "its first signs")'),
        (
            "features.cancels",
            {"formula": 'starts(last_invoice, "C")'},
            "features.cancels: `starts` is only for order lines",
        ),
        ("orders", NOTHING, "columns: `aggregate` is only for a schema with `orders`"),
        (
            "orders.lifetime.purchase",
            "boght",
            "orders.lifetime.purchase: `boght` is no feature and no number: did you mean bought?",
        ),
        ("orders.lifetime.spend", "invoice", "orders.lifetime.spend: `invoice` is no feature and"),
        ("orders.lifetime.margin", 0.0, "orders.lifetime.margin: Input should be greater than 0"),
        (
            "features.lifetime_value",
            {"formula": "spend_bought"},
            "orders.lifetime: ['lifetime_value'] are names of what it tells",
        ),
    ],
)
def test_what_is_wrong_with_order_lines_is_said_with_its_place(
    path: str, value: object, message: str
) -> None:
    lines = read_schema(FOLDER / "online_retail.yml").model_dump(mode="json")
    way = {"kind": "category", "categories": {"web": [], "till": []}}
    text = {"kind": "text", "aggregate": "last(invoice)"}
    added = (("orders.columns.way", way), ("columns.last_invoice", text))
    assert message in refusal(changed(lines, *added, (path, value)))


def test_a_card_may_name_a_decision_that_the_roles_do_not_allow() -> None:
    schema = shop(("roles", {}), ("card.habits", ["offer=discount", "likely_to_spend"]))
    assert not schema.decisions


def test_a_schema_without_features_roles_and_a_cold_start_is_whole() -> None:
    bare = shop(
        *((key, NOTHING) for key in ("features", "roles", "card", "sign_up_features", "groups")),
        ("columns.spend_{product}", NOTHING),
        ("segment_features", ["income", "visits"]),
    )
    assert [*bare.features] == ["area_town", "area_country"]
    assert not bare.decisions


def test_a_pattern_stands_for_a_column_or_feature_a_member_in_its_place() -> None:
    schema = shop()
    assert [*schema.columns] == [
        *("customer_id", "born", "joined_on", "area", "income", "spend_tea", "spend_rice"),
        *("visits", "loyalty", "balance", "answered"),
    ]
    assert [*schema.features] == [
        *("area_town", "area_country", "age", "spend_total", "spend_share_tea"),
        *("spend_share_rice", "answers"),
    ]
    rice = schema.columns["spend_rice"]
    assert rice.label == "spend on brown rice"
    assert rice.description == "Spend on rice in one year"
    assert schema.features["spend_total"].inputs == ("spend_tea", "spend_rice")
    assert schema.features["spend_share_rice"].inputs == ("spend_rice", "spend_total")
    assert schema.members_of("spend_{product}") == {"tea": "spend_tea", "rice": "spend_rice"}
    assert schema.members_of("income") == schema.members_of("") == {}


def test_members_may_be_numbers() -> None:
    groups = {"product": {0: "tea", 1: "rice"}}
    headers = {0: ["Tea"], 1: ["Rice"]}
    schema = shop(("groups", groups), ("columns.spend_{product}.headers", headers))
    assert schema.members_of("spend_{product}") == {"0": "spend_0", "1": "spend_1"}
    assert schema.aliases["Tea"] == "spend_0"
    assert schema.decisions["product"].labels == ("0", "1")


def test_a_header_stands_for_its_column() -> None:
    assert shop().aliases == {
        "Id": "customer_id",
        "Since": "joined_on",
        "Tea": "spend_tea",
        "Rice": "spend_rice",
        "Brown": "spend_rice",
    }


def test_a_spelling_stands_for_its_category() -> None:
    assert shop().spellings("area") == {"City": "town"}
    assert shop().spellings("income") == {}


def test_each_column_of_a_pattern_takes_the_spellings_of_its_rule() -> None:
    rule = {"kind": "category", "categories": {"low": ["L"], "high": []}}
    schema = shop(("columns.liking_{product}", rule))
    assert schema.spellings("liking_tea") == schema.spellings("liking_rice") == {"L": "low"}


def test_a_kind_gives_a_column_its_unit_and_range_unless_it_has_its_own() -> None:
    schema = shop(("columns.visits.maximum", 31), ("columns.balance.minimum", -5))
    found = {
        name: (column.kind, column.unit, column.minimum, column.maximum, column.whole)
        for name, column in schema.columns.items()
    }
    assert found == {
        "customer_id": ("key", "", None, None, False),
        "born": ("number", "year", None, None, True),
        "joined_on": ("date", "date", None, None, False),
        "area": ("category", "", None, None, False),
        "income": ("number", "euros", 0.0, 1e12, False),
        "spend_tea": ("number", "euros", 0.0, 1e12, False),
        "spend_rice": ("number", "euros", 0.0, 1e12, False),
        "visits": ("number", "visits", 0.0, 31.0, True),
        "loyalty": ("number", "share of 1", 0.0, 1.0, False),
        "balance": ("number", "points", -5.0, 1e12, False),
        "answered": ("number", "0 or 1", 0.0, 1.0, True),
    }
    units = [schema.features[name].unit for name in ("age", "spend_total", "spend_share_tea")]
    assert units == ["years", "euros", "share of 1"]


def test_a_key_may_be_the_row_of_a_source_without_one() -> None:
    schema = shop(("columns.customer_id", {"kind": "key", "from_row": True}))
    assert schema.column_rules[KEY].from_row
    assert not SCHEMA.column_rules[KEY].from_row


# The default schema: what its columns may be.


def columns_of(kind: str) -> list[Column]:
    return [column for column in CONTRACT if column.kind == kind]


def test_every_column_has_its_own_name_and_a_description() -> None:
    assert len(COLUMNS) == len(CONTRACT) == 27
    assert all(column.description for column in CONTRACT)


def test_every_number_and_date_has_a_unit() -> None:
    assert all(column.unit for column in (*columns_of("number"), *columns_of("date")))


def test_the_key_is_the_only_key() -> None:
    assert [column.name for column in columns_of("key")] == [KEY]


def test_categories_are_those_of_the_published_file() -> None:
    found = {column.name: column.categories for column in CONTRACT if column.categories}
    assert found == {
        "education": ("basic", "graduation", "second_cycle", "master", "phd"),
        "marital_status": ("single", "together", "married", "divorced", "widow"),
    }


def test_money_may_not_be_negative_and_has_an_upper_end() -> None:
    money = [column for column in CONTRACT if column.unit == "monetary units"]
    assert len(money) == 7
    assert all(column.minimum == 0.0 and column.maximum == 1e12 for column in money)
    assert not any(column.whole for column in money)


def test_flags_are_0_or_1() -> None:
    flags = [column for column in CONTRACT if column.unit == "0 or 1"]
    assert len(flags) == 7
    assert all((c.minimum, c.maximum, c.whole) == (0.0, 1.0, True) for c in flags)
    assert all(column.is_flag for column in flags)


def test_outcomes_are_the_answers_to_campaigns() -> None:
    campaigns = {f"accepted_campaign_{n}" for n in (1, 2, 3, 4, 5)}
    assert campaigns | {"responded"} == OUTCOMES


@pytest.mark.parametrize("name", ["spend_totl", "customer_id", "enrolled_on", "affluence_tier"])
def test_what_is_no_number_is_refused_as_a_segment_feature(
    name: str, customers_block: dict[str, Any]
) -> None:
    said = refusal(changed(customers_block, ("segment_features", ["income", name])))
    assert f"segment_features: `{name}` is no feature and no number" in said


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("responded", "responded"),
        ("accepted_campaign_3", "accepted_campaign_3"),
        ("campaigns_accepted", ", ".join(f"accepted_campaign_{n}" for n in (1, 2, 3, 4, 5))),
    ],
)
def test_a_campaign_answer_is_refused_as_a_segment_feature_with_its_columns(
    name: str, answers: str, customers_block: dict[str, Any]
) -> None:
    said = refusal(changed(customers_block, ("segment_features", ["income", name])))
    assert f"`{name}` comes from campaign answers, which segments must not see ({answers})" in said


def test_columns_and_features_may_be_mixed(customers_block: dict[str, Any]) -> None:
    names = ["recency_days", "enrolled_year", "spend_total", "complained", "education_phd"]
    schema = Schema.model_validate(changed(customers_block, ("segment_features", names)))
    assert schema.segment_features == names


@pytest.mark.parametrize("name", ["spend_total", "tenure_days", "recency_days", "responded"])
def test_behaviour_is_refused_as_a_sign_up_feature(
    name: str, customers_block: dict[str, Any]
) -> None:
    said = refusal(changed(customers_block, ("sign_up_features", ["age", name])))
    needed = ", ".join(sorted(SCHEMA.needed_columns([name])))
    assert f"sign_up_features: `{name}` needs {needed}, not known at sign-up" in said


def test_what_a_sign_up_form_can_ask_is_what_the_cold_start_looks_at() -> None:
    asked = {column.name for column in CONTRACT if column.at_sign_up}
    assert {*SCHEMA.needed_columns(SCHEMA.sign_up_features)} == asked
    assert {*SCHEMA.sign_up_features} <= {*COLUMNS, *FEATURES}
