"""What all tests share: the shipped parameters, both engines, and a row that keeps the contract."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from httpx._transports import default as httpx_transport
from hypothesis import settings
from kedro.config import OmegaConfigLoader
from xdist.scheduler import LoadFileScheduling

from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.schema.schema import Schema
from customer_segmentation.settings import CONFIG_LOADER_ARGS, CONFIG_LOADER_CLASS, setting
from customer_segmentation.spark import for_streams, prepare_session, require_java
from customer_segmentation.tables.schemas import declare_tables
from tests.marketing import SCHEMA
from tests.services.cassandra.server import cassandra_server  # noqa: F401 - fixtures
from tests.services.ferretdb.server import ferretdb_url  # noqa: F401 - fixtures
from tests.services.kafka import kafka, needs_kafka, own_kafka  # noqa: F401 - fixtures
from tests.services.ministack import ministack  # noqa: F401 - a fixture
from tests.services.postgresql import logged_shop, postgresql_server, shop  # noqa: F401 - fixtures
from tests.services.prometheus import promtool  # noqa: F401 - a fixture
from tests.services.redis import own_redis, redis_server  # noqa: F401 - fixtures
from tests.services.s3 import moto_server, s3_server, versitygw_server  # noqa: F401 - fixtures
from tests.services.terraform import ABSENT, terraform  # noqa: F401 - a fixture

# A busy machine is no defect; in CI the same examples are tried every time.
settings.register_profile("project", deadline=None, database=None, derandomize="CI" in os.environ)
settings.load_profile("project")

# Each client would read all certificates anew, which takes longer than a request, and no test
# speaks TLS.
httpx_transport.create_ssl_context = cache(httpx_transport.create_ssl_context)
# A server on a busy machine may answer after more than the 5 s that httpx would wait.
for _wait in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, _wait, 60.0)

# A run commits to MLflow's database some 140 times, and each time a disk is waited for.
MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes folders of its own in it
NEEDED_BYTES = 2e9
# Those with a test that uses Spark.
SPARK = {
    "audiences/test_engines.py",
    "customers/test_date_choice.py",
    "customers/test_doubts.py",
    "customers/test_emails.py",
    "customers/test_orders.py",
    "customers/test_quarantine.py",
    "customers/test_sample_key.py",
    "customers/test_versions.py",
    "datasets/test_delta_table.py",
    "datasets/test_history.py",
    "delivery/test_plan.py",
    "feature_store/test_databricks.py",
    "pipelines/history/test_nodes.py",
    "pipelines/ingestion/test_nodes.py",
    "pipelines/label_generation/test_border_calm.py",
    "pipelines/label_generation/test_nodes.py",
    "pipelines/lifetime_value/test_nodes.py",
    "pipelines/monitoring/test_counted.py",
    "runs/test_campaign_engines.py",
    "runs/test_campaign_measurement.py",
    "runs/test_databricks.py",
    "runs/test_engines.py",
    "runs/test_feast.py",
    "runs/test_feedback.py",
    "runs/test_forgetting_delta.py",
    "runs/test_parity.py",
    "runs/test_promotion.py",
    "runs/test_retention_kills.py",
    "schema/test_operations.py",
    "scoring/test_table.py",
    "segmentation/test_coreset.py",
    "segmentation/test_refinement.py",
    "sources/readers/test_folder_auto_loader.py",
    "sources/test_dataset.py",
    "sources/test_kinds.py",
    "streaming/spark/test_batch.py",
    "streaming/spark/test_driver_kills.py",
    "streaming/spark/test_realtime.py",
    "streaming/spark/test_standing.py",
    "streaming/spark/test_stream.py",
    "tools/deploy/databricks/test_describe.py",
    "tools/deploy/sql/test_engines.py",
}
# What starts more than Python: a test that asks for one of these is left to `make test-all`.
SERVICES = {
    *("browser", "cassandra_server", "ferretdb_url", "kafka", "ministack", "needs_kafka"),
    *("own_kafka", "own_redis", "postgresql_server", "redis_server", "spark", "terraform"),
}
# About how long the longest groups of tests take; the others take less. All but the first whole run
# are left to `make test-all`.
WHOLE_RUN = "runs/test_whole_run.py"
SECONDS = {
    "spark": 300,
    "tools/test_aws.py": 300,
    WHOLE_RUN: 90,
    "runs/test_schemas.py": 80,
    "runs/test_promotion_kills.py": 70,
    "runs/test_retention_kills.py": 50,
    "runs/test_forgetting.py": 50,
    "runs/test_retraining.py": 40,
    "runs/test_cleaning.py": 40,
    "runs/test_feature_store.py": 30,
    "runs/test_one_decision.py": 20,
    "runs/test_feedback_kills.py": 20,
    "runs/test_monitoring.py": 20,
    "security/test_crowds.py": 20,
    "serving/test_guard.py": 30,
    "tools/test_rehearsal.py": 30,
    "tools/year/test_loop.py": 30,
    "runs/test_foreign_files.py": 70,
    "test_run_lock.py": 60,
    "runs/test_one_state.py": 50,
    "runs/test_history.py": 50,
    "streaming/test_faults.py": 50,
    "streaming/test_kills.py": 40,
    "streaming/test_runner.py": 50,
    "serving/jobs/test_crashes.py": 50,
    "serving/page/test_page.py": 50,
    "runs/test_campaign_planning.py": 50,
    "runs/test_delivery.py": 50,
    "serving/page/test_planner.py": 40,
    "tools/test_stream.py": 40,
    "runs/test_belonging.py": 40,
    "runs/test_commands.py": 40,
    "runs/test_kills.py": 40,
    "runs/test_messages.py": 40,
    "pipelines/test_absent_columns.py": 40,
    "datasets/test_polars_table.py": 30,
    "runs/test_access.py": 40,
    "runs/test_dashboard.py": 50,
    "runs/test_anywhere.py": 30,
    "runs/test_database_source.py": 30,
    "runs/test_online_answers.py": 30,
    "sources/readers/test_cassandra.py": 30,
    "runs/test_bad_input.py": 30,
    "runs/test_planted.py": 30,
    "runs/test_reading_from.py": 30,
    "runs/test_stops.py": 30,
    "serving/page/test_live.py": 30,
    "serving/page/test_audience.py": 30,
    "serving/test_audiences.py": 30,
    "serving/ingestion/test_ingestion.py": 30,
    "sources/readers/test_kafka.py": 30,
    "serving/test_monitoring.py": 30,
    "serving/test_shadow.py": 20,
    "serving/test_on_s3.py": 20,
    "sources/readers/test_folder_kills.py": 20,
    "serving/test_online.py": 20,
    "tools/test_access.py": 20,
    "serving/test_keys.py": 20,
    "serving/test_fuzz.py": 20,
    "runs/test_stream_state.py": 30,
    "runs/test_openlineage.py": 30,
}

CONFIGURATION = Path(__file__).parents[1] / "conf"
GOOD_ROW = {
    "ID": "5524",
    "Year_Birth": "1957",
    "Education": "Graduation",
    "Marital_Status": "Single",
    "Income": "58138",
    "Kidhome": "0",
    "Teenhome": "0",
    "Dt_Customer": "24-09-2012",
    "Recency": "58",
    "MntWines": "635",
    "MntFruits": "88",
    "MntMeatProducts": "546",
    "MntFishProducts": "172",
    "MntSweetProducts": "88",
    "MntGoldProds": "88",
    "NumDealsPurchases": "3",
    "NumWebPurchases": "8",
    "NumCatalogPurchases": "10",
    "NumStorePurchases": "4",
    "NumWebVisitsMonth": "7",
    "AcceptedCmp3": "0",
    "AcceptedCmp4": "0",
    "AcceptedCmp5": "0",
    "AcceptedCmp1": "0",
    "AcceptedCmp2": "0",
    "Complain": "0",
    "Response": "1",
}


def is_usable(memory: Path) -> bool:
    """Whether the tests' folders have room there, and may hold programs."""
    if not memory.is_dir():
        return False
    found = os.statvfs(memory)
    return found.f_bavail * found.f_frsize > NEEDED_BYTES and not found.f_flag & os.ST_NOEXEC


