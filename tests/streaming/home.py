"""A shop whose lines are events, with a champion, and its stream on a real broker."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import onnx
import polars as pl
import yaml
from confluent_kafka import TopicPartition

from customer_segmentation.bundles.bundle import ABOUT, COLD_START, SEGMENTER, StoredBundle
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.pipelines.clustering import nodes
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.pipelines.preprocessing.nodes import compute_features
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.cold_start import build_no_cold_start
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.sources.messages.kafka import Outgoing
from customer_segmentation.sources.messages.offsets import offsets_of, partitions_of
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.scoring import answers_of
from customer_segmentation.streaming.settings import StreamSettings, Topics
from customer_segmentation.streaming.state import CustomerState
from tests.promotion.example import an_entry
from tests.tables.declared import require_declared
from tools.order_events import OrderEvents

CONFIGURATION = Path(__file__).parents[2] / "conf"
TABLES = ("segments", "history", "moves")
_SECONDS = 60.0


def shop() -> Schema:
    """The shipped order lines, each with a number in its order and a version."""
    text = (CONFIGURATION / "schemas" / "online_retail.yml").read_text(encoding="utf-8")
    return Schema.model_validate(versioned(yaml.safe_load(text)))


def versioned(block: dict[str, Any]) -> dict[str, Any]:
    """A block of order lines, each with a number in its order and a version."""
    block["orders"]["columns"] |= {
        "line": {"kind": "count", "headers": ["Line"]},
        "changed_at": {"kind": "count", "headers": ["ChangedAt"]},
    }
    block["events"] = {"id": ["invoice", "line"], "version": "changed_at"}
    return block


def lines(count: int, customers: int = 300, seed: int = 5) -> list[dict[str, Any]]:
    """So many order lines of a year, late and corrected ones among them."""
    return [*islice(OrderEvents(customers=customers, days=300, seed=seed), count)]


def messages(events: Iterable[dict[str, Any]]) -> list[Outgoing]:
    """Events as they are sent."""
    return [Outgoing(e["CustomerID"].encode(), json.dumps(e).encode(), ()) for e in events]


def cells(events: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Events as rows of text."""
    rows = [*events]
    return pl.DataFrame({name: [str(row[name]) for row in rows] for name in rows[0]})


def champion(schema: Schema, folder: Path, seed: int = 1) -> BundleStore:
    """Models in a folder, with a champion that was learned from some lines of the shop."""
    with CustomerState(folder / "base.sqlite", schema) as state:
        state.apply(cells(lines(6_000, seed=11)), {})
        silver = pl.concat([*state.customers()])
    block = yaml.safe_load((CONFIGURATION / "base/parameters_clustering.yml").read_text())
    block["clustering"] |= {"seed": seed, "k": {**block["clustering"]["k"], "maximum": 4}}
    block["clustering"]["k"] |= {"minimum": 4 if seed == 1 else 3, "starts": 2, "bootstraps": 2}
    clustering = ClusteringParameters.model_validate(block["clustering"])
    features = compute_features(silver.lazy(), schema)
    sample = nodes.draw_sample(features, schema, clustering)
    found = nodes.measure_candidates(sample, clustering)
    segmenter = nodes.learn_segmenter(sample, found, clustering)
    artifact = nodes.build_checked_artifact(segmenter, sample)
    store = BundleStore(str(folder / "models"), "dev")
    promote(store, artifact)
    return store


def promote(store: BundleStore, artifact: onnx.ModelProto) -> None:
    """Make an artifact the champion, in a bundle that a server takes too."""
    version = str(metadata_of(artifact)[VERSION])
    files = {
        SEGMENTER: artifact.SerializeToString(deterministic=True),
        COLD_START: build_no_cold_start(
            "no sign_up_features are given", metadata_of(artifact)
        ).SerializeToString(deterministic=True),
        ABOUT: json.dumps({"artifact_version": version}).encode(),
    }
    bundle, before = StoredBundle(files), store.live()
    store.add(bundle)
    store.append(an_entry(bundle, before.bundle if before else None))


