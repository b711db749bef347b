"""What the Kedro project says of itself: jobs in their order, and the tables of each layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from kedro.framework.project import configure_project, pipelines
from kedro.pipeline import Pipeline

from customer_segmentation.schema.file import chosen_schema, read_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.columns import Table, gold_tables
from tools.access.places import CHECKOUT
from tools.deploy.declared import Job, declared

# What the gate measures a bundle by.
_MEASURED = "silver_customers"


@dataclass(frozen=True)
class Step:
    """A job in its place.

    Attributes:
        name: As declared.
        job: What it runs.
        after: The jobs that make what it reads, by name.
    """

    name: str
    job: Job
    after: tuple[str, ...]

    def command(self, environment: str) -> tuple[str, ...]:
        """Its arguments of `kedro`."""
        return ("run", f"--env={environment}", f"--pipelines={','.join(self.job.pipelines)}")


@cache
def registered() -> dict[str, Pipeline]:
    """The pipelines of the registry."""
    configure_project("customer_segmentation")
    return {**pipelines}


@cache
def steps() -> tuple[Step, ...]:
    """The declared jobs, each after those whose datasets it reads, in an order that can run.

    Raises:
        ValueError: A pipeline of the whole run is in no job, or in two; or jobs wait for each
            other.
    """
    jobs = declared().jobs
    named = [name for job in jobs.values() for name in job.pipelines]
    whole = {node.name for node in registered()["__default__"].nodes}
    told = [node.name for name in named for node in registered()[name].nodes]
    if sorted(told) != sorted(whole):
        raise ValueError(f"jobs: {sorted(whole.symmetric_difference(told))} are not run once each")
    made = {
        dataset: name
        for name, job in jobs.items()
        for each in job.pipelines
        for dataset in registered()[each].all_outputs()
    }
    reads = {
        name: {made[d] for each in job.pipelines for d in registered()[each].inputs() if d in made}
        - {name}
        for name, job in jobs.items()
    }
    ordered: list[str] = []
    while len(ordered) < len(jobs):
        ready = [name for name in jobs if name not in ordered and reads[name] <= {*ordered}]
        if not ready:
            raise ValueError("jobs: some wait for each other")
        ordered += ready
    return tuple(
        Step(name, jobs[name], tuple(one for one in ordered if one in reads[name]))
        for name in ordered
    )


def measuring() -> tuple[Step, ...]:
    """The jobs that a gate alone needs first: those up to the customers that it measures by."""
    makes = [
        any(_MEASURED in registered()[name].all_outputs() for name in step.job.pipelines)
        for step in steps()
    ]
    return steps()[: makes.index(True) + 1]


@cache
def schema() -> Schema:
    """The schema that the checkout's configuration chooses."""
    return read_schema(chosen_schema(CHECKOUT / "conf"))


@cache
def tables() -> dict[str, Table]:
    """The gold tables, by name in the catalog."""
    return gold_tables(schema())
