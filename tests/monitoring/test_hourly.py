"""Hourly files: each process keeps its own, nothing is lost or counted twice, nothing fails."""

from __future__ import annotations

import json
import logging
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from s3fs import S3FileSystem

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.hourly import (
    HourlyFiles,
    HourlySummary,
    count_by_reason,
    hours_of,
)
from customer_segmentation.monitoring.hours import hour_file, read_hours
from customer_segmentation.monitoring.summary import Summary
from tests.monitoring.example import COLUMNS, a_baseline, customers

ONE, NEXT = "2026-11-30T13", "2026-11-30T14"


def place(root: str, counts: HourlySummary, hour: str, writer: str) -> str:
    return hour_file(root, "api", hour, counts.summary.baseline, writer)


def files_of(root: Path, hours: list[str]) -> HourlyFiles[HourlySummary]:
    """Files whose clock says the last of these hours."""
    return HourlyFiles(str(root), lambda: hours[-1], place)


def counted(customers_: int, version: str = "v1") -> HourlySummary:
    return HourlySummary(a_baseline(version).summarise(COLUMNS, *customers(customers_)))


def told(root: Path) -> dict[str, dict[str, int]]:
    return {
        hour: {version: summary.customers for version, summary in versions.items()}
        for hour, versions in read_hours(str(root), "api").items()
    }


def test_what_processes_count_in_an_hour_adds_up(tmp_path):
    for customers_ in (3, 4):
        files = files_of(tmp_path, [ONE])
        files.add(counted(customers_))
        files.write()
    assert told(tmp_path) == {ONE: {"v1": 7}}


def test_an_hour_is_written_again_as_it_goes_on_and_counted_once(tmp_path):
    files = files_of(tmp_path, [ONE])
    for _ in range(3):
        files.add(counted(2))
        assert files.write()
    assert told(tmp_path) == {ONE: {"v1": 6}}
    assert len([*tmp_path.rglob("*.json")]) == 1


def test_a_champion_that_changes_within_an_hour_is_told_apart(tmp_path):
    files = files_of(tmp_path, [ONE])
    files.add(counted(2))
    files.add(counted(5, "v2"))
    files.write()
    assert told(tmp_path) == {ONE: {"v1": 2, "v2": 5}}


def test_a_clock_that_steps_back_replaces_nothing(tmp_path):
    hours = [ONE]
    files = files_of(tmp_path, hours)
    for hour in (ONE, NEXT, ONE):
        hours.append(hour)
        files.add(counted(2))
        files.write()
    assert told(tmp_path) == {ONE: {"v1": 4}, NEXT: {"v1": 2}}


def test_what_cannot_be_written_is_said_once_and_written_once_it_can(tmp_path, caplog):
    root = tmp_path / "monitoring"
    root.write_text("a file where the folder should be")
    files = files_of(root, [ONE])
    files.add(counted(2))
    with caplog.at_level(logging.ERROR):
        assert not files.write()
        assert not files.write()
    (record,) = caplog.records
    assert "counts are not kept in" in record.getMessage()
    root.unlink()
    files.add(counted(3))
    assert files.write()
    assert told(root) == {ONE: {"v1": 5}}


def test_hours_that_cannot_be_written_are_bounded_and_those_given_up_are_told(tmp_path):
    root = tmp_path / "monitoring"
    root.write_text("a file where the folder should be")
    hours = [ONE]
    files = files_of(root, hours)
    lost = 0
    for number in range(203):
        hours.append(f"hour {number}")
        lost += files.add(counted(2))
        files.write()
    assert lost == 6


def test_an_hour_that_is_written_is_forgotten_once_it_is_over_and_never_told_as_lost(tmp_path):
    hours = [ONE]
    files = files_of(tmp_path, hours)
    lost = 0
    for number in range(203):
        # Written before it ends, and nobody comes until the next.
        hours.append(f"hour {number}")
        lost += files.add(counted(2))
        assert files.write()
    assert lost == 0
    assert len(files._kept) == 1
    assert sum(versions["v1"] for versions in told(tmp_path).values()) == 406


def test_a_place_that_nothing_here_writes_to_is_refused_with_its_name():
    with pytest.raises(UserError, match="counts cannot be kept in foo://x: Protocol not known"):
        HourlyFiles("foo://x", hours_of(ONE), place)


def test_other_counts_stand_beside_the_summary(tmp_path):
    files = files_of(tmp_path, [ONE])
    files.add(HourlySummary(a_baseline().empty(), cold_start=3))
    files.add(HourlySummary(a_baseline().empty(), dropped=4))
    files.write()
    (file,) = tmp_path.rglob("*.json")
    stated = json.loads(file.read_text())
    assert (stated["cold_start"], stated["dropped"]) == (3, 4)
    assert Summary.of(stated).customers == 0


def test_reasons_name_columns_and_nothing_that_was_sent():
    reasons = {
        "income: negative; spend: missing": 2,
        "income: negative": 1,
        "ana@x.org: unknown": 4,
    }
    assert count_by_reason(reasons, frozenset({"income", "spend"})) == {
        "income: negative": 3,
        "spend: missing": 2,
        "other": 4,
    }


@pytest.mark.parametrize("fixed", ["", ONE])
def test_the_hour_is_the_clocks_or_a_fixed_one(fixed):
    told_hour = hours_of(fixed)()
    assert len(told_hour) == len(ONE)
    assert not fixed or told_hour == fixed


def test_files_of_a_bucket_add_up_likewise(s3_server, monkeypatch):
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    # Of another server, made before.
    S3FileSystem.clear_instance_cache()
    bucket = f"watched-{uuid4().hex[:8]}"
    s3_server.make_bucket(bucket)
    root = f"s3://{bucket}/monitoring"
    for customers_ in (3, 4):
        files = HourlyFiles(root, partial(str, ONE), place)
        files.add(counted(customers_))
        assert files.write()
    (versions,) = read_hours(root, "api").values()
    S3FileSystem.clear_instance_cache()
    assert versions["v1"].customers == 7
