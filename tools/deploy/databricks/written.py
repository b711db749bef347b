"""What every file of the bundle has in common."""

from __future__ import annotations

from typing import Any

import yaml

from tools.access.roles import declared as access_declared
from tools.deploy.declared import declared

Document = dict[str, Any]

_ABOUT = "# Written by `make deploy`: docs/deploy_databricks.md.\n"
# The environment of the configuration in which every target runs.
ENVIRONMENT = "databricks"
CATALOG = "${var.catalog}"
# Where the bundle's files are in the workspace, from the checkout's own folder on.
FILES = "${workspace.file_path}"


class _Plain(yaml.SafeDumper):
    """Writes what is used twice, twice."""

    def ignore_aliases(self, _data: Any) -> bool:  # noqa: ANN401 - anything
        """As said."""
        return True


def as_yaml(document: Document) -> str:
    """A file of the bundle."""
    return _ABOUT + yaml.dump(
        document, Dumper=_Plain, sort_keys=False, width=100, allow_unicode=True
    )


def tags() -> dict[str, str]:
    """What each thing that costs money carries."""
    return {**declared().tags, "managed_by": "bundle", "environment": "${bundle.target}"}


def principal(role: str) -> str:
    """The group that has a role, which a variable names."""
    return f"${{var.{role}}}"


def readers(environment: str, layer: str) -> list[str]:
    """The roles that may read a layer of an environment, and do not write it."""
    access = access_declared()
    return [
        role
        for role in access.roles
        if layer in access.readable(role, environment) and role not in access.writers(environment)
    ]


def permissions(environment: str, layer: str, level: str) -> list[Document]:
    """The permission of those who may read a layer, on something that shows it."""
    return [{"level": level, "group_name": principal(role)} for role in readers(environment, layer)]
