"""A customer is found in, and erased from, the online feature store; nobody else is."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from customer_segmentation.datasets.online_features import OnlineFeaturesDataset
from customer_segmentation.feature_store.online import OnlineFeatures, StoreDownError
from customer_segmentation.feature_store.rows import ROW
from customer_segmentation.retention.online import erase_online, in_online
from tests.feature_store.test_online import fill, seen
from tests.services.redis import RedisServer
from tests.services.s3 import S3Server

VALUES = {"48": [1.0, 2.0], "482": [3.0, 4.0], "4822": [5.0, 6.0], "ü b": [7.0, 8.0]}


def environment(folder: Path, store: str) -> Any:
    online = OnlineFeaturesDataset(
        filepath=str(folder / "online.json"), store=store, environment=folder.name
    )
    return SimpleNamespace(online=online, online_file=online.beside)


def found(place: Any, customer: str) -> int:
    """In the one store of an environment."""
    return sum(in_online(place, customer).values())


@pytest.mark.parametrize("customer", VALUES)
def test_the_file_holds_nothing_of_a_customer_who_was_erased(tmp_path: Path, customer: str) -> None:
    place = environment(tmp_path, "sqlite")
    online = place.online.open()
    fill(online, VALUES | {f"48{n}0": [0.0, float(n)] for n in range(3_000)})
    # A server that has the file open, and a log of changes beside it.
    fill(online, VALUES | {customer: [9.0, 9.0]})
    assert found(place, customer) == 1
    erase_online(place, place.online_file, customer)
    assert found(place, customer) == 0
    others = [other for other in VALUES if other != customer]
    assert seen(online, customer, *others) == [None, *(VALUES[other] for other in others)]
    online.store.close()


def test_what_is_only_in_the_log_of_the_file_is_found(tmp_path: Path) -> None:
    place = environment(tmp_path, "sqlite")
    online = place.online.open()
    fill(online, VALUES)
    fill(online, VALUES | {"9911": [0.0, 0.0]})
    assert b"row:9911" not in Path(place.online_file).read_bytes()
    assert found(place, "9911") > 0
    online.store.close()


def test_pages_that_sqlite_no_longer_uses_are_searched_too(tmp_path: Path) -> None:
    place = environment(tmp_path, "sqlite")
    online = place.online.open()
    fill(online, {f"{n:05}": [0.0, float(n)] for n in range(2_000)})
    online.store.close()
    # Some builds of SQLite overwrite what is deleted, unless told not to.
    database = sqlite3.connect(place.online_file)
    database.execute("PRAGMA secure_delete = OFF")
    database.execute("DELETE FROM rows WHERE key = ?", [f"{ROW}01234"])
    database.commit()
    database.close()
    assert online.read(["01234"])[1] == [None]
    online.store.close()
    assert found(place, "01234") == 1
    erase_online(place, place.online_file, "01234")
    assert found(place, "01234") == 0
    assert found(place, "01235") == 1


@pytest.mark.parametrize("kind", ["redis", "dynamodb"])
def test_a_store_that_is_no_file_is_asked(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        named = redis.url
    else:
        server: S3Server = request.getfixturevalue("moto_server")
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        named = "dynamodb://features"
    place = environment(tmp_path, named)
    online: OnlineFeatures = place.online.open()
    fill(online, VALUES)
    assert in_online(place, "4822") == {online.store.name: 1}
    assert in_online(place, "4") == {}
    erase_online(place, online.store.name, "4822")
    assert in_online(place, "4822") == {}
    assert seen(online, "4822", "482") == [None, VALUES["482"]]
    online.store.close()


def test_a_store_that_does_not_answer_proves_nothing(tmp_path: Path) -> None:
    place = environment(tmp_path, "redis://127.0.0.1:1/0")
    with pytest.raises(StoreDownError, match=r"redis://127.0.0.1:1/0 does not answer"):
        in_online(place, "4822")
