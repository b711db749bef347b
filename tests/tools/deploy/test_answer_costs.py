"""A million answers: what each is billed, and machines by how much they are asked."""

from __future__ import annotations

import pytest

from tools.capacity.plan import endpoint_plan
from tools.deploy.answer_costs import section, targets
from tools.deploy.costs import lines
from tools.deploy.declared import declared
from tools.deploy.prices import prices


def test_lambda_costs_the_same_at_any_traffic_and_as_the_bill_has_it() -> None:
    function = targets()[0]
    assert function.at_traffic == function.when_busy
    (billed,) = (one for one in lines(10**6) if "Lambda" in one.service)
    logged = 0.5 * prices().prices["logs_gb"].price
    assert function.at_traffic == pytest.approx(billed.cost + logged)


def test_machines_that_stand_cost_what_a_hand_reckons() -> None:
    endpoint = next(one for one in targets() if "SageMaker" in one.name)
    asked, machines = declared().traffic.of("prod"), endpoint_plan("prod").machines(2)
    mean = (asked.busy + asked.quiet) / 2
    an_hour = prices().prices["sagemaker_hour"].price
    logged = 0.5 * prices().prices["logs_gb"].price
    assert endpoint.at_traffic == pytest.approx(
        machines.least * an_hour / (mean * 3600) * 1e6 + logged
    )
    assert endpoint.when_busy == pytest.approx(
        an_hour / (machines.requests_a_minute * 60) * 1e6 + logged, rel=1e-3
    )


def test_the_section_says_that_it_is_an_estimate_and_names_every_target() -> None:
    told = "\n".join(section())
    assert "An estimate, " in told
    assert (
        f"for SageMaker {declared().sizes['sagemaker']['overhead_ms']:g} ms more that are assumed"
        in told
    )
    assert all(f"| {one.name} | " in told for one in targets())
