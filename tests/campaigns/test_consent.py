"""Nobody without consent on the day has it, whatever was said before and after."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from customer_segmentation.campaigns.consent import (
    NEVER,
    Statements,
    has_consent,
    stated_in_columns,
)
from customer_segmentation.campaigns.consent_file import read_statements
from customer_segmentation.errors import UserError
from customer_segmentation.schema.schema import Schema
from tests.marketing import SCHEMA

_START = date(2014, 1, 1)
Said = tuple[str, str, bool, date, date | None]


def _statements(said: list[Said]) -> Statements:
    ids, purposes, given, days, until = zip(*said, strict=True)
    return Statements(
        np.array(ids, dtype=object),
        np.array(purposes, dtype=object),
        np.array(given),
        np.array(days, dtype="datetime64[D]"),
        np.array([day or NEVER for day in until], dtype="datetime64[D]"),
    )


def _day(number: int) -> date:
    return _START + timedelta(days=number)


@pytest.mark.parametrize(
    ("said", "day", "agreed"),
    [
        ([], 5, False),
        ([(True, 5, None)], 4, False),
        ([(True, 5, None)], 5, True),
        ([(True, 5, None), (False, 7, None)], 6, True),
        ([(True, 5, None), (False, 7, None)], 7, False),
        ([(True, 5, None), (False, 7, None), (True, 9, None)], 9, True),
        # On the same day a withdrawal wins, whichever stands first.
        ([(True, 5, None), (False, 5, None)], 5, False),
        ([(False, 5, None), (True, 5, None)], 5, False),
        # An agreement does not hold on the day that it expires.
        ([(True, 5, 8)], 7, True),
        ([(True, 5, 8)], 8, False),
        # A later one is in force, though an earlier one would hold for longer.
        ([(True, 5, 90), (True, 6, 8)], 9, False),
        ([(True, 5, 90), (True, 5, 8)], 9, False),
    ],
)
def test_the_last_statement_up_to_a_day_is_in_force(
    said: list[tuple[bool, int, int | None]],
    day: int,
    agreed: bool,  # noqa: FBT001 - expected
) -> None:
    other: Said = ("other", "e_mail", True, _START, None)
    statements = _statements(
        [
            *(("c", "e_mail", given, _day(on), end and _day(end)) for given, on, end in said),
            other,
        ]
    )
    assert ("c" in has_consent(statements, "e_mail", _day(day))) is agreed
    assert "c" not in has_consent(statements, "post", _day(day))


def _agrees(said: list[Said], purpose: str, day: date) -> bool:
    """One customer's consent, statement by statement, in the order of days."""
    answer, last = False, date.min
    for _, about, given, on, until in said:
        if about != purpose or on > day:
            continue
        holds = given and (until is None or until > day)
        answer, last = (answer and holds if on == last else holds), on
    return answer


def test_a_hundred_thousand_random_histories_are_as_one_by_one() -> None:
    drawn = random.Random(7)  # noqa: S311 - of a test
    histories: dict[str, list[Said]] = {}
    for number in range(100_000):
        one = f"c{number}"
        histories[one] = [
            (
                one,
                drawn.choice(["e_mail", "post"]),
                drawn.random() < 0.6,
                _day(drawn.randrange(8)),
                _day(drawn.randrange(10)) if drawn.random() < 0.3 else None,
            )
            for _ in range(drawn.randrange(5))
        ]
    said = [one for history in histories.values() for one in history]
    drawn.shuffle(said)
    statements = _statements(said)
    for own in histories.values():
        own.sort(key=itemgetter(3))
    for number in (0, 3, 8):
        for purpose in ("e_mail", "post"):
            day = _day(number)
            expected = {one for one, own in histories.items() if _agrees(own, purpose, day)}
            assert has_consent(statements, purpose, day) == expected


def _landed(**columns: list[str | None]) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return pa.table({**columns, "row_number": pa.array(range(1, rows + 1))})


