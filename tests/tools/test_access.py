"""One declaration of rights: what is generated of it is current, and decides as it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from botocore import UNSIGNED
from botocore.client import BaseClient
from botocore.config import Config
from click.testing import CliRunner
from kedro.framework.project import pipelines
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.policy_validation import IAMPolicyDocumentValidator
from sqlglot import exp

from customer_segmentation.datasets.pending import FOLDER as PENDING
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.stores import open_store
from customer_segmentation.monitoring.hours import hour_file
from customer_segmentation.run_lock import LEASE, LOCK
from tests.feature_store.test_online import fill
from tests.services.s3 import S3Server
from tools.access.__main__ import documents, main
from tools.access.grants import volume
from tools.access.places import environment, patterns, place, tables
from tools.access.policies import Names, bucket_policy, iam_policy, online_policy
from tools.access.roles import ACTIONS, FOLDER, declared
from tools.access.trial import LIST, PAGE, Outcome, allowed, keys, told, tried, with_told

ACCESS = declared()
# Of Amazon, for a policy attached to a role, and for a bucket's.
IAM_BYTES, BUCKET_BYTES = 6_144, 20_480
S3 = {
    "read": ["s3:GetObject"],
    "write": ["s3:PutObject", "s3:AbortMultipartUpload"],
    "delete": ["s3:DeleteObject"],
}


def cells() -> Iterator[tuple[str, str, str]]:
    for role in ACCESS.roles:
        for name in ACCESS.environments:
            for layer in ACCESS.layers:
                yield role, name, layer


def declared_cell(role: str, name: str, layer: str) -> tuple[str, ...]:
    return tuple(action for action in ACTIONS if ACCESS.allows(role, name, layer, action))


def compact(document: dict[str, Any]) -> int:
    return len(json.dumps(document, separators=(",", ":")))


def test_every_generated_file_is_current() -> None:
    kept = {path for path in FOLDER.rglob("*.*") if path.suffix in {".json", ".sql"}}
    found = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in kept}
    assert found == documents(Names()), "run make docs"


def test_the_declaration_says_what_the_house_demands() -> None:
    """Written out once more, since everything else is made of the declaration."""
    assert ACCESS.writers("prod") == ["service"]
    assert ACCESS.writers("staging") == ["ci", "administrator"]
    assert "developer" in ACCESS.writers("dev")
    personal = {"landed", "bronze", "quarantine"}
    for layer in ("landed", "bronze", "quarantine", "working"):
        for role in ("consumer", "debugger"):
            assert not any(ACCESS.allows(role, name, layer, "read") for name in ACCESS.environments)
    assert {each for each, layer in ACCESS.layers.items() if layer.personal} == personal
    assert {"silver", "gold", "models"} <= set(ACCESS.readable("consumer", "prod"))
    assert {"silver", "gold", "records"} <= set(ACCESS.readable("debugger", "staging"))
    # A server counts what it answers; else it may do what a consumer may.
    assert ACCESS.readable("server", "prod") == ACCESS.readable("consumer", "prod")
    for role in ("consumer", "server", "debugger", "steward"):
        for name, layer in (
            (name, layer) for name in ACCESS.environments for layer in ACCESS.layers
        ):
            is_counting = (role, layer) == ("server", "counts") and name != "dev"
            assert ACCESS.allows(role, name, layer, "write") == is_counting
            assert not ACCESS.allows(role, name, layer, "delete")
    # Who promotes reads the models of the environment below, and no more.
    assert ACCESS.readable("ci", "dev") == ["models"]
    assert ACCESS.readable("service", "staging") == ["models"]


@pytest.mark.parametrize("name", ACCESS.environments)
def test_what_a_run_writes_lies_in_the_layer_that_says_so(name: str) -> None:
    found = environment(name)
    assert found.roots["models"].removeprefix(found.roots["tables"]).strip("/") == "models"
    for dataset in pipelines["__default__"].datasets():
        entry = found.entry(dataset) if not dataset.startswith("param") else {}
        if path := entry.get("landing") or entry.get("dataset", entry).get("filepath"):
            root = next(
                r for r in (found.roots["tables"], found.roots["data"]) if path.startswith(r)
            )
            below = path.removeprefix(root).strip("/")
            if dataset == "monitoring_hours":
                below = hour_file(below, "api", "2026-11-30T13", "1", "a")
            layers = [each for each in ACCESS.layers if holds(name, each, below)]
            named = {"source": "landed", "checked_customers": "working"}
            named["monitoring_hours"] = "counts"
            of_gold = ("recorded_history", "recorded_features", "online_features")
            of_gold += ("monitoring_memory", "monitoring_before")
            expected = (named | dict.fromkeys(of_gold, "gold")).get(dataset)
            if dataset.split("_")[0] in {"bronze", "silver", "gold", "export"}:
                expected = ACCESS.layer_of(dataset)
            elif below.startswith(("models", "reporting")):
                expected = below.partition("/")[0]
            assert layers == [expected], dataset
    for below in (f"gold/{PENDING}/segments.parquet", LEASE, LOCK, "gold/.writing-a/b.parquet"):
        assert [each for each in ACCESS.layers if holds(name, each, below)] == ["working"]


def holds(name: str, layer: str, path: str) -> bool:
    """Whether a layer's patterns hold a file, or what is in a folder."""
    found = [pattern.replace(".", r"\.") for pattern in patterns(name, [layer])]
    policy = {"Statement": [{"Effect": "Allow", "Action": "a", "Resource": found}]}
    decide = IAMPolicy(json.dumps(policy)).is_action_permitted
    return any(decide("a", p) == PermissionResult.PERMITTED for p in (path, f"{path}/part"))


