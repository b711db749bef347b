"""Audiences over HTTP: counted over the tables as they are, kept by name, and listed."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb
import httpx
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from customer_segmentation.audiences.counting import Customers
from customer_segmentation.audiences.definition import Audience, Definition
from customer_segmentation.audiences.query import CancelledError, Query
from customer_segmentation.errors import UserError
from customer_segmentation.serving.audiences import room as rooms
from customer_segmentation.serving.audiences.room import Room
from customer_segmentation.serving.keys import add_key
from customer_segmentation.serving.settings import Settings
from tests.serving.process import ServerProcess, serving

SEGMENTS = ("s0", "s1", "s2")
COUNT, KEPT = "/v1/audiences/count", "/v1/audiences/spring"
TODAY = date.today()  # noqa: DTZ011 - the test's and the server's clock are one


def write_gold(folder: Path, customers: int = 300, *, richer: float = 0.0) -> None:
    """Gold tables of customers of three segments, of whom every tenth income is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(customers)
    ids = [f"c{number:04}" for number in numbers]
    segments = pl.DataFrame(
        {
            "customer_id": ids,
            "as_of": [date(2014, 6, 30)] * customers,
            "segment": [SEGMENTS[number % 3] for number in numbers],
            "segment_name": [f"Segment {number % 3}" for number in numbers],
            "segment_id": [number % 3 for number in numbers],
            "runner_up": [SEGMENTS[(number + 1) % 3] for number in numbers],
            "product": ["wines" if number % 2 else "fish" for number in numbers],
            "margin": [number / customers for number in numbers],
            "artifact_version": ["0123456789ab"] * customers,
        }
    )
    features = pl.DataFrame(
        {
            "customer_id": ids,
            "income": [None if n % 10 == 0 else 1000.0 * n + richer for n in numbers],
            "complained": [float(number % 25 == 1) for number in numbers],
            "enrolled_year": [2012.0 + number % 3 for number in numbers],
            "enrolled_day": [1.0 + number % 300 for number in numbers],
        }
    )
    for name, rows in (("segments", segments), ("features", features)):
        beside = folder / f".{name}"
        rows.write_parquet(beside)
        beside.replace(folder / f"{name}.parquet")


def write_consents(path: Path, rows: list[tuple[str, str, str, str]]) -> None:
    path.write_text(
        "customer_id,purpose,status,on,until\n" + "".join(f"{','.join(row)},\n" for row in rows)
    )


def tables(folder: Path) -> list[str | Path]:
    """Options of a server of these tables."""
    gold = ["--segments", folder / "segments.parquet", "--features", folder / "features.parquet"]
    return [*gold, "--consents", folder / "consents.csv", "--audiences", folder / "audiences"]


def options(folder: Path) -> list[str | Path]:
    """The same, where nothing else is at work."""
    return [*tables(folder), "--job-workers", "0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audiences")
    write_gold(folder)
    agreed = [(f"c{number:04}", "e_mail", "given", "2014-01-01") for number in range(200)]
    write_consents(
        folder / "consents.csv", [*agreed, ("c0150", "e_mail", "withdrawn", "2014-02-01")]
    )
    return folder


@pytest.fixture(scope="module")
def counting(bundle: Path, folder: Path) -> Iterator[ServerProcess]:
    with serving(bundle, folder / "server", *options(folder)) as server:
        yield server


def counted(server: ServerProcess, **asked: Any) -> dict[str, Any]:
    answer = httpx.post(server.url + COUNT, json=asked, timeout=60.0)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_who_is_in_a_segment_keeps_a_rule_and_agreed_is_counted(counting: ServerProcess) -> None:
    everybody = counted(counting)
    assert (everybody["audience"], everybody["customers"], everybody["unknown"]) == (300, 300, 0)
    rule = counted(counting, rule="income >= 100000")
    assert (rule["audience"], rule["unknown"]) == (180, 30)
    opposite = counted(counting, rule="not income >= 100000")
    # Whose income is missing is in neither.
    assert (opposite["audience"], opposite["unknown"]) == (90, 30)
    both = counted(counting, rule="income >= 100000", segments=["s0", "s1"])
    assert (both["audience"], both["unknown"]) == (120, 20)
    assert [part["audience"] for part in both["segments"]] == [60, 60, 0]


