"""The `customers` parameters: what is wrong is named before any data is read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from customer_segmentation.schema.schema import Schema


def test_the_shipped_parameters_are_valid(customer_parameters: Schema) -> None:
    assert customer_parameters.as_of == date(2014, 6, 30)
    assert len(customer_parameters.aliases) == 27


def test_a_day_may_be_text_as_the_command_line_gives_it(customers_block: dict[str, Any]) -> None:
    block = customers_block | {"as_of": "2015-01-31"}
    assert Schema.model_validate(block).as_of == date(2015, 1, 31)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("aliases", {"Salary": "incme"}, "incme"),
        ("aliases", {"Salary": 5}, "string"),
        ("date_formats", ["%d-%m-%y"], "add `customers.two_digit_years_before: 30`"),
        ("two_digit_years_before", 1930, "less than or equal to 100"),
        ("decimal_sign", ";", "'.' or ','"),
        ("thousands_sign", ".", "decimal_sign and thousands_sign are both '.'"),
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
        ("categories", {"education": {"Doctor": "doctorate"}}, "doctorate"),
        ("categories", {"income": {"much": "1"}}, "'income' is no category column"),
        ("categories", {"colour": {}}, "'colour' is no category column"),
        ("as_of", "30.06.2014", "date"),
        ("as_of", "2014-02-30", "date"),
        ("enrolled_from", None, "date"),
        ("age", {"minimum": "18", "maximum": 100}, "integer"),
        ("age", {"minimum": -1, "maximum": 100}, "greater than or equal to 0"),
        ("age", {"minimum": 18}, "required"),
        ("age", {"minimum": 18, "maximum": 100, "mean": 50}, "not permitted"),
        ("missing_values", "NA", "list"),
        ("missing_values", ["NA", 0], "string"),
        ("as_off", "2014-06-30", "not permitted"),
    ],
)
def test_what_is_wrong_is_said_with_the_name_of_the_parameter(
    name: str, value: object, message: str, customers_block: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError) as caught:
        Schema.model_validate(customers_block | {name: value})
    assert name in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["as_of", "enrolled_from", "age", "aliases", "date_formats", "missing_values", "categories"],
)
def test_no_parameter_may_be_left_out(name: str, customers_block: dict[str, Any]) -> None:
    block = {key: value for key, value in customers_block.items() if key != name}
    with pytest.raises(ValidationError, match=name):
        Schema.model_validate(block)


def test_parameters_do_not_change(customer_parameters: Schema) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        customer_parameters.as_of = date(2020, 1, 1)  # type: ignore[misc]


def test_windows_that_hold_nothing_are_refused(customers_block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"minimum \(90\) is above maximum \(20\)"):
        Schema(**customers_block | {"age": {"minimum": 90, "maximum": 20}})
    with pytest.raises(ValidationError, match=r"enrolled_from .* is after as_of"):
        Schema(**customers_block | {"enrolled_from": date(2030, 1, 1)})
