"""What it costs a month, estimated: `python -m tools.deploy.costs --customers 1000000`.

Quantities are what was measured here (docs/scale.json, deploy/prices.yml) times what is declared to
run (deploy/deployment.yml); beyond 10^7 customers time grows as the customers do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

import click

from customer_segmentation.serving.aws_lambda.metrics import UNITS
from tools.capacity.plan import Machines, plan
from tools.capacity.runs import run_seconds
from tools.deploy.answer_costs import section
from tools.deploy.declared import declared
from tools.deploy.prices import prices
from tools.deploy.watching.cloudwatch import promised

SIZES = (10_000, 1_000_000, 100_000_000)
_DAYS, _HOURS, _GB, _MILLION = 30.4, 730.0, 1e9, 1e6
# Of the log, with its metrics; and who tells such.
_LINE_BYTES, _FUNCTIONS = 700, ("scoring", "ingestion")


@dataclass(frozen=True)
class Line:
    """A part of the bill.

    Attributes:
        service: What it is for.
        quantities: How much of what, by the names of prices.
        is_option: Whether it is off by default.
    """

    service: str
    quantities: dict[str, float]
    is_option: bool = False

    @property
    def cost(self) -> float:
        """For a month, in the file's currency."""
        return sum(n * prices().prices[name].price for name, n in self.quantities.items())


def runs_a_month() -> float:
    """Whole runs, or as much, of all environments; a gate alone is none."""
    found = 0.0
    for schedule in declared().schedules.values():
        if schedule and {"jobs", "scoring"} & {*schedule.runs}:
            *_, day, _, _ = schedule.cron.split()
            found += _DAYS if day == "*" else 1.0
    return found


def lines(customers: int) -> list[Line]:
    """The bill of all that is declared, for so many customers."""
    return [*_always(customers), *_options(customers)]


def _answers(customers: int) -> float:
    return customers * prices().assumed["answers_per_customer_month"]


def _starts() -> int:
    """Machines that a run starts: one a job."""
    return len(declared().jobs) + 1


def _hours(customers: int) -> float:
    """Hours of runs in a month."""
    waited = _starts() * prices().assumed["start_minutes"] / 60
    return runs_a_month() * (run_seconds(customers) / 3600 + waited)


def _stored(customers: int) -> float:
    """Bytes of an environment's lake."""
    measured, retention = prices().measured, declared().retention
    # Landing keeps each day's file; of tables the newest stays, and old versions a week.
    return customers * (
        measured["bytes_landed"] * retention["landed"]
        + (measured["bytes_bronze"] + measured["bytes_silver"] + measured["bytes_gold"])
        * (1 + retention["noncurrent"])
        + measured["bytes_history"] * 365
    )


def _always(customers: int) -> list[Line]:
    """What is on wherever the project runs."""
    assumed, sizes = prices().assumed, declared().sizes
    environments, runs, answers = 2, runs_a_month(), _answers(customers)
    emr = {name: float(value) for name, value in sizes["emr"].items()}
    # No core more than were measured is counted as faster: a driver and one executor at least.
    hours = _hours(customers)
    gold = max(customers * prices().measured["bytes_gold"], 1e7)
    memory = float(sizes["lambda"]["memory_mb"]) / 1024
    return [
        Line(
            "lake on S3",
            {
                "s3_gb_month": environments * _stored(customers) / _GB,
                "s3_put_1000": runs * 0.3,
                "s3_get_1000": runs * 1.0,
                "kms_key_month": environments,
            },
        ),
        Line(
            "runs on EMR Serverless",
            {
                "emr_vcpu_hour": hours * (emr["driver_cores"] + emr["executor_cores"]),
                "emr_gb_hour": hours * (emr["driver_gb"] + emr["executor_gb"]),
            },
        ),
        Line("Step Functions", {"transitions_1000": runs * 4 * _starts() / 1000}),
        Line(
            "answers by API Gateway and Lambda",
            {
                "api_million": answers / _MILLION,
                "lambda_million": answers / _MILLION,
                "lambda_gb_second": answers * assumed["lambda_ms"] / 1000 * memory,
            },
        ),
        Line("Athena", {"athena_tb": assumed["athena_queries_month"] * gold / 1e12}),
        Line(
            "logs and alarms",
            {"logs_gb": 1 + answers * _LINE_BYTES / _GB, **_watched()},
        ),
    ]


def _watched() -> dict[str, float]:
    """Alarms of two environments, and the metrics that two functions tell of themselves."""
    said = promised()["budgets"].values()
    # Each window asks for all requests and for the bad ones.
    asked = sum(2 * len(window["minutes"]) for one in said for window in one["windows"])
    composite = sum(len({window["severity"] for window in one["windows"]}) for one in said)
    return {
        "alarm_month": (len(declared().alarms) + asked) * 2,
        "composite_alarm_month": composite * 2,
        "metric_month": len(UNITS) * len(_FUNCTIONS) * 2,
    }


