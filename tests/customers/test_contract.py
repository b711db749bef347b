from tests.marketing import COLUMNS, CONTRACT, OUTCOMES

"""The contract: the one table of rules."""

from customer_segmentation.schema.parts import KEY, Column


def columns_of(kind: str) -> list[Column]:
    return [column for column in CONTRACT if column.kind == kind]


def test_every_column_has_its_own_name_and_a_description() -> None:
    assert len(COLUMNS) == len(CONTRACT) == 27
    assert all(column.description for column in CONTRACT)


def test_every_number_and_date_has_a_unit() -> None:
    assert all(column.unit for column in (*columns_of("number"), *columns_of("date")))


def test_the_key_is_the_only_key() -> None:
    assert [column.name for column in columns_of("key")] == [KEY]


def test_categories_have_distinct_words_in_lower_case() -> None:
    for column in columns_of("category"):
        assert len(set(column.categories)) == len(column.categories) > 1
        assert all(word == word.lower().replace(" ", "_") for word in column.categories)


def test_only_categories_have_categories() -> None:
    assert {column.name for column in CONTRACT if column.categories} == {
        "education",
        "marital_status",
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


def test_outcomes_are_the_answers_to_campaigns() -> None:
    campaigns = {f"accepted_campaign_{n}" for n in (1, 2, 3, 4, 5)}
    assert campaigns | {"responded"} == OUTCOMES
