"""Hourly summaries: read from what all processes wrote."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np

from customer_segmentation.monitoring.bins import Bins
from customer_segmentation.monitoring.hours import by_day, hour_file, read_hours
from customer_segmentation.monitoring.summary import Baseline, nobody


def _write(root, hour, writer, customers, **other):
    version, source = other.get("version", "v1"), other.get("source", "api")
    bins = {"income": Bins((15.0,), (), (10.0, 20.0), 15.0)}
    baseline = Baseline(version, "2014-06-30", ("high",), bins, nobody(version, 1))
    summary = baseline.summarise(("income",), np.full((customers, 1), 20.0), {})
    path = Path(hour_file(str(root), source, hour, version, writer))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summary.stated() | {"seconds": {"p99": 0.1}}))
    return path


def _customers(found):
    return {when: {v: s.customers for v, s in versions.items()} for when, versions in found.items()}


def test_all_processes_and_versions_of_an_hour_are_read(tmp_path):
    _write(tmp_path, "2026-11-30T13", "a", 3)
    _write(tmp_path, "2026-11-30T13", "b", 4)
    _write(tmp_path, "2026-11-30T13", "a", 5, version="v2")
    _write(tmp_path, "2026-11-30T13", "a", 6, source="stream")
    _write(tmp_path, "2026-12-01T00", "a", 7)
    found = read_hours(str(tmp_path), "api")
    assert _customers(found) == {"2026-11-30T13": {"v1": 7, "v2": 5}, "2026-12-01T00": {"v1": 7}}
    assert _customers(by_day(found)) == {"2026-11-30": {"v1": 7, "v2": 5}, "2026-12-01": {"v1": 7}}
    assert _customers(read_hours(str(tmp_path), "api", "2026-12-01")) == {
        "2026-12-01T00": {"v1": 7}
    }


def test_hours_that_were_written_out_of_order_are_read_in_order(tmp_path):
    # A clock that stepped back.
    for writer, hour in enumerate(["2026-11-30T13", "2026-11-30T12", "2026-11-30T13"]):
        _write(tmp_path, hour, str(writer), 1)
    assert _customers(read_hours(str(tmp_path), "api")) == {
        "2026-11-30T12": {"v1": 1},
        "2026-11-30T13": {"v1": 2},
    }


def test_a_damaged_file_is_left_out_and_told(tmp_path, caplog):
    path = _write(tmp_path, "2026-11-30T13", "a", 3)
    path.with_name("b.json").write_text("{")
    path.with_name(".writing-c.json").write_text("{")
    with caplog.at_level(logging.WARNING):
        assert _customers(read_hours(str(tmp_path), "api")) == {"2026-11-30T13": {"v1": 3}}
    assert "1 summaries" in caplog.text
    assert "2026-11-30T13/b.json" in caplog.text


def test_without_a_folder_there_is_nothing(tmp_path):
    assert read_hours(str(tmp_path / "none"), "api") == {}