def test_who_has_no_consent_is_never_in_an_audience_for_the_purpose(
    counting: ServerProcess,
) -> None:
    told = counted(counting, rule="income >= 100000", purpose="e_mail")
    # Of c0101 to c0199 nine incomes are missing, and two of them complained.
    matching = [n for n in range(101, 300) if n % 10]
    agreed = [n for n in matching if n < 200 and n != 150]
    audience = [n for n in agreed if n % 25 != 1]
    assert told["matching"] == len(matching)
    assert told["without_consent"] == len(matching) - len(agreed)
    assert told["never"] == len(agreed) - len(audience)
    assert told["audience"] == len(audience)
    # Midnight may have passed since.
    assert TODAY.isoformat() <= told["day"] <= date.today().isoformat()  # noqa: DTZ011
    early = counted(counting, purpose="e_mail", day="2014-01-15")
    late = counted(counting, purpose="e_mail", day="2014-02-01")
    before = counted(counting, purpose="e_mail", day="2013-12-31")
    assert (early["audience"], late["audience"], before["audience"]) == (192, 191, 0)
    # Nobody agreed to the other.
    assert counted(counting, purpose="post")["audience"] == 0


@pytest.mark.parametrize(
    ("asked", "path", "words"),
    [
        (
            {"rule": "incom > 3"},
            "$.rule",
            "character 1: `incom` is not known: did you mean income?",
        ),
        ({"rule": "spend_wines > 3"}, "$.rule", "`spend_wines` is not known"),
        ({"rule": 7}, "$.rule", "Expected `str`"),
        ({"rule": "a" * 2001}, "$.rule", "length <= 2000"),
        ({"segments": ["s9"]}, "$.segments[0]", "there is no segment 's9': one of s0, s1, s2"),
        ({"purpose": "email"}, "$.purpose", "did you mean e_mail?"),
        ({"day": "tomorrow"}, "$.day", "Invalid"),
        ({"sql": "SELECT 1"}, "$", "unknown field `sql`"),
    ],
)
def test_a_wrong_part_is_told_what_and_where(
    counting: ServerProcess, asked: dict[str, Any], path: str, words: str
) -> None:
    answer = httpx.post(counting.url + COUNT, json=asked)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["path"] == path
    assert words in error["problem"]


def test_an_audience_is_kept_with_its_versions_until_it_is_deleted(counting: ServerProcess) -> None:
    with httpx.Client(base_url=counting.url, timeout=30.0) as client:
        assert client.get(KEPT).status_code == 404
        first = {"rule": "income >= 100000", "segments": ["s0"], "purpose": "e_mail"}
        for _ in range(2):
            assert client.put(KEPT, json=first).json()["version"] == 1
        assert client.put(KEPT, json={"rule": "margin < 0.5"}).json()["version"] == 2
        told = client.get(KEPT).json()
        assert (told["rule"], told["by"]) == ("margin < 0.5", "anybody")
        assert [each["version"] for each in told["versions"]] == [2, 1]
        listed = client.get("/v1/audiences").json()
        assert [each["name"] for each in listed["audiences"]] == ["spring"]
        assert listed["customers"] == 300
        # Only what the tables have is offered.
        names = {field["name"] for field in listed["fields"]}
        assert {"income", "product", "enrolled_on", "customer_id"} <= names
        assert "spend_wines" not in names
        for _ in range(2):
            assert client.delete(KEPT).status_code == 204
        assert (
            client.get(KEPT).status_code
            == client.get(f"{KEPT}/sql?dialect=spark").status_code
            == 404
        )
        assert client.delete("/v1/audiences/nobody").status_code == 404
        for name in ("count", "Spring", "a.b", "x" * 64):
            assert client.put(f"/v1/audiences/{name}", json={}).status_code in {404, 422}
        refused = client.put(KEPT, json={"rule": "customer_id = 'c0001'"})
        assert refused.status_code == 422
        assert "is not kept" in refused.json()["detail"]


def test_its_customers_are_those_that_were_counted(counting: ServerProcess) -> None:
    with httpx.Client(base_url=counting.url, timeout=30.0) as client:
        asked = {"rule": "income >= 100000", "purpose": "e_mail", "segments": ["s1", "s2"]}
        client.put("/v1/audiences/listed", json=asked)
        answer = client.get("/v1/audiences/listed/customers")
        assert answer.headers["content-disposition"] == 'attachment; filename="listed.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["customer_id"] for row in rows] == sorted(row["customer_id"] for row in rows)
        assert {row["segment"] for row in rows} == {"s1", "s2"}
        assert len(rows) == counted(counting, **asked)["audience"] > 0
        none = client.get("/v1/audiences/listed/customers?day=2013-01-01").text
        assert none == "customer_id,segment\n"
        sql = client.get("/v1/audiences/listed/sql?dialect=athena")
        assert sql.headers["content-type"] == "text/plain; charset=utf-8"
        assert '"f"."income" >= CAST(100000.0 AS DOUBLE)' in sql.text
        assert "CURRENT_DATE" in sql.text
        assert client.get("/v1/audiences/listed/sql?dialect=oracle").status_code == 400