@pytest.fixture(scope="module")
def outcome(versitygw_server: S3Server) -> Outcome:
    return tried(versitygw_server)


def test_real_users_of_a_real_store_may_do_what_is_declared_and_no_more(outcome: Outcome) -> None:
    assert {cell: outcome[cell] for cell in cells()} == {
        cell: declared_cell(*cell) for cell in cells()
    }
    for role in ACCESS.roles:
        for name in ACCESS.environments:
            listed = bool(ACCESS.readable(role, name))
            assert outcome[role, name, LIST] == ((LIST,) if listed else ())


def test_the_table_in_docs_is_that_of_the_trial(outcome: Outcome) -> None:
    page = PAGE.read_text()
    assert page == with_told(page, told(outcome)), "run make access"


@pytest.mark.usefixtures("outcome")
def test_who_names_nobody_may_do_nothing(versitygw_server: S3Server) -> None:
    nobody = versitygw_server.client().meta
    from boto3 import Session  # noqa: PLC0415 - beside its only use

    client = Session().client(
        "s3",
        endpoint_url=nobody.endpoint_url,
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED),
    )
    for name in ACCESS.environments:
        bucket = f"{name}-kept"
        assert not allowed(lambda at=bucket: client.list_objects_v2(Bucket=at))
        for key in (key for objects in keys(name).values() for key in objects):
            at = {"Bucket": bucket, "Key": key}
            calls: list[Callable[[], object]] = [
                lambda at=at: client.get_object(**at),
                lambda at=at: client.put_object(**at, Body=b""),
                lambda at=at: client.delete_object(**at),
            ]
            assert not any(allowed(call) for call in calls), key


def statements() -> Iterator[dict[str, Any]]:
    for name in ACCESS.environments:
        yield from bucket_policy(name, Names())["Statement"]
    for role in ACCESS.roles:
        yield from iam_policy(role, Names())["Statement"]


def test_no_policy_has_a_wildcard_for_actions_or_for_all_resources() -> None:
    for each in statements():
        assert not any("*" in action for action in each["Action"]), each["Sid"]
        assert each["Sid"].isalnum()
        # All but some objects are those of a denial alone.
        assert "NotResource" not in each or each["Effect"] == "Deny"
        for resource in each.get("Resource") or each["NotResource"]:
            root = resource.removeprefix("arn:aws:s3:::").split("/")[0]
            assert root in {f"<{name}-bucket>" for name in ACCESS.environments}
        # Only a denial is for everybody.
        assert each.get("Principal") != "*" or each["Effect"] == "Deny"


@pytest.mark.parametrize("role", ACCESS.roles)
def test_an_iam_policy_is_valid_and_decides_as_declared(role: str) -> None:
    document = iam_policy(role, Names())
    IAMPolicyDocumentValidator(json.dumps(document)).validate()
    assert compact(document) < IAM_BYTES
    policy = IAMPolicy(json.dumps(document))

    def permits(action: str, resource: str) -> bool:
        return policy.is_action_permitted(action, resource) == PermissionResult.PERMITTED

    for name in ACCESS.environments:
        root = Names().root(name)
        assert permits("s3:ListBucket", root) == bool(ACCESS.readable(role, name))
        for layer, objects in keys(name).items():
            for key in objects:
                for action, wanted in S3.items():
                    is_declared = ACCESS.allows(role, name, layer, action)
                    for each in wanted:
                        assert permits(each, f"{root}/{key}") == is_declared, (name, key, each)
        for each in ("s3:PutBucketPolicy", "s3:DeleteBucket", "s3:PutObjectAcl"):
            assert not permits(each, root)
            assert not permits(each, f"{root}/lineage.json")


