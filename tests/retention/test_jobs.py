"""Jobs of the API whose files hold a customer are removed whole, others stay."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import polars as pl
import pytest

from customer_segmentation.retention.jobs import erase_job
from customer_segmentation.retention.places import File
from customer_segmentation.retention.search import job_of, look_at_job
from customer_segmentation.retention.sought import Sought
from customer_segmentation.serving.body import Upload
from customer_segmentation.serving.jobs.files import JobFiles
from customer_segmentation.serving.jobs.quota import Usage
from customer_segmentation.serving.jobs.schema import JOBS
from customer_segmentation.serving.jobs.table import JobTable
from tests.marketing import SCHEMA
from tests.sources.made import as_xlsx, as_zip

SOUGHT = Sought.of("48", SCHEMA)
WITH, WITHOUT = "ID,Income\n47,48\n48,1\n", "ID,Income\n47,48\n"


def as_parquet(text: str) -> bytes:
    target = io.BytesIO()
    pl.read_csv(text.encode()).write_parquet(target)
    return target.getvalue()


def as_lines(text: str) -> bytes:
    return pl.read_csv(text.encode()).write_ndjson().encode()


def as_workbook(text: str) -> bytes:
    return as_xlsx({"Sheet1": [line.split(",") for line in text.splitlines()]})


KINDS = {
    "csv": str.encode,
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "zip": lambda text: as_zip(customers__csv=text.encode()),
    "xlsx": as_workbook,
    "parquet": as_parquet,
    "json lines": as_lines,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_any_kind_is_looked_into(kind: str, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    for text, rows in ((WITH, 1), (WITHOUT, 0)):
        upload.write_bytes(KINDS[kind](text))
        assert look_at_job(File(str(upload), 0), SOUGHT) == (rows, 0, 0)


def test_a_file_that_nobody_can_read_may_hold_anybody(tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(b"PK\x03\x04 no archive")
    assert any(look_at_job(File(str(upload), 0), SOUGHT))


@pytest.fixture
def table(tmp_path: Path) -> Iterator[JobTable]:
    made = JobTable(f"sqlite:///{tmp_path / 'jobs.db'}", 1_000.0)
    yield made
    made.engine.dispose()


@pytest.mark.parametrize("state", ["queued", "running", "done", "failed"])
def test_a_job_is_removed_with_its_row_whatever_its_state(
    state: str, table: JobTable, tmp_path: Path
) -> None:
    files, jobs = JobFiles(tmp_path), []
    for text in (WITH, WITHOUT):
        identity = token_hex(16)
        files.incoming(identity).write_text(text)
        files.accept(identity)
        limits = Usage(10, 1_000, 1_000_000)
        jobs.append(
            table.add(identity, "me", Upload(1, "0"), {"format": "csv"}, key=None, limits=limits)
        )
    with table.engine.begin() as connection:
        connection.execute(JOBS.update().values(state=state))
    gone, stays = jobs
    folder = job_of(str(files.upload(gone.id)), str(tmp_path))
    assert folder
    erase_job(Path(folder), tmp_path)
    assert table.find(gone.id) is None
    assert not Path(folder).exists()
    assert table.find(stays.id)
    assert files.upload(stays.id).read_text() == WITHOUT


def test_the_table_of_jobs_is_no_job(tmp_path: Path) -> None:
    assert job_of(str(tmp_path / "jobs.db"), str(tmp_path)) is None
    assert job_of("/elsewhere/jobs/upload", str(tmp_path)) is None
    assert job_of(str(tmp_path / "incoming" / "a"), str(tmp_path)) == f"{tmp_path}/incoming/a"


def test_a_file_that_is_being_sent_is_removed(tmp_path: Path) -> None:
    upload = tmp_path / "incoming" / "a"
    upload.parent.mkdir()
    upload.write_text(WITH)
    erase_job(upload, tmp_path)
    assert not upload.exists()
