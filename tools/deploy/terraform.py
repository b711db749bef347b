"""What Terraform reads of the project: `deploy/aws/project.json`, and rights by environment."""

from __future__ import annotations

import json
from typing import Any

from customer_segmentation.serving.ingestion.objects import key_names
from customer_segmentation.settings import CONFIG_LOADER_ARGS, ConfigLoader
from tools.access.places import CHECKOUT, environment, place
from tools.access.places import tables as layers
from tools.access.policies import Document, Names, bucket_policy, iam_policy, online_policy
from tools.access.roles import declared as access_declared
from tools.capacity.plan import endpoint_plan, plan
from tools.deploy.declared import declared
from tools.deploy.project import schema, tables
from tools.deploy.sql.questions import questions
from tools.deploy.sql.types import type_of
from tools.deploy.watching.cloudwatch import promised
from tools.deploy.watching.declared import runbook

# Where files arrive in an environment's bucket: in the layer `landed`, which is personal.
LANDING = "landed/source/"
# Where the API lands what is posted. Below no folder that starts a run: each request has a file.
POSTED = {kind: f"landed/{kind}" for kind in ("events", "records", "outcomes")}
_DELTA = "delta_table"


def documents() -> dict[str, str]:
    """Each file by its path below `deploy/`."""
    found: dict[str, Any] = {"aws/project.json": project()}
    found |= {f"aws/access/{name}.json": rights(name) for name in declared().environments}
    return {path: json.dumps(each, indent=2) + "\n" for path, each in found.items()}


def project() -> dict[str, Any]:
    """What all environments share, and each environment by its name."""
    said = declared()
    return {
        "project": said.project,
        "tags": said.tags,
        "landing": LANDING,
        "posted": POSTED,
        "customer_keys": [*key_names(schema())],
        "retention": said.retention,
        "sizes": said.sizes,
        "alarms": {
            name: {**one.model_dump(), "runbook": runbook(name.replace("_", "-"))}
            for name, one in said.alarms.items()
        },
        "objectives": promised(),
        "standing": {name: [*where] for name, where in said.standing.items()},
        "tables": {
            table.name: {
                "comment": table.comment,
                "columns": [
                    {
                        "name": one.name,
                        "type": one.type,
                        "glue": type_of("athena", one),
                        "comment": one.comment,
                    }
                    for one in table.columns
                ],
            }
            for table in tables().values()
        },
        "questions": [
            {"name": one.name, "title": one.title, "about": one.about, "sql": one.sql("athena")}
            for one in questions()
        ],
        "environments": {name: _environment(name) for name in said.environments},
    }


def _environment(name: str) -> dict[str, Any]:
    said = declared()
    kedro = said.environments[name].kedro
    is_delta = _DELTA in environment(kedro).entry("gold_segments")["type"]
    return {
        "kedro": kedro,
        "prefix": said.environments[name].prefix,
        "delta": is_delta,
        # The environment whose champion is promoted; none below the lowest.
        "below": _below(kedro),
        "runner": runner(name),
        "reader": reader(name),
        "server": server(name),
        "roles": {role: access_declared().roles[role].about for role in _made(name)},
        "guests": guests(name),
        "scaling": _scaling(name),
        "schedules": {
            each: schedule.model_dump() for each, schedule in said.scheduled(name).items()
        },
        # Paths below the bucket: a file, or a folder with a `/` behind.
        "places": {
            table: place(kedro, table)
            for layer in layers().values()
            for table in layer
            if not table.startswith("export_")
        },
    }


def _scaling(name: str) -> dict[str, dict[str, int]]:
    """How many machines, by the traffic that is declared."""
    found = plan(name)
    machines = endpoint_plan(name).machines(int(declared().sizes["sagemaker"]["workers"]))
    return {
        "emr": {"max_executors": found.executors},
        "sagemaker": {
            "least": machines.least,
            "most": machines.most,
            "requests_per_instance": machines.requests_a_minute,
        },
    }


def _below(kedro: str) -> str | None:
    below: str = ConfigLoader(str(CHECKOUT / "conf"), kedro, **CONFIG_LOADER_ARGS)["globals"][
        "below"
    ]["environment"]
    return below or None


def runner(name: str) -> str:
    """The role that runs an environment: who writes it, and reads what it promotes."""
    access = access_declared()
    writers = access.writers(name)
    return next((role for role in writers if _promotes(role)), writers[0])


def reader(name: str) -> str:
    """The role that asks in an environment: who only reads it, else its runner."""
    roles = access_declared().roles.items()
    return next((role for role, one in roles if one.may.get(name) == "read"), runner(name))


def server(name: str) -> str:
    """The role of the API's servers: who writes what they count alone, else the runner."""
    counted = access_declared().layer_writers(name).get("counts")
    return counted[0] if counted else runner(name)


def homes(role: str) -> list[str]:
    """The environments in which a role is made: those where it may do more than read layers."""
    may = access_declared().roles[role].may
    return [name for name, right in may.items() if isinstance(right, str)]


def rights(name: str) -> dict[str, Any]:
    """The bucket's policy of an environment, and of each of its roles the statements.

    They are those of `tools.access`, with Terraform's names of what only an account knows. A role
    that writes an environment also has its rights in those whose models it promotes.
    """
    names = _names(name)
    return {
        "bucket": bucket_policy(name, names)["Statement"],
        "roles": {
            role: {
                "lake": _of(iam_policy(role, names), _reach(role, name)),
                "online": _of(online_policy(role, names), [name]),
            }
            for role in _made(name)
        },
    }


def guests(name: str) -> dict[str, str]:
    """Roles that another environment makes and that may read layers of this one, with where."""
    return {
        role: homes(role)[0]
        for role, one in access_declared().roles.items()
        if isinstance(one.may.get(name), tuple)
    }


def _made(name: str) -> list[str]:
    return [role for role in access_declared().roles if name in homes(role)]


def _names(name: str) -> Names:
    """ARNs as a template of Terraform's has them."""
    said = declared()

    def account(other: str) -> str:
        return "${account}" if other == name else "${other_account}"

    return Names(
        principals={role: [f"${{{role}}}"] for role in access_declared().roles},
        buckets={
            other: f"{said.project}-{other}-lake-{account(other)}" for other in said.environments
        },
        tables={
            other: f"arn:aws:dynamodb:${{region}}:{account(other)}:table/"
            f"{said.project}-{other}-features"
            for other in said.environments
        },
    )


def _promotes(role: str) -> bool:
    return any(isinstance(right, tuple) for right in access_declared().roles[role].may.values())


def _reach(role: str, name: str) -> list[str]:
    access = access_declared()
    if role not in access.writers(name):
        return [name]
    may = access.roles[role].may.items()
    return [name, *(other for other, right in may if isinstance(right, tuple))]


def _of(document: Document | None, environments: list[str]) -> list[dict[str, Any]]:
    """The statements of environments."""
    titles = tuple(each.title() for each in environments)
    return [one for one in (document or {}).get("Statement", []) if one["Sid"].startswith(titles)]