def test_a_table_and_a_withdrawal_are_seen_when_they_change(bundle: Path, tmp_path: Path) -> None:
    write_gold(tmp_path)
    agreed = [
        ("c0001", "e_mail", "given", "2014-01-01"),
        ("c0002", "e_mail", "given", "2014-01-01"),
    ]
    write_consents(tmp_path / "consents.csv", agreed)
    with serving(bundle, tmp_path / "server", *options(tmp_path)) as server:
        asked = {"rule": "income in (2000, 7777000)", "purpose": "e_mail"}
        assert counted(server, **asked)["audience"] == 1
        withdrawn = ("c0002", "e_mail", "withdrawn", TODAY.isoformat())
        write_consents(tmp_path / "consents.csv", [*agreed, withdrawn])
        assert counted(server, **asked)["audience"] == 0
        write_gold(tmp_path, 30, richer=7_775_000.0)
        until = time.monotonic() + 30.0
        while counted(server)["customers"] == 300 and time.monotonic() < until:
            time.sleep(0.2)
        told = counted(server, **asked)
        assert (told["customers"], told["matching"], told["without_consent"]) == (30, 1, 1)
        (tmp_path / "consents.csv").unlink()
        answer = httpx.post(server.url + COUNT, json=asked)
        assert answer.status_code == 503
        assert "the file of consents is not there" in answer.json()["detail"]
        # What needs no consent goes on.
        assert counted(server)["customers"] == 30


def test_without_tables_or_consents_the_server_says_what_to_do(
    bundle: Path, tmp_path: Path
) -> None:
    write_gold(tmp_path)
    with serving(
        bundle, tmp_path / "server", *options(tmp_path)[:4], "--job-workers", "0"
    ) as server:
        told = counted(server, purpose="e_mail")
        assert (told["audience"], told["without_consent"]) == (0, 300)
        assert httpx.get(f"{server.url}/v1/audiences").json()["consent_is_known"] is False
    with serving(bundle, tmp_path / "empty", "--job-workers", "0") as server:
        answer = httpx.post(server.url + COUNT, json={})
        assert (answer.status_code, answer.json()["detail"]) == (
            404,
            "no batch run has stored answers yet: run kedro run",
        )


def test_without_duckdb_these_routes_alone_say_what_to_install(
    bundle: Path, tmp_path: Path
) -> None:
    write_gold(tmp_path)
    absent = tmp_path / "absent"
    absent.mkdir()
    told = "raise ModuleNotFoundError(\"No module named 'duckdb'\", name='duckdb')"
    (absent / "duckdb.py").write_text(told)
    path = os.pathsep.join([str(absent), os.environ.get("PYTHONPATH", "")])
    with serving(
        bundle, tmp_path / "server", *options(tmp_path), environment={"PYTHONPATH": path}
    ) as server:
        answer = httpx.post(server.url + COUNT, json={})
        assert answer.status_code == 503
        assert "audiences need duckdb, which is not installed: pip install" in answer.text
        assert httpx.get(f"{server.url}/v1/customers/c0001").status_code == 200


def test_a_key_that_may_read_counts_and_keeps_under_its_name(bundle: Path, tmp_path: Path) -> None:
    write_gold(tmp_path)
    write_consents(tmp_path / "consents.csv", [("c0001", "e_mail", "given", "2014-01-01")])
    keys = tmp_path / "keys.json"
    secrets = {role: add_key(keys, f"a-{role}", (role,)) for role in ("read", "score")}
    with serving(bundle, tmp_path / "server", *options(tmp_path), "--keys", keys) as server:
        for role, status in (("read", 200), ("score", 403)):
            headers = {"authorization": f"Bearer {secrets[role]}"}
            for method, path in (("POST", COUNT), ("PUT", KEPT), ("GET", f"{KEPT}/customers")):
                body = {} if method != "GET" else None
                answer = httpx.request(method, server.url + path, json=body, headers=headers)
                assert answer.status_code == status, (role, path)
                if (role, path) == ("read", KEPT):
                    assert answer.json()["by"] == "a-read"