@pytest.mark.parametrize("name", ACCESS.environments)
def test_a_bucket_denies_others_whatever_their_own_policies_say(name: str) -> None:
    policy = bucket_policy(name, Names({role: [f"arn:{role}"] for role in ACCESS.roles}))
    assert compact(policy) < BUCKET_BYTES
    denied = {each["Sid"]: each for each in policy["Statement"] if each["Effect"] == "Deny"}
    writes, personal = denied["OthersDoNotWrite"], denied["OthersReadNothingPersonal"]
    assert writes["Condition"]["ArnNotEquals"] == {
        "aws:PrincipalArn": [f"arn:{role}" for role in ACCESS.writers(name)]
    }
    for role, layer in product(ACCESS.roles, ACCESS.layers):
        for key in keys(name)[layer]:
            for action in ("write", "delete"):
                is_denied = {shuts_out(policy, role, each, key) for each in S3[action]}
                assert is_denied == {not ACCESS.allows(role, name, layer, action)}, (role, key)
    readers = [role for role in ACCESS.roles if ACCESS.allows(role, name, "bronze", "read")]
    assert personal["Condition"]["ArnNotEquals"] == {
        "aws:PrincipalArn": [f"arn:{role}" for role in readers]
    }
    root = Names().root(name)
    for table in ("bronze_customers", "silver_quarantine"):
        path = place(name, table)
        assert f"{root}/{path}{'*' if path.endswith('/') else ''}" in personal["Resource"]
        assert f"{root}/{path.rstrip('/')}" in personal["Resource"]


