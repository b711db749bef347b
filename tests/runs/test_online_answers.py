"""Every customer of a run gets the same answer from the online store as from the batch."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from customer_segmentation.feature_store.definitions import feature_set
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.rows import Snapshot
from customer_segmentation.feature_store.stores import open_store
from customer_segmentation.schema.parts import KEY
from customer_segmentation.serving.app import make_app
from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.online import MAX_IDS
from customer_segmentation.serving.settings import Settings
from customer_segmentation.tables.schemas import EVENT_TIME
from tests.runs.project import Project
from tests.services.redis import RedisServer
from tests.services.s3 import S3Server

# Not part of an answer.
NOT_TOLD = ("segment_id", "as_of")
# As many as arrive at once.
TOGETHER = 50


@pytest.fixture(params=["sqlite", "redis", "dynamodb"])
def named(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The setting of each kind of store."""
    if request.param == "sqlite":
        return f"sqlite://{tmp_path / 'online.db'}"
    if request.param == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        return redis.url
    moto: S3Server = request.getfixturevalue("moto_server")
    for name, value in moto.environment().items():
        monkeypatch.setenv(name, value)
    return "dynamodb://online-answers"


def fill(named: str, project: Project) -> None:
    """Show the features that a run has written."""
    table = pl.read_parquet(project.root / "data/gold/feature_table.parquet")
    columns = [name for name in table.columns if name not in (KEY, EVENT_TIME)]
    bundle = Champion(str(project.root / "data/models")).current
    features = feature_set(bundle.segmenter.metadata)
    told = Snapshot(
        number=0,
        as_of=str(table[EVENT_TIME][0].date()),
        columns=tuple(columns),
        customers=0,
        artifact_version=features.artifact_version,
        max_age_days=features.max_age_days,
        **features.about(),
    )
    online = OnlineFeatures(open_store(named, "answers", ""))
    written = online.stage(table[KEY].to_list(), table[columns].to_numpy(), told)
    online.switch(written.snapshot)
    online.store.close()


def test_every_customer_is_answered_online_as_in_the_batch(
    named: str, quick_run: Project, tmp_path: Path
) -> None:
    fill(named, quick_run)
    stored = pl.read_parquet(quick_run.root / "data/gold/segments.parquet").drop(NOT_TOLD)
    expected = {row[KEY]: row for row in stored.to_dicts()}
    assert len(expected) > 2000
    settings = Settings(
        bundle=str(quick_run.root / "data/models"),
        jobs=tmp_path / "jobs",
        feature_store=named,
        feature_environment="answers",
    )
    app = make_app(settings)
    ids = list(expected)
    # DynamoDB refuses to be asked twice for a key.
    ids.append(ids[-1])

    async def ask() -> tuple[list[Any], list[Any]]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            one_by_one, listed = [], []
            for start in range(0, len(ids), TOGETHER):
                paths = [f"/v1/customers/{one}/segment" for one in ids[start : start + TOGETHER]]
                one_by_one += await asyncio.gather(*map(client.get, paths))
            for start in range(0, len(ids), MAX_IDS):
                body = ids[start : start + MAX_IDS]
                answer = await client.post("/v1/customers/segments", json=body)
                listed += answer.raise_for_status().json()
        await app._server.online.end()
        return [answer.raise_for_status().json() for answer in one_by_one], listed

    one_by_one, listed = asyncio.run(ask())
    assert one_by_one == listed
    told = [{name: answer.get(name) for name in stored.columns} for answer in listed]
    assert told == [expected[one] for one in ids]
