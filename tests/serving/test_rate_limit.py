"""Buckets of requests, in one process and shared by several."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer_segmentation.serving import rate_limit
from customer_segmentation.serving.rate_limit import RateLimit


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until a test moves it."""
    now = [1_000.0]
    monkeypatch.setattr(rate_limit, "monotonic", lambda: now[0])
    return now


def passed(limit: RateLimit, client: str, rate: float, times: int) -> int:
    return sum(limit.take(client, rate) == 0.0 for _ in range(times))


def test_a_bucket_holds_the_requests_of_two_seconds_and_fills_with_the_rate(
    clock: list[float],
) -> None:
    limit = RateLimit()
    assert passed(limit, "a", 5.0, 30) == 10
    assert limit.take("a", 5.0) == pytest.approx(0.2)
    clock[0] += 1.0
    assert passed(limit, "a", 5.0, 30) == 5
    clock[0] += 100.0
    assert passed(limit, "a", 5.0, 30) == 10


def test_a_rate_below_one_lets_the_first_request_through(clock: list[float]) -> None:
    limit = RateLimit()
    assert passed(limit, "a", 0.1, 3) == 1
    clock[0] += 10.0
    assert passed(limit, "a", 0.1, 3) == 1


@pytest.mark.usefixtures("clock")
def test_each_client_has_a_bucket_of_its_own() -> None:
    limit = RateLimit()
    assert [passed(limit, name, 1.0, 5) for name in ("a", "b")] == [2, 2]


@pytest.mark.usefixtures("clock")
def test_processes_that_share_a_folder_count_together(tmp_path: Path) -> None:
    first, second = RateLimit(tmp_path), RateLimit(tmp_path)
    assert passed(first, "a", 5.0, 6) == 6
    assert passed(second, "a", 5.0, 6) == 4
    assert (tmp_path / "rate_limit").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("clock")
def test_many_addresses_take_the_bucket_of_another_and_no_more_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limit, "_PLACES", 8)
    limit = RateLimit()
    assert passed(limit, "a", 1.0, 5) == 2
    # One who asked once has a fuller bucket than one who asked too often.
    others = [passed(limit, f"address {number}", 1.0, 1) for number in range(1_000)]
    assert others == [1] * 1_000
    assert limit.take("a", 1.0) > 0.0