def test_delta_tables_are_counted_too(bundle: Path, tmp_path: Path) -> None:
    from deltalake import write_deltalake  # noqa: PLC0415 - beside its use

    write_gold(tmp_path)
    for name in ("segments", "features"):
        rows = parquet.read_table(tmp_path / f"{name}.parquet")
        write_deltalake(str(tmp_path / name), rows)
    write_consents(tmp_path / "consents.csv", [("c0001", "e_mail", "given", "2014-01-01")])
    places = ["--segments", tmp_path / "segments", "--features", tmp_path / "features"]
    beside = ["--consents", tmp_path / "consents.csv", "--job-workers", "0"]
    with serving(bundle, tmp_path / "server", *places, *beside) as server:
        told = counted(server, rule="income >= 100000")
        assert (told["audience"], told["unknown"], told["as_of"]) == (180, 30, "2014-06-30")


def test_a_count_is_given_up_when_the_client_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser leaves when the next is typed: the thread is told to stop."""
    room, ended = Room(Settings(audiences=str(tmp_path))), []
    # Otherwise given up anyway, which is told in the same words.
    monkeypatch.setattr(rooms, "_SECONDS", 60.0)

    def slow(query: Query) -> None:
        until = time.monotonic() + 60.0
        while time.monotonic() < until:
            time.sleep(0.01)
            if query._is_cancelled:
                ended.append(True)
                raise CancelledError

    async def leave() -> dict[str, str]:
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def ask() -> None:
        started = time.monotonic()
        with pytest.raises(Exception, match="not counted"):
            await room.work(leave, slow)
        assert time.monotonic() - started < 30.0
        until = time.monotonic() + 30.0
        while room._at_work and time.monotonic() < until:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        assert (ended, room._at_work) == ([True], 0)

    asyncio.run(ask())


@pytest.fixture
def over(tmp_path: Path) -> Customers:
    """The customers as a server holds them."""
    write_gold(tmp_path)
    files = {f"gold_{name}": str(tmp_path / f"{name}.parquet") for name in ("segments", "features")}
    return Customers(files, {name: ["customer_id"] for name in files}, 200_000_000)


def test_a_query_stops_when_it_is_cancelled(over: Customers) -> None:
    query = Query()
    Timer(0.2, query.cancel).start()
    started = time.monotonic()
    endless = "SELECT count(*) FROM range(10000000000) AS r(x) WHERE x % 7 = 3"
    with pytest.raises(CancelledError):
        query.run(over._connection.cursor(), endless)
    assert time.monotonic() - started < 5.0
    with pytest.raises(CancelledError):
        query.run(over._connection.cursor(), "SELECT 1")


@pytest.mark.parametrize(
    "sql", ["FROM read_text('/etc/hostname')", "SET enable_external_access = true"]
)
def test_what_is_asked_can_read_no_file(over: Customers, sql: str) -> None:
    with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)):
        Query().run(over._connection.cursor(), sql)


def test_a_list_that_takes_too_much_memory_is_told_before_it_begins(tmp_path: Path) -> None:
    rows = 400_000
    table = pa.table(
        {
            "customer_id": [f"c{number}" for number in range(rows)],
            "as_of": pa.array([TODAY] * rows, pa.date32()),
            "segment": ["s0"] * rows,
        }
    )
    parquet.write_table(table, tmp_path / "segments.parquet")
    files = {"gold_segments": str(tmp_path / "segments.parquet")}
    over = Customers(files, {"gold_segments": ["customer_id"]}, 23_000_000)
    everybody = Audience(Definition(), None, ())
    assert over.count(everybody, None, Query())[0].audience == rows
    with pytest.raises(UserError, match="larger --audience-memory"):
        over.listed(everybody, None, Query())
    with pytest.raises(UserError, match="larger --audience-memory"):
        over.agree("e_mail", table["customer_id"].to_pylist())


def test_a_count_whose_consent_was_dropped_meanwhile_is_to_be_tried_again(over: Customers) -> None:
    agreed = Audience(Definition(purpose="e_mail"), None, ())
    with pytest.raises(CancelledError):
        over.count(agreed, ("e_mail", TODAY), Query())


def test_consent_of_many_days_is_bounded(over: Customers) -> None:
    for number in range(40):
        over.agree(("e_mail", TODAY + timedelta(days=number)), {"c0001"})
    tables = over._connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall()
    assert tables == [(17,)]
