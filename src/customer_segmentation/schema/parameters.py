"""The base of every block of the configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """A block of the configuration; wrong types and unknown names are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
