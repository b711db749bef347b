"""The language of rules: what it takes, what it refuses, and what it says then."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segmentation.audiences.definition import Choices, Definition, DefinitionError
from customer_segmentation.audiences.fields import present
from customer_segmentation.audiences.rule import Comparison, Joined, Not, parse_rule
from customer_segmentation.audiences.tokens import RuleError
from tests.audiences.made import choices, kleene
from tests.marketing import FOLDER, SCHEMA

FIELDS = choices().fields


def told(rule: str) -> str:
    with pytest.raises(RuleError) as error:
        parse_rule(rule, FIELDS)
    return str(error.value)


def test_a_rule_reads_as_a_marketer_writes_it() -> None:
    rule = parse_rule(
        'spend_total >= 500 and product = "wines" and not waits_for_offers = "yes"', FIELDS
    )
    assert isinstance(rule, Joined)
    first, second, third = rule.parts
    assert isinstance(first, Comparison)
    assert (first.field.name, first.operator, first.values) == ("spend_total", ">=", (500.0,))
    assert isinstance(second, Comparison)
    assert second.values == ("wines",)
    assert isinstance(third, Not)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("income > 3", True),
        ("income \u2265 3 AND income \u2264 9", True),
        ("income <> 7", False),
        ("income == 7.0", True),
        ("not income = 7 or product = 'wines'", True),
        ("not (income = 7 or product = 'wines')", False),
        ("income = 1 or income = 7 and product = 'fish'", False),
        ("income in (1, 7)", True),
        ("enrolled_on < 2013-01-02", True),
        ("enrolled_on in (2013-01-01)", True),
        ("complained = 'no'", True),
        # From the keyboard of a phone.
        ("product = \u201cwines\u201d", True),
        ("product = \u2018wines\u2019", True),
        ("kids_home = \u22121", False),
        # What is missing is in neither, and can be asked for.
        ("age > 3", None),
        ("not age > 3", None),
        ("age > 3 or income = 7", True),
        ("age > 3 and income = 8", False),
        ("age is missing", True),
        ("age is not missing", False),
        ("", True),
    ],
)
def test_a_rule_says_of_a_customer(rule: str, value: bool | None) -> None:  # noqa: FBT001 - of three values
    customer = {
        "income": 7.0,
        "product": "wines",
        "age": None,
        "complained": "no",
        "kids_home": 2.0,
        "enrolled_on": date(2013, 1, 1),
    }
    assert kleene(parse_rule(rule, FIELDS), customer) is value


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("spend_totl > 3", "character 1: `spend_totl` is not known: did you mean spend_total?"),
        ("yearly_incom > 3", "did you mean income?"),
        ('spend_total > "3"', "character 15: spend_total is a number: write one such as 500"),
        ('product = "wine"', 'product has no value `"wine"`: did you mean "wines"?'),
        ('product = "gold products"', 'did you mean "gold"?'),
        ("product = wines", 'character 11: write product with a value in quotes: "wines"'),
        ("income > 1,000", "character 11: write a number without commas"),
        ("enrolled_on > 2013-02-30", "character 15: enrolled_on is a day: write one such as"),
        ("(income > 3", "character 12: the bracket of character 1 is not closed"),
        ("income > 3)", "character 11: `and` or `or` comes here, and not `)`"),
        ("income", "character 7: after income comes = != < <= > >=, in or is missing"),
        ('product > "wines"', "character 9: product is no number: compare it by = or !="),
        ('product = "wines', 'character 11: `"`: the quote is not closed'),
        ("income is", "character 10: write income is missing"),
        ('segment = "high"', "segments are chosen beside the rule"),
        ("spend_wines > spend_meat", "character 15: two fields cannot be compared: give a value"),
        ("income > 3; DROP TABLE x", "character 11: `;` cannot stand here"),
        ("income > 1234567890123456", "more than 15 digits"),
        ("not " * 50 + "income = 1", "more than 40 brackets and nots"),
        ("(" * 50 + "income = 1", "more than 40 brackets and nots"),
        (" or ".join(["age = 1"] * 101), "more than 100 comparisons"),
        ("customer_id = 'a\tb'", "a character that cannot be shown"),
        ("age = 1 or " * 300, "longer than 2000 characters"),
    ],
)
def test_a_wrong_rule_is_told_what_and_where(rule: str, words: str) -> None:
    assert words in told(rule)


PIECES = ["income", "=", "(", ")", "not", "and", "7", '"', "is", "missing", ",", "in"]


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_any_text_is_a_rule_or_refused_with_a_message(text: str) -> None:
    refusal = ""
    try:
        parse_rule(text, FIELDS)
    except RuleError as error:
        refusal = str(error)
    assert refusal.isprintable()


def test_every_shipped_schema_has_fields() -> None:
    from customer_segmentation.schema.file import read_schema  # noqa: PLC0415 - beside its use

    for file in sorted(FOLDER.glob("*.yml")):
        fields = Choices.of(read_schema(file), {"a": "A"}).fields
        assert len(fields) > 5
        assert all(each.label and each.columns for each in fields.values())


def test_a_field_that_the_tables_lack_is_not_known() -> None:
    there = present(
        FIELDS, {"gold_segments": ["customer_id", "margin"], "gold_features": ["enrolled_year"]}
    )
    assert [*there] == ["margin", "customer_id"]


def test_a_definition_names_segments_and_purposes_that_there_are() -> None:
    known = Choices.of(SCHEMA, {"high_value": "High-value"})
    for definition, path, words in (
        (Definition(("high_valu",)), "$.segments[0]", "did you mean high_value?"),
        (Definition(purpose="email"), "$.purpose", "did you mean e_mail?"),
        (Definition(rule="x = 1"), "$.rule", "`x` is not known"),
    ):
        with pytest.raises(DefinitionError, match=re.escape(words)) as error:
            known.check(definition)
        assert error.value.path == path
