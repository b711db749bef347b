"""The forecast of a week, on weeks that are simulated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from customer_segmentation.errors import UserError
from tools.capacity.arrivals import Hours, read_csv
from tools.capacity.forecast import WEEK, forecast

FIRST = datetime(2026, 11, 2, tzinfo=UTC)
HOUR_OF_DAY = np.arange(WEEK) % 24
DAY = np.arange(WEEK) // 24
# Quiet nights, a busy evening, and a weekend with half of the traffic.
SHAPE = (2 + 30 * np.exp(-(((HOUR_OF_DAY - 19) / 4) ** 2))) * np.where(DAY >= 5, 0.5, 1.0) * 40


def weeks(count: int, growth: float = 0.0, uneven: float = 0.03, seed: int = 1) -> np.ndarray:
    """Counts by the hour: Poisson, with weeks that differ by more than chance."""
    draw = np.random.default_rng(seed)
    levels = (1 + growth) ** np.arange(count) * np.exp(draw.normal(0, uneven, count))
    return draw.poisson(SHAPE * levels[:, None]).ravel().astype(float)


def hours(counts: np.ndarray) -> Hours:
    return Hours(FIRST, counts)


@pytest.mark.parametrize("growth", [0.0, 0.03])
@pytest.mark.parametrize("known", [2, 4, 8])
def test_intervals_of_nine_in_ten_hold_what_comes(known: int, growth: float) -> None:
    hours_held, peaks_held = [], []
    for seed in range(30):
        counts = weeks(known + 1, growth, seed=seed)
        found, came = forecast(hours(counts[:-WEEK])), counts[-WEEK:]
        hours_held.append(np.mean((found.low <= came) & (came <= found.high)))
        peaks_held.append(found.peak_low <= came.max() <= found.peak_high)
    # Few weeks have been wrong in few ways, and two show no growth.
    assert np.mean(hours_held) >= 0.8
    assert np.mean(peaks_held) >= 0.65


def test_the_busiest_hour_is_named_with_its_hour() -> None:
    found = forecast(hours(weeks(6)))
    assert found.first == datetime(2026, 12, 14, tzinfo=UTC)
    assert found.peak == pytest.approx(SHAPE.max(), rel=0.1)
    assert found.peak_hour.hour == 19
    assert found.peak_low < found.peak < found.peak_high


def test_a_trend_is_found_from_four_weeks_on() -> None:
    assert forecast(hours(weeks(8, growth=0.05, uneven=0.0))).growth == pytest.approx(
        0.05, abs=0.01
    )
    assert forecast(hours(weeks(3, growth=0.05))).growth is None


def test_a_single_odd_week_turns_nothing() -> None:
    counts = weeks(6, uneven=0.0)
    counts[3 * WEEK : 4 * WEEK] *= 3
    assert forecast(hours(counts)).peak == pytest.approx(SHAPE.max(), rel=0.1)


def test_hours_of_which_nothing_is_known_are_left_out_and_counted() -> None:
    counts = weeks(6, uneven=0.0)
    counts[100:140] = np.nan
    found = forecast(hours(counts))
    assert found.unknown == 40
    assert found.expected == pytest.approx(forecast(hours(weeks(6, uneven=0.0))).expected, rel=0.3)


def test_an_hour_that_no_week_knows_is_as_on_other_days() -> None:
    table = weeks(3, uneven=0.0).reshape(3, WEEK)
    table[:, 19] = np.nan
    assert forecast(hours(table.ravel())).expected[19] == pytest.approx(SHAPE[43], rel=0.3)


def test_a_quiet_server_is_forecast_as_quiet() -> None:
    found = forecast(hours(np.zeros(3 * WEEK)))
    assert found.peak == found.peak_high == 0.0


def test_fewer_than_two_weeks_are_no_forecast() -> None:
    with pytest.raises(UserError, match=r"335 hours are known, and a forecast needs 2 weeks"):
        forecast(hours(weeks(2)[:-1]))


def test_a_week_of_which_little_is_known_is_named() -> None:
    counts = weeks(3)
    counts[WEEK : 2 * WEEK - 60] = np.nan
    with pytest.raises(UserError, match="of the week 2 of the last 3 only 60 of 168 hours"):
        forecast(hours(counts))


def test_a_file_of_hours_is_read_in_any_order_and_what_is_between_is_unknown(
    tmp_path: Path,
) -> None:
    file = tmp_path / "hours.csv"
    file.write_text("hour,count\n2026-11-02T02,7\n2026-11-02T01:00:00+01:00,5\n")
    found = read_csv(file)
    assert found.first == FIRST
    assert found.counts.tolist() == pytest.approx([5.0, np.nan, 7.0], nan_ok=True)
    assert found.unknown == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("when,count\n", "must name the columns hour and count"),
        ("hour,count\n", "it holds no hour"),
        ("hour,count\n2026-11-02T01,many\n", "line 2: write an hour as 2026-11-30T13"),
        ("hour,count\n2026-11-02T01,-1\n", "line 2: a count is a number from 0 on"),
        ("hour,count\n2026-11-02T01,1\n2026-11-02T01,1\n", "2026-11-02T01 .UTC. is there twice"),
        ("hour,count\n2026-11-02T01\n", "line 2: write an hour"),
        ("hour,count\n0001-01-01T00+05:00,1\n", "line 2: write an hour"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "hours.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=said):
        read_csv(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"hours\.csv cannot be read: give a CSV file"):
        read_csv(tmp_path / "hours.csv")