if is_usable(MEMORY):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Begin with what takes longest: a long file that begins last leaves the other worker idle."""
    for item in items:
        # With the fixtures of its fixtures.
        asked = SERVICES & {*getattr(item, "fixturenames", ())}
        if asked or item.get_closest_marker("spark"):
            item.add_marker("services")
        group = group_of(item.nodeid)
        if group in SECONDS and group != WHOLE_RUN:
            item.add_marker("slow")
    yield
    # Afterwards, since pytest orders tests by the parameters of their fixtures.
    items.sort(key=lambda item: -SECONDS.get(group_of(item.nodeid), 0))
    files = {file_of(item.nodeid) for item in items if item.get_closest_marker("spark")}
    if missing := files - SPARK:
        message = f"tests/conftest.py: name {sorted(missing)} in SPARK"
        raise pytest.UsageError(message)


class GroupScheduling(LoadFileScheduling):
    """Each file on one worker, and all files that use Spark on the same: one Java machine."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling | None:
    """Schedule by groups; xdist's own groups do nothing with pytest 9.2, which has other ids."""
    return GroupScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0].removeprefix("tests/")


def group_of(nodeid: str) -> str:
    """What stays on one worker."""
    file = file_of(nodeid)
    return "spark" if file in SPARK else file


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where SEGMENTATION_NO_SKIPS is set, as in CI, a skipped test has failed."""
    report = yield
    is_skip = report.skipped and not hasattr(report, "wasxfail")
    if is_skip and "SEGMENTATION_NO_SKIPS" in os.environ and not absent(report):
        report.outcome = "failed"
        report.longrepr = f"skipped where no test may be: {report.longrepr}"
    return report


def absent(report: pytest.TestReport) -> str:
    """What a skipped test lacks, if no `make` could install it."""
    _, _, lacks = str(report.longrepr).partition(ABSENT)
    return lacks.strip("')")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the last lines what was not tried since the machine has nothing for it."""
    lacking = Counter(absent(report) for report in terminalreporter.getreports("skipped"))
    for lacks, tests in sorted(lacking.items()):
        if lacks:
            terminalreporter.write_line(f"not tried, in {tests} of the tests: {lacks}")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Spark session with the settings of prod for all tests.

    Without Java 17 the tests that need it are skipped, and the reason says how to get it.
    """
    try:
        require_java()
    except UserError as error:
        pytest.skip(str(error))
    from pyspark.sql import SparkSession  # noqa: PLC0415 - seconds that other tests need not pay

    loader = OmegaConfigLoader(
        str(CONFIGURATION),
        base_env="base",
        default_run_env="prod",
        config_patterns={"spark": ["spark*"]},
        custom_resolvers={"setting": setting},
    )
    # What Spark would leave in the checkout.
    warehouse = {"spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse"))}
    prepare_session(
        for_streams(loader["spark"]) | {"spark.ui.showConsoleProgress": False} | warehouse
    )
    session = SparkSession.builder.master("local[2]").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def customers_block() -> dict[str, Any]:
    """The `customers` block of the shipped configuration, as Kedro loads it."""
    loader = CONFIG_LOADER_CLASS(str(CONFIGURATION), **CONFIG_LOADER_ARGS)
    block: dict[str, Any] = loader["parameters"]["customers"]
    return block


@pytest.fixture(scope="session")
def customer_parameters(customers_block: dict[str, Any]) -> Schema:
    """The default schema, as a run reads it."""
    return Schema.model_validate(customers_block)


@pytest.fixture(scope="session", autouse=True)
def given_back(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The memory that the tests' folders took, once all have passed.

    Not after each test, as pytest can: MLflow's state in this process outlives them.
    """
    yield
    folder = tmp_path_factory.getbasetemp()
    if not request.session.testsfailed and folder.is_relative_to(MEMORY):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def declared_tables() -> None:
    """What is saved keeps the contracts of the default schema's tables."""
    declare_tables(SCHEMA)


