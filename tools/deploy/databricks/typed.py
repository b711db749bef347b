"""Hold a value against a class of databricks-sdk, to its last nested key.

The classes leave out keys that they do not know, and take any text for a choice: here both are
found, with their place, as is a value of another type.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin

_LEAVES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
}


def problems_of_class(value: object, kind: type, place: str) -> Iterator[str]:
    """What is wrong with a mapping that is to be an object of a class."""
    if not isinstance(value, dict):
        yield f"{place}: is {type(value).__name__}, not a mapping for {kind.__name__}"
        return
    known = {field.name: field.type for field in fields(kind)}
    found = [*_problems_of_keys(value, known, sys.modules[kind.__module__], place)]
    yield from found
    loaded: Any = kind
    if not found and loaded.from_dict(value).as_dict() != value:
        yield f"{place}: does not come back equal through {kind.__name__}"


def problems_of_call(
    value: dict[str, Any], method: Callable[..., object], place: str
) -> Iterator[str]:
    """What is wrong with a mapping that is to be the arguments of a method of the API."""
    arguments = dict(inspect.signature(method).parameters)
    arguments.pop("self")
    required = {name for name, each in arguments.items() if each.default is inspect.Parameter.empty}
    for name in sorted(required - value.keys()):
        yield f"{place}: lacks {name}"
    known = {name: each.annotation for name, each in arguments.items()}
    yield from _problems_of_keys(value, known, sys.modules[method.__module__], place)


def _problems_of_keys(
    value: dict[str, Any], known: dict[str, Any], module: types.ModuleType, place: str
) -> Iterator[str]:
    for key, each in value.items():
        if key not in known:
            yield f"{place}.{key}: is no key there"
        else:
            yield from _problems(each, _resolved(known[key], module), f"{place}.{key}")


def _resolved(annotation: object, module: types.ModuleType) -> object:
    """The type that an annotation of the SDK's, which is text, stands for."""
    return eval(annotation, vars(module)) if isinstance(annotation, str) else annotation  # noqa: S307 - the SDK's own text


def _problems(value: object, kind: object, place: str) -> Iterator[str]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        (kind,) = (each for each in inner if each is not type(None))
        yield from _problems(value, kind, place)
    elif origin in {list, dict}:
        yield from _problems_within(value, origin, inner[-1], place)
    elif isinstance(kind, type) and is_dataclass(kind):
        yield from problems_of_class(value, kind, place)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        if value not in {each.value for each in kind}:
            yield f"{place}: {value!r} is none of {', '.join(str(each.value) for each in kind)}"
    else:
        yield from _problems_of_leaf(value, kind, place)


def _problems_within(value: object, whole: type, part: object, place: str) -> Iterator[str]:
    """Of a list or a mapping, whose every part is of one type."""
    if not isinstance(value, whole):
        yield f"{place}: is {type(value).__name__}, not {whole.__name__}"
        return
    parts = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    for key, each in parts:
        yield from _problems(each, part, f"{place}[{key}]")


def _problems_of_leaf(value: object, kind: object, place: str) -> Iterator[str]:
    name = getattr(kind, "__name__", str(kind))
    if name in _LEAVES and (
        not isinstance(value, _LEAVES[name]) or (isinstance(value, bool) and name != "bool")
    ):
        yield f"{place}: {value!r} is no {name}"
