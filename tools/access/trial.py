"""Every cell of roles, environments and layers, tried by real users of a real S3 server.

`python -m tools.access.trial`, or `make access`, writes what was found into docs/access.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from customer_segmentation.datasets.pending import waiting_place
from customer_segmentation.errors import UserError
from customer_segmentation.run_lock import LEASE, LOCK
from tools.access.places import place, tables
from tools.access.policies import Names, bucket_policy
from tools.access.roles import ACTIONS, declared
from tools.rehearsal import S3Server
from tools.versitygw import add_user, serve_versitygw, understood, versitygw_binary

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
LIST = "list"
_BEGIN, _END = "<!-- tried: make access -->", "<!-- end -->"
_CONTENT = b"a row"

# Role, environment, layer (or "list") -> which of `ACTIONS` were allowed.
Outcome = dict[tuple[str, str, str], tuple[str, ...]]


def keys(environment: str) -> dict[str, list[str]]:
    """Keys of objects of each layer: each of its tables, and files of each kind that runs write."""
    places = {layer: [place(environment, table) for table in tables()[layer]] for layer in tables()}
    found = {layer: [_object(path) for path in paths] for layer, paths in places.items()}
    waiting = [
        _object(waiting_place(path.rstrip("/")) + path[len(path.rstrip("/")) :])
        for paths in places.values()
        for path in paths
    ]
    found["landed"] += ["landed/source.parquet"]
    found["models"] += ["models/champion/segmenter.onnx", "models/bundles/1/segmenter.onnx"]
    found["models"] += ["models/promotions/1.json"]
    found["reporting"] += ["reporting/report.html", "reporting/eda/relations.csv"]
    found["gold"] += ["features/online.json", "monitoring/memory.json"]
    found["gold"] += ["monitoring/alerts/2026-11-30T020000.json"]
    found["counts"] += ["monitoring/summaries/api/2026-11-30T13/1/a.json"]
    found["counts"] += ["monitoring/shadow/2/2026-11-30T13/a.json"]
    found["records"] += ["lineage.json"]
    found["working"] += [*waiting, LEASE, LOCK, "silver/.writing-customers.parquet/1.parquet"]
    found["working"] += ["between/checked_customers.parquet"]
    # What nobody has declared, beside what everybody may read.
    found["working"] += ["silver/customers_as_sent/part-0.parquet", "gold/undeclared.parquet"]
    return found


def _object(path: str) -> str:
    return f"{path}part-0.parquet" if path.endswith("/") else path


def tried(server: S3Server) -> Outcome:
    """What each role may do in each layer, tried with a bucket an environment and a user a role.

    Raises:
        UserError: A role may do something with some objects of a layer, and not with others.
    """
    access, root = declared(), server.client()
    names = Names(
        {role: [role] for role in access.roles},
        {environment: f"{environment}-kept" for environment in access.environments},
    )
    users = {role: add_user(server, role).client() for role in access.roles}
    outcome: Outcome = {}
    for environment in access.environments:
        bucket = names.buckets[environment]
        root.create_bucket(Bucket=bucket)
        root.put_bucket_policy(Bucket=bucket, Policy=understood(bucket_policy(environment, names)))
        for role, user in users.items():
            listed = allowed(partial(user.list_objects_v2, Bucket=bucket))
            outcome[role, environment, LIST] = (LIST,) if listed else ()
            for layer, objects in keys(environment).items():
                found = {key: _tried(root, user, bucket, key) for key in objects}
                if len(set(found.values())) != 1:
                    raise UserError(f"{role} in {environment}, {layer}: {found}")
                outcome[role, environment, layer] = found[objects[0]]
    return outcome


def _tried(root: Any, user: Any, bucket: str, key: str) -> tuple[str, ...]:  # noqa: ANN401 - boto3's
    """Which actions a user may do on an object that is there; it is there afterwards."""
    at = {"Bucket": bucket, "Key": key}
    root.put_object(**at, Body=_CONTENT)
    calls = {
        "read": partial(user.get_object, **at),
        "write": partial(user.put_object, **at, Body=_CONTENT),
        "delete": partial(user.delete_object, **at),
    }
    done = tuple(action for action in ACTIONS if allowed(calls[action]))
    is_gone = not root.list_objects_v2(Bucket=bucket, Prefix=key).get("KeyCount")
    if is_gone != ("delete" in done):
        raise UserError(f"{bucket}/{key}: the store's answer to a deletion is not what it did")
    return done


def allowed(call: Callable[[], object]) -> bool:
    """Whether a request is answered; any error but a refusal is raised."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - only the cloud extras have it

    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def told(outcome: Outcome) -> str:
    """What is declared and what was found, as Markdown; actions by their first letters."""
    access = declared()
    columns = [*access.layers, LIST]
    cells = [
        [role, environment, *("".join(a[0] for a in done) or "-" for done in found)]
        for role in access.roles
        for environment in access.environments
        for found in [[outcome[role, environment, each] for each in columns]]
    ]
    return "\n\n".join(
        (
            _table(["role", "who"], [[name, role.about] for name, role in access.roles.items()]),
            _table(
                ["layer", "holds"], [[name, held.about] for name, held in access.layers.items()]
            ),
            "What each role may do: `r`ead, `w`rite, `d`elete, `l`ist.",
            _table(["role", "environment", *columns], cells),
        )
    )


def _table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])


def with_told(page: str, found: str) -> str:
    """A page with that in its place."""
    text, count = re.subn(f"(?s)({_BEGIN}\n).*?(\n{_END})", lambda at: at[1] + found + at[2], page)
    if count != 1:
        raise UserError(f"docs/access.md needs one place for it: {_BEGIN} and {_END}")
    return text


def main() -> None:
    """Try everything, and write the table."""
    if (binary := versitygw_binary()) is None:
        raise UserError("versitygw is not built: make services")
    with serve_versitygw(binary) as server:
        found = told(tried(server))
    PAGE.write_text(with_told(PAGE.read_text("utf-8"), found), "utf-8")


if __name__ == "__main__":
    main()