def test_a_file_is_read_with_headers_and_states_in_any_case() -> None:
    statements = read_statements(
        _landed(
            **{
                " Customer_ID": [" 7 ", "8", "7"],
                "PURPOSE": ["e_mail", "post", "e_mail"],
                "Status": ["Given", "withdrawn", "given"],
                "On": ["2014-01-01", "2014-01-02 10:00", "2014-02-01"],
                "until": ["", None, "2014-03-01"],
                "note": ["ignored", "", ""],
            }
        ),
        SCHEMA,
    )
    assert len(statements) == 3
    assert has_consent(statements, "e_mail", date(2014, 1, 31)) == {"7"}
    assert has_consent(statements, "e_mail", date(2014, 3, 1)) == set()


def test_an_id_written_as_a_float_is_that_of_the_customers_file() -> None:
    rules = SCHEMA.column_rules
    key = rules["customer_id"].model_copy(update={"from_float": True})
    schema = SCHEMA.model_copy(update={"column_rules": {**rules, "customer_id": key}})
    said = _landed(
        customer_id=["7", "7.0"],
        purpose=["e_mail", "e_mail"],
        status=["given", "withdrawn"],
        on=["2014-01-01", "2014-02-01"],
    )
    assert has_consent(read_statements(said, schema), "e_mail", date(2014, 3, 1)) == set()
    # Where ids are text, they are two customers.
    assert has_consent(read_statements(said, SCHEMA), "e_mail", date(2014, 3, 1)) == {"7"}


def test_a_header_that_stands_twice_is_refused() -> None:
    columns = {"customer_id": ["7"], "purpose": ["e_mail"], "status": ["given"]}
    with pytest.raises(UserError, match="has on twice"):
        read_statements(_landed(**columns, on=["2014-01-01"], ON=["2014-01-02"]), SCHEMA)


def test_without_a_file_nobody_said_anything() -> None:
    assert len(read_statements(None, SCHEMA)) == 0
    assert has_consent(Statements.none(), "e_mail", _START) == set()


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("customer_id", " ", "row 2: customer_id is empty"),
        ("purpose", "fax", "row 2: purpose 'fax' is none of e_mail, post"),
        ("status", "yes", "row 2: status 'yes' is neither given nor withdrawn"),
        ("on", "31/02/2014", "row 2: on '31/02/2014' is no day, such as 2014-06-30"),
        ("on", "", "row 2: on is empty"),
        ("on", "2014-01-021", "row 2: on '2014-01-021' is no day"),
        ("until", "soon", "row 2: until 'soon' is no day"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_with_its_number(
    column: str, cell: str, told: str
) -> None:
    good: dict[str, list[str | None]] = {
        "customer_id": ["7", "8"],
        "purpose": ["e_mail", "post"],
        "status": ["given", "given"],
        "on": ["2014-01-01", "2014-01-02"],
        "until": ["", ""],
    }
    good[column][1] = cell
    with pytest.raises(UserError) as refused:
        read_statements(_landed(**good), SCHEMA)
    assert told in str(refused.value)


def test_a_file_without_a_column_is_refused() -> None:
    with pytest.raises(UserError, match="has no column status, on"):
        read_statements(_landed(customer_id=["7"], purpose=["e_mail"]), SCHEMA)


_moment = datetime.fromisoformat


def test_dates_of_the_customers_own_table_are_statements(frame_of: Callable[..., Any]) -> None:
    consent = {"e_mail": {"label": "e-mail", "given_on": "agreed_on", "withdrawn_on": "left_on"}}
    dates = {name: {"kind": "date", "earliest": "2000-01-01"} for name in ("agreed_on", "left_on")}
    block = SCHEMA.model_dump(mode="json", by_alias=True)
    schema = Schema.model_validate(
        {
            **block,
            "columns": {**block["columns"], **dates},
            "campaigns": {**block["campaigns"], "consent": consent},
        }
    )
    silver = frame_of(
        {
            "customer_id": ["1", "2", "3"],
            "agreed_on": [_moment("2014-03-01"), _moment("2014-12-31"), None],
            "left_on": [_moment("2014-05-01"), None, None],
        }
    )
    statements = stated_in_columns(silver, schema)
    assert has_consent(statements, "e_mail", date(2014, 4, 30)) == {"1"}
    assert has_consent(statements, "e_mail", date(2014, 12, 30)) == set()
    assert has_consent(statements, "e_mail", date(2014, 12, 31)) == {"2"}
    assert len(stated_in_columns(silver, SCHEMA)) == 0
