"""Where tables and files come from, and which may be joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# The mark of content that does not exist yet: it matches any.
NOT_YET = ""
# Prefix of a mark if nobody knows what something was made from: it matches nothing else.
UNKNOWN = "unknown, behind "


@dataclass(frozen=True)
class Origin:
    """Everything that something was made from, directly or not.

    Attributes:
        contents: Tables and files, including the source -> mark of their content.
        parameters: Values by name, as nodes are given them: `clustering`, or a key of it.
    """

    contents: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Clash:
    """A table, file or parameter of which two inputs come from different states.

    Attributes:
        name: Of the table or file, or the full name of the parameter.
        states: Input -> the state it comes from.
        is_parameter: Whether it is a parameter.
    """

    name: str
    states: Mapping[str, Any]
    is_parameter: bool


def joined(origins: Iterable[Origin]) -> Origin:
    """The origin of something made from several inputs that do not clash."""
    contents: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    for origin in origins:
        contents |= {n: m for n, m in origin.contents.items() if m or n not in contents}
        parameters |= origin.parameters
    return Origin(contents, parameters)


def clashes(origins: Mapping[str, Origin]) -> list[Clash]:
    """The clashes between inputs, given by name."""
    found: dict[tuple[str, bool], dict[str, Any]] = {}
    for name, origin in origins.items():
        for parameter, value in leaves(origin.parameters).items():
            found.setdefault((parameter, True), {})[name] = value
        for ancestor, mark in origin.contents.items():
            if mark != NOT_YET:
                found.setdefault((ancestor, False), {})[name] = mark
    told = (Clash(name, states, kind) for (name, kind), states in found.items())
    return [clash for clash in told if _differ(clash.states)]


def leaves(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Each single value under its full name, whatever block it is in."""
    values: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            values |= leaves({f"{name}.{key}": part for key, part in value.items()})
        else:
            values[name] = value
    return values


def _differ(states: Mapping[str, Any]) -> bool:
    first, *others = states.values()
    return any(other != first for other in others)
