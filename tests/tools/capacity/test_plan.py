"""Numbers of machines follow from the traffic that is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from customer_segmentation.errors import UserError
from tools.capacity import plan as planned
from tools.capacity.plan import (
    endpoint_plan,
    measured_service,
    most_rate,
    plan,
    promise,
    workers_for,
)
from tools.capacity.queueing import Queue
from tools.capacity.runs import cores_for, run_seconds
from tools.deploy.declared import Asked, Deployment, declared


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., planned.Plan]]:
    """Makes the plan of an environment that has other things to do."""

    def made(**changed: float) -> planned.Plan:
        told = {"busy": 200, "quiet": 5, "customers": 1_000_000, "minutes": 60} | changed
        traffic = declared().traffic.model_copy(update={"environments": {"prod": Asked(**told)}})
        said = declared().model_copy(update={"traffic": traffic})
        monkeypatch.setattr(planned, "declared", lambda: said)
        plan.cache_clear()
        return plan("prod")

    yield made
    plan.cache_clear()


def test_the_planned_workers_hold_the_objective_and_none_is_above_the_utilisation() -> None:
    service, utilisation = measured_service(), declared().traffic.utilisation
    for rate in (10.0, 500.0, 20_000.0):
        workers = workers_for(rate, service, utilisation)
        queue = Queue(rate / workers, service)
        assert queue.utilisation <= utilisation + 1e-9
        assert queue.share_above(promise().seconds) <= 1 - promise().share
        assert rate / workers <= most_rate(service, utilisation) * (1 + 1e-6)


def test_more_traffic_needs_more_machines(asked) -> None:
    few, many = asked(busy=20), asked(busy=3_000)
    assert few.most < many.most
    assert few.rate == many.rate
    assert asked(quiet=50_000).least > few.least


def test_one_is_to_spare_unless_nobody_asks_at_night(asked) -> None:
    awake, asleep = asked(quiet=5), asked(quiet=0)
    assert awake.machines(1).least == awake.least + declared().traffic.spare
    assert asleep.machines(1).least == asleep.least == 1
    assert asleep.sleeps
    assert asleep.machines(1).most == asleep.most + declared().traffic.spare


def test_a_machine_of_two_workers_takes_twice_the_requests(asked) -> None:
    found = asked(busy=3_000)
    one, two = found.machines(1), found.machines(2)
    assert two.requests_a_minute == pytest.approx(2 * one.requests_a_minute, abs=1)
    assert one.most / 2 <= two.most <= one.most / 2 + 1


def test_an_endpoint_of_sagemaker_is_planned_for_what_its_requests_cost_besides(asked) -> None:
    pods = asked(busy=3_000)
    endpoint = endpoint_plan("prod")
    overhead = declared().sizes["sagemaker"]["overhead_ms"] / 1e3
    assert overhead > 0
    assert endpoint.most > pods.most
    # None of its cores is above the utilisation, with what is assumed.
    mean = measured_service().mean + overhead
    requests = endpoint.machines(2).requests_a_minute
    assert requests / 60 * mean / 2 == pytest.approx(declared().traffic.utilisation, rel=1e-3)


def test_a_run_that_must_end_sooner_has_more_cores(asked) -> None:
    soon, late = asked(customers=10**8, minutes=60), asked(customers=10**8, minutes=600)
    assert soon.executors > late.executors
    assert soon.databricks_workers > late.databricks_workers
    # Two cores take so long as was measured, and at least these are taken.
    seconds = run_seconds(10**7)
    assert cores_for(10**7, seconds / 60) == 2
    assert cores_for(10**7, seconds / 60 / 4) == 8
    assert cores_for(10_000, 1e6) == 2


def test_a_run_without_time_is_refused_with_what_to_do(asked) -> None:
    with pytest.raises(UserError, match="no minute is left for the run once its machines"):
        asked(minutes=5)


def test_more_than_the_largest_endpoint_answers_is_refused_by_name(asked) -> None:
    assert asked(busy=4_000).databricks_size == "Large"
    with pytest.raises(UserError, match=r"traffic\.environments\.prod: \d+ requests at a time"):
        asked(busy=10_000)


def test_an_environment_without_traffic_has_the_least() -> None:
    assert "dev" not in declared().traffic.environments
    assert plan("dev").machines(1).least == 1


def test_traffic_of_an_environment_that_there_is_not_is_refused() -> None:
    told = declared().model_dump()
    told["traffic"]["environments"]["moon"] = told["traffic"]["environments"]["prod"]
    with pytest.raises(ValueError, match="traffic: no environment moon"):
        Deployment.model_validate(told)
