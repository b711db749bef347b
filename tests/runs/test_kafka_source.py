"""Runs whose customers are in a topic: as from the file, and what is wrong has its reasons."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from customer_segmentation.sources.messages.kafka import Outgoing
from tests.runs.project import Project, make_project
from tests.runs.tables import read_table
from tests.services.kafka import Kafka

STEPS = "--pipelines=ingestion,preprocessing"
PROVENANCE = ["source_name", "source_sha256", "row_number"]


@pytest.fixture
def project(tmp_path: Path, tracking: Path) -> Project:
    made = make_project(tmp_path / "project", tracking)
    made.make_quick()
    return made


def rows_of(project: Project) -> list[dict[str, str]]:
    with (project.root / "data" / "sample" / "customers.csv").open(newline="") as file:
        delimiter = max(",;\t", key=file.readline().count)
        file.seek(0)
        return [*csv.DictReader(file, delimiter=delimiter)]


def read_from(project: Project, kafka: Kafka, topic: str) -> None:
    file = project.root / "conf" / "dev" / "catalog.yml"
    catalog = yaml.safe_load(file.read_text())
    catalog["source"] = {
        "type": "customer_segmentation.sources.arrivals.dataset.ArrivingSource",
        "reader": {
            "type": "kafka.KafkaReader",
            "bootstrap": kafka.bootstrap,
            "topic": topic,
            "key": "ID",
            "dead_letters": f"{topic}-dead",
        },
        "parts": "data/bronze/arrivals/customers",
        "landing": "${globals:tables}/landed/source.parquet",
        "engine": "pandas",
    }
    file.write_text(yaml.safe_dump(catalog))


def table(project: Project, name: str) -> pd.DataFrame:
    found = read_table(str(project.root / "data"), name)
    return found.drop(columns=PROVENANCE, errors="ignore").reset_index(drop=True)


def message(row: dict[str, str]) -> Outgoing:
    return Outgoing(row["ID"].encode(), json.dumps(row).encode())


def test_customers_of_a_topic_are_those_of_the_file_and_each_wrong_message_has_its_reasons(
    kafka: Kafka, project: Project
) -> None:
    filed = project.run(STEPS)
    assert filed.exit_code == 0, filed.output
    before = table(project, "silver_customers")
    quarantined = len(table(project, "silver_quarantine"))
    rows = rows_of(project)
    topic = kafka.topic()
    kafka.send(topic, [message(row) for row in rows])
    read_from(project, kafka, topic)
    first = project.run(STEPS)
    assert first.exit_code == 0, first.output
    pd.testing.assert_frame_equal(table(project, "silver_customers"), before)
    broken = rows[0] | {"ID": "999999", "Income": "a lot", "Year_Birth": "?"}
    kafka.send(topic, [Outgoing(b"5", b"no JSON"), message(broken)])
    second = project.run(STEPS)
    assert second.exit_code == 0, second.output
    # What no row can be made of is told by the run; what breaks the contract is in quarantine.
    assert f"1 messages say nothing and are kept in '{topic}-dead'" in " ".join(
        second.output.split()
    )
    pd.testing.assert_frame_equal(table(project, "silver_customers"), before)
    told = table(project, "silver_quarantine")
    assert len(told) == quarantined + 1
    (reasons,) = told.loc[told["customer_id"] == "999999", "reasons"]
    assert {"income", "birth"} <= {word for word in ("income", "birth") if word in reasons}
