"""What a table or file goes back to, and what may be joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Of content that is not there yet: it agrees with any.
NOT_YET = ""
# Before the mark of what is of unknown making: what that goes back to agrees with nothing else.
UNKNOWN = "unknown, behind "


@dataclass(frozen=True)
class Origin:
    """Everything that something goes back to.

    Attributes:
        contents: Tables and files, the source among them, with the mark of their content.
        parameters: Values by name, as nodes are given them: `clustering`, `clustering.features`.
    """

    contents: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Clash:
    """Something of which two inputs go back to different states.

    Attributes:
        name: Of the table or file, or the full name of the parameter.
        states: For each input that goes back to it, its state.
        is_parameter: Whether it is one.
    """

    name: str
    states: Mapping[str, Any]
    is_parameter: bool


def joined(origins: Iterable[Origin]) -> Origin:
    """The origin of what is made of several, where nothing clashes."""
    contents: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    for origin in origins:
        contents |= {n: m for n, m in origin.contents.items() if m or n not in contents}
        parameters |= origin.parameters
    return Origin(contents, parameters)


def clashes(origins: Mapping[str, Origin]) -> list[Clash]:
    """What inputs do not agree in, by the inputs' names."""
    contents: dict[str, dict[str, Any]] = {}
    parameters: dict[str, dict[str, Any]] = {}
    for name, origin in origins.items():
        for ancestor, mark in origin.contents.items():
            if mark != NOT_YET:
                contents.setdefault(ancestor, {})[name] = mark
        for parameter, value in leaves(origin.parameters).items():
            parameters.setdefault(parameter, {})[name] = value
    return [
        *(Clash(name, told, True) for name, told in parameters.items() if _differ(told)),  # noqa: FBT003 - see its attributes
        *(Clash(name, told, False) for name, told in contents.items() if _differ(told)),  # noqa: FBT003 - as above
    ]


def leaves(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Each single value under its full name, whichever block it was given in."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            found |= leaves({f"{name}.{key}": part for key, part in value.items()})
        else:
            found[name] = value
    return found


def _differ(states: Mapping[str, Any]) -> bool:
    first, *others = states.values()
    return any(other != first for other in others)
