"""What the service promises, as `deploy/objectives.yml` says it: service level objectives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from customer_segmentation.errors import UserError

Severity = Literal["page", "ticket"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Share = Annotated[float, Field(gt=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
# Of a long window, the short one that says whether it still goes on.
_TWELFTH = 12


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Objective(_Declared):
    """A promise.

    Attributes:
        about: What is so where it is broken, as a sentence without its end.
        runbook: The anchor of its line in docs/runbook.md.
    """

    about: str = Field(min_length=1)
    runbook: str = Field(pattern=r"^[a-z][a-z-]*$")


class Latency(_Objective):
    """How fast a class of routes answers.

    Attributes:
        routes: As metrics name them.
        percentile: Per cent of the requests that are at most so slow.
        milliseconds: The bound.
    """

    routes: tuple[str, ...] = Field(min_length=1)
    percentile: Annotated[float, Field(gt=0.0, lt=100.0)]
    milliseconds: Positive

    @property
    def allowed(self) -> float:
        """The share of requests that may be slower."""
        return round(1.0 - self.percentile / 100.0, 10)

    @property
    def seconds(self) -> float:
        """The bound in seconds."""
        return self.milliseconds / 1_000.0


class Errors(_Objective):
    """How many requests may fail, in per cent."""

    percent: Annotated[float, Field(gt=0.0, lt=100.0)]

    @property
    def allowed(self) -> float:
        """The share of requests that may fail."""
        return round(self.percent / 100.0, 10)


class Freshness(_Objective):
    """How old something may be, in hours from the beginning of its day, UTC."""

    hours: Positive


class Lag(_Objective):
    """How far a stream may be behind: messages, and the seconds that they take."""

    events: Annotated[int, Field(ge=1)]
    seconds: Positive


class BurnWindow(_Declared):
    """How much of the budget may be used up in how many hours.

    Attributes:
        severity: `page` for now, `ticket` for a working day.
        budget: Share of the budget of all days.
        hours: The long window.
    """

    severity: Severity
    budget: Share
    hours: Annotated[int, Field(ge=1)]

    @property
    def minutes(self) -> int:
        """The short window: a twelfth of the long one, in minutes."""
        return self.hours * 60 // _TWELFTH


class Burn(_Declared):
    """When a budget burns too fast."""

    least_requests: Annotated[int, Field(ge=1)]
    windows: tuple[BurnWindow, ...] = Field(min_length=1)


@dataclass(frozen=True)
class BurnRate:
    """A burn-rate alert of one objective.

    Attributes:
        window: Whose.
        factor: How many times faster than allowed over all days the budget burns.
        bound: The share of bad requests beyond which it does.
    """

    window: BurnWindow
    factor: float
    bound: float


class Objectives(_Declared):
    """The whole declaration.

    Attributes:
        days: That the promises are of.
        latency: By class of routes.
        errors: By what fails.
        freshness: By what grows old.
        lag: By what is behind.
        burn: When budgets of latency and errors burn too fast.
        lasting_minutes: How long age or lag must be beyond their bounds.
    """

    days: Annotated[int, Field(ge=1)]
    latency: Mapping[Name, Latency]
    errors: Mapping[Name, Errors]
    freshness: Mapping[Literal["features", "stored_answers"], Freshness]
    lag: Mapping[Name, Lag]
    burn: Burn
    lasting_minutes: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _can_be_broken(self) -> Self:
        """A bound of 1 or more would never be passed."""
        budgets: dict[str, Latency | Errors] = {**self.latency, **self.errors}
        for name, one in budgets.items():
            for rate in self.burn_rates(one.allowed):
                if rate.bound >= 1.0:
                    raise ValueError(
                        f"{name}: {rate.window.budget:.0%} of its budget in {rate.window.hours} h "
                        "is more than all requests: a larger `budget` needs longer `hours`"
                    )
        return self

    def burn_rates(self, allowed: float) -> Iterator[BurnRate]:
        """The burn-rate alerts of an objective, given the share of requests that may be bad."""
        for window in self.burn.windows:
            factor = round(window.budget * self.days * 24 / window.hours, 6)
            yield BurnRate(window, factor, round(factor * allowed, 10))

    @property
    def runbooks(self) -> frozenset[str]:
        """The lines of the runbook that the promises name."""
        kinds = (self.latency, self.errors, self.freshness, self.lag)
        return frozenset(one.runbook for kind in kinds for one in kind.values())


def read_objectives(file: Path) -> Objectives:
    """The objectives of a file.

    Raises:
        UserError: It is not there, or not as it should be.
    """
    try:
        return Objectives.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except FileNotFoundError as error:
        raise UserError(f"{file} is not there: objectives are declared in it") from error
    except yaml.YAMLError as error:
        raise UserError(f"{file} is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        told = "; ".join(
            f"`{'.'.join(map(str, one['loc']))}`: {one['msg']}" for one in error.errors()
        )
        raise UserError(f"{file}: {told}") from error
