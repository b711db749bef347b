"""The job table and its leases, on both databases."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex
from threading import Barrier

import pytest
from sqlalchemy import text

from customer_segmentation.serving.body import Upload
from customer_segmentation.serving.jobs.files import JobFiles
from customer_segmentation.serving.jobs.leases import MAX_ATTEMPTS, Leases
from customer_segmentation.serving.jobs.quota import Usage
from customer_segmentation.serving.jobs.schema import JOBS, engine_of
from customer_segmentation.serving.jobs.table import Job, JobTable
from customer_segmentation.serving.problems import RefusedError

# Longer than any test takes: who needs a job to be older sets its times back.
KEPT = 600.0


@pytest.fixture
def table(database: str) -> Iterator[JobTable]:
    made = JobTable(database, KEPT)
    with made.engine.begin() as connection:
        connection.execute(JOBS.delete())
    yield made
    made.engine.dispose()


def add(  # noqa: PLR0913 - what differs between tests
    table: JobTable,
    owner: str = "me",
    key: str | None = None,
    maximum: int = 100,
    *,
    kept: int = 1_000,
    size: int = 1,
) -> Job:
    upload, limits = Upload(size, "0"), Usage(maximum, kept, 1_000_000)
    return table.add(token_hex(16), owner, upload, {"format": "csv"}, key=key, limits=limits)


def set_back(table: JobTable, job: Job, column: str, seconds: float) -> None:
    """Have a time of a job be so much earlier."""
    earlier = {column: JOBS.c[column] - seconds}
    with table.engine.begin() as connection:
        connection.execute(JOBS.update().where(JOBS.c.id == job.id).values(earlier))


def test_workers_that_ask_at_once_take_different_jobs(table: JobTable) -> None:
    added = {add(table).id for _ in range(12)}
    leases = Leases(table, 10.0)
    with ThreadPoolExecutor(4) as several:
        taken = list(several.map(lambda _: leases.take(), range(16)))
    found = [job.id for job in taken if job]
    assert len(found) == 12
    assert set(found) == added


def test_the_job_that_waits_longest_is_taken_first(table: JobTable) -> None:
    first, second = add(table), add(table)
    leases = Leases(table, 10.0)
    assert [leases.take().id, leases.take().id] == [first.id, second.id]


def test_a_worker_that_lost_its_lease_does_not_publish(table: JobTable) -> None:
    add(table)
    slow, quick = Leases(table, 0.05), Leases(table, 10.0)
    lost = slow.take()
    time.sleep(0.1)
    taken = quick.take()
    assert taken.id == lost.id
    assert not slow.publish(lost)
    assert not slow.renew(lost)
    assert quick.publish(taken)
    assert table.find(taken.id).attempt == taken.attempt


def test_a_lease_that_is_renewed_is_not_taken(table: JobTable) -> None:
    add(table)
    leases = Leases(table, 10.0)
    job = leases.take()
    # Together more than the lease, which the renewals alone keep.
    for _ in range(4):
        set_back(table, job, "lease_until", 9.0)
        assert leases.renew(job, rows_done=7)
        assert leases.take() is None
    assert table.find(job.id).rows_done == 7


def test_a_job_that_ends_its_worker_three_times_is_failed_with_a_message(table: JobTable) -> None:
    job = add(table)
    leases = Leases(table, 0.02)
    for _ in range(MAX_ATTEMPTS):
        assert leases.take().id == job.id
        time.sleep(0.05)
    assert leases.take() is None
    failed = table.find(job.id)
    assert failed.state == "failed"
    assert "3 times" in failed.message


def test_a_job_that_is_given_back_is_taken_again_and_does_not_count(table: JobTable) -> None:
    add(table)
    leases = Leases(table, 10.0)
    for _ in range(MAX_ATTEMPTS + 2):
        job = leases.take()
        assert leases.give_back(job)
    assert leases.take().attempts == 1


def test_a_cancelled_job_is_lost_to_its_worker(table: JobTable) -> None:
    job = add(table)
    leases = Leases(table, 10.0)
    taken = leases.take()
    assert table.cancel(job.id)
    assert not leases.publish(taken)
    assert not table.cancel(job.id)
    assert table.find(job.id).state == "cancelled"


def test_the_same_idempotency_key_is_the_same_job_of_its_owner_only(table: JobTable) -> None:
    first = add(table, key="a")
    assert add(table, key="a").id == first.id
    assert add(table, owner="you", key="a").id != first.id
    assert add(table).id != add(table).id


def test_posts_at_once_do_not_pass_the_limit(table: JobTable) -> None:
    def one(_: int) -> bool:
        try:
            add(table, maximum=3)
        except RefusedError:
            return False
        return True

    with ThreadPoolExecutor(6) as several:
        assert sum(several.map(one, range(12))) == 3
    assert table.kept("me").unfinished == 3


def test_posts_at_once_do_not_pass_what_is_kept_of_a_key(table: JobTable) -> None:
    def one(size: int) -> str:
        try:
            add(table, kept=6, size=size)
        except RefusedError as error:
            return str(error)
        return "accepted"

    with ThreadPoolExecutor(6) as several:
        large = list(several.map(one, [400_000] * 6))
        small = list(several.map(one, [1] * 6))
    assert [large.count("accepted"), sum("1000000 bytes" in each for each in large)] == [2, 4]
    assert [small.count("accepted"), sum("6 jobs" in each for each in small)] == [4, 2]
    assert table.kept("me") == Usage(6, 6, 800_004)


def test_what_is_kept_of_a_job_is_its_file_and_then_its_results(table: JobTable) -> None:
    leases = Leases(table, 10.0)
    jobs = [add(table, size=100) for _ in range(3)]
    assert table.kept("me") == Usage(3, 3, 300)
    taken = [leases.take() for _ in jobs]
    leases.renew(taken[0], kept_bytes=150)
    assert table.kept("me").bytes == 350
    leases.publish(taken[0], 70)
    leases.fail(taken[1], "it is no file")
    table.cancel(taken[2].id)
    assert table.kept("me") == Usage(0, 3, 70)


def test_a_table_of_an_older_version_gets_the_new_column(database: str) -> None:
    made = JobTable(database, KEPT)
    add(made)
    with made.engine.begin() as connection:
        connection.execute(text("ALTER TABLE jobs DROP COLUMN kept_bytes"))
    made.engine.dispose()
    again = JobTable(database, KEPT)
    assert again.kept("me").bytes == 0
    assert Leases(again, 10.0).take().kept_bytes == 1
    again.engine.dispose()


def test_many_processes_may_make_the_table_at_once(database: str) -> None:
    with ThreadPoolExecutor(4) as several:
        for made in several.map(lambda _: JobTable(database, KEPT), range(4)):
            made.engine.dispose()


def test_each_process_that_opens_a_new_file_gets_its_turn(tmp_path: Path) -> None:
    # SQLite refuses the second of two that set the journal of a new file: about one in six files.
    with ThreadPoolExecutor(6) as several:
        for number in range(60):
            url, at = f"sqlite:///{tmp_path / str(number)}.db", Barrier(6)

            def opened(_: int, url: str = url, at: Barrier = at) -> str:
                engine = engine_of(url)
                at.wait()
                with engine.connect() as connection:
                    journal: str = connection.execute(text("PRAGMA journal_mode")).scalar_one()
                engine.dispose()
                return journal

            assert set(several.map(opened, range(6))) == {"wal"}


def test_jobs_and_files_are_removed_once_they_were_kept(table: JobTable, tmp_path: Path) -> None:
    files, leases = JobFiles(tmp_path / "files"), Leases(table, 10.0)
    old, waiting = add(table), add(table)
    for job in (old, waiting):
        files.incoming(job.id).write_bytes(b"x")
        files.accept(job.id)
    taken = leases.take()
    files.attempt(old.id, taken.attempt).mkdir()
    files.attempt(old.id, "another").mkdir()
    assert leases.publish(taken)
    files.sweep(table, 60.0)
    assert [path.name for path in (files.root / old.id).iterdir()] == [taken.attempt]
    set_back(table, old, "ended_at", KEPT + 1.0)
    assert table.find(old.id) is None
    files.sweep(table, 60.0)
    assert not (files.root / old.id).exists()
    assert files.upload(waiting.id).exists()
    assert table.counts()["queued"] == 1


def test_what_a_dead_server_left_is_swept(table: JobTable, tmp_path: Path) -> None:
    files = JobFiles(tmp_path / "files")
    half, new = files.incoming("1" * 32), files.incoming("2" * 32)
    orphan = files.root / ("3" * 32)
    orphan.mkdir()
    for path in (half, new):
        path.write_bytes(b"x")
    for path in (half, orphan):
        os.utime(path, (0, 0))
    files.sweep(table, 60.0)
    assert not half.exists()
    assert not orphan.exists()
    assert new.exists()