def _options(customers: int) -> list[Line]:
    """What Terraform's switches turn on, the online store, which jobs are told to fill, others."""
    assumed, row = prices().assumed, prices().measured["bytes_online"]
    sizes, standing = declared().sizes, declared().standing
    redshift = {name: float(value) for name, value in sizes["redshift"].items()}
    asked = redshift["base_rpu"] * assumed["redshift_hours_a_day"] * _DAYS
    writes = customers * (1 + assumed["changed_a_day"] * _DAYS)
    nodes = _hours(customers) * (plan("prod").databricks_workers + 1)
    return [
        Line(
            "online store in DynamoDB",
            {
                # DynamoDB counts a row's beginnings of a kilobyte.
                "dynamodb_write_million": writes / _MILLION * ceil(row / 1024),
                "dynamodb_read_million": _answers(customers) / _MILLION,
                "dynamodb_gb_month": customers * row / _GB,
            },
            is_option=True,
        ),
        Line(
            "Redshift Serverless",
            # Terraform ends what is beyond the bound of a month.
            {"redshift_rpu_hour": min(asked, redshift["rpu_hours_a_month"])},
            is_option=not standing["redshift"],
        ),
        Line(
            "SageMaker endpoint",
            {"sagemaker_hour": _endpoint().least * _HOURS},
            is_option=not standing["sagemaker"],
        ),
        Line("Transfer Family", {"transfer_hour": _HOURS}, is_option=not standing["transfer"]),
        Line(
            "runs on Databricks instead of EMR",
            {
                "databricks_node_hour": nodes,
                "databricks_dbu": nodes * assumed["databricks_dbu_per_node_hour"],
            },
            is_option=True,
        ),
    ]


def _endpoint() -> Machines:
    return plan("prod").machines(int(declared().sizes["sagemaker"]["workers"]))


def table(sizes: Iterable[int]) -> list[str]:
    """A bill a size, as lines of a Markdown table."""
    sizes = [*sizes]
    bills = [lines(size) for size in sizes]
    heads = [f"{size:,} customers" for size in sizes]
    told = [
        f"| {prices().currency} a month | {' | '.join(heads)} |",
        "|---" * (1 + len(sizes)) + "|",
    ]
    for row in zip(*bills, strict=True):
        name = row[0].service + (" (off by default)" if row[0].is_option else "")
        told.append(f"| {name} | {' | '.join(_money(one.cost) for one in row)} |")
    sums = [sum(one.cost for one in bill if not one.is_option) for bill in bills]
    return [*told, f"| **what is on by default** | {' | '.join(_money(one) for one in sums)} |"]


def documents() -> dict[str, str]:
    """Each file by its path below `deploy/`."""
    told = [*_introduction(), "", *table(SIZES), "", *section()]
    return {"costs.md": "\n".join(told) + "\n"}


def _introduction() -> list[str]:
    told = prices()
    seconds = ", ".join(f"{run_seconds(size):,.0f} s" for size in SIZES)
    about = (
        f"Written by `make deploy` from `prices.yml` of {told.date}, whose prices were typed by "
        "hand: hold them against your provider's before you budget. Staging and prod on AWS, each "
        "with a whole run a day, as deployment.yml has it; time of a run as `benchmarks/scale.py` "
        f"measured it on two cores ({seconds} for the three sizes, the last drawn on from 10^7: "
        "nobody has run it), bytes as `benchmarks/stored.py` did; an answer a customer "
        "and month, an hour of Redshift a day up to its bound. "
        "`python -m tools.deploy.costs --customers N` tells of another size, with the quantities."
    )
    return ["# What it costs: an estimate", "", about]


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount < 100 else f"{amount:,.0f}"  # noqa: PLR2004 - cents of large sums


@click.command()
@click.option("--customers", type=click.IntRange(1), required=True)
def main(customers: int) -> None:
    """Tell each part of the bill, with its quantities."""
    told = prices()
    click.echo(f"An estimate, by prices of {told.date} that were typed by hand, for a month:")
    for line in lines(customers):
        option = " (off by default)" if line.is_option else ""
        click.echo(f"{line.cost:12,.2f} {told.currency}  {line.service}{option}")
        for name, quantity in line.quantities.items():
            click.echo(
                f"{'':20}{quantity:,.3g} x {told.prices[name].price:g}: {told.prices[name].of}"
            )
    total = sum(line.cost for line in lines(customers) if not line.is_option)
    click.echo(f"{total:12,.2f} {told.currency}  what is on by default")


if __name__ == "__main__":
    main()
