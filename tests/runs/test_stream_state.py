"""The state of a stream by its commands: made anew from what was landed, and without a customer."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.sources.arrivals.parts import Arrival, Parts, text_table
from customer_segmentation.streaming.state import CustomerState
from tests.runs.project import Project
from tests.streaming.test_scoring import record

NAMED = "4822"


def schema_of(project: Project) -> Schema:
    return read_schema(project.root / "conf/schemas/marketing_campaign.yml")


def state_of(project: Project) -> Path:
    return project.root / "data/stream/customers.sqlite"


def cells(key: str) -> dict[str, str]:
    unknown = {"changed_at", "closed"}
    return {name: cell for name, cell in record(key, "9000", "").items() if name not in unknown}


def members(project: Project, place: str) -> Parts:
    """Parts of two customers, and their entry of the catalog."""
    parts = Parts(str(project.root / place))
    for key in ("7", NAMED):
        table = text_table({name: [cell] for name, cell in cells(key).items()})
        parts.append("kafka", Arrival(table, {"offsets": {"0": int(key)}}))
    entry = {
        "type": "customer_segmentation.sources.arrivals.dataset.ArrivingSource",
        "reader": {"type": "kafka.KafkaReader", "bootstrap": "127.0.0.1:1", "topic": "members"},
        "parts": place,
        "landing": "data/landed/members.parquet",
        "key": "ID",
    }
    (project.root / "conf/dev/catalog_members.yml").write_text(yaml.safe_dump({"members": entry}))
    return parts


def test_one_command_makes_the_state_anew_from_what_was_landed(new_project: Project) -> None:
    members(new_project, "data/parts/members")
    refused = new_project.kedro("stream", "rebuild")
    assert refused.exit_code == 1
    assert "name its entry of the catalog with --source" in refused.output
    made = new_project.kedro("stream", "rebuild", "--source=members")
    assert made.exit_code == 0, made.output
    assert "2 customers from 2 events in 2 parts" in made.output
    assert "The stream reads on from members-0 at 4,822" in made.output
    with CustomerState(state_of(new_project), schema_of(new_project)) as state:
        assert pl.concat(state.customers())["customer_id"].to_list() == [NAMED, "7"]


def test_who_is_forgotten_is_erased_from_the_state_too(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_SERVING_INGEST_EVENTS", "s3://shop/events")
    with CustomerState(state_of(used_project), schema_of(used_project)) as state:
        state.apply(pl.DataFrame([cells(NAMED), cells("7")]), {})
        running = used_project.kedro("forget", NAMED)
        assert running.exit_code == 1, running.output
        assert "a stream runs on this state: stop it first" in running.output
    # Not the source of batch runs, and not below the data.
    kept = members(used_project, "kept/members")
    forgotten = used_project.kedro("forget", NAMED, "--do")
    assert forgotten.exit_code == 0, forgotten.output
    assert "customers.sqlite: 1 trace, in the state of the stream" in forgotten.output
    assert "topics of Kafka" in forgotten.output
    assert "s3://shop/events: what was sent to the API" in forgotten.output
    assert "kept/members/00000002.parquet: 1 row, written anew without" in forgotten.output
    assert [kept.rows(part)["ID"].to_pylist() for part in kept.all()] == [["7"], []]
    with CustomerState(state_of(used_project), schema_of(used_project)) as state:
        assert pl.concat(state.customers())["customer_id"].to_list() == ["7"]
