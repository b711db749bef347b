"""`python -m tools.capacity`, as a person calls it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from customer_segmentation.monitoring import hours as hourly
from customer_segmentation.serving.metrics import Metrics
from tests.tools.capacity.test_forecast import FIRST, weeks
from tools.capacity import arrivals
from tools.capacity.__main__ import main


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Six weeks that grow."""
    rows = [
        f"{FIRST + timedelta(hours=place):%Y-%m-%dT%H},{count:.0f}"
        for place, count in enumerate(weeks(6, growth=0.04, uneven=0.0) * 1_000)
    ]
    path = tmp_path / "hours.csv"
    path.write_text("\n".join(["hour,count", *rows]))
    return path


def test_a_forecast_names_the_busiest_hour_its_interval_and_the_workers(file: Path) -> None:
    told = call("forecast", file, "--processor-ms", "1")
    assert told.exit_code == 0, told.output
    assert "from 6 weeks; +4.0% a week" in told.output
    assert " 19:00 UTC, 1," in told.output
    assert "(90%: 1," in told.output
    assert "workers needed: " in told.output
    assert "traffic.environments.prod: busy: " in told.output


def test_slower_requests_need_more_workers_and_measured_ones_are_taken_from_metrics(
    tmp_path: Path,
) -> None:
    counted = Metrics()
    for seconds in np.random.default_rng(1).exponential(0.02, 1_000).tolist():
        counted.served("/v1/segments", 200, seconds)
    metrics = tmp_path / "metrics.txt"
    metrics.write_bytes(counted.text())
    told = call("workers", "--rate", "100", "--metrics", metrics)
    assert "100.0 requests a second of 20." in told.output or "of 19." in told.output
    fewer = call("workers", "--rate", "100", "--metrics", metrics, "--processor-ms", "1")
    assert needed(fewer) < needed(told)


def needed(told: Result) -> int:
    return int(told.output.partition("workers needed: ")[2].partition(",")[0])


def test_summaries_of_the_server_are_read_and_what_is_too_short_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Counted:
        customers = 30

    told = {"2026-11-02T01": {"a": Counted(), "b": Counted()}, "2026-11-02T03": {"b": Counted()}}
    monkeypatch.setattr(arrivals, "read_hours", lambda _root, _source: told)
    found = arrivals.read_summaries("data/monitoring", customers_a_request=10.0)
    assert found.counts.tolist() == pytest.approx([6.0, np.nan, 3.0], nan_ok=True)
    short = call("forecast", "data/monitoring")
    assert short.exit_code == 1
    assert short.output.startswith("Error: 3 hours are known, and a forecast needs 2 weeks")


def test_the_hour_that_goes_on_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counted:
        customers = 30

    begun = datetime.now(UTC)
    # Whichever of the two it is by the time they are read.
    told = {
        f"{begun + timedelta(hours=place):%Y-%m-%dT%H}": {"a": Counted()} for place in (-1, 0, 1)
    }
    monkeypatch.setattr(arrivals, "read_hours", lambda _root, _source: told)
    found = arrivals.read_summaries("data/monitoring", customers_a_request=1.0)
    assert found.counts[0] == 30.0
    assert np.nansum(found.counts) == 60.0


@pytest.mark.parametrize(
    ("place", "said"), [("foo://x", "Protocol not known"), ("lost", "no hour's name")]
)
def test_what_is_no_place_of_summaries_is_one_line(
    monkeypatch: pytest.MonkeyPatch, place: str, said: str
) -> None:
    if place == "lost":
        monkeypatch.setattr(arrivals, "read_hours", lambda _root, _source: {said: {}})
    told = call("forecast", place)
    assert told.exit_code == 1
    assert told.output.startswith(f"Error: {place}: ")
    assert said in told.output


def test_a_folder_without_summaries_is_one_line(tmp_path: Path) -> None:
    assert hourly.read_hours(str(tmp_path), "api") == {}
    told = call("forecast", tmp_path)
    assert told.output == f"Error: {tmp_path}: it holds no hour\n"
