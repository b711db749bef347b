"""The online feature store follows the events, and never says less than the state."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest

from customer_segmentation.bundles.bundle import SEGMENTER
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.datasets.online_features import FeatureTable, OnlineFeaturesDataset
from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import feature_set
from customer_segmentation.feature_store.rows import decoded_row
from customer_segmentation.pipelines.feature_export.nodes import export_features
from customer_segmentation.pipelines.preprocessing.nodes import compute_features
from customer_segmentation.schema.lifetime import VALUES
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.streaming import answers
from customer_segmentation.streaming.answers import Answering
from customer_segmentation.streaming.commands import make_topics_of
from customer_segmentation.streaming.online import OnlineWriter
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.state import CustomerState
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer
from tests.streaming.home import cells, lines, messages, shop, stream_of
from tests.streaming.test_runner import all_read, answer, answering

EVENTS = lines(1_500)


@pytest.fixture
def stream(kafka: Kafka, own_redis: RedisServer, tmp_path: Path, models: BundleStore) -> Stream:
    made = stream_of(kafka.bootstrap, tmp_path, models, store=own_redis.url)
    make_topics_of(made)
    return made


def features(stream: Stream, events: int, folder: Path) -> pl.DataFrame:
    """What a run exports of so many events; what is expected of a customer is 7."""
    bundle = stream.bundles.champion()
    assert bundle
    artifact = onnx.load_from_string(bundle.files[SEGMENTER])
    with CustomerState(folder / f"{events}.sqlite", shop()) as state:
        state.apply(cells(EVENTS[:events]), {})
        silver = pl.concat([*state.customers()])
    expected = silver.select("customer_id", *(pl.lit(7.0).alias(name) for name in VALUES))
    table = export_features(compute_features(silver.lazy(), shop()), expected.lazy(), artifact)
    found: pl.DataFrame = table.collect()
    return found


def fill(stream: Stream, table: pl.DataFrame) -> None:
    bundle = stream.bundles.champion()
    assert bundle
    told = feature_set(metadata_of(onnx.load_from_string(bundle.files[SEGMENTER])))
    entry = {
        key: value for key, value in stream.catalog["online_features"].items() if key != "type"
    }
    OnlineFeaturesDataset(**entry).save(FeatureTable(table.lazy(), told, "0"))


def require_same(stream: Stream, table: pl.DataFrame) -> None:
    """That each customer's row says what a run would export."""
    online = stream.online()
    assert online
    keys = table["customer_id"].to_list()
    snapshot, rows = online.read(keys)
    online.store.close()
    assert snapshot
    columns = [name for name in snapshot.columns if name not in VALUES]
    place = [snapshot.columns.index(name) for name in columns]
    stored = np.array([decoded_row(row or b"")[place] for row in rows])
    np.testing.assert_allclose(stored, table.select(columns).to_numpy(), rtol=1e-12)


def test_each_change_of_a_customer_is_in_the_store(
    stream: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    fill(stream, features(stream, 500, tmp_path))
    kafka.send(stream.settings.topics.events, messages(EVENTS[:1_000]))
    answer(stream)
    require_same(stream, features(stream, 1_000, tmp_path))
    # What only a run tells stays.
    online = stream.online()
    assert online
    key = features(stream, 500, tmp_path / "again")["customer_id"][0]
    snapshot, (row,) = online.read([key])
    assert snapshot
    assert row
    assert decoded_row(row)[snapshot.columns.index(VALUES[0])] == 7.0
    online.store.close()


def test_killed_before_the_store_has_it_all_is_written_at_the_next_start(
    stream: Stream, kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(stream, features(stream, 500, tmp_path))
    kafka.send(stream.settings.topics.events, messages(EVENTS[:700]))
    with monkeypatch.context() as killed:
        killed.setattr(OnlineWriter, "put", lambda *_: False)
        answer(stream)
    answer(stream)
    require_same(stream, features(stream, 700, tmp_path))


def test_after_a_run_has_filled_the_store_the_stream_is_ahead_of_it_again(
    stream: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    fill(stream, features(stream, 500, tmp_path))
    kafka.send(stream.settings.topics.events, messages(EVENTS[:700]))
    answer(stream)
    fill(stream, features(stream, 500, tmp_path / "again"))
    kafka.send(stream.settings.topics.events, messages(EVENTS[700:701]))
    answer(stream)
    require_same(stream, features(stream, 701, tmp_path))


def test_a_run_that_fills_the_store_is_seen_before_the_next_event(
    stream: Stream, kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_LOOK_SECONDS", 0.0)
    fill(stream, features(stream, 500, tmp_path))
    kafka.send(stream.settings.topics.events, messages(EVENTS[:700]))
    with answering(stream) as runner:
        runner.run(all_read(stream, runner))
        fill(stream, features(stream, 500, tmp_path / "again"))
        looks = iter([False, True])
        runner.run(lambda: next(looks))
    require_same(stream, features(stream, 700, tmp_path))


def test_a_store_that_no_run_has_filled_is_refused(stream: Stream) -> None:
    with (
        pytest.raises(UserError, match="fill it by kedro run"),
        closing(
            Answering(stream, None)  # type: ignore[arg-type]  # it does not come so far
        ),
    ):
        pass
