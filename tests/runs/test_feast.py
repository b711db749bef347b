"""Feast over the feature store: what it knows, one customer's values, and values of former days.

The only file of tests that imports Feast, which takes seconds.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.datasets.history_parts import HistoryPartsDataset
from customer_segmentation.datasets.online_features import FeatureTable, OnlineFeaturesDataset
from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import feature_set
from customer_segmentation.feature_store.feast import store as feast_store
from customer_segmentation.feature_store.feast.store import (
    CONFIGURATION,
    REGISTRY,
    FeastPlaces,
    apply_definitions,
    feature_store,
)
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.rows import Snapshot, decoded_row
from customer_segmentation.feature_store.stores import SETTING
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.scoring.verify import verified
from customer_segmentation.session import ProjectSession
from tests.runs.project import Project
from tests.services.s3 import S3Server

CUSTOMERS = [f"c{number:03}" for number in range(60)]
STALE = timedelta(days=31)
JANUARY, FEBRUARY, MARCH = (datetime(2014, *day) for day in ((1, 31), (2, 28), (3, 31)))  # noqa: DTZ001 - days have no time zone
FUTURE = 666_666.0
# The day, when it was recorded, and the income of the customer of a number.
SAID = [
    (JANUARY, "2014-02-01T05:00:00", lambda number: 100.0 + number),
    (FEBRUARY, "2014-03-01T05:00:00", lambda number: 200.0 + number),
    # Of the same day, and so in force; some incomes are withdrawn.
    (FEBRUARY, "2014-03-01T06:00:00", lambda number: 300.0 + number if number % 7 else np.nan),
    # True for a later day, although it was recorded on an earlier one.
    (MARCH, "2014-03-02T05:00:00", lambda _: FUTURE),
]


@dataclass
class Filled:
    """A project whose feature store is filled, and its table."""

    project: Project
    places: FeastPlaces
    table: pd.DataFrame

    @property
    def features(self) -> list[str]:
        return [name for name in self.table if name not in ("customer_id", "event_timestamp")]


def places_of(project: Project, env: str) -> FeastPlaces:
    bootstrap_project(project.root)
    with ProjectSession.create(project.root, env=env) as session:
        return FeastPlaces.of(session.load_context())


@pytest.fixture(scope="module")
def filled(quick_run: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    root = tmp_path_factory.mktemp("feast") / "project"
    shutil.copytree(quick_run.root, root)
    project = Project(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SETTING, "sqlite")
        done = project.run("--pipelines=feature_export")
        assert done.exit_code == 0, done.output
        places = places_of(project, "dev")
        apply_definitions(places)
        yield Filled(
            project, places, pd.read_parquet(root / "data" / "gold" / "feature_table.parquet")
        )


@pytest.fixture(scope="module")
def feast(filled: Filled) -> Any:
    """The store of dev."""
    return feature_store(filled.places)


@pytest.fixture(scope="module", params=["sqlite", "redis", "dynamodb"])
def online(
    request: pytest.FixtureRequest, filled: Filled, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, OnlineFeatures]]:
    """Feast and the store itself, filled as a run fills it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "sqlite":
            places = filled.places
        else:
            folder, named = tmp_path_factory.mktemp("online"), "dynamodb://features"
            if request.param == "redis":
                named = request.getfixturevalue("redis_server").url
            else:
                server: S3Server = request.getfixturevalue("moto_server")
                for name, value in server.environment().items():
                    patch.setenv(name, value)
            places = replace(filled.places, folder=folder, online=named, environment="feast")
            fill(places, filled)
            apply_definitions(places)
        dataset = dataset_of(places)
        yield feature_store(places), dataset.open()


def dataset_of(places: FeastPlaces) -> OnlineFeaturesDataset:
    return OnlineFeaturesDataset(
        filepath=str(places.folder / "online.json"),
        store=places.online,
        environment=places.environment,
    )


def fill(places: FeastPlaces, filled: Filled, **changes: Any) -> None:
    snapshot = Snapshot.of(dataset_of(filled.places).load()["snapshot"])
    model = BundleStore(filled.places.models).segmenter(snapshot.artifact_version)
    assert model
    told = feature_set(verified(model))
    features = replace(told, version=changes.get("version", told.version))
    dataset_of(places).save(FeatureTable(filled.table, features, snapshot.source_sha256))


