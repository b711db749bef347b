"""The online store: filling it with 10^6 customers, and reading one of them, in SQLite and Redis.

Each customer has every feature of the default schema, made up. The store is filled three times: at
first, with the next day's values, which are all others, and with the same again. Targets: 60 s to
SQLite and 120 s to a Redis on this machine, for each of the three. Then one customer is read, by
this project's own way and by Feast over the same store: what the segmenter takes and sees, and
everything. Feast's own stores, filled by its own `materialize` from the same table in a Parquet
file, are measured beside ours with fewer customers. It needs `make services`.
"""

from __future__ import annotations

import io
import logging
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, String
from report import arguments, machine, table, write_json

from customer_segmentation.bundles.bundle import ABOUT, SEGMENTER, StoredBundle
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.datasets.online_features import FeatureTable, OnlineFeaturesDataset
from customer_segmentation.feature_store.definitions import FeatureSet, feature_set
from customer_segmentation.feature_store.feast.store import (
    FeastPlaces,
    apply_definitions,
    feature_store,
)
from customer_segmentation.feature_store.rows import decoded_row
from customer_segmentation.scoring.metadata import VERSION
from customer_segmentation.scoring.scorer import Scorer
from tests.services.redis import serve_redis
from tests.serving.example import write_bundle

TARGET_CUSTOMERS, SECONDS = 1_000_000, {"sqlite": 60.0, "redis": 120.0}
DAY, NEXT = datetime(2014, 6, 30), datetime(2014, 7, 1)  # noqa: DTZ001 - days have no time zone
FILLS = ("first fill", "next day", "same again")


@dataclass(frozen=True)
class Size:
    """How much is measured: customers, reads of one, and a folder of models."""

    customers: int
    reads: int
    models: Path

    @property
    def features(self) -> FeatureSet:
        """Those of the model's customers."""
        return feature_set(Scorer(next(self.models.rglob(SEGMENTER))).metadata)

    @property
    def names(self) -> list[str]:
        """Of the features."""
        return [one.name for one in self.features.features]


def rows(customers: int, names: list[str], day: datetime) -> pa.Table:
    """A feature table of made-up customers; every value depends on the day."""
    dice = np.random.default_rng(day.toordinal())
    keys = np.char.mod("%d", np.arange(customers))
    numbers = {name: dice.normal(100.0, 10.0, customers) for name in names}
    at = pa.array([day], pa.timestamp("us")).take(pa.array(np.zeros(customers, int)))
    return pa.table({"customer_id": pa.array(keys, pa.string()), "event_timestamp": at, **numbers})


