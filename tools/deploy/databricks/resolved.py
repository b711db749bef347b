"""A bundle as its tool would read it: files together, a target over them, references filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from customer_segmentation.errors import UserError

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
# What the tool knows of a workspace and of the bundle; a number or a path only once deployed.
_KNOWN = {
    "workspace.file_path": "/Workspace/files",
    "workspace.current_user.userName": "someone",
}
# Ids are given when a resource is made; a job's is a number.
_IDS: dict[str, int | str] = {"jobs": 1}


def read_bundle(folder: Path) -> dict[str, Any]:
    """`databricks.yml` with the files that it includes.

    Raises:
        UserError: Two files say the same of a target or a resource.
    """
    whole: dict[str, Any] = yaml.safe_load((folder / "databricks.yml").read_text("utf-8"))
    for pattern in whole.get("include", []):
        for path in sorted(folder.glob(pattern)):
            merge(whole, yaml.safe_load(path.read_text("utf-8")), path.name)
    return whole


def merge(into: dict[str, Any], more: dict[str, Any], place: str) -> None:
    """Add the keys of another mapping; lists are put behind each other, as the tool does.

    Raises:
        UserError: Both have another value for a key.
    """
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value, f"{place}: {key}")
        elif isinstance(value, list) and isinstance(into.get(key), list):
            into[key] = [*into[key], *value]
        elif key in into and into[key] != value:
            raise UserError(f"{place}: {key} is said twice: leave one out")
        else:
            into[key] = value


def resolved(bundle: dict[str, Any], target: str) -> tuple[dict[str, Any], list[str]]:
    """The resources of a target with everything filled in, and the references to nothing."""
    said = bundle["targets"][target]
    resources: dict[str, Any] = yaml.safe_load(yaml.safe_dump(bundle.get("resources", {})))
    merge(resources, said.get("resources", {}), target)
    whole = {"resources": resources, "run_as": said.get("run_as", {})}
    values: dict[str, Any] = {
        f"var.{name}": each.get("default", f"<{name}>")
        for name, each in bundle.get("variables", {}).items()
    }
    values |= {f"var.{name}": value for name, value in said.get("variables", {}).items()}
    values |= _KNOWN | {"bundle.target": target, "bundle.name": bundle["bundle"]["name"]}
    values |= dict(_of_resources(resources))
    undeclared = {*said.get("variables", {})} - {*bundle.get("variables", {})}
    unknown = [f"var.{name}" for name in sorted(undeclared)]
    filled = _filled(_filled(whole, values, unknown), values, unknown)
    return filled, unknown


def _of_resources(resources: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for kind, group in resources.items():
        for key, each in group.items():
            yield f"resources.{kind}.{key}.id", _IDS.get(kind, "id")
            for field in ("name", "catalog_name", "schema_name"):
                if field in each:
                    yield f"resources.{kind}.{key}.{field}", each[field]


def _filled(value: Any, values: dict[str, Any], unknown: list[str]) -> Any:  # noqa: ANN401 - YAML
    if isinstance(value, dict):
        return {key: _filled(each, values, unknown) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, values, unknown) for each in value]
    if not isinstance(value, str):
        return value
    named = _REFERENCE.findall(value)
    unknown += [name for name in named if name not in values]
    if len(named) == 1 and value == f"${{{named[0]}}}":
        # The whole of it may be a number or a list.
        return values.get(named[0], value)
    return _REFERENCE.sub(lambda found: str(values.get(found[1], found[0])), value)