@pytest.fixture(scope="session", params=[pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def frame_of(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Columns by name -> a table, of pandas and of Polars."""
    engine: Callable[..., Any] = request.param
    return engine


@pytest.fixture(scope="session")
def sent() -> Callable[..., dict[str, str]]:
    """Cells by header of a row that keeps the contract, with the changes given."""

    def row(**changes: str) -> dict[str, str]:
        return GOOD_ROW | changes

    return row


@pytest.fixture(scope="session")
def source_of() -> Callable[..., Any]:
    """Rows of cells -> the table that `SourceDataset` loads."""

    def source(rows: list[dict[str, str]], engine: Callable[..., Any]) -> Any:
        count = len(rows)
        return engine(
            {header: [row[header] for row in rows] for header in rows[0]}
            | {
                "source_name": ["customers.csv"] * count,
                "source_sha256": ["0" * 64] * count,
                "row_number": list(range(1, count + 1)),
            }
        )

    return source


@pytest.fixture(scope="session")
def bronze_of(source_of: Callable[..., Any], customer_parameters: Schema) -> Callable[..., Any]:
    """Rows of cells -> bronze."""

    def bronze(rows: list[dict[str, str]], engine: Callable[..., Any]) -> Any:
        return ingest_source(source_of(rows, engine), customer_parameters)

    return bronze


@pytest.fixture(scope="session")
def records_of() -> Callable[[Any], list[dict[str, Any]]]:
    """A table's rows as Python values, the same for every engine: missing is None, days naive."""

    def as_python(value: Any) -> Any:
        if pd.isna(value):
            return None
        # Spark's days are moments in the time zone of its session, which is UTC.
        return value.replace(tzinfo=None) if isinstance(value, datetime) else value

    def records(table: Any) -> list[dict[str, Any]]:
        rows = nw.from_native(table, pass_through=False).lazy().collect().rows(named=True)
        return [{name: as_python(value) for name, value in row.items()} for row in rows]

    return records