def seconds_of(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    began = perf_counter()
    call()
    return perf_counter() - began


def filled(
    dataset: OnlineFeaturesDataset, features: FeatureSet, days: list[pa.Table]
) -> dict[str, dict[str, float]]:
    """Seconds of each fill, as a run does it: on the clock, and of this process' processor."""
    told: dict[str, dict[str, float]] = {"clock": {}, "processor": {}}
    for name, day in zip(FILLS, days, strict=True):
        began = process_time()
        told["clock"][name] = seconds_of(
            lambda day=day: dataset.save(FeatureTable(day, features, "0" * 64))
        )
        told["processor"][name] = process_time() - began
    return told


def milliseconds(read: Callable[[str], Any], size: Size) -> tuple[float, float]:
    """The median and the 99th percentile of reading one customer, chosen at random."""
    dice = random.Random(1)  # noqa: S311 - no secret
    read("0")
    chosen = (str(dice.randrange(size.customers)) for _ in range(size.reads))
    took = [1000.0 * seconds_of(lambda one=one: read(one)) for one in chosen]
    return float(np.median(took)), float(np.percentile(took, 99))


def ours(name: str, url: str, folder: Path, size: Size) -> dict[str, Any]:
    """What filling and reading our store takes."""
    first, second = (rows(size.customers, size.names, day) for day in (DAY, NEXT))
    dataset = OnlineFeaturesDataset(
        filepath=str(folder / "online.json"), store=url, environment=folder.name
    )
    fills = filled(dataset, size.features, [first, second, second])
    places = FeastPlaces(folder.name, folder, url, str(size.models), str(folder), "parquet", {})
    apply_definitions(places)
    store, online = feature_store(places), dataset.open()
    service = store.get_feature_service("segmenter")
    everything = [f"{v.name}:{one.name}" for v in store.list_feature_views() for one in v.features]

    def direct(customer: str) -> Any:  # noqa: ANN401 - an array
        _, (row,) = online.read([customer])
        return decoded_row(row or b"")

    def by_feast(refs: Any) -> Callable[[str], Any]:  # noqa: ANN401 - names, or a service
        return lambda customer: store.get_online_features(refs, [{"customer_id": customer}])

    ways = {
        "direct, all": direct,
        "Feast, all": by_feast(everything),
        "Feast, the segmenter's": by_feast(service),
    }
    reads = {way: milliseconds(read, size) for way, read in ways.items()}
    count = {"store": name, "customers": size.customers}
    table([{**count, "seconds": kind, **seconds} for kind, seconds in fills.items()])
    told = [
        {"store": name, "read": way, "p50 ms": p50, "p99 ms": p99}
        for way, (p50, p99) in reads.items()
    ]
    table(told)
    return {"fill s": fills, "reads": told}


def feasts(online: dict[str, str], folder: Path, size: Size) -> dict[str, float]:
    """The same of Feast's own store, filled by its own `materialize`."""
    path = folder / "features.parquet"
    pq.write_table(rows(size.customers, size.names, DAY), path)
    config = RepoConfig(
        project="peer",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store=online,
        offline_store={"type": "file"},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    entity = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name="peer",
        entities=[entity],
        schema=[
            Field(name="customer_id", dtype=String),
            *(Field(name=one, dtype=Float64) for one in size.names),
        ],
        source=FileSource(path=str(path), timestamp_field="event_timestamp"),
        ttl=timedelta(0),
    )
    store.apply([entity, view])
    took = seconds_of(lambda: store.materialize(DAY - timedelta(days=1), NEXT))
    refs = [f"peer:{one}" for one in size.names]
    p50, p99 = milliseconds(
        lambda customer: store.get_online_features(refs, [{"customer_id": customer}]), size
    )
    return {"materialize s": took, "p50 ms": p50, "p99 ms": p99}


@contextmanager
def quietly() -> Iterator[None]:
    """Without Feast's progress."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def main() -> None:
    """Fill, read, and hold against the targets."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--customers", type=int, default=TARGET_CUSTOMERS)
    parser.add_argument("--peer-customers", type=int, default=20_000)
    parser.add_argument("--reads", type=int, default=3_000)
    given = parser.parse_args()
    logging.disable()
    warnings.simplefilter("ignore")
    numbers: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        size = Size(given.customers, given.reads, _bundle(folder))
        for name, most in SECONDS.items():
            with serve_redis() as redis:
                url = redis.url if name == "redis" else name
                numbers[name] = ours(name, url, _new(folder / name), size)
            if size.customers == TARGET_CUSTOMERS:
                is_met = max(numbers[name]["fill s"]["clock"].values()) <= most
                print(f"{'Met' if is_met else 'Missed'}: {most:.0f} s to {name}\n")
        few = replace(size, customers=given.peer_customers)
        for name in SECONDS:
            with serve_redis() as redis, quietly():
                online = {"type": "sqlite", "path": str(folder / "peer.db")}
                if name == "redis":
                    online = {"type": name, "connection_string": f"127.0.0.1:{redis.port}"}
                own = feasts(online, _new(folder / f"peer_{name}"), few)
            with serve_redis() as redis, quietly():
                url = redis.url if name == "redis" else name
                mine = ours(name, url, _new(folder / f"few_{name}"), few)
            seconds = mine["fill s"]["clock"][FILLS[0]]
            own |= {"ours s": seconds, "ratio": own["materialize s"] / seconds}
            print(f"Feast's own {name}, by its own materialize")
            table([{"customers": few.customers, **own}])
            numbers[f"Feast's own {name}"] = own
    print(machine())
    write_json(given.json, numbers)


def _bundle(folder: Path) -> Path:
    """A folder of models that keeps the example's bundle."""
    made = write_bundle(folder / "made")
    files = {path.name: path.read_bytes() for path in made.iterdir()}
    version = Scorer(files[SEGMENTER]).metadata[VERSION]
    about = f'{{"artifact_version": "{version}"}}'.encode()
    models = folder / "models"
    BundleStore(str(models)).add(StoredBundle({**files, ABOUT: about}))
    return models


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
