"""Times of service out of the server's own metrics."""

from __future__ import annotations

import numpy as np
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.serving.metrics import Metrics
from tools.capacity.service import METRIC, of_histogram, of_metrics

ROUTES = ("/v1/segments",)


def metrics(seconds: np.ndarray, status: int = 200, route: str = ROUTES[0]) -> str:
    """What a server answers that has counted requests of these times."""
    counted = Metrics()
    for each in seconds.tolist():
        counted.served(route, status, each)
    return counted.text().decode()


def test_the_mean_is_the_measured_one_and_the_shape_is_near() -> None:
    seconds = np.random.default_rng(1).exponential(0.02, 20_000)
    found = of_metrics(metrics(seconds), ROUTES)
    assert found.mean == pytest.approx(seconds.mean(), rel=1e-6)
    assert found.shares.sum() == pytest.approx(1.0)
    # Buckets are wide: their bounds go by factors of 2 to 2.5.
    assert found.variability == pytest.approx(1.0, abs=0.25)


def test_refusals_errors_and_other_routes_are_left_out() -> None:
    fast, slow = np.full(200, 0.003), np.full(200, 2.0)
    text = metrics(fast) + metrics(slow, 422) + metrics(slow, 200, "/v1/jobs")
    assert of_metrics(text, ROUTES).mean == pytest.approx(0.003)


def test_the_same_shape_can_have_another_mean() -> None:
    found = of_metrics(metrics(np.random.default_rng(1).exponential(0.02, 1_000)), ROUTES)
    scaled = found.of_mean(0.1)
    assert scaled.mean == pytest.approx(0.1)
    assert scaled.variability == pytest.approx(found.variability)
    assert scaled.cube == pytest.approx(found.cube)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "have no segmentation_request_seconds of /v1/segments with status 200: give what GET"),
        ("<html>", "these are no metrics .*: give what GET /metrics answers"),
        (
            (
                f"# TYPE {METRIC} histogram\n"
                f'{METRIC}_bucket{{route="/v1/segments",status="200",le="+Inf"}} 300\n'
            ),
            "0 requests were measured",
        ),
        (metrics(np.full(9, 0.1)), "9 requests were measured, and 100 are the least"),
        (metrics(np.full(200, 11.0)), "100.0% of the requests took more than 10 s"),
    ],
)
def test_what_tells_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        of_metrics(text, ROUTES)


def test_a_few_beyond_the_last_bound_count_as_slower_than_it() -> None:
    found = of_histogram({0.5: 99_950, 1.0: 99_950, float("inf"): 100_000}, 30_000.0)
    assert found.seconds[-1] > 1.0
    assert found.mean == pytest.approx(0.3)