def statement(day: datetime, recorded_at: str, income: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": CUSTOMERS,
            "event_timestamp": day,
            "income": [income(number) for number in range(len(CUSTOMERS))],
            "as_of": day,
            "feature_version": 1,
            "artifact_version": "0123456789ab",
            "created_timestamp": datetime.fromisoformat(recorded_at),
            "recorded_at": f"{recorded_at}.000000Z",
            "run_id": "run 1",
        }
    )


@pytest.fixture(
    scope="module",
    params=["local parts", "parts on S3", pytest.param("delta", marks=pytest.mark.spark)],
)
def dated(
    request: pytest.FixtureRequest, filled: Filled, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Feast over a history of several snapshots, kept as in dev, in staging and in prod."""
    folder = tmp_path_factory.mktemp("dated")
    history, table = str(folder / "gold" / "feature_history"), "gold_feature_history"
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "delta":
            spark = request.getfixturevalue("spark")
            from customer_segmentation.datasets.delta_table import (  # noqa: PLC0415 - needs Spark
                DeltaTableDataset,
            )

            delta = DeltaTableDataset(filepath=history, table=table)
            for said in SAID:
                delta.save(spark.createDataFrame(statement(*said)))
        else:
            engine = "pandas"
            if request.param == "parts on S3":
                server: S3Server = request.getfixturevalue("moto_server")
                for name, value in server.environment().items():
                    patch.setenv(name, value)
                server.client().create_bucket(Bucket="dated")
                history, engine = "s3://dated/gold/feature_history", "polars"
            parts = HistoryPartsDataset(filepath=history, table=table, engine=engine)
            for said in SAID:
                parts.save(statement(*said))
        shutil.copy(filled.places.folder / "online.db", folder)
        kind = "delta" if request.param == "delta" else "parquet"
        places = replace(filled.places, folder=folder, history=history, kind=kind)
        apply_definitions(places)
        yield feature_store(places)
        if request.param == "delta":
            # Feast has the session take quoted names for patterns.
            spark.conf.unset("spark.sql.parser.quotedRegexColumnNames")


def asked(*times: str, customers: list[str] = CUSTOMERS) -> pd.DataFrame:
    """Every customer at every time, in no order, with a label that must stay."""
    rows = [(customer, pd.Timestamp(time)) for time in times for customer in customers]
    random.Random(1).shuffle(rows)  # noqa: S311 - no secret
    table = pd.DataFrame(rows, columns=["customer_id", "event_timestamp"])
    return table.assign(label=range(len(rows)))


def incomes(store: Any, table: pd.DataFrame, **options: Any) -> pd.Series:
    """The income of each row that asks."""
    job = store.get_historical_features(table, ["customer_features:income"], **options)
    found = job.to_df()
    assert len(found) == len(table), "a row that asks is never lost"
    assert sorted(found) == ["customer_id", "event_timestamp", "income", "label"]
    income: pd.Series = found.set_index("label").sort_index()["income"]
    return income


def expected(table: pd.DataFrame) -> pd.Series:
    """The same, row by row."""

    def of(row: Any) -> float:
        told = [
            (day, recorded, income)
            for day, recorded, income in SAID
            if day <= row.event_timestamp <= day + STALE and row.customer_id in CUSTOMERS
        ]
        if not told:
            return np.nan
        return max(told, key=lambda one: one[:2])[2](CUSTOMERS.index(row.customer_id))

    return pd.Series(
        [of(row) for row in table.itertuples()], index=table["label"], name="income", dtype=float
    )


def test_values_of_former_days_are_those_in_force_at_each_asked_time(dated: Any) -> None:
    # Before the first snapshot, on its day, after it, after the second, and when it is stale.
    times = ["2014-01-15", "2014-01-31", "2014-02-15", "2014-03-15", "2014-06-15"]
    table = asked(*times, customers=[*CUSTOMERS, "nobody"])
    pd.testing.assert_series_equal(incomes(dated, table), expected(table))


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="Feast 0.67's store for files loses who is asked for before their first snapshot: "
    "once this passes, it can take the place of HistoryOfflineStore",
)
def test_feasts_own_store_for_files_gives_the_same(filled: Filled, tmp_path: Path) -> None:
    parts = HistoryPartsDataset(filepath=str(tmp_path / "parts"), table="gold_feature_history")
    for said in SAID:
        parts.save(statement(*said))
    shutil.copy(filled.places.folder / "online.db", tmp_path)
    places = replace(filled.places, folder=tmp_path, history=str(tmp_path / "parts"))
    apply_definitions(places)
    configuration = tmp_path / CONFIGURATION
    told = yaml.safe_load(configuration.read_text())
    configuration.write_text(yaml.safe_dump({**told, "offline_store": {"type": "file"}}))
    table = asked("2014-01-15", "2014-03-15")
    pd.testing.assert_series_equal(incomes(feature_store(places), table), expected(table))


def test_a_value_of_a_later_day_never_comes_out_whenever_it_was_recorded(dated: Any) -> None:
    days = pd.date_range("2014-01-01", "2014-03-30 23:59:59", freq="9D")
    table = asked(*map(str, days))
    found = incomes(dated, table)
    assert found.notna().any()
    assert not (found == FUTURE).any()
    # It is there, and comes out on its own day.
    assert (incomes(dated, asked("2014-03-31")) == FUTURE).all()


def test_what_was_not_recorded_by_the_asked_time_can_be_left_out(dated: Any) -> None:
    table = asked("2014-03-01 05:30:00")
    found = incomes(dated, table, filter_by_created_timestamp=True)
    numbers = table["customer_id"].map(CUSTOMERS.index)
    assert found.tolist() == (200.0 + numbers).tolist()


def test_each_customer_of_the_sample_reads_by_feast_as_from_the_store(
    online: tuple[Any, OnlineFeatures], filled: Filled
) -> None:
    store, direct = online
    customers = filled.table["customer_id"].tolist()
    snapshot, rows = direct.read(customers)
    assert snapshot
    numbers = np.array([decoded_row(row) for row in rows if row is not None])
    np.testing.assert_array_equal(numbers, filled.table[filled.features].to_numpy())
    assert np.isnan(numbers).any(), "the sample has customers whose features are missing"
    refs = [
        f"{view.name}:{one.name}" for view in store.list_feature_views() for one in view.features
    ]
    found = store.get_online_features(refs, {"customer_id": [*customers, "nobody"]}).to_df()
    assert found["customer_id"].tolist() == [*customers, "nobody"]
    read = found[list(snapshot.columns)].to_numpy(dtype=float)
    np.testing.assert_array_equal(read[:-1], numbers)
    assert np.isnan(read[-1]).all()


def test_the_segmenter_gives_from_its_service_the_segment_of_the_batch(
    feast: Any, filled: Filled
) -> None:
    root = filled.project.root / "data"
    segments = pd.read_parquet(root / "gold" / "segments.parquet").set_index("customer_id")
    customers = {"customer_id": segments.index.tolist()}
    found = feast.get_online_features(feast.get_feature_service("segmenter"), customers).to_df()
    scorer = Scorer(root / "models" / "candidate" / "segmenter.onnx")
    answers = scorer.score(found[list(scorer.columns)].to_numpy(dtype=float))
    names = [one["key"] for one in scorer.metadata["segments"]]
    assert [names[number] for number in answers["segment"]] == segments["segment"].tolist()


def test_a_feature_says_what_it_is_where_it_comes_from_and_who_answers_for_it(
    feast: Any, filled: Filled
) -> None:
    view = feast.get_feature_view("customer_features")
    (spend,) = [one for one in view.features if one.name == "spend_total"]
    assert spend.description
    assert spend.tags["formula"].startswith("sum(spend_wines, ")
    assert spend.tags["inputs"].startswith("spend_wines, ")
    assert spend.tags["role"] == "model feature"
    snapshot = dataset_of(filled.places).load()["snapshot"]
    assert view.tags["version"] == "1"
    assert view.tags["hash"] == snapshot["hashes"]["customer_features"]
    for name in ("source_sha256", "artifact_version", "run_id", "commit", "as_of"):
        assert view.tags[name] == snapshot[name]
    assert view.ttl == STALE
    inputs = feast.get_feature_view("customer_model_inputs").features
    assert {"income_standardised", "spend_total_standardised", "age_standardised"} <= {
        one.name for one in inputs
    }


def test_all_views_of_a_request_are_read_at_once_so_that_they_are_of_one_snapshot(
    feast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for = []
    read = OnlineFeatures.read

    def counted(self: OnlineFeatures, customers: Any) -> Any:
        asked_for.append(list(customers))
        return read(self, customers)

    monkeypatch.setattr(OnlineFeatures, "read", counted)
    both = ["customer_features:income", "customer_model_inputs:income_standardised"]
    # A number is a customer too: Feast makes it text.
    feast.get_online_features(both, [{"customer_id": 0}])
    assert asked_for == [["0"]]


def test_other_definitions_in_the_store_than_in_the_registry_are_not_read(
    filled: Filled, tmp_path: Path
) -> None:
    places = replace(filled.places, folder=tmp_path)
    shutil.copy(filled.places.folder / "online.db", tmp_path)
    apply_definitions(places)
    dataset = dataset_of(places)
    online = dataset.open()
    live = online.live()
    assert live
    told = replace(live, version=2, hashes={**live.hashes, "customer_features": "f" * 12})
    written = online.stage(
        filled.table["customer_id"].tolist(), filled.table[filled.features].to_numpy(), told
    )
    online.switch(written.snapshot)
    online.store.close()
    with pytest.raises(UserError, match=r"version 1 .* holds version 2 .*: kedro feature apply"):
        feature_store(places).get_online_features(
            ["customer_features:income"], [{"customer_id": "0"}]
        )


def test_a_changed_view_is_not_applied_under_the_same_version(
    filled: Filled, tmp_path: Path
) -> None:
    places = replace(filled.places, folder=tmp_path)
    shutil.copy(filled.places.folder / "online.db", tmp_path)
    apply_definitions(places)
    store = feature_store(places)
    view = store.get_feature_view("customer_features")
    view.tags = {**view.tags, "hash": "0" * 12}
    store.apply(view)
    before = (tmp_path / REGISTRY).read_bytes()
    with pytest.raises(UserError, match=r"customer_features version 1 is .* was 000000000000"):
        apply_definitions(places)
    assert (tmp_path / REGISTRY).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {REGISTRY, CONFIGURATION, "online.db"}


def test_applying_again_changes_no_definition(feast: Any, filled: Filled) -> None:
    before = feast.list_feature_views()
    lines = apply_definitions(filled.places)
    assert lines[0].startswith(f"customer_features: {len(filled.features) - 5} features, version 1")
    feast.refresh_registry()
    assert feast.list_feature_views() == before
    assert [one["version"] for one in feast.list_feature_view_versions("customer_features")] == [
        "v0"
    ]


@pytest.mark.parametrize("command", [["feature-views", "list"], ["features", "list"]])
def test_feasts_own_command_reads_the_folder(filled: Filled, command: list[str]) -> None:
    from feast.cli.cli import cli  # noqa: PLC0415 - seconds

    done = CliRunner().invoke(cli, ["--chdir", str(filled.places.folder), *command])
    assert done.exit_code == 0, done.output
    assert "customer" in done.output


def test_feast_does_not_fill_or_remove_the_store(feast: Any, filled: Filled) -> None:
    day = datetime(2014, 6, 1)  # noqa: DTZ001 - as above
    with pytest.raises(UserError, match="kedro run --pipeline=feature_export"):
        feast.materialize(day, day + STALE)
    rows = filled.table.head(2).assign(created_timestamp=day)
    with pytest.raises(UserError, match="kedro run --pipeline=feature_export"):
        feast.write_to_online_store("customer_features", rows)
    with pytest.raises(UserError, match="may not remove it"):
        feast.teardown()
    apply_definitions(filled.places)


@pytest.mark.parametrize("asked_for", ["customer_features:incom", "customer_feature:income"])
def test_a_feature_that_does_not_exist_is_answered_with_the_nearest(
    feast: Any, asked_for: str
) -> None:
    with pytest.raises(UserError, match="did you mean customer_features:income"):
        feast.get_online_features([asked_for], [{"customer_id": "0"}])
    with pytest.raises(UserError, match="did you mean customer_features:income"):
        feast.get_historical_features(asked("2014-07-01"), [asked_for]).to_df()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"customer_id": ["0"]}), "has no column `event_timestamp`"),
        (asked("2014-07-01").drop(columns="customer_id"), "has no column `customer_id`"),
        (asked("2014-07-01").assign(customer_id=1), "has numbers as `customer_id`"),
        (asked("2014-07-01").assign(event_timestamp=pd.NaT), "rows without `event_timestamp`"),
        (asked("2014-07-01").assign(income=1.0), "income: the table that asks has a column"),
        ("SELECT 1", "as a table of pandas"),
    ],
)
def test_a_table_that_cannot_be_joined_to_is_refused_in_one_line(
    feast: Any, table: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        feast.get_historical_features(table, ["customer_features:income"]).to_df()


def test_every_customer_as_of_a_day_needs_no_table_that_asks(feast: Any, filled: Filled) -> None:
    refs = ["customer_features:income"]
    # The sample is as of 2014-06-30.
    start, end = datetime(2014, 6, 1), datetime(2014, 7, 5)  # noqa: DTZ001 - as above
    found = feast.get_historical_features(None, refs, start_date=start, end_date=end).to_df()
    told = filled.table.set_index("customer_id")["income"]
    pd.testing.assert_series_equal(found.set_index("customer_id")["income"], told)


def test_names_may_tell_their_view(feast: Any) -> None:
    table = asked("2014-07-01", customers=["0"])
    job = feast.get_historical_features(
        table, ["customer_features:income"], full_feature_names=True
    )
    assert "customer_features__income" in job.to_df()


def test_without_feast_one_line_says_how_to_get_it(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feast_store, "find_spec", lambda _: None)
    for use in (apply_definitions, feature_store):
        with pytest.raises(UserError, match=r"^Feast is not installed: make feature-store$"):
            use(filled.places)


def test_before_anything_is_filled_or_applied_the_next_step_is_told(
    filled: Filled, tmp_path: Path
) -> None:
    empty = replace(filled.places, folder=tmp_path)
    with pytest.raises(UserError, match="holds no features of dev yet: make feature-store"):
        apply_definitions(empty)
    with pytest.raises(UserError, match=r"has no registry.db yet: kedro feature apply"):
        feature_store(empty)
    shutil.copy(filled.places.folder / "online.db", tmp_path)
    without = replace(empty, history=str(tmp_path / "nothing"))
    apply_definitions(without)
    with pytest.raises(UserError, match="there is no history of features yet"):
        incomes(feature_store(without), asked("2014-07-01"))
    with pytest.raises(UserError, match=r"does not keep segmenter \w{12}, which the values in"):
        apply_definitions(replace(empty, models=str(tmp_path / "models")))


def test_a_password_stays_in_the_setting(filled: Filled) -> None:
    places = replace(filled.places, online="redis://:secret@127.0.0.1:6379/0")
    assert places.configuration["online_store"]["store"] == f"${{{SETTING}}}"
    assert "secret" not in json.dumps(places.configuration)


@pytest.mark.parametrize(
    ("env", "kind", "history"),
    [
        ("dev", "parquet", "/data/gold/feature_history"),
        ("staging", "parquet", "s3://bucket/gold/feature_history"),
        pytest.param("prod", "delta", "/data/prod/gold/feature_history", marks=pytest.mark.spark),
    ],
)
def test_each_environment_has_a_registry_over_its_own_history(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, env: str, kind: str, history: str
) -> None:
    monkeypatch.setenv("SEGMENTATION_BUCKET", "bucket")
    places = places_of(filled.project, env)
    data = filled.project.root / "data"
    assert places.environment == env
    assert places.folder == (data if env == "dev" else data / env) / "features"
    assert places.kind == kind
    assert places.history.endswith(history)
    offline = places.configuration["offline_store"]
    assert offline.get("spark_conf", {}).get("spark.sql.shuffle.partitions") == (
        "2" if kind == "delta" else None
    )


def test_in_unity_catalog_the_history_is_a_table_by_its_name(filled: Filled) -> None:
    places = places_of(filled.project, "databricks")
    assert places.folder == Path("/Volumes/prod/gold/segmentation/features")
    assert (places.kind, places.source.table) == ("table", "prod.gold.feature_history")
    # The cluster's session is used as it is.
    assert places.configuration["offline_store"] == {"type": "spark", "spark_conf": {}}
