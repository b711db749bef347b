"""What a million answers cost where, estimated, at the traffic that deployment.yml declares.

Machines that stand cost the same whether they are asked or not, so that a million answers cost the
less the more are asked for. Both ends are told: every machine of the quietest hour all month at the
mean traffic, and one machine as busy as it may be.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.capacity.plan import endpoint_plan, plan
from tools.deploy.declared import declared
from tools.deploy.prices import prices

_MILLION, _HOUR = 1e6, 3600.0
_ENVIRONMENT = "prod"


@dataclass(frozen=True)
class Target:
    """Where answers come from.

    Attributes:
        name: In words.
        each: Of every answer, in the file's currency a million.
        prices: Their names, of what it is reckoned from.
        machines: That stand in the quietest hour.
        hour: Of one of them.
        most: Requests a second of one that is as busy as it may be.
    """

    name: str
    each: float
    prices: tuple[str, ...]
    machines: float = 0.0
    hour: float = 0.0
    most: float = 0.0

    @property
    def at_traffic(self) -> float:
        """A million answers at the mean of the busiest and the quietest hour."""
        asked = declared().traffic.of(_ENVIRONMENT)
        mean = (asked.busy + asked.quiet) / 2.0
        return self.each + self.machines * self.hour * _MILLION / (mean * _HOUR)

    @property
    def when_busy(self) -> float:
        """A million answers of machines that are as busy as they may be."""
        return self.each + (self.hour * _MILLION / (self.most * _HOUR) if self.most else 0.0)


def targets() -> list[Target]:
    """Each way in which the API, or the model alone, is deployed."""
    sizes, assumed, measured = declared().sizes, prices().assumed, prices().measured
    found = plan(_ENVIRONMENT)
    workers = int(sizes["sagemaker"]["workers"])
    answering = endpoint_plan(_ENVIRONMENT)
    endpoint, pods = answering.machines(workers), found.machines(1)
    seconds = _MILLION * assumed["lambda_ms"] / 1e3
    memory = float(sizes["lambda"]["memory_mb"]) / 1024
    functions = _price("api_million") + _price("lambda_million")
    functions += seconds * memory * _price("lambda_gb_second")
    # Log lines, as the bill of a month counts them.
    logs = 0.5 * _price("logs_gb")
    at_once, cores = 4, float(sizes["kubernetes"]["cores"])
    serving = assumed["databricks_serving_dbu_per_hour"] * _price("databricks_serving_dbu")
    return [
        Target(
            "API Gateway and Lambda",
            functions + logs,
            ("api_million", "lambda_million", "lambda_gb_second", "logs_gb"),
        ),
        Target(
            "SageMaker endpoint",
            logs,
            ("sagemaker_hour", "logs_gb"),
            endpoint.least,
            _price("sagemaker_hour"),
            answering.rate * workers,
        ),
        Target(
            "Kubernetes",
            logs,
            ("kubernetes_vcpu_hour", "logs_gb"),
            pods.least,
            cores * _price("kubernetes_vcpu_hour"),
            found.rate,
        ),
        Target(
            "Databricks endpoint, of the model alone",
            0.0,
            ("databricks_serving_dbu",),
            0.0 if found.sleeps else 1.0,
            serving,
            declared().traffic.utilisation * at_once * 1e3 / measured["mlflow_serving_ms"],
        ),
    ]


def section() -> list[str]:
    """The lines of costs.md."""
    asked = declared().traffic.of(_ENVIRONMENT)
    currency, overhead = prices().currency, declared().sizes["sagemaker"]["overhead_ms"]
    about = (
        f"An estimate, of requests about one customer in {_ENVIRONMENT}, where "
        f"`traffic` of deployment.yml declares {asked.quiet:g} to {asked.busy:g} of them a second. "
        "Lambda costs the same at any traffic. Machines stand while nobody asks: the first column "
        "spreads those of the quietest hour over the mean of both rates; the second is a machine "
        "that is as busy as it may be, by times of service that were measured here "
        f"(`docs/service_times.json`) and not there, and for SageMaker {overhead:g} ms more that "
        "are assumed (`sizes` of deployment.yml). Without load balancers and the control plane."
    )
    rows = [f"| {one.name} | {one.at_traffic:.2f} | {one.when_busy:.2f} |" for one in targets()]
    return [
        "## A million answers",
        "",
        about,
        "",
        f"| {currency} a million answers | at the traffic declared | as busy as it may be |",
        "|---|---|---|",
        *rows,
    ]


def _price(name: str) -> float:
    return prices().prices[name].price
