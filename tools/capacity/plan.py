"""How many machines each environment needs for the traffic that deploy/deployment.yml declares."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from math import ceil, floor

import numpy as np

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.objectives import read_objectives
from tools.capacity.runs import cores_for
from tools.capacity.service import Service
from tools.capacity.workers import Promise, promise_of, recommend
from tools.deploy.declared import DEPLOY, declared
from tools.deploy.prices import prices

SERVICE_TIMES = DEPLOY.parent / "docs" / "service_times.json"
# Requests that an endpoint of Databricks answers at a time, by its size.
_CONCURRENT = {"Small": 4, "Medium": 16, "Large": 64}


@dataclass(frozen=True)
class Machines:
    """How many there are.

    Attributes:
        least: In the quietest hour.
        most: In the busiest.
        requests_a_minute: Of each, above which one more is started.
    """

    least: int
    most: int
    requests_a_minute: int


@dataclass(frozen=True)
class Plan:
    """The machines of an environment.

    Attributes:
        least: Workers of the API in the quietest hour.
        most: In the busiest, once traffic has grown.
        rate: Requests a second of a worker, above which one more is started.
        cores: Of a run that ends in time.
        databricks_size: Of the endpoint there.
        sleeps: Whether nothing need run while nobody asks.
    """

    least: int
    most: int
    rate: float
    cores: int
    databricks_size: str
    sleeps: bool

    def machines(self, workers: int) -> Machines:
        """Machines of so many workers each, with those to spare."""
        spare = declared().traffic.spare
        return Machines(
            # What may sleep has nobody who would miss one that is lost.
            least=ceil(self.least / workers) + (0 if self.sleeps else spare),
            most=ceil(self.most / workers) + spare,
            requests_a_minute=floor(60 * self.rate * workers),
        )

    @property
    def executors(self) -> int:
        """Of EMR Serverless, besides the driver."""
        return ceil(self.cores / float(declared().sizes["emr"]["executor_cores"]))

    @property
    def databricks_workers(self) -> int:
        """Of a cluster, besides the driver."""
        return ceil(self.cores / float(declared().sizes["databricks"]["node_cores"]))


@cache
def measured_service() -> Service:
    """A request about one customer, as benchmarks/capacity.py has measured it.

    The shape is that of the histogram, and the mean the processor's time.
    """
    told = json.loads(SERVICE_TIMES.read_text("utf-8"))
    shape = Service(np.array(told["seconds"]), np.array(told["shares"]))
    return shape.of_mean(told["processor_ms"] / 1e3)


@cache
def promise() -> Promise:
    """What the checkout promises."""
    return promise_of(read_objectives(DEPLOY / "objectives.yml"))


def most_rate(service: Service, utilisation: float) -> float:
    """Requests a second of one worker that hold the promise and leave room."""
    held = recommend(utilisation / service.mean / 2.0, service, promise()).most_arrivals
    return min(held, utilisation / service.mean)


def workers_for(rate: float, service: Service, utilisation: float) -> int:
    """The fewest workers that hold the promise at a rate, none of them above a utilisation."""
    held = recommend(rate, service, promise()).workers
    return max(held, ceil(rate / most_rate(service, utilisation)))


def endpoint_plan(environment: str) -> Plan:
    """The machines of an environment where SageMaker answers, which is assumed to cost more."""
    return plan(environment, float(declared().sizes["sagemaker"]["overhead_ms"]))


@cache
def plan(environment: str, overhead_ms: float = 0.0) -> Plan:
    """The machines of an environment.

    Args:
        environment: As deployment.yml names it.
        overhead_ms: Of a core, a request, beside what was measured.

    Raises:
        UserError: No number of them is enough.
    """
    traffic = declared().traffic
    asked, measured = traffic.of(environment), measured_service()
    service = measured.of_mean(measured.mean + overhead_ms / 1e3)
    busiest = asked.busy * traffic.burst * traffic.growth
    sleeps = asked.quiet == 0.0
    least = workers_for(asked.quiet * traffic.burst, service, traffic.utilisation)
    most = workers_for(busiest, service, traffic.utilisation)
    started = (len(declared().jobs) + 1) * prices().assumed["start_minutes"]
    at_once = busiest * prices().measured["mlflow_serving_ms"] / 1e3 / traffic.utilisation
    fitting = [size for size, most_at_once in _CONCURRENT.items() if at_once <= most_at_once]
    if not fitting:
        raise UserError(
            f"traffic.environments.{environment}: {at_once:.0f} requests at a time are more than "
            "an endpoint of Databricks answers: declare less, or answer by the API"
        )
    return Plan(
        least=least,
        most=most,
        rate=most_rate(service, traffic.utilisation),
        cores=cores_for(round(asked.customers * traffic.growth), asked.minutes - started),
        databricks_size=fitting[0],
        sleeps=sleeps,
    )
