"""Secrets and personal values, planted where a run meets them, are found where they belong only."""

from __future__ import annotations

import json
import secrets
import sqlite3
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
import yaml
from s3fs import S3FileSystem

from customer_segmentation.settings import CONFIG_LOADER_ARGS, ConfigLoader
from tests.runs.project import Project, make_project, shell
from tests.services.s3 import S3Server
from tools.access.places import patterns

# As clouds, trackers and databases are given them.
SECRETS = {
    name: f"planted{secrets.token_hex(12)}"
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "DATABRICKS_TOKEN",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "PGPASSWORD",
    )
}
# Where rows are as they were sent; `between` is emptied by nobody.
AS_SENT = (*patterns("staging", ["landed", "bronze"]), "between/*")
QUARANTINE = (*AS_SENT, *patterns("staging", ["quarantine"]))
# Of gold, the tables of numbers have an income, and all but profiles an id.
CUSTOMERS = (*AS_SENT, *patterns("staging", ["silver"]), "gold/feature*")
# What is planted -> where it may be, below the roots of tables and of files.
PERSONAL = {
    "kept-77310": (*CUSTOMERS, "gold/segments.*", "gold/history/*"),
    "left-out-77311": (*QUARANTINE, "gold/unsegmented.*"),
    "anna.planted@example.com": AS_SENT,
    "bert.planted@example.com": QUARANTINE,
    "57391.6173": CUSTOMERS,
    "612345.6789": CUSTOMERS,
    "born-in-1957": QUARANTINE,
    "planted-status": AS_SENT,
}
# The place of the terminal's output and of the log, among the files.
TERMINAL, LOG = "terminal", "info.log"


@dataclass(frozen=True)
class Left:
    """What a run left: each file, object and output by its place, as bytes to search."""

    places: Mapping[str, bytes]

    def of(self, value: str) -> set[str]:
        """The places that hold a value: as text or, for a number, rounded or in binary."""
        forms = [value.encode()]
        if value.replace(".", "").isdigit():
            number = float(value)
            forms += [f"{number:{form}}".encode() for form in (",.0f", ".1f", ".2f", ",.2f")]
            forms += [struct.pack("<d", number), struct.pack("<f", number)]
        return {place for place, held in self.places.items() if any(f in held for f in forms)}


def plant(sample: Path) -> None:
    """Change four rows of the sample, and add a column that nobody reads."""
    header, *rows = (line.split("\t") for line in sample.read_text().splitlines())
    at = {name: header.index(name) for name in header}
    changes = (
        {"ID": "kept-77310", "Income": "57391.6173", "Contact": "anna.planted@example.com"},
        {"Income": "612345.6789"},
        {
            "ID": "left-out-77311",
            "Year_Birth": "born-in-1957",
            "Contact": "bert.planted@example.com",
        },
        {"Marital_Status": "planted-status"},
    )
    for row in rows:
        row.append("nobody")
    for row, change in zip(rows[100::200], changes, strict=False):
        for name, value in change.items():
            row[at.get(name, len(header))] = value
    lines = ["\t".join(row) for row in ([*header, "Contact"], *rows)]
    sample.write_text("\n".join(lines) + "\n")


def searchable(name: str, content: bytes) -> bytes:
    """A file's content, unpacked where it is packed."""
    if name.endswith(".parquet"):
        table = pq.read_table(BytesIO(content))
        held = [str(table.schema.metadata), *map(str, table.to_pylist())]
        return "\n".join(held).encode()
    return content


def dumped(database: Path) -> bytes:
    """A database's rows: in its file a text may stand in pieces."""
    with sqlite3.connect(database) as connection:
        return "\n".join(connection.iterdump()).encode()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    # With a database of its own, whose runs keep their files here.
    project = make_project(tmp_path_factory.mktemp("planted") / "project")
    project.make_quick()
    plant(project.root / "data/sample/customers.csv")
    logs = project.root / "conf" / "logging.yml"
    told = yaml.safe_load(logs.read_text())
    told["handlers"]["file"] = {"class": "logging.FileHandler", "filename": LOG}
    told["loggers"] |= {name: {"level": "DEBUG"} for name in ("customer_segmentation", "kedro")}
    told["root"] = {"level": "INFO", "handlers": ["console", "file"]}
    logs.write_text(yaml.safe_dump(told))
    return project


