"""What runs where, when and on what, as `deploy/deployment.yml` declares it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tools.access.roles import declared as access_declared

DEPLOY = Path(__file__).parents[2] / "deploy"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Days = Annotated[int, Field(ge=1)]
Part = Literal["feedback", "jobs", "scoring", "retraining", "gate"]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(_Declared):
    """An environment in a cloud.

    Attributes:
        kedro: Its folder in `conf`.
        prefix: What names begin with, and the catalog of Unity Catalog.
    """

    kedro: str
    prefix: Name


class Job(_Declared):
    """Pipelines that run in one process."""

    pipelines: tuple[str, ...] = Field(min_length=1)
    timeout_minutes: Annotated[int, Field(ge=1)]
    retries: Annotated[int, Field(ge=0)]


class Schedule(_Declared):
    """When something runs.

    Attributes:
        cron: Five fields, UTC.
        runs: `feedback`, all `jobs` in their order, `scoring`, `retraining` or the `gate`.
        environment: Where it runs; the schedule's own name without one.
    """

    cron: str = Field(pattern=r"^\S+( \S+){4}$")
    runs: tuple[Part, ...] = Field(min_length=1)
    environment: str | None = None


class Alarm(_Declared):
    """A number beyond its bound."""

    above: float
    minutes: Annotated[int, Field(ge=1)]
    about: str


class Asked(_Declared):
    """What an environment has to do.

    Attributes:
        busy: Requests about a customer a second, in the busiest hour.
        quiet: In the quietest.
        customers: Of a run.
        minutes: That a run may take.
    """

    busy: Annotated[float, Field(gt=0)]
    quiet: Annotated[float, Field(ge=0)]
    customers: Annotated[int, Field(ge=1)]
    minutes: Annotated[float, Field(gt=0)]


_LITTLE = Asked(busy=1, quiet=0, customers=10_000, minutes=60)


class Traffic(_Declared):
    """What is to be answered.

    Attributes:
        burst: The busiest minute of an hour, by the hour's mean.
        growth: By which all of it may have grown before the next deployment.
        utilisation: The share of the time that a worker is taken, above which one more is started.
        spare: Workers besides, while one is lost or replaced.
        environments: Those in which somebody asks.
    """

    burst: Annotated[float, Field(ge=1)]
    growth: Annotated[float, Field(ge=1)]
    utilisation: Annotated[float, Field(gt=0, lt=1)]
    spare: Annotated[int, Field(ge=0)]
    environments: dict[Name, Asked]

    def of(self, environment: str) -> Asked:
        """What an environment has to do; little, where nothing is declared."""
        return self.environments.get(environment, _LITTLE)


class Deployment(_Declared):
    """The whole declaration."""

    project: str
    environments: dict[Name, Place]
    tags: dict[str, str]
    jobs: dict[Name, Job]
    gate: Job
    scoring: Job
    feedback: Job
    retraining: Job
    alerts_after: tuple[Name, ...]
    schedules: dict[Name, Schedule | None]
    standing: dict[Name, tuple[Name, ...]]
    retention: dict[str, Days]
    traffic: Traffic
    sizes: dict[Name, dict[str, int | float | str]]
    alarms: dict[Name, Alarm]

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        environments = access_declared().environments
        if {*self.environments} != {*environments}:
            raise ValueError(f"environments: name {', '.join(environments)}, as roles.yml does")
        if unknown := {*self.alerts_after} - {*self.jobs, "scoring", "gate"}:
            raise ValueError(f"alerts_after: no job {', '.join(sorted(unknown))}")
        for name, where_on in self.standing.items():
            if unknown := {*where_on} - {*self.environments}:
                raise ValueError(f"standing.{name}: no environment {', '.join(sorted(unknown))}")
        if unknown := {*self.traffic.environments} - {*self.environments}:
            raise ValueError(f"traffic: no environment {', '.join(sorted(unknown))}")
        for name, schedule in self.schedules.items():
            where = schedule.environment if schedule and schedule.environment else name
            if where not in self.environments:
                raise ValueError(f"schedules.{name}: no environment {where}")
        return self

    @property
    def alone(self) -> dict[str, Job]:
        """The jobs that are no part of a whole run, by name, as they would follow each other."""
        names = ("feedback", "scoring", "retraining", "gate")
        return {name: getattr(self, name) for name in names}

    def scheduled(self, environment: str) -> dict[str, Schedule]:
        """The schedules of an environment, by name."""
        return {
            name: one
            for name, one in self.schedules.items()
            if one and (one.environment or name) == environment
        }


@cache
def declared() -> Deployment:
    """The declaration of the checkout."""
    return Deployment.model_validate(yaml.safe_load((DEPLOY / "deployment.yml").read_text("utf-8")))
