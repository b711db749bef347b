"""Customers whose values the online store holds, answered by id: one, changed, many, and faults."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import numpy as np
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.online import KeyValues, OnlineFeatures
from customer_segmentation.feature_store.reading import FeatureReader
from customer_segmentation.feature_store.redis import RedisStore
from customer_segmentation.feature_store.rows import ROW, SNAPSHOT, Snapshot, decoded_row
from customer_segmentation.feature_store.sqlite import SqliteStore
from customer_segmentation.serving.app import make_app
from customer_segmentation.serving.settings import Settings
from tests.services.redis import RedisServer, serve_redis
from tests.services.s3 import S3Server
from tests.serving.example import a_customer, who_may_answer
from tests.serving.process import ServerProcess, serving
from tests.serving.stored_features import fill
from tools.ports import free_port

PASSWORD = "hunter2"  # noqa: S105 - of a Redis that lives for some seconds
TODAY = datetime.now(UTC).date()
RICH = a_customer() | {"spend_wines": 9_000.5, "income": 150_000}
CUSTOMERS: dict[str, dict[str, Any]] = {
    "10476": who_may_answer(),
    "RICH": RICH,
    "a/b?#é": a_customer() | {"income": 20_000},
    "x/segment": a_customer() | {"kids_home": 2},
    # Without what the segmenter needs.
    "7": {name: value for name, value in a_customer().items() if name != "income"},
}


class Served(NamedTuple):
    """A server, its Redis, and the store that fills it."""

    server: ServerProcess
    client: httpx.Client
    redis: RedisServer
    store: RedisStore


@pytest.fixture(scope="module")
def started(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("online")
    with serve_redis(PASSWORD) as redis:
        # By the environment, as a password should come.
        settings = {
            "SEGMENTATION_SERVING_FEATURE_STORE": redis.url,
            "SEGMENTATION_SERVING_FEATURE_ENVIRONMENT": "shop",
        }
        store = RedisStore(redis.url, "shop")
        with (
            serving(bundle, folder, "--job-workers", "0", environment=settings) as server,
            httpx.Client(base_url=server.url, timeout=30.0) as client,
        ):
            yield Served(server, client, redis, store)
            store.close()


@pytest.fixture
def served(started: Served, bundle: Path) -> Served:
    """The server, whose store holds the customers."""
    fill(started.store, bundle, CUSTOMERS)
    return started


def path_of(customer: str) -> str:
    return f"/v1/customers/{quote(customer, safe='')}/segment"


def answered(served: Served, customer: str, **changes: Any) -> dict[str, Any]:
    path = path_of(customer)
    response = served.client.post(path, json=changes) if changes else served.client.get(path)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def refusal(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    detail: str = response.json()["detail"]
    return detail


@pytest.mark.parametrize("customer", ["10476", "RICH", "a/b?#é", "x/segment"])
def test_a_stored_customer_is_answered_as_the_record_is(served: Served, customer: str) -> None:
    record = CUSTOMERS[customer] | {"customer_id": customer}
    expected = served.client.post("/v1/segments", json=record).json()
    answer = answered(served, customer)
    age = (TODAY - datetime(2014, 6, 30, tzinfo=UTC).date()).days
    assert answer.pop("features") == {
        "as_of": "2014-06-30",
        "age_days": pytest.approx(age, abs=1),
        "is_stale": True,
        "snapshot": OnlineFeatures(served.store).live().number,
        "version": 1,
    }
    assert answer == expected
    assert ("p_response" in answer) is (customer == "10476")


def test_a_slash_of_an_id_may_be_sent_as_it_is(served: Served) -> None:
    assert served.client.get("/v1/customers/a/b%3F%23%C3%A9/segment").json() == answered(
        served, "a/b?#é"
    )


def test_paths_that_end_otherwise_ask_for_what_is_stored(served: Served) -> None:
    # Nothing is: no batch run of this server's has been.
    for path in ("x%2Fsegment", "segment", "segments", "x/segment/more", "x//segments"):
        told = refusal(served.client.get(f"/v1/customers/{path}"), 404)
        assert told == "no batch run has stored answers yet: run kedro run"


def test_changes_are_merged_over_what_is_stored(served: Served) -> None:
    changed = {"MntWines": RICH["spend_wines"], "income": RICH["income"], "kids_home": 0}
    answer = answered(served, "10476", **changed)
    features = answer.pop("features")
    # Those that differ, by their canonical names.
    assert features["changed"] == ["spend_wines", "income"]
    expected = answered(served, "RICH")
    del expected["features"]
    # Of this one the store has what the response model asks for; of the other it has not.
    assert 0.0 < answer.pop("p_response") < 1.0
    assert answer == expected | {"customer_id": "10476"}
    # Nothing is kept.
    assert answered(served, "10476")["features"].get("changed") is None


def test_what_is_missing_in_the_store_can_be_given(served: Served) -> None:
    answer = answered(served, "7", income=CUSTOMERS["10476"]["income"], customer_id="7")
    assert answer["segment"] == answered(served, "10476")["segment"]
    assert answer["features"]["changed"] == ["income"]


def test_who_cannot_be_scored_is_unsegmented_and_told_why(served: Served) -> None:
    answer = answered(served, "7")
    assert (answer["segment"], answer["runner_up"], answer["margin"]) == (
        "unsegmented",
        "unsegmented",
        None,
    )
    assert answer["features"]["unsegmented"] == [
        {"path": "$.income", "problem": "missing", "accepted": "a number from 0 to 1000000000000"}
    ]
    listed = served.client.post("/v1/customers/segments", json=["7"]).json()
    assert listed == [answer]
    # The sender can give it.
    changed = served.client.post(path_of("7"), json={"kids_home": 1})
    assert refusal(changed, 422) == "a field is wrong"
    assert [problem["path"] for problem in changed.json()["errors"]] == ["$.income"]


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"income": -1}, {"$.income": "negative"}),
        (
            {"education": "kindergarten", "Kidhome": 0.5},
            {"$.education": "unknown category", "$.Kidhome": "not a whole number"},
        ),
        (
            {"enrolled_on": "2014-07-01"},
            {"$.enrolled_on": "outside 2000-01-01 to the snapshot's day"},
        ),
        ({"incme": 1}, {"$.incme": "unknown field"}),
        ({"MntWines": 1, "spend_wines": 2}, {"$.spend_wines": "given twice"}),
        ({"customer_id": "8"}, {"$.customer_id": "another customer's"}),
        # Right in itself, but not with the stored year of birth.
        ({"as_of": "1960-01-01"}, {"$.year_birth": "age outside 18 to 100"}),
        ([], {"$": "not an object"}),
    ],
)
def test_a_wrong_change_is_told_as_a_wrong_record_is(
    served: Served, changes: Any, problems: dict[str, str]
) -> None:
    response = served.client.post(path_of("10476"), json=changes)
    refusal(response, 422)
    assert {each["path"]: each["problem"] for each in response.json()["errors"]} == problems


def test_a_list_is_answered_in_order_and_says_who_is_not_there(served: Served) -> None:
    ids = ["RICH", "nobody", "10476", "RICH", "x/segment", ""]
    answers = served.client.post("/v1/customers/segments", json=ids).json()
    assert [answer["customer_id"] for answer in answers] == ids
    absent = "the online store has no such customer on 2014-06-30"
    for one, answer in zip(ids, answers, strict=True):
        if one in CUSTOMERS:
            assert answer == answered(served, one)
        else:
            assert answer == {"customer_id": one, "problem": absent}
    assert served.client.post("/v1/customers/segments", json=[]).json() == []


def test_a_list_of_anything_else_is_refused(served: Served) -> None:
    def post(body: Any) -> httpx.Response:
        return served.client.post("/v1/customers/segments", json=body)

    assert "at most 100" in refusal(post(["1"] * 101), 413)
    assert post(["1", 2]).json()["errors"] == [
        {"path": "$[1]", "problem": "not text", "accepted": "an id as text"}
    ]
    assert post({"ids": []}).json()["errors"][0]["problem"] == "not a list"
    body = served.client.post("/v1/customers/segments", content=b'["\\ud800"]')
    assert "not JSON" in refusal(body, 400)


def test_who_is_not_there_is_told_with_the_day(served: Served) -> None:
    told = refusal(served.client.get(path_of("nobody")), 404)
    assert told == "the online store has no such customer on 2014-06-30"
    assert refusal(served.client.post(path_of("nobody"), json={}), 404) == told


@pytest.mark.parametrize(("days", "is_stale"), [(10, False), (40, True)])
def test_values_are_stale_beyond_the_days_that_they_say(
    started: Served, bundle: Path, days: int, *, is_stale: bool
) -> None:
    day = (datetime.now(UTC) - timedelta(days)).date()
    snapshot = fill(started.store, bundle, CUSTOMERS, as_of=day.isoformat(), max_age_days=31)
    features = answered(started, "10476")["features"]
    assert features["is_stale"] is is_stale
    assert features["age_days"] == pytest.approx(days, abs=1)
    assert (features["as_of"], features["snapshot"]) == (day.isoformat(), snapshot.number)


def test_features_of_another_schema_are_refused_by_name(served: Served) -> None:
    (content,) = served.store.get([SNAPSHOT])
    assert content
    try:
        other = content.replace(b'"income", ', b'"earnings", ')
        served.store.put([(SNAPSHOT, other)])
        response = served.client.get(path_of("10476"))
        told = refusal(response, 503)
        assert "lacks income, which it needs. make feature-store" in told
        assert response.headers["retry-after"] == "30"
        # The same names, but codes of other labels.
        codes = re.sub(rb'(customer_features": ")\w+', rb"\g<1>000000000000", content)
        served.store.put([(SNAPSHOT, codes)])
        told = refusal(served.client.post("/v1/customers/segments", json=["10476"]), 503)
        assert "it has version 1 of them (000000000000), and not 1 (" in told
    finally:
        served.store.put([(SNAPSHOT, content)])
    assert answered(served, "10476")["segment"]


@pytest.mark.parametrize("damage", [b"\1", b"\1\0\0\0\x08\0\0\0" + bytes(8)])
def test_a_damaged_row_is_one_clear_message(served: Served, damage: bytes) -> None:
    (row,) = served.store.get([ROW + "RICH"])
    assert row
    try:
        # Of a version that this snapshot shows.
        served.store.put([(ROW + "RICH", damage)])
        for changes in (None, {"income": 1}):
            method = "POST" if changes else "GET"
            response = served.client.request(method, path_of("RICH"), json=changes)
            assert "a row of the online store is damaged" in refusal(response, 503)
        listed = served.client.post("/v1/customers/segments", json=["10476", "RICH"])
        assert "a row of the online store is damaged" in refusal(listed, 503)
        # It is its own customer's alone.
        assert answered(served, "10476")["segment"]
    finally:
        served.store.put([(ROW + "RICH", row)])


def test_a_damaged_snapshot_is_one_clear_message(served: Served) -> None:
    (content,) = served.store.get([SNAPSHOT])
    assert content
    try:
        served.store.put([(SNAPSHOT, content[:-5])])
        told = refusal(served.client.get(path_of("10476")), 503)
        assert "a snapshot that this version of the project did not write" in told
    finally:
        served.store.put([(SNAPSHOT, content)])


def test_a_store_that_is_slow_or_gone_is_named_and_may_come_back(
    served: Served, bundle: Path
) -> None:
    name = f"redis://127.0.0.1:{served.redis.port}/0"
    with served.redis.paused():
        started = perf_counter()
        response = served.client.get(path_of("10476"))
        assert perf_counter() - started < 5.0
        told = refusal(response, 503)
        assert told == f"the online store {name} does not answer within 1 s"
        assert response.headers["retry-after"] == "1"
    assert answered(served, "10476")["segment"]
    served.redis.stop()
    told = refusal(served.client.post("/v1/customers/segments", json=["10476"]), 503)
    assert told.startswith(f"the online store {name} does not answer (")
    # It serves what needs no store.
    assert served.client.post("/v1/segments", json=a_customer()).status_code == 200
    served.redis.start()
    told = refusal(served.client.get(path_of("10476")), 404)
    assert told == (f"the online store {name} was never filled: make feature-store fills it")
    fill(served.store, bundle, CUSTOMERS)
    assert answered(served, "10476")["segment"]
    log = served.server.stderr()
    assert log.count(f"ERROR the online store {name} does not answer (") == 1
    assert PASSWORD not in log + told


def test_reads_are_measured(served: Served) -> None:
    answered(served, "10476")
    metrics = served.client.get("/metrics").text
    assert re.search(r"segmentation_feature_store_seconds_count [1-9]", metrics)
    assert "segmentation_features_as_of_timestamp_seconds 1.4040864e+09" in metrics
    assert 'route="/v1/customers/segment",status="200"' in metrics


def test_without_a_store_it_says_how_to_fill_one(client: httpx.Client) -> None:
    for response in (
        client.get("/v1/customers/1/segment"),
        client.post("/v1/customers/segments", json=["1"]),
    ):
        told = refusal(response, 404)
        assert told == (
            "the online store data/features/online.db was never filled: make feature-store fills it"
        )


def test_a_kind_of_store_that_there_is_not_is_refused_at_the_start(
    bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"no feature store of the kind `mongodb`: give sqlite"):
        make_app(Settings(bundle=str(bundle), jobs=tmp_path, feature_store="mongodb://u:pw@h"))


def answers_of(settings: Settings, times: int = 1) -> list[httpx.Response]:
    """What a server in this process answers to requests for one customer, all at once."""
    app = make_app(settings)

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            asked = [client.get("/v1/customers/1/segment") for _ in range(times)]
            answers = await asyncio.gather(*asked)
        await app._server.online.end()
        return answers

    return asyncio.run(ask())


def test_requests_do_not_pile_up_at_a_slow_store(bundle: Path, tmp_path: Path) -> None:
    with serve_redis() as redis, redis.paused():
        settings = Settings(
            bundle=str(bundle), jobs=tmp_path, feature_store=redis.url, max_waiting=4
        )
        told = Counter(refusal(answer, 503) for answer in answers_of(settings, 12))
    waited = f"the online store {redis.url} does not answer within 1 s"
    assert told == {waited: 4, "the server is busy: try again": 8}


def test_a_file_that_is_none_and_a_table_that_is_not_there_are_named(
    bundle: Path, tmp_path: Path, moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "online.db"
    file.write_bytes(b"no database" * 1_000)
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)

    def told(store: str, status: int) -> str:
        settings = Settings(bundle=str(bundle), jobs=tmp_path, feature_store=store)
        return refusal(answers_of(settings)[0], status)

    assert told(f"sqlite://{file}", 503) == (
        f"the online store {file} cannot be used (file is not a database)"
    )
    assert "dynamodb://none was never filled" in told("dynamodb://none", 404)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    assert told("dynamodb://none", 503).startswith("the online store dynamodb://none does not")


@pytest.mark.parametrize("kind", ["redis", "sqlite"])
def test_who_reads_while_snapshots_are_written_sees_each_whole(
    kind: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    def opened() -> KeyValues:
        if kind == "redis":
            return RedisStore(redis_server.url, "switching")
        return SqliteStore(str(tmp_path / "online.db"))

    def day(number: int) -> str:
        return str(date(2014, 6, 1) + timedelta(days=number))

    customers = [str(number) for number in range(50)]
    is_done = False
    seen: list[int] = []

    def write() -> None:
        nonlocal is_done
        store = opened()
        online = OnlineFeatures(store)
        number = 0
        try:
            # A busy machine may let the reader in seldom: on until it has been in between often.
            while number < 24 or (len(set(seen)) <= 5 and number < 2_000):
                number += 1
                told = Snapshot(0, day(number), ("number",), 0, 1, {}, "", 31)
                rows = np.full((len(customers), 1), float(number))
                written = online.stage(customers, rows, told)
                online.switch(written.snapshot)
                online.sweep()
                store.purge()
        finally:
            is_done = True
            store.close()

    async def look() -> None:
        store = opened()
        reader = FeatureReader(store, 5.0)
        while not is_done:
            for snapshot, rows in await asyncio.gather(*(reader.read(customers) for _ in range(3))):
                if snapshot:
                    numbers = {decoded_row(row)[0] if row else None for row in rows}
                    assert numbers == {float(snapshot.number)}
                    assert snapshot.as_of == day(snapshot.number)
                    seen.append(snapshot.number)
        await store.end()

    writer = Thread(target=write)
    writer.start()
    asyncio.run(look())
    writer.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


def test_reads_of_one_turn_are_one_call_and_few_calls_are_on_their_way(tmp_path: Path) -> None:
    class Slow(SqliteStore):
        """Answers once it may, and counts."""

        calls = on_their_way = most = 0
        may_answer = asyncio.Event()

        async def read(self, keys: Sequence[str]) -> list[bytes | None]:
            assert len(set(keys)) == len(keys)
            self.calls += 1
            self.on_their_way += 1
            self.most = max(self.most, self.on_their_way)
            await self.may_answer.wait()
            self.on_their_way -= 1
            return await super().read(keys)

    store = Slow(str(tmp_path / "none.db"))

    async def ask() -> None:
        reader = FeatureReader(store, 60.0)
        store.may_answer.set()
        await asyncio.gather(*(reader.read(["1", str(number)]) for number in range(100)))
        assert store.calls == 1
        # No call ends before all have asked, however long their turns take.
        store.may_answer.clear()
        asked = []
        for _ in range(100):
            asked.append(asyncio.create_task(reader.read(["1"])))
            await asyncio.sleep(0)
        store.may_answer.set()
        assert await asyncio.gather(*asked) == [(None, [None])] * 100
        assert (store.calls, store.most) == (6, 4)

    asyncio.run(ask())


def test_a_file_of_sqlite_that_was_replaced_is_read_anew(tmp_path: Path, bundle: Path) -> None:
    path = tmp_path / "online.db"
    reading = SqliteStore(str(path))
    assert reading.get([SNAPSHOT]) == [None]
    assert not path.exists()
    for customers in ({"1": a_customer()}, {"2": a_customer()}):
        path.unlink(missing_ok=True)
        writing = SqliteStore(str(path))
        fill(writing, bundle, customers)
        writing.close()
        found = OnlineFeatures(reading).read(["1", "2"])[1]
        assert [row is not None for row in found] == ["1" in customers, "2" in customers]
    reading.close()
