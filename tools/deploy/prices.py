"""Prices, what was measured and what is assumed, as `deploy/prices.yml` has them."""

from __future__ import annotations

from datetime import date
from functools import cache

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tools.deploy.declared import DEPLOY


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Price(_Read):
    """A price, and what one of it is."""

    of: str
    price: float = Field(ge=0)


class Prices(_Read):
    """The file of prices."""

    date: date
    currency: str
    prices: dict[str, Price]
    measured: dict[str, float]
    assumed: dict[str, float]


@cache
def prices() -> Prices:
    """The file of the checkout."""
    return Prices.model_validate(yaml.safe_load((DEPLOY / "prices.yml").read_text("utf-8")))