@pytest.fixture(scope="module")
def left(project: Project, moto_server: S3Server) -> Left:
    """A whole run of staging in a shell of its own, with the secrets in its environment."""
    bucket, scratch = f"searched-{uuid4().hex[:12]}", project.root / "scratch"
    moto_server.make_bucket(bucket)
    scratch.mkdir()
    settings = moto_server.environment() | SECRETS
    settings |= {"SEGMENTATION_BUCKET": bucket, "TMPDIR": str(scratch)}
    done = shell(project, "kedro", "run", "--env=staging", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    places = {TERMINAL: (done.stdout + done.stderr).encode()}
    source = project.root / "data" / "sample"
    for path in sorted(project.root.rglob("*")):
        if path.is_file() and source not in path.parents:
            name = path.relative_to(project.root).as_posix()
            content = dumped(path) if path.suffix == ".db" else path.read_bytes()
            places[name.removeprefix("data/staging/")] = searchable(name, content)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in moto_server.environment().items():
            patch.setenv(name, value)
        S3FileSystem.clear_instance_cache()
        files = S3FileSystem(use_listings_cache=False)
        for path in files.find(bucket):
            places[path.removeprefix(f"{bucket}/")] = searchable(path, files.cat_file(path))
    return Left(places)


def test_the_run_left_all_that_is_searched(left: Left) -> None:
    names = set(left.places)
    assert {TERMINAL, LOG, "mlflow.db", "lineage.json", "landed/source.parquet"} <= names
    assert {"models/candidate/segmenter.onnx", "reporting/report.html"} <= names
    assert {"silver/quarantine.parquet", "gold/feature_table.csv"} <= names
    assert any(name.startswith("mlruns/") and name.endswith("report.html") for name in names)
    # What is no secret of the same environment is found.
    assert b"s3://searched-" in left.places[LOG]
    assert b"Loading data from" in left.places[LOG]
    assert b"silhouette" in left.places[TERMINAL]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_of_the_environment_is_nowhere(left: Left, name: str) -> None:
    assert left.of(SECRETS[name]) == set()


@pytest.mark.parametrize("value", PERSONAL)
def test_a_personal_value_is_only_in_tables_that_may_hold_it(left: Left, value: str) -> None:
    found = left.of(value)
    # Else the search would find nothing anywhere.
    assert {"landed/source.parquet", "bronze/customers.parquet"} <= found
    allowed = PERSONAL[value]
    assert {place for place in found if not any(fnmatchcase(place, p) for p in allowed)} == set()


@pytest.mark.parametrize("environment", ["dev", "staging", "prod", "databricks"])
def test_a_resolved_configuration_holds_no_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    loader = ConfigLoader(str(project.root / "conf"), environment, **CONFIG_LOADER_ARGS)
    kinds = ["globals", "catalog", "parameters", "mlflow"]
    kinds += ["spark"] if environment == "prod" else []
    resolved = json.dumps({kind: loader[kind] for kind in kinds}, default=str)
    assert not [name for name, value in SECRETS.items() if value in resolved]


BROKEN = {
    "a cell too many": ("\t0\n", "\t0\tcarl.planted@example.com\n"),
    "a quote that does not end": ("\t0\n", '\t"carl.planted@example.com\n'),
    "no customers": ("ID\t", "Number\t"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_run_that_is_refused_quotes_no_cell(
    new_project: Project, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    sample = new_project.root / "data/sample/customers.csv"
    text = sample.read_bytes().decode().replace("\r\n", "\n")
    old, new = BROKEN[case]
    assert old in text
    sample.write_text(text.replace(old, new, 1).replace("9365\t", "kept-77310\t", 1))
    result = new_project.run("--pipelines=ingestion,preprocessing")
    assert result.exit_code == 1, result.output
    said = result.output + caplog.text
    assert "Error: " in said
    assert "planted" not in said
    assert "kept-77310" not in said
