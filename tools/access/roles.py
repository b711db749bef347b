"""Roles, environments and layers, as `deploy/access/roles.yml` declares them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

FOLDER = Path(__file__).parents[2] / "deploy" / "access"
ACTIONS = ("read", "write", "delete")


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Layer(_Declared):
    """A part of what lies under an environment's root.

    Attributes:
        about: What it holds.
        tables: Patterns of names in the catalog.
        files: Patterns of paths below the root; `*` takes any characters, `/` too.
        personal: Whether it holds rows as they were sent.
        writers_only: Whether only those who write the environment read it.
        written_by: Roles that write this layer alone, where they read it.
    """

    about: str
    tables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    personal: bool = False
    writers_only: bool = False
    written_by: tuple[str, ...] = ()


class Role(_Declared):
    """Who does something, and their right by environment."""

    about: str
    may: dict[str, Literal["write", "read", "read all"] | tuple[str, ...]]


class Access(_Declared):
    """The whole declaration."""

    environments: tuple[str, ...]
    layers: dict[str, Layer]
    roles: dict[str, Role]

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        named = {role for layer in self.layers.values() for role in layer.written_by}
        if unknown := named - {*self.roles}:
            raise ValueError(f"written_by: no role {', '.join(sorted(unknown))}")
        return self

    def allows(self, role: str, environment: str, layer: str, action: str) -> bool:
        """Whether a role may do one of `ACTIONS` in a layer of an environment."""
        right, held = self.roles[role].may.get(environment, ()), self.layers[layer]
        if right == "write":
            return True
        if action == "write" and role in held.written_by:
            return self.allows(role, environment, layer, "read")
        if action != "read" or held.writers_only:
            return False
        if isinstance(right, tuple):
            return layer in right
        return right == "read all" or not held.personal

    def readable(self, role: str, environment: str) -> list[str]:
        """The layers that a role may read."""
        return [each for each in self.layers if self.allows(role, environment, each, "read")]

    def writers(self, environment: str) -> list[str]:
        """The roles that write an environment."""
        return [name for name, role in self.roles.items() if role.may.get(environment) == "write"]

    def layer_writers(self, environment: str) -> dict[str, list[str]]:
        """Layer -> the roles that write it, and not the whole environment."""
        found = {
            name: [role for role in layer.written_by if environment in self.roles[role].may]
            for name, layer in self.layers.items()
        }
        return {layer: roles for layer, roles in found.items() if roles}

    def layer_of(self, table: str) -> str:
        """The layer of a table by its name in the catalog."""
        return next(
            name
            for name, layer in self.layers.items()
            if any(fnmatchcase(table, pattern) for pattern in layer.tables)
        )


@cache
def declared() -> Access:
    """The declaration of the checkout."""
    return Access.model_validate(yaml.safe_load((FOLDER / "roles.yml").read_text("utf-8")))
