"""Prod's data side, applied to moto: who may do what, decided by roles that are assumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
import httpx
import pytest

from tests.services.terraform import Made
from tests.tools.deploy.applied import applied, changes, parts, policy, told
from tools.access.policies import Names, iam_policy
from tools.access.roles import ACTIONS
from tools.access.roles import declared as access
from tools.access.trial import allowed, keys
from tools.deploy.terraform import rights
from tools.rehearsal import S3Server, serve_moto
from tools.terraform import Workspace

pytestmark = [pytest.mark.deploy, pytest.mark.long]
ACCOUNT, NAME = "123456789012", "customer-segmentation-prod"
LAKE = f"{NAME}-lake-{ACCOUNT}"
# What moto gives back as it did not get it.
UNCLEAN = {
    "aws_s3_bucket_notification": {"eventbridge"},
    "aws_glue_job": {"execution_class"},
}


@dataclass(frozen=True)
class Prod:
    """The emulator, and what Terraform made there."""

    server: S3Server
    workspace: Workspace

    def client(self, service: str, **keys: str) -> Any:
        known = {
            "aws_access_key_id": self.server.access_key,
            "aws_secret_access_key": self.server.secret_key,
        }
        return boto3.client(
            service,
            endpoint_url=self.server.endpoint,
            region_name=self.server.region,
            **(keys or known),
        )

    def checks_rights(self, *, after: int) -> None:
        """Whether moto decides by policies, after some requests."""
        httpx.post(
            f"{self.server.endpoint}/moto-api/reset-auth",
            content=str(after),
            headers={"Content-Type": "text/plain"},
        ).raise_for_status()


@pytest.fixture(scope="module")
def prod(terraform: Made) -> Iterator[Prod]:
    with (
        serve_moto() as server,
        applied(terraform, server.environment(), environment="prod") as made,
    ):
        yield Prod(server, made)


def test_what_the_page_says_is_applied(prod: Prod) -> None:
    assert parts(prod.workspace) == told("moto")


def test_a_second_plan_changes_only_what_moto_does_not_keep(prod: Prod) -> None:
    assert changes(prod.workspace) == UNCLEAN


def test_roles_have_the_statements_of_the_access_page(prod: Prod) -> None:
    iam = prod.client("iam")
    names = Names(
        buckets={
            name: f"customer-segmentation-{name}-lake-{ACCOUNT}" for name in ("staging", "prod")
        },
    )
    for role, said in rights("prod")["roles"].items():
        got = iam.get_role_policy(RoleName=f"{NAME}-{role}", PolicyName="lake")["PolicyDocument"]
        lake = [one for one in policy(got) if not one["Sid"].endswith("Features")]
        whole = iam_policy(role, names)["Statement"]
        assert lake == [
            one for one in whole if one["Sid"] in {each["Sid"] for each in said["lake"]}
        ]


def test_the_bucket_denies_all_but_those_who_may(prod: Prod) -> None:
    said = policy(prod.client("s3").get_bucket_policy(Bucket=LAKE)["Policy"])
    denied = {one["Sid"]: one["Condition"] for one in said if one["Effect"] == "Deny"}
    service = [f"arn:aws:iam::{ACCOUNT}:role/{NAME}-service"]
    steward = [*service, f"arn:aws:iam::{ACCOUNT}:role/{NAME}-steward"]
    assert denied["OthersDoNotWrite"]["ArnNotEquals"]["aws:PrincipalArn"] == service
    assert denied["OthersReadNothingPersonal"]["ArnNotEquals"]["aws:PrincipalArn"] == steward


def test_who_assumes_a_role_may_do_what_is_declared(prod: Prod) -> None:
    """By its own policies: moto reads no condition, so the bucket's denials are taken away here."""
    root, tokens = prod.client("s3"), prod.client("sts")
    root.delete_bucket_policy(Bucket=LAKE)
    objects = {layer: found for layer, found in keys("prod").items() if found}
    users = {}
    for role in rights("prod")["roles"]:
        got = tokens.assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{NAME}-{role}", RoleSessionName="trial"
        )["Credentials"]
        users[role] = prod.client(
            "s3",
            aws_access_key_id=got["AccessKeyId"],
            aws_secret_access_key=got["SecretAccessKey"],
            aws_session_token=got["SessionToken"],
        )
    for key in (key for found in objects.values() for key in found):
        root.put_object(Bucket=LAKE, Key=key, Body=b"a row")
    prod.checks_rights(after=0)
    try:
        found = {
            (role, layer, key): _may(user, key, users["service"])
            for role, user in users.items()
            for layer, some in objects.items()
            for key in some
        }
    finally:
        prod.checks_rights(after=10**9)
    assert found == {
        (role, layer, key): tuple(
            action for action in ACTIONS if access().allows(role, "prod", layer, action)
        )
        for role, layer, key in found
    }


def _may(user: Any, key: str, writer: Any) -> tuple[str, ...]:
    """What a user may do with an object, which a writer then puts back."""
    at = {"Bucket": LAKE, "Key": key}
    calls = {
        "read": partial(user.get_object, **at),
        "write": partial(user.put_object, **at, Body=b"a row"),
        "delete": partial(user.delete_object, **at),
    }
    done = tuple(action for action in ACTIONS if allowed(calls[action]))
    writer.put_object(**at, Body=b"a row")
    return done


def test_nothing_is_left_after_destroy(prod: Prod) -> None:
    # moto makes named queries, and cannot remove them.
    prod.workspace.run("state rm", "module.athena[0].aws_athena_named_query.question")
    prod.workspace.destroy()
    assert prod.workspace.resources() == []
    assert prod.client("s3").list_buckets()["Buckets"] == []
    assert prod.client("iam").list_roles()["Roles"] == []
    assert prod.client("glue").get_databases()["DatabaseList"] == []
    assert prod.client("dynamodb").list_tables()["TableNames"] == []
