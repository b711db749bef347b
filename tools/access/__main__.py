"""Write the policies and grants: `python -m tools.access`, or `make docs`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from tools.access.grants import unity_catalog
from tools.access.policies import (
    Document,
    Names,
    bucket_policy,
    iam_policy,
    online_policy,
)
from tools.access.roles import FOLDER, declared


def documents(names: Names) -> dict[str, str]:
    """Each file by its path below `deploy/access`."""
    access = declared()
    buckets = {f"s3/{name}.json": bucket_policy(name, names) for name in access.environments}
    roles = {f"iam/{name}.json": iam_policy(name, names) for name in access.roles}
    online = {f"dynamodb/{name}.json": online_policy(name, names) for name in access.roles}
    found = {**buckets, **roles, **online}
    written = {path: _json(document) for path, document in found.items() if document}
    return written | {"unity_catalog.sql": unity_catalog(names)}


def _json(document: Document) -> str:
    return json.dumps(document, indent=2) + "\n"


def _pairs(given: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    for each in given:
        name, _, value = each.partition("=")
        if not value or name not in known:
            message = f"{each}: write NAME=VALUE, where NAME is one of {', '.join(known)}"
            raise click.ClickException(message)
        yield name, value


@click.command()
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
@click.option("--bucket", "buckets", multiple=True, metavar="ENVIRONMENT=BUCKET[/FOLDER]")
@click.option("--table", "tables", multiple=True, metavar="ENVIRONMENT=ARN, of DynamoDB")
@click.option("--principal", "principals", multiple=True, metavar="ROLE=ARN, or a group's name")
def main(
    to: Path, buckets: tuple[str, ...], tables: tuple[str, ...], principals: tuple[str, ...]
) -> None:
    """Write what deploy/access/roles.yml says as policies and grants, with the names given."""
    access, named = declared(), dict[str, list[str]]()
    for role, value in _pairs(principals, access.roles):
        named.setdefault(role, []).append(value)
    placed = (dict(_pairs(given, access.environments)) for given in (buckets, tables))
    names = Names(named, *placed)
    for path, text in documents(names).items():
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        (to / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