def stream_of(  # noqa: PLR0913 - what differs between tests
    bootstrap: str,
    root: Path,
    models: BundleStore,
    name: str = "",
    *,
    is_delta: bool = True,
    store: str = "",
) -> Stream:
    """A stream with topics, state and tables of its own."""
    name = name or uuid4().hex[:8]
    topics = Topics(
        **{each: f"{each}-{name}" for each in ("events", "answers", "movers", "dead_letters")}
    )
    kind = "delta_table.DeltaTableDataset" if is_delta else "parquet"
    suffix = "" if is_delta else ".parquet"
    catalog: dict[str, Any] = {
        "gold_segments": {"type": kind, "filepath": f"{root}/gold/segments{suffix}"},
        "gold_history": {"type": kind, "filepath": f"{root}/gold/history"},
        "gold_moves": {"type": kind, "filepath": f"{root}/gold/moves"},
        "online_features": {
            "type": "online",
            "filepath": f"{root}/online.json",
            "store": store,
            "environment": "dev",
        },
    }
    settings = StreamSettings(
        bootstrap=bootstrap, topics=topics, group=f"group-{name}", state="state"
    )
    return Stream(
        settings, shop(), "dev", models.root, str(root / "tables"), catalog, root / "state"
    )


def expected(stream: Stream, events: Iterable[dict[str, Any]], folder: Path) -> pl.DataFrame:
    """The answers that all events come to, computed at once."""
    bundle = stream.bundles.champion()
    assert bundle
    artifact = onnx.load_from_string(bundle.files[SEGMENTER])
    with CustomerState(folder / f"{uuid4().hex}.sqlite", stream.schema) as state:
        state.apply(cells(events), {})
        return pl.concat([answers_of(each, artifact) for each in state.customers()]).sort(
            "customer_id"
        )


def table(stream: Stream, name: str) -> pl.DataFrame:
    """A table as it is now; without columns if it is not there yet."""
    entry = stream.catalog[f"gold_{name}"]
    path = Path(entry["filepath"])
    if entry["type"].endswith("DeltaTableDataset"):
        return pl.read_delta(str(path)) if path.exists() else pl.DataFrame()
    found = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    return pl.concat([pl.read_parquet(each) for each in found if each.exists()])


def require_visible(stream: Stream, *names: str) -> None:
    """Wait until what was committed can be read.

    Kafka says that a transaction is committed before it has marked each partition so; until then
    a reader of committed messages sees the partition end before it.
    """
    clients, begun = stream.settings.clients, monotonic()
    with (
        closing(clients.consumer()) as committed,
        closing(clients.consumer(isolation_level="read_uncommitted")) as written,
    ):
        for name in (getattr(stream.settings.topics, name) for name in names):
            partitions = partitions_of(written, name)
            while offsets_of(committed, name, partitions) != offsets_of(written, name, partitions):
                assert monotonic() - begun < _SECONDS, f"a transaction in {name} stays open"
                sleep(0.05)


def topic(stream: Stream, name: str) -> list[Any]:
    """All committed messages of a topic, in the order of each partition."""
    require_visible(stream, name)
    consumer = stream.settings.clients.consumer(enable_partition_eof=True)
    with closing(consumer):
        name = getattr(stream.settings.topics, name)
        ends = offsets_of(consumer, name, partitions_of(consumer, name))
        consumer.assign([TopicPartition(name, each, first) for each, (first, _) in ends.items()])
        open_ = set(ends)
        found = []
        while open_:
            for message in consumer.consume(10_000, 0.5):
                if message.error():
                    open_.discard(message.partition())
                else:
                    found.append(message)
        return found


def require_chains(stream: Stream, answers: pl.DataFrame) -> None:
    """No move is lost or doubled: each begins where the last one ended, the last at the answer."""
    root = Path(stream.catalog["gold_moves"]["filepath"]).parents[1]
    require_declared(str(root), "gold_moves")
    moves = table(stream, "moves").sort("customer_id", "recorded_at")
    at: dict[str, str | None] = {}
    for row in moves.iter_rows(named=True):
        customer = row["customer_id"]
        assert row["from_segment"] == at.get(customer), row
        assert row["from_segment"] != row["to_segment"], row
        assert (row["cause"] == "entered") == (row["from_segment"] is None)
        at[customer] = row["to_segment"]
    now = dict(answers.select("customer_id", "segment").iter_rows())
    assert {customer: segment for customer, segment in at.items() if segment} == now


def equal(found: pl.DataFrame, wanted: pl.DataFrame) -> bool:
    """Whether two tables of answers are the same, whatever the type of their day."""
    day = pl.col("as_of").cast(pl.Date)
    left, right = (each.with_columns(day).sort("customer_id") for each in (found, wanted))
    return left.equals(right.select(left.columns))
