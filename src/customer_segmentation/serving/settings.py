"""The server's settings: each has a default, an option and an environment variable."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from customer_segmentation.errors import UserError
from customer_segmentation.tracing import is_collector

PREFIX = "SEGMENTATION_SERVING_"
_Count = Annotated[int, Meta(ge=0)]
_Amount = Annotated[float, Meta(ge=0.0, le=1e9)]
# No `.`, `..` or empty part: a browser reads `//shop` as a host name.
_PREFIX_OF_PATH = re.compile(r"(/(?!\.\.?(/|\Z))[A-Za-z0-9._~-]+)*")
_HOUR = r"\A(\d{4}-\d{2}-\d{2}T\d{2})?\Z"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One field per setting; `SEGMENTATION_SERVING_<FIELD>` sets it, the command line wins.

    Sizes are bytes, times seconds.
    """

    bundle: str = "data/models"
    segments: str = "data/gold/segments.parquet"
    history: str = "data/gold/history"
    # Where a stream tells of customers who move.
    moves: str = "data/gold/moves"
    # What audiences are counted over, beside the segments.
    features: str = "data/gold/features.parquet"
    lifetime_value: str = "data/gold/lifetime_value.parquet"
    # The file of consents, and the customers' own table, read where its dates state consent;
    # without the first, what SEGMENTATION_CONSENTS names.
    consents: str = ""
    customers: str = "data/silver/customers.parquet"
    # Where audiences are kept by name.
    audiences: str = "data/audiences"
    # Bytes that counting them may take, of each process.
    audience_memory: Annotated[int, Meta(ge=50_000_000)] = 1_000_000_000
    campaign: str = "data/gold/campaign.parquet"
    # What a campaign was planned by, written beside it.
    campaign_summary: str = "data/reporting/campaign.json"
    # sqlite, redis://, rediss:// or dynamodb://, as SEGMENTATION_FEATURE_STORE has it.
    feature_store: str = "sqlite"
    # Whose keys are read, where environments share a store.
    feature_environment: str = "dev"
    # Where what is sent to /v1/events, /v1/records and /v1/outcomes lands: a folder, s3:// or
    # kafka://host/topic.
    ingest_events: str = ""
    ingest_records: str = ""
    ingest_outcomes: str = ""
    # Where answers are counted by hour, and beside a challenger's: a folder or s3://, or `off`.
    monitoring: str = "data/monitoring"
    # Between two writings of the counts: as many seconds are lost when a process is killed.
    monitoring_seconds: Annotated[float, Meta(gt=0.0, le=3_600.0)] = 10.0
    # In place of the clock's hour, UTC, such as 2014-06-30T12: for rehearsals.
    monitoring_hour: Annotated[str, Meta(pattern=_HOUR)] = ""
    # Of the requests that are answered, the share that a challenger is tried on.
    shadow_share: Annotated[float, Meta(ge=0.0, le=1.0)] = 1.0
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 8000
    # The prefix that a proxy strips, such as /shop.
    root_path: str = ""
    workers: Annotated[int, Meta(ge=1)] = 1
    job_workers: _Count = 1
    keys: Path | None = None
    # A gateway in front authenticates callers, as SageMaker does: no keys are required.
    behind_gateway: bool = False
    device: Literal["cpu", "cuda"] = "cpu"
    # The folder of uploads and results, and the database of jobs.
    jobs: Path = Path("data/jobs")
    database: str = ""
    max_body: _Count = 1_000_000
    max_customers: _Count = 1_000
    # Of a file for which a schema is proposed, in memory.
    max_proposal: _Count = 5_000_000
    max_job: _Count = 2_000_000_000
    max_jobs: _Count = 5
    # Of one key, finished jobs included.
    max_kept_jobs: _Count = 100
    max_kept_bytes: _Count = 10_000_000_000
    jobs_kept: _Amount = 86_400.0
    # Of one job, which fails beyond either; its worker restarts.
    job_seconds: _Amount = 3_600.0
    job_memory: _Count = 1_500_000_000
    # After so long without a sign of its worker, a job goes to another.
    lease_seconds: _Amount = 10.0
    requests_per_second: _Amount = 0.0
    wrong_keys_per_second: _Amount = 5.0
    max_waiting: _Count = 256
    body_seconds: _Amount = 10.0
    # Bytes per second of an upload, after an initial wait of body_seconds.
    min_rate: _Count = 10_000
    stop_seconds: _Amount = 20.0
    look_seconds: _Amount = 1.0
    # Where spans of requests go: an OTLP collector, such as http://127.0.0.1:4318.
    traces: str = ""

    def __post_init__(self) -> None:
        """Refuse unsafe or contradictory settings.

        Raises:
            UserError: The host is not loopback and there are neither keys nor a gateway; there are
                both; or the root path or the collector's address is invalid.
        """
        if not is_prefix(self.root_path):
            raise UserError(
                f"root-path {self.root_path} is not a path prefix: write it as /shop or "
                "/shop/segments, without a slash at the end"
            )
        if self.traces and not is_collector(self.traces):
            raise UserError(
                f"traces {self.traces} is no collector's address: write it as http://HOST:4318"
            )
        if self.behind_gateway and self.keys is not None:
            message = "behind-gateway says that no keys are asked for, and there are keys: give one"
            raise UserError(message)
        if self.host not in _LOOPBACK and self.keys is None and not self.behind_gateway:
            raise UserError(
                f"host {self.host} is not loopback, and there are no API keys: make one with "
                "python -m customer_segmentation.serving add-key --keys keys.json --name NAME "
                "--role score, and start with --keys keys.json; or, where something else lets only "
                "those through who may ask, say so with --behind-gateway"
            )

    @property
    def is_monitoring(self) -> bool:
        """Whether answers are counted."""
        return self.monitoring not in {"", "off"}

    @property
    def database_url(self) -> str:
        """SQLAlchemy's URL of the job table: SQLite in the jobs' folder unless set."""
        return self.database or f"sqlite:///{(self.jobs / 'jobs.db').resolve()}"


def is_prefix(text: str) -> bool:
    """Whether a text is a valid path prefix: empty, or parts that each begin with `/`."""
    return _PREFIX_OF_PATH.fullmatch(text) is not None


def read_settings(given: dict[str, Any]) -> Settings:
    """The settings of the environment and the command line.

    Args:
        given: Options of the command line by field; None where not given.

    Raises:
        UserError: A value is invalid; the message names the setting.
    """
    names = Settings.__struct_fields__
    from_environment = {name: os.environ.get(PREFIX + name.upper()) or None for name in names}
    wanted = {
        k: v for values in (from_environment, given) for k, v in values.items() if v is not None
    }
    try:
        return msgspec.convert(wanted, Settings, strict=False, dec_hook=_hook)
    except msgspec.ValidationError as error:
        raise UserError(f"wrong setting (--OPTION or {PREFIX}NAME): {error}") from error


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings as the environment variables that `read_settings` reads."""
    values = msgspec.structs.asdict(settings)
    return {PREFIX + name.upper(): str(v) for name, v in values.items() if v is not None}


def _hook(kind: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's signature
    if kind is Path:
        return Path(value)
    raise NotImplementedError
