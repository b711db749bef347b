"""Bucket policies of environments, and IAM policies of roles: of buckets, of online stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.access.places import patterns
from tools.access.roles import declared

Document = dict[str, Any]

_READ = ["s3:GetObject"]
# Also over what is there; whoever writes a layer alone deletes nothing.
_PUT = ["s3:PutObject", "s3:AbortMultipartUpload"]
_DELETE = ["s3:DeleteObject"]
_WRITE = [*_PUT, *_DELETE]
_LIST = ["s3:ListBucket"]
_LIST_UPLOADS = ["s3:ListBucketMultipartUploads"]
# What `feature_store/dynamodb.py` asks for, to read customers and to fill the table.
_LOOK_UP = ["dynamodb:DescribeTable", "dynamodb:BatchGetItem"]
_FILL = ["dynamodb:CreateTable", "dynamodb:Scan", "dynamodb:BatchWriteItem"]
# The layer that an online store's rows are of.
_ONLINE = "gold"


@dataclass(frozen=True)
class Names:
    """What a person fills in; else each name in angle brackets, which no cloud takes.

    Attributes:
        principals: Role -> the ARNs that have it or, for grants, groups and service principals.
        buckets: Environment -> its bucket, perhaps with a folder: `bucket/folder`.
        tables: Environment -> the ARN of its online store's table in DynamoDB.
    """

    principals: Mapping[str, Sequence[str]] = field(default_factory=dict)
    buckets: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)

    def of(self, roles: Sequence[str]) -> list[str]:
        """The principals of roles."""
        return [name for role in roles for name in self.principals.get(role, [f"<{role}>"])]

    def root(self, environment: str) -> str:
        """The ARN of an environment's root."""
        return f"arn:aws:s3:::{self.buckets.get(environment, f'<{environment}-bucket>')}"

    def table(self, environment: str) -> str:
        """The ARN of an environment's table."""
        unknown = f"arn:aws:dynamodb:<region>:<account>:table/<{environment}-features>"
        return self.tables.get(environment, unknown)

    def bucket(self, environment: str) -> str:
        """The ARN of the bucket that an environment's root is in."""
        return self.root(environment).partition("/")[0]

    def objects(self, environment: str, layers: list[str]) -> list[str]:
        """The ARNs of layers."""
        return [f"{self.root(environment)}/{each}" for each in patterns(environment, layers)]


def bucket_policy(environment: str, names: Names) -> Document:
    """The policy of an environment's bucket.

    It allows each role what it may do, and denies everybody else to write, and to read what is
    personal, whatever their own policies say.
    """
    access, writers = declared(), declared().writers(environment)
    readers = {
        layer: tuple(role for role in access.roles if _reads(role, environment, layer))
        for layer in access.layers
    }
    # A writer reads more than there is a name for.
    groups: dict[tuple[str, ...], list[str]] = {}
    for layer, roles in readers.items():
        if others := tuple(role for role in roles if role not in writers):
            groups.setdefault(others, []).append(layer)
    kept = [name for name, each in access.layers.items() if each.personal or each.writers_only]
    trusted = sorted(
        {role for layer in kept for role in readers[layer]}, key=list(access.roles).index
    )
    listing = [role for role in access.roles if access.readable(role, environment)]
    bucket, everything = [names.bucket(environment)], [f"{names.root(environment)}/*"]
    return _document(
        _statement("List", _LIST, bucket, names.of(listing)),
        _statement("ListUploads", _LIST_UPLOADS, bucket, names.of(writers)),
        _statement("Use", _READ + _WRITE, everything, names.of(writers)),
        *(
            _statement(
                f"{''.join(map(str.title, roles))}Read",
                _READ,
                names.objects(environment, layers),
                names.of(roles),
            )
            for roles, layers in groups.items()
        ),
        *(
            _statement(
                f"{layer.title()}Write", _PUT, names.objects(environment, [layer]), names.of(roles)
            )
            for layer, roles in access.layer_writers(environment).items()
        ),
        *_writing_denied(environment, names),
        _denied(
            "OthersReadNothingPersonal", _READ, names.objects(environment, kept), names.of(trusted)
        ),
    )


def iam_policy(role: str, names: Names) -> Document:
    """The policy to attach to whoever has a role, for all environments."""
    access, statements = declared(), []
    for environment in access.environments:
        bucket, title = [names.bucket(environment)], environment.title()
        if role in access.writers(environment):
            everything = [f"{names.root(environment)}/*"]
            statements += [
                _statement(f"{title}List", _LIST + _LIST_UPLOADS, bucket),
                _statement(f"{title}Use", _READ + _WRITE, everything),
            ]
        elif layers := access.readable(role, environment):
            statements += [
                _statement(f"{title}List", _LIST, bucket),
                _statement(f"{title}Read", _READ, names.objects(environment, layers)),
            ]
            if written := [each for each in layers if _puts(role, environment, each)]:
                objects = names.objects(environment, written)
                statements.append(_statement(f"{title}Write", _PUT, objects))
    return _document(*statements)


def online_policy(role: str, names: Names) -> Document | None:
    """The policy to attach besides where the online feature store is DynamoDB; None for no right.

    Each environment has a table of its own: a right on a table is one on all that is in it.
    """
    statements = [
        _statement(
            f"{environment.title()}Features",
            _LOOK_UP + _FILL if role in declared().writers(environment) else _LOOK_UP,
            [names.table(environment)],
        )
        for environment in declared().environments
        if _reads(role, environment, _ONLINE)
    ]
    return _document(*statements) if statements else None


def _writing_denied(environment: str, names: Names) -> list[Document]:
    """What others than the writers may not do, whatever their own policies say."""
    access, but = declared(), names.of(declared().writers(environment))
    everything = [f"{names.root(environment)}/*"]
    apart = access.layer_writers(environment)
    if not apart:
        return [_denied("OthersDoNotWrite", _WRITE, everything, but)]
    rest = _denied("OthersDoNotWrite", _PUT, names.objects(environment, [*apart]), but)
    rest["NotResource"] = rest.pop("Resource")
    layers = (
        _denied(
            f"OthersDoNotWrite{layer.title()}",
            _PUT,
            names.objects(environment, [layer]),
            [*but, *names.of(roles)],
        )
        for layer, roles in apart.items()
    )
    return [rest, *layers, _denied("OthersDoNotDelete", _DELETE, everything, but)]


def _puts(role: str, environment: str, layer: str) -> bool:
    return declared().allows(role, environment, layer, "write")


def _reads(role: str, environment: str, layer: str) -> bool:
    return declared().allows(role, environment, layer, "read")


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statement(
    sid: str, actions: list[str], resources: list[str], principals: Sequence[str] = ()
) -> Document:
    principal = {"Principal": {"AWS": list(principals)}} if principals else {}
    return {
        "Sid": sid,
        "Effect": "Allow",
        **principal,
        "Action": actions,
        "Resource": resources,
    }


def _denied(sid: str, actions: list[str], objects: list[str], but: list[str]) -> Document:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": objects,
        "Condition": {
            # A service of Amazon's that writes on its own behalf has none, nor has a store that
            # knows no ARNs.
            "Null": {"aws:PrincipalArn": "false"},
            "ArnNotEquals": {"aws:PrincipalArn": but},
        },
    }
