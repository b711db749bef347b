"""A run tells what it reads and makes as OpenLineage events, and is otherwise as without."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from customer_segmentation.lineage.ledger import read_ledger
from tests.runs.project import Project

PIPELINES = "--pipelines=ingestion,preprocessing"
PLACES = ("data/bronze/customers.parquet", "data/silver/customers.parquet")


def events_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, tracking: Path
) -> tuple[Project, list[dict[str, Any]]]:
    """A run of two pipelines, and its events."""
    from tests.runs.project import make_project  # noqa: PLC0415 - as the fixtures beside it

    project = make_project(tmp_path_factory.mktemp("told") / "project", tracking)
    file = project.root / "events.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMENTATION_OPENLINEAGE", str(file))
        result = project.run(PIPELINES)
    assert result.exit_code == 0, result.output
    return project, events_of(file)


def step(events: list[dict[str, Any]], name: str, state: str = "COMPLETE") -> dict[str, Any]:
    return next(e for e in events if e["job"]["name"] == name and e["eventType"] == state)


def data(event: dict[str, Any], side: str, place: str) -> dict[str, Any]:
    return next(each for each in event[side] if each["name"].endswith(place))


def test_the_run_and_each_step_begin_and_end_once(
    told: tuple[Project, list[dict[str, Any]]],
) -> None:
    _, events = told
    states = Counter((event["run"]["runId"], event["eventType"]) for event in events)
    runs = {run for run, _ in states}
    assert states == Counter({(run, state): 1 for run in runs for state in ("START", "COMPLETE")})
    assert events[0]["job"]["name"] == events[-1]["job"]["name"] == "ingestion,preprocessing"
    assert len({event["job"]["name"] for event in events}) == len(runs)
    times = [datetime.fromisoformat(event["eventTime"]) for event in events]
    assert times == sorted(times)


def test_each_event_has_what_the_specification_requires(
    told: tuple[Project, list[dict[str, Any]]],
) -> None:
    for event in told[1]:
        assert UUID(event["run"]["runId"])
        assert event["schemaURL"].endswith("OpenLineage.json#/$defs/RunEvent")
        assert datetime.fromisoformat(event["eventTime"]).tzinfo
        assert event["job"]["namespace"] == "customer-segmentation/dev"
        facets = [*event["run"]["facets"].values(), *event["job"]["facets"].values()]
        for each in (*event["inputs"], *event["outputs"]):
            assert each["namespace"]
            assert each["name"]
            facets += each["facets"].values()
        assert all(each["_producer"] == "urn:customer-segmentation" for each in facets)
        assert all("OpenLineage" in event["schemaURL"] and each["_schemaURL"] for each in facets)


def test_steps_belong_to_the_run_that_names_the_record_of_it(
    told: tuple[Project, list[dict[str, Any]]],
) -> None:
    project, events = told
    first = events[0]
    for event in events[1:-1]:
        parent = event["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == first["run"]["runId"]
        assert parent["job"]["name"] == first["job"]["name"]
    tags = {tag["key"]: tag["value"] for tag in first["run"]["facets"]["tags"]["tags"]}
    ledger = read_ledger(str(project.root / "data" / "lineage.json"))
    assert tags["run_id"] == ledger.entries["silver_customers"].run
    assert tags["environment"] == "dev"


def test_what_a_step_makes_is_what_the_next_one_reads(
    told: tuple[Project, list[dict[str, Any]]],
) -> None:
    project, events = told
    made = data(step(events, "preprocessing.keep_customers"), "outputs", PLACES[1])
    read = data(step(events, "preprocessing.compute_features"), "inputs", PLACES[1])
    assert (made["namespace"], made["name"]) == (read["namespace"], read["name"])
    assert made["name"] == str(project.root / PLACES[1])
    assert not any(".pending" in json.dumps(event) for event in events)


def test_a_feature_says_its_formula_and_the_columns_that_it_is_made_of(
    told: tuple[Project, list[dict[str, Any]]],
) -> None:
    made = data(step(told[1], "preprocessing.compute_features"), "outputs", "features.parquet")
    columns = {each["name"]: each for each in made["facets"]["schema"]["fields"]}
    lineage = made["facets"]["columnLineage"]["fields"]
    assert lineage.keys() == columns.keys()
    fields = lineage["deal_share"]["inputFields"]
    assert [each["field"] for each in fields][:2] == ["purchases_deals", "purchases_web"]
    assert fields[0]["transformations"][0]["description"] == "purchases_deals / purchases_total"
    assert columns["deal_share"]["description"].startswith("Purchases with a discount")


def test_the_end_has_versions_as_recorded_and_where_the_rows_went(
    told: tuple[Project, list[dict[str, Any]]],
) -> None:
    project, events = told
    end = events[-1]
    entries = read_ledger(str(project.root / "data" / "lineage.json")).entries
    silver = data(end, "outputs", PLACES[1])
    assert silver["facets"]["version"]["datasetVersion"] == entries["silver_customers"].content.mark
    assert silver["outputFacets"]["outputStatistics"]["rowCount"] == 2202
    refused = data(end, "outputs", "quarantine.parquet")
    assert refused["outputFacets"]["outputStatistics"]["rowCount"] == 27
    source = data(end, "inputs", "customers.csv")
    assert source["inputFacets"]["inputStatistics"]["rowCount"] == 2240
    checks = source["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {each["name"]: each["actual"] for each in checks} == {
        "income: missing": "24",
        "year_birth: age outside 18 to 100": "3",
    }


def test_a_failing_step_fails_the_run_and_names_its_message(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = new_project.root / "events.jsonl"
    monkeypatch.setenv("SEGMENTATION_OPENLINEAGE", str(file))
    assert new_project.run(PIPELINES, "--params=preprocessing.max_left_out=0").exit_code
    events = events_of(file)
    failed = [event for event in events if event["eventType"] == "FAIL"]
    assert [event["job"]["name"] for event in failed] == [
        "preprocessing.keep_customers",
        "ingestion,preprocessing",
    ]
    messages = {event["run"]["facets"]["errorMessage"]["message"] for event in failed}
    assert len(messages) == 1
    assert "27 of 2,240 rows (1 %) would be left out" in messages.pop()
    assert events[-1] == failed[-1]


def test_no_value_of_a_customer_is_told_even_of_a_file_without_headers(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = new_project.root / "planted.csv"
    rows = (new_project.root / "data/sample/customers.csv").read_text("utf-8").splitlines()
    separator = rows[0].removeprefix("ID")[0]
    source.write_text("\n".join(rows[1:50]), "utf-8")
    file = new_project.root / "events.jsonl"
    monkeypatch.setenv("SEGMENTATION_OPENLINEAGE", str(file))
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(source))
    assert new_project.run(PIPELINES).exit_code
    text = json.dumps([[i["facets"] for i in e["inputs"]] for e in events_of(file)])
    for cell in rows[1].split(separator):
        assert f'"{cell}"' not in text


def test_a_run_without_the_setting_tells_nothing_and_one_with_a_dead_server_ends_well(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert new_project.run("--pipelines=ingestion").exit_code == 0
    assert not (new_project.root / "events.jsonl").exists()
    without = (new_project.root / PLACES[0]).read_bytes()
    monkeypatch.setenv("SEGMENTATION_OPENLINEAGE", "http://127.0.0.1:1")
    result = new_project.run("--pipelines=ingestion")
    assert result.exit_code == 0, result.output
    assert (new_project.root / PLACES[0]).read_bytes() == without
