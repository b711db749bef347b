"""An audience has the same customers on every engine that runs here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import duckdb
import psycopg
import pyarrow as pa
import pytest
import sqlglot
from pyarrow import parquet
from sqlglot import exp

from customer_segmentation.audiences.counting import Customers
from customer_segmentation.audiences.definition import Audience, Definition
from customer_segmentation.audiences.fields import FEATURES, LIFETIME, SEGMENTS
from customer_segmentation.audiences.query import Query
from customer_segmentation.audiences.rule import parse_rule
from customer_segmentation.audiences.sql import DIALECTS, condition, in_gold, list_query
from customer_segmentation.campaigns.consent import Statements, has_consent, stated_in_columns
from tests.audiences.made import DAY, Made, RuleMaker, choices, kleene, make, with_own_consent
from tests.services.postgresql import PostgreSQL

RULES = 500
# Of one query.
AT_ONCE = 100
Ask = Callable[[str], list[tuple[Any, ...]]]
_TYPES = {"string": "text", "double": "double precision", "int64": "bigint", "date32[day]": "date"}


@pytest.fixture(scope="module")
def made() -> Made:
    return make()


@pytest.fixture(scope="module")
def on_duckdb(made: Made) -> Ask:
    session = duckdb.connect()
    for name, table in made.tables.items():
        session.register(f"made_{name}", table)
        session.execute(f"CREATE TABLE {name} AS SELECT * FROM made_{name}")  # noqa: S608 - our names
    return lambda sql: session.execute(sql).fetchall()


@pytest.fixture(scope="module")
def on_postgresql(made: Made, postgresql_server: PostgreSQL) -> Iterator[Ask]:
    name = f"audiences_{uuid4().hex[:8]}"
    with psycopg.connect(postgresql_server.url(), autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    with psycopg.connect(postgresql_server.url(name), autocommit=True) as session:
        for table, rows in made.tables.items():
            _fill(session, table, rows)
        yield lambda sql: session.execute(sql).fetchall()  # type: ignore[arg-type]


def _fill(session: psycopg.Connection[Any], name: str, rows: pa.Table) -> None:
    columns = ", ".join(f'"{each.name}" {_TYPES[str(each.type)]}' for each in rows.schema)
    session.execute(f"CREATE TABLE {name} ({columns})")  # type: ignore[arg-type]
    with session.cursor().copy(f"COPY {name} FROM STDIN") as copy:  # type: ignore[arg-type]
        for row in rows.to_pylist():
            copy.write_row([*row.values()])


@pytest.fixture(scope="module")
def on_spark(made: Made, spark: Any) -> Iterator[Ask]:
    # To compile hundreds of rules to Java would take most of the time.
    told = {
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }
    before = {name: spark.conf.get(name) for name in told}
    for name, value in told.items():
        spark.conf.set(name, value)
    for name, table in made.tables.items():
        spark.createDataFrame(table).createOrReplaceTempView(name)
    yield lambda sql: [tuple(row) for row in spark.sql(sql.rstrip(";\n")).collect()]
    for name, value in before.items():
        spark.conf.set(name, value)
    for name in made.tables:
        spark.catalog.dropTempView(name)


@pytest.fixture(scope="module")
def rules() -> list[str]:
    writer = RuleMaker(20)
    return [writer.rule() for _ in range(RULES)]


@pytest.fixture(scope="module")
def expected(made: Made, rules: list[str]) -> list[list[bool | None]]:
    """What each rule says of each customer; None where a missing value decides."""
    parts = [parse_rule(rule, choices().fields) for rule in rules]
    told = [[kleene(part, row) for row in made.rows] for part in parts]
    # They are of every kind.
    assert sum(True in each and False in each for each in told) > RULES / 2
    assert sum(None in each for each in told) > RULES / 2
    return told


def _questions(rules: list[str], dialect: str) -> Iterator[str]:
    """What some rules say of each customer, as SQL."""
    for start in range(0, len(rules), AT_ONCE):
        parts = [parse_rule(rule, choices().fields) for rule in rules[start : start + AT_ONCE]]
        asked = [condition(part, in_gold) for part in parts if part]
        named = [exp.alias_(each, f"n{number}") for number, each in enumerate(asked)]
        query = exp.select("s.place", *named).from_(exp.to_table(SEGMENTS).as_("s"))
        for table, alias in ((FEATURES, "f"), (LIFETIME, "v")):
            on = f"{alias}.customer_id = s.customer_id"
            query = query.join(exp.to_table(table).as_(alias), on=on, join_type="left")
        yield query.sql(dialect=DIALECTS[dialect])


@pytest.mark.parametrize("engine", ["duckdb", "postgresql", "spark"])
def test_five_hundred_rules_have_the_same_customers(
    engine: str, rules: list[str], expected: list[Any], request: pytest.FixtureRequest
) -> None:
    ask = request.getfixturevalue(f"on_{engine}")
    found: list[list[bool | None]] = []
    for sql in _questions(rules, engine):
        _, *told = zip(*sorted(ask(sql)), strict=True)
        found += [[*each] for each in told]
    assert len(found) == RULES
    assert [rule for rule, a, b in zip(rules, found, expected, strict=True) if a != b] == []


@pytest.fixture(scope="module")
def customers(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Customers:
    """The same tables as a server counts over them."""
    folder, files = tmp_path_factory.mktemp("gold"), {}
    for name in (SEGMENTS, FEATURES, LIFETIME):
        files[name] = str(folder / f"{name}.parquet")
        parquet.write_table(made.tables[name], files[name])
    columns = {name: made.tables[name].column_names for name in files}
    return Customers(files, columns, 200_000_000)


def test_what_a_server_counts_is_the_same(
    customers: Customers, rules: list[str], expected: list[Any]
) -> None:
    for rule, told in zip(rules, expected, strict=True):
        inside, unknown = told.count(True), told.count(None)
        counted = customers.count(choices().check(Definition((), rule)), None, Query())
        assert sum(each.matching for each in counted) == inside, rule
        assert sum(each.audience for each in counted) == inside, rule
        assert sum(each.unknown for each in counted) == unknown, rule


def _audiences() -> list[Audience]:
    writer, found = RuleMaker(21), []
    for number in range(16):
        segments = (("high", "new"), ("low",), (), ())[number % 4]
        purpose = ("e_mail", "post", "")[number % 3]
        rule = writer.rule(2) if number % 5 else ""
        found.append(choices().check(Definition(segments, rule, purpose)))
    return found


def _ids(made: Made, audience: Audience, agreed: set[str]) -> list[str]:
    """The audience by other means; of a purpose, nobody who complained is in it."""
    said = audience.definition
    return sorted(
        row["customer_id"]
        for row in made.rows
        if (not said.segments or row["segment"] in said.segments)
        and kleene(audience.rule, row)
        and (not said.purpose or (row["customer_id"] in agreed and row["complained"] != "yes"))
    )


@pytest.fixture(scope="module")
def engines(on_duckdb: Ask, on_postgresql: Ask, on_spark: Ask) -> dict[str, Ask]:
    return {"duckdb": on_duckdb, "postgresql": on_postgresql, "spark": on_spark}


@pytest.mark.parametrize("days", [-2, 0, 1])
def test_an_audience_is_the_same_customers_with_consent_on_the_day(
    made: Made, customers: Customers, engines: dict[str, Ask], days: int
) -> None:
    day, schema = DAY + timedelta(days=days), with_own_consent()
    own = stated_in_columns(made.tables["silver_customers"], schema)
    said = Statements.joined([made.statements, own])
    sizes = []
    for audience in _audiences():
        purpose = audience.definition.purpose
        agreed = has_consent(said, purpose, day)
        customers.agree((purpose, day), agreed)
        ids = _ids(made, audience, agreed)
        sizes.append(len(ids))
        listed = customers.listed(audience, (purpose, day), Query())
        assert [key for rows in listed for key, _ in rows] == ids
        counted = customers.count(audience, (purpose, day), Query())
        assert sum(each.audience for each in counted) == len(ids)
        left = sum(each.without_consent + each.never for each in counted)
        assert sum(each.matching for each in counted) == len(ids) + left
        for dialect, ask in engines.items():
            found = [row[0] for row in ask(list_query(audience, schema, day, dialect))]
            assert sorted(found) == ids, (dialect, audience.definition)
    assert sum(size > 0 for size in sizes) > len(sizes) / 2


def test_consent_is_as_of_the_day_on_which_the_query_runs(
    on_duckdb: Ask, on_postgresql: Ask
) -> None:
    audience, schema = choices().check(Definition((), "", "e_mail")), with_own_consent()
    for dialect, ask in (("duckdb", on_duckdb), ("postgresql", on_postgresql)):
        today = list_query(audience, schema, date.today(), dialect)  # noqa: DTZ011 - the engine's
        assert ask(list_query(audience, schema, None, dialect)) == ask(today) != []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_can_be_read_back(dialect: str) -> None:
    for audience in _audiences():
        told = list_query(audience, with_own_consent(), DAY, dialect)
        again = sqlglot.parse_one(told, dialect=DIALECTS[dialect])
        assert f"{again.sql(dialect=DIALECTS[dialect], pretty=True)};\n" == told
