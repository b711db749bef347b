"""Whole runs whose customers are in PostgreSQL: as from the file, and only what changed anew."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
import yaml
from psycopg import sql

from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from tests.runs.project import Project, make_project
from tests.runs.tables import read_table

STEPS = "ingestion,preprocessing,clustering,label_generation"
PARTS = "data/bronze/arrivals/customers"
READER = {
    "type": "databases.DatabaseReader",
    "url": "${setting:SEGMENTATION_DATABASE}",
    "table": "customers",
    "mode": "incremental",
    "cursor": "changed_at",
    "key": "ID",
    "deleted": "is_deleted",
}


def fill(url: str, sample: Path) -> None:
    """The sample's customers as they stand in its file, with what a database adds."""
    with sample.open(newline="") as file:
        headers, *rows = csv.reader(file, delimiter=sniffed(sample))
    columns = [sql.SQL("{} text").format(sql.Identifier(header)) for header in headers]
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(
            sql.SQL(
                "CREATE TABLE customers ({}, place serial, changed_at timestamptz DEFAULT now(), "
                "is_deleted boolean NOT NULL DEFAULT false)"
            ).format(sql.SQL(", ").join(columns))
        )
        names = sql.SQL(", ").join(map(sql.Identifier, headers))
        with session.cursor().copy(sql.SQL("COPY customers ({}) FROM STDIN").format(names)) as copy:
            for row in rows:
                copy.write_row(row)


def sniffed(sample: Path) -> str:
    with sample.open() as file:
        return max(",;\t", key=file.readline().count)


def configure(project: Project, **changed: Any) -> None:
    file = project.root / "conf" / "dev" / "catalog.yml"
    catalog = yaml.safe_load(file.read_text())
    with (project.root / "data" / "sample" / "customers.csv").open() as sample:
        headers = next(csv.reader(sample, delimiter=sniffed(Path(sample.name))))
    reader = READER | {"columns": headers} | changed
    catalog["source"] = {
        "type": "customer_segmentation.sources.arrivals.dataset.ArrivingSource",
        "reader": {k: v for k, v in reader.items() if v is not None},
        "parts": PARTS,
        "landing": "${globals:tables}/landed/source.parquet",
        "key": "ID",
        "engine": "pandas",
        "metadata": {"kedro-viz": {"layer": "source", "preview_args": {"nrows": 5}}},
    }
    file.write_text(yaml.safe_dump(catalog))


@pytest.fixture
def project(shop: str, tmp_path: Path, tracking: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose sample is in the database, too."""
    project = make_project(tmp_path / "project", tracking)
    project.make_quick()
    fill(shop, project.root / "data" / "sample" / "customers.csv")
    # The password is not asked for.
    monkeypatch.setenv("SEGMENTATION_DATABASE", shop.replace("postgres@", "postgres:s3cret@", 1))
    return project


def ran(project: Project, steps: str) -> str:
    result = project.run(f"--pipelines={steps}")
    assert result.exit_code == 0, result.output
    return result.output


def segments(project: Project) -> pd.DataFrame:
    table = read_table(str(project.root / "data"), "gold_segments")
    return table.set_index("customer_id").sort_index()


def landed(project: Project) -> list[int]:
    """How many rows each part has."""
    parts = sorted((project.root / PARTS).glob("*.parquet"))
    return [len(pd.read_parquet(part)) for part in parts]


def test_customers_of_a_database_get_the_segments_of_the_file_and_changes_are_seen(
    shop: str, project: Project
) -> None:
    ran(project, STEPS)
    before = segments(project)
    configure(project)
    ran(project, STEPS)
    pd.testing.assert_frame_equal(segments(project), before)
    gone, changed, copied = before.index[:3]
    with psycopg.connect(shop) as session:
        for statement, *values in (
            ('UPDATE customers SET is_deleted = true WHERE "ID" = %s', gone),
            ("""UPDATE customers SET "Income" = '61234' WHERE "ID" = %s""", changed),
            (
                """INSERT INTO customers SELECT (jsonb_populate_record(c, %s)).*
                FROM customers c WHERE "ID" = %s""",
                '{"ID": "777777"}',
                copied,
            ),
        ):
            session.execute(statement, values)
        touched = [gone, changed, "777777"]
        session.execute(
            'UPDATE customers SET changed_at = clock_timestamp() WHERE "ID" = ANY (%s)', (touched,)
        )
    output = ran(project, STEPS)
    after = segments(project)
    assert {*before.index} - {*after.index} == {gone}
    assert {*after.index} - {*before.index} == {"777777"}
    silver = read_table(str(project.root / "data"), "silver_customers").set_index("customer_id")
    assert silver.loc[changed, "income"] == 61234
    assert landed(project) == [2240, 3]
    assert "s3cret" not in output
    for content in project.files().values():
        assert b"s3cret" not in content


def test_a_customer_of_a_database_is_forgotten_in_all_that_arrived(
    shop: str, project: Project
) -> None:
    configure(project, mode="full", cursor="", overlap=None)
    ran(project, "ingestion")
    (whole,) = landed(project)
    # What Kedro-Viz shows; the database is not asked.
    reader = READER | {"url": "postgresql://127.0.0.1:1/none"}
    source = ArrivingSource(reader=reader, parts=str(project.root / PARTS), landing="")
    assert [len(row) for row in source.preview(2)["data"]] == [29, 29]
    result = project.kedro("forget", "4822", "--do")
    assert result.exit_code == 0, result.output
    assert f"  {PARTS}/00000001.parquet: 1 row, written anew without" in result.output
    address = shop.replace("postgres@", "", 1)
    assert f"  {address}/customers: the source. The next run would read them" in result.output
    assert landed(project) == [whole - 1]
    # Nothing differs in the database, so that nothing is read again.
    ran(project, "ingestion")
    assert landed(project) == [whole - 1]
    bronze = read_table(str(project.root / "data"), "bronze_customers")
    assert "4822" not in {*bronze["ID"]}
