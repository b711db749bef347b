"""The online store on each database: one snapshot is seen, whole, whatever is written meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.dynamodb import DynamoStore
from customer_segmentation.feature_store.online import OnlineFeatures, StoreDownError
from customer_segmentation.feature_store.redis import RedisStore
from customer_segmentation.feature_store.rows import (
    ROW,
    SNAPSHOT,
    Snapshot,
    decoded_row,
    versioned,
    visible,
)
from customer_segmentation.feature_store.sqlite import SqliteStore
from customer_segmentation.feature_store.stores import open_store
from tests.services.redis import RedisServer, serve_redis

TOLD = Snapshot(
    number=0,
    as_of="2014-06-30",
    columns=("income", "spend"),
    customers=0,
    version=1,
    hashes={"customer_features": "0123456789ab"},
    artifact_version="ba9876543210",
    max_age_days=31,
    run_id="run 1",
    written_at="2026-11-29T12:00:00+00:00",
)
Values = dict[str, list[float]]


def fill(online: OnlineFeatures, values: Values, told: Snapshot = TOLD) -> tuple[int, int, bool]:
    """As a run does; gives how many were written and removed, and whether it shows anything."""
    written = stage(online, values, told)
    if written.is_new:
        online.switch(written.snapshot)
        online.sweep()
    return written.changed, written.removed, written.is_new


def stage(online: OnlineFeatures, values: Values, told: Snapshot = TOLD):
    numbers = np.array([*values.values()], float).reshape(len(values), len(told.columns))
    return online.stage([*values], numbers, told)


def seen(online: OnlineFeatures, *customers: str) -> list[list[float] | None]:
    _, rows = online.read(customers)
    return [None if row is None else decoded_row(row).tolist() for row in rows]


def stored(online: OnlineFeatures) -> dict[str, bytes]:
    return {key: value for chunk in online.store.scan(ROW) for key, value in chunk}


@pytest.fixture(params=["sqlite", "redis", "dynamodb"])
def online(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OnlineFeatures]:
    # A name of its own, since tests share the server; its signs are those of a pattern.
    name = f"*[{tmp_path.name}]?"
    if request.param == "dynamodb":
        server = request.getfixturevalue("moto_server")
        for key, value in {
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }.items():
            monkeypatch.setenv(key, value)
        store = open_store("dynamodb://features", name, "")
    elif request.param == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        store = open_store(redis.url, name, "")
    else:
        store = open_store("sqlite", "dev", str(tmp_path / "features" / "online.db"))
    yield OnlineFeatures(store)
    store.close()


def test_an_empty_store_holds_nobody(online: OnlineFeatures) -> None:
    assert online.live() is None
    assert online.read(["a"]) == (None, [None])
    assert stored(online) == {}


def test_a_snapshot_is_read_as_it_was_written(online: OnlineFeatures) -> None:
    assert fill(online, {"a": [1.5, 2.0], "ü/b": [0.1, float("nan")]}) == (2, 0, True)
    snapshot, (first, second, nobody) = online.read(["a", "ü/b", "c"])
    assert snapshot is not None
    assert (snapshot.number, snapshot.customers, snapshot.columns) == (1, 2, ("income", "spend"))
    assert decoded_row(first or b"").tolist() == [1.5, 2.0]
    np.testing.assert_array_equal(decoded_row(second or b""), [0.1, float("nan")])
    assert nobody is None
    assert online.live() == snapshot


def test_the_same_snapshot_is_written_once(online: OnlineFeatures) -> None:
    fill(online, {"a": [1.0, 2.0]})
    before = stored(online)
    assert fill(online, {"a": [1.0, 2.0]}) == (0, 0, False)
    assert stored(online) == before
    live = online.live()
    assert live is not None
    assert live.number == 1


def test_only_what_changed_is_written_and_who_left_is_gone(online: OnlineFeatures) -> None:
    fill(online, {"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [5.0, 6.0]})
    before = stored(online)
    assert fill(online, {"a": [1.0, 2.0], "b": [3.0, 7.0], "d": [8.0, 9.0]}) == (2, 1, True)
    assert seen(online, "a", "b", "c", "d") == [[1.0, 2.0], [3.0, 7.0], None, [8.0, 9.0]]
    now = stored(online)
    assert now[ROW + "a"] == before[ROW + "a"]
    assert {*now} == {ROW + "a", ROW + "b", ROW + "d"}


def test_what_is_written_is_seen_by_nobody_before_the_switch(online: OnlineFeatures) -> None:
    fill(online, {"a": [1.0, 2.0], "b": [3.0, 4.0]})
    written = stage(online, {"a": [9.0, 9.0], "c": [5.0, 6.0]})
    assert seen(online, "a", "b", "c") == [[1.0, 2.0], [3.0, 4.0], None]
    online.switch(written.snapshot)
    assert seen(online, "a", "b", "c") == [[9.0, 9.0], None, [5.0, 6.0]]
    online.sweep()
    assert seen(online, "a", "b", "c") == [[9.0, 9.0], None, [5.0, 6.0]]
    # Neither shown again nor shown later.
    online.switch(written.snapshot)
    live = online.live()
    assert live is not None
    assert live.number == 2


def test_what_a_killed_run_wrote_is_never_seen(online: OnlineFeatures) -> None:
    fill(online, {"a": [1.0, 2.0], "b": [3.0, 4.0]})
    stage(online, {"a": [9.0, 9.0], "x": [9.0, 9.0]})
    assert fill(online, {"a": [1.0, 2.0], "b": [3.0, 5.0]}) == (1, 0, True)
    assert seen(online, "a", "b", "x") == [[1.0, 2.0], [3.0, 5.0], None]
    assert {*stored(online)} == {ROW + "a", ROW + "b"}


def test_other_columns_or_another_day_are_another_snapshot(online: OnlineFeatures) -> None:
    fill(online, {"a": [1.0, 2.0]})
    assert fill(online, {"a": [1.0, 2.0]}, replace(TOLD, columns=("spend", "income")))[2]
    later = replace(TOLD, columns=("spend", "income"), as_of="2014-07-31")
    assert fill(online, {"a": [1.0, 2.0]}, later) == (0, 0, True)
    live = online.live()
    assert live is not None
    assert (live.number, live.as_of) == (3, "2014-07-31")


def test_every_version_of_the_features_is_remembered(online: OnlineFeatures) -> None:
    fill(online, {"a": [1.0, 2.0]})
    second = {"customer_features": "fedcba987654"}
    fill(online, {"a": [1.0, 2.0]}, replace(TOLD, version=2, hashes=second, run_id="run 2"))
    live = online.live()
    assert live is not None
    assert [(one["version"], one["run_id"]) for one in live.versions] == [
        (1, "run 1"),
        (2, "run 2"),
    ]
    assert live.versions[1]["hashes"] == second


def test_a_forgotten_customer_is_gone_at_once(online: OnlineFeatures) -> None:
    fill(online, {"a": [1.0, 2.0], "b": [3.0, 4.0]})
    online.forget("a")
    assert seen(online, "a", "b") == [None, [3.0, 4.0]]


def test_more_customers_than_one_call_takes(online: OnlineFeatures) -> None:
    many = {f"customer {number}": [float(number), -1.0] for number in range(130)}
    assert fill(online, many) == (130, 0, True)
    assert seen(online, *many) == [*many.values()]
    few = dict([*many.items()][::2])
    assert fill(online, few) == (0, 65, True)
    assert len(stored(online)) == 65


def test_a_customer_whom_a_scan_names_twice_has_left_once(tmp_path: Path) -> None:
    class Twice(SqliteStore):
        """As Redis may while it grows."""

        def scan(self, prefix: str) -> Iterator[list[tuple[str, bytes]]]:
            for chunk in super().scan(prefix):
                yield chunk
                yield chunk

    online = OnlineFeatures(Twice(str(tmp_path / "online.db")))
    fill(online, {"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [5.0, 6.0]})
    assert fill(online, {"a": [1.0, 2.0], "b": [3.0, 5.0]}) == (1, 1, True)
    assert seen(online, "a", "b", "c") == [[1.0, 2.0], [3.0, 5.0], None]
    online.store.close()


def test_a_damaged_row_is_told(online: OnlineFeatures) -> None:
    fill(online, {"a": [1.0, 2.0]})
    online.store.put([(ROW + "a", stored(online)[ROW + "a"][:-3])])
    with pytest.raises(UserError, match="a row of the online store is damaged"):
        online.read(["a"])


def test_a_snapshot_of_another_making_is_told(online: OnlineFeatures) -> None:
    online.store.put([(SNAPSHOT, b'{"number": 1}')])
    with pytest.raises(UserError, match="did not write"):
        online.live()


def test_environments_share_a_database_without_seeing_each_other(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    names = (f"{tmp_path.name}-dev", f"{tmp_path.name}-prod")
    dev, prod = (OnlineFeatures(RedisStore(redis_server.url, name)) for name in names)
    fill(dev, {"a": [1.0, 2.0]})
    assert prod.live() is None
    assert fill(prod, {"b": [3.0, 4.0]}) == (1, 0, True)
    assert seen(dev, "a", "b") == [[1.0, 2.0], None]


def test_a_store_that_is_down_is_named_without_its_password() -> None:
    with serve_redis("hush") as server:
        url = server.url
        online = OnlineFeatures(RedisStore(url, "dev"))
        fill(online, {"a": [1.0, 2.0]})
        wrong = OnlineFeatures(RedisStore(url.replace("hush", "other"), "dev"))
        with pytest.raises(StoreDownError, match="does not answer") as refused:
            wrong.live()
        assert "other" not in refused.value.message
    with pytest.raises(StoreDownError, match=r"redis://127\.0\.0\.1:\d+/0 does not answer") as down:
        stage(online, {"a": [1.0, 2.0]})
    assert "hush" not in down.value.message


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "online.db"
    file.write_bytes(b"no database, but a text that is long enough to be taken for one" * 20)
    with pytest.raises(StoreDownError, match=r"online\.db cannot be used \(file is not a database"):
        SqliteStore(str(file)).get(["a"])


def test_what_was_removed_is_not_left_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "online.db"
    online = OnlineFeatures(SqliteStore(str(file)))
    fill(online, {f"somebody {number}": [float(number), 0.0] for number in range(200)})
    online.forget("somebody 77")
    online.store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["online.db"]
    content = file.read_bytes()
    assert b"somebody 77" not in content
    assert b"somebody 78" in content


def test_a_table_of_dynamodb_that_takes_too_little_is_asked_again() -> None:
    asked: list[int] = []

    class Slow:
        """Takes half of what it is given."""

        def describe_table(self, **_table: str) -> None:
            """It is there."""

        def batch_write_item(self, RequestItems: dict[str, list]) -> dict:  # noqa: N803 - botocore's name
            ((table, requests),) = RequestItems.items()
            asked.append(len(requests))
            rest = requests[(len(requests) + 1) // 2 :]
            return {"UnprocessedItems": {table: rest} if rest else {}}

    store = DynamoStore("features", "dev")
    store._opened = Slow()
    store.put((str(number), b"") for number in range(4))
    assert asked == [4, 2, 1]


@pytest.mark.parametrize("named", ["mongo://a", "redis://", "dynamodb://", "file.db"])
def test_a_kind_that_there_is_not_is_refused_with_those_there_are(named: str) -> None:
    with pytest.raises(UserError, match=r"give sqlite, redis://host:6379/0"):
        open_store(named, "dev", "")


class Dying(SqliteStore):
    """A store whose process dies at its nth call that writes."""

    left = -1

    def put(self, values: Iterable[tuple[str, bytes]]) -> None:
        self._count()
        super().put(values)

    def remove(self, keys: Iterable[str]) -> None:
        self._count()
        super().remove(keys)

    def _count(self) -> None:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1


SNAPSHOTS = st.lists(
    st.tuples(
        st.dictionaries(
            st.sampled_from("abcdef"), st.lists(st.floats(0, 3), min_size=2, max_size=2), min_size=1
        ),
        st.integers(-1, 5),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60)
@given(SNAPSHOTS)
def test_readers_see_the_last_whole_snapshot_wherever_runs_die(
    snapshots: list[tuple[Values, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Dying(f"{folder}/online.db")
        online, shown = OnlineFeatures(store), {}
        for values, calls in snapshots:
            store.left = calls
            before = online.live()
            try:
                fill(online, values)
                shown = values
            except KeyboardInterrupt:
                # Behind the switch all of it is seen.
                live = online.live()
                if live and live.number > (before.number if before else 0):
                    shown = values
            store.left = -1
            assert seen(online, *"abcdef") == [shown.get(one) for one in "abcdef"]
        fill(online, shown or {"a": [0.0, 0.0]})
        assert {*stored(online)} == {ROW + one for one in shown or "a"}
        store.close()


def test_the_newest_row_that_is_not_newer_is_seen() -> None:
    value = versioned({2: b"two", 4: None, 5: b"five"})
    assert [visible(value, number) for number in range(1, 7)] == [
        *(None, b"two", b"two", None, b"five", b"five")
    ]
    assert visible(None, 3) is None