def shuts_out(policy: dict[str, Any], role: str, action: str, key: str) -> bool:
    """Whether a denial meets a role, as Amazon documents `Resource` and `NotResource`."""

    def meets(each: dict[str, Any]) -> bool:
        patterns = each.get("Resource") or each["NotResource"]
        below = (pattern.partition("/")[2] for pattern in patterns)
        is_named = any(fnmatchcase(key, pattern) for pattern in below)
        others = each["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
        is_meant = action in each["Action"] and f"arn:{role}" not in others
        return is_meant and is_named == ("Resource" in each)

    return any(meets(each) for each in policy["Statement"] if each["Effect"] == "Deny")


@pytest.mark.parametrize("role", ACCESS.roles)
def test_who_reads_or_writes_gold_does_so_in_the_online_store(role: str) -> None:
    document = online_policy(role, Names())
    if document is None:
        assert not any(ACCESS.allows(role, name, "gold", "read") for name in ACCESS.environments)
        return
    IAMPolicyDocumentValidator(json.dumps(document)).validate()
    policy = IAMPolicy(json.dumps(document))
    for name in ACCESS.environments:

        def permits(operation: str, name: str = name) -> bool:
            found = policy.is_action_permitted(f"dynamodb:{operation}", Names().table(name))
            return found == PermissionResult.PERMITTED

        reads, writes = expected(role, name, "gold")
        assert permits("BatchGetItem") == permits("DescribeTable") == reads
        assert permits("BatchWriteItem") == permits("CreateTable") == permits("Scan") == writes
        assert not permits("DeleteTable")


def test_the_online_store_asks_for_what_its_policies_allow_and_no_more(
    moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, call = set(), BaseClient._make_api_call

    def recorded(self: Any, operation: str, told: Any) -> Any:
        asked.add(f"dynamodb:{operation}")
        return call(self, operation, told)

    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
    writer, reader = (
        set((online_policy(role, Names()) or {})["Statement"][0]["Action"])
        for role in ("service", "consumer")
    )
    online = OnlineFeatures(open_store("dynamodb://rights", "prod", ""))
    fill(online, {"1": [1.0, 2.0], "2": [3.0, 4.0]})
    online.forget("1")
    online.read(["1", "2"])
    assert asked == writer
    # A server's own connection.
    online.store.close()
    asked.clear()
    OnlineFeatures(open_store("dynamodb://rights", "prod", "")).read(["1", "2"])
    assert asked == reader


def parsed() -> list[tuple[str, str, str]]:
    """Each privilege as principal, privilege and what it is on."""
    found = []
    for line in documents(Names())["unity_catalog.sql"].splitlines():
        if not line or line.startswith("--"):
            continue
        # sqlglot knows grants on schemas and tables; one on a catalog or volume has their form.
        known = line.replace(" ON CATALOG ", " ON SCHEMA ").replace(" ON VOLUME ", " ON TABLE ")
        (grant,) = sqlglot.parse(known, dialect="databricks")
        assert isinstance(grant, exp.Grant), line
        (principal,) = grant.args["principals"]
        on = line.split(" ON ")[1].split(" TO ")[0]
        assert on.split()[1] == grant.args["securable"].sql("databricks")
        held = (privilege.this.name for privilege in grant.args["privileges"])
        found += [(principal.this.name, privilege, on) for privilege in held]
    assert len(found) == len(set(found))
    return found


def test_the_grants_of_unity_catalog_decide_as_declared() -> None:
    granted = set(parsed())
    for role, name, layer in cells():

        def has(privilege: str, on: str, role: str = role) -> bool:
            return (f"<{role}>", privilege, on) in granted

        def opens(schema: str, name: str = name) -> bool:
            return has("USE CATALOG", f"CATALOG {name}") and has("USE SCHEMA", schema)

        for each in tables()[layer]:
            entry = environment("databricks").entry(each)
            if "database" not in entry:
                continue
            schema = f"SCHEMA {name}.{entry['database']}"
            on = f"TABLE {name}.{entry['database']}.{entry['table']}"
            reads = opens(schema) and (has("SELECT", schema) or has("SELECT", on))
            writes = opens(schema) and has("MODIFY", schema) and has("CREATE TABLE", schema)
            assert (reads, writes) == expected(role, name, layer), (role, on)
        if layer in {"landed", "models", "reporting", "records"}:
            at = volume(name, layer)
            schema = f"SCHEMA {at.rpartition('.')[0]}"
            reads = opens(schema) and has("READ VOLUME", f"VOLUME {at}")
            writes = opens(schema) and has("WRITE VOLUME", f"VOLUME {at}")
            assert (reads, writes) == expected(role, name, layer), (role, at)


def expected(role: str, name: str, layer: str) -> tuple[bool, bool]:
    return ACCESS.allows(role, name, layer, "read"), ACCESS.allows(role, name, layer, "write")


def test_a_person_fills_in_buckets_and_principals(tmp_path: Path) -> None:
    arns = ["arn:aws:iam::000000000000:role/shop", "arn:aws:iam::000000000000:role/bi"]
    given = [f"--principal=consumer={arn}" for arn in arns] + ["--bucket=prod=shared/prod"]
    table = "arn:aws:dynamodb:eu-west-1:000000000000:table/features"
    given.append(f"--table=prod={table}")
    result = CliRunner().invoke(main, ["--to", str(tmp_path), *given])
    assert result.exit_code == 0, result.output
    policy = json.loads((tmp_path / "s3" / "prod.json").read_text())
    found = {each["Sid"]: each for each in policy["Statement"]}
    read = found["ConsumerServerStewardRead"]
    assert read["Principal"]["AWS"] == [*arns, "<server>", "<steward>"]
    assert "arn:aws:s3:::shared/prod/models/*" in read["Resource"]
    counts = ["arn:aws:s3:::shared/prod/monitoring/summaries/*"]
    assert found["CountsWrite"]["Resource"][:1] == counts
    assert found["List"]["Resource"] == ["arn:aws:s3:::shared"]
    online = json.loads((tmp_path / "dynamodb" / "consumer.json").read_text())
    assert [each["Resource"] for each in online["Statement"]] == [[table]]
    grants = (tmp_path / "unity_catalog.sql").read_text()
    assert grants.count(f"ON CATALOG prod TO `{arns[1]}`;") == 1


@pytest.mark.parametrize("wrong", ["--bucket=production=a", "--principal=consumer"])
def test_a_name_that_is_not_declared_is_refused(tmp_path: Path, wrong: str) -> None:
    result = CliRunner().invoke(main, ["--to", str(tmp_path / "new"), wrong])
    assert result.exit_code == 1
    assert "write NAME=VALUE, where NAME is one of" in result.output
    assert not (tmp_path / "new").exists()
