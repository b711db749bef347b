"""Staging's data side, applied to ministack: what is kept how, and questions that are answered."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncssh
import polars as pl
import pytest

from customer_segmentation.feature_store.dynamodb import DynamoStore
from tests.services.terraform import Made
from tests.tools.deploy.applied import applied, changes, parts, told
from tools.access.roles import declared as access
from tools.deploy.declared import declared
from tools.deploy.project import tables
from tools.deploy.sql.questions import questions
from tools.deploy.sql.types import type_of
from tools.deploy.terraform import LANDING
from tools.ministack import Ministack, ministack_python, serve_ministack
from tools.terraform import Workspace

pytestmark = [pytest.mark.deploy, pytest.mark.long]
ACCOUNT, NAME = "000000000000", "customer-segmentation-staging"
GOLD = "customer_segmentation_staging_gold"
BUCKETS = {kind: f"{NAME}-{kind}-{ACCOUNT}" for kind in ("lake", "code", "results", "logs")}
# What ministack gives back as it did not get it.
UNCLEAN = {
    "aws_glue_crawler": {"tags_all", "lineage_configuration", "recrawl_policy"},
    "aws_transfer_server": {"security_policy_name", "structured_log_destinations"},
}


@dataclass(frozen=True)
class Staging:
    """The emulator, and what Terraform made there."""

    server: Ministack
    workspace: Workspace

    def client(self, service: str) -> Any:
        return self.server.client(service)


@pytest.fixture(scope="module")
def staging(terraform: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    python = ministack_python()
    if python is None:
        pytest.skip("ministack is not there: make services")
    package = tmp_path_factory.mktemp("package")
    (package / "segmentation.py").write_text("main()")
    (package / "scoring.zip").write_text("of a function")
    variables = {
        "environment": "staging",
        "switches": {"transfer": True},
        # Emulators give the time of a key in a form that Terraform does not take: a user without.
        "senders": {"shop": []},
        "package": str(package),
    }
    with (
        serve_ministack(python, sftp=True) as server,
        applied(terraform, server.environment, **variables) as made,
    ):
        yield Staging(server, made)


def test_what_the_page_says_is_applied(staging: Staging) -> None:
    assert parts(staging.workspace) == told("ministack")


def test_a_second_plan_changes_only_what_ministack_does_not_keep(staging: Staging) -> None:
    assert changes(staging.workspace) == UNCLEAN


def test_runs_are_told_where_to_read_and_write(staging: Staging) -> None:
    said = staging.workspace.outputs()
    assert said["environment"]["SEGMENTATION_BUCKET"] == BUCKETS["lake"]
    assert said["landing"] == f"s3://{BUCKETS['lake']}/{LANDING}"


def test_what_jobs_run_is_uploaded(staging: Staging) -> None:
    listed = staging.client("s3").list_objects_v2(Bucket=BUCKETS["code"], Prefix="artifacts/")
    assert [one["Key"] for one in listed["Contents"]] == ["artifacts/current/segmentation.py"]


@pytest.mark.parametrize("kind", BUCKETS)
def test_buckets_are_private_and_encrypted(staging: Staging, kind: str) -> None:
    s3, at = staging.client("s3"), {"Bucket": BUCKETS[kind]}
    blocked = s3.get_public_access_block(**at)["PublicAccessBlockConfiguration"]
    assert all(blocked.values())
    rule = s3.get_bucket_encryption(**at)["ServerSideEncryptionConfiguration"]["Rules"][0]
    algorithm = rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    assert algorithm == ("AES256" if kind == "logs" else "aws:kms")


def test_layers_end_by_age_as_declared_and_yesterday_can_be_got_back(staging: Staging) -> None:
    s3, at = staging.client("s3"), {"Bucket": BUCKETS["lake"]}
    rules = s3.get_bucket_lifecycle_configuration(**at)["Rules"]
    days = {
        rule["Filter"]["Prefix"].strip("/"): rule["Expiration"]["Days"]
        for rule in rules
        if "Expiration" in rule
    }
    layers = ("landed", "bronze", "silver", "gold", "reporting")
    counts = dict.fromkeys(access().layers["counts"].files, declared().retention["counts"])
    assert days == {layer: declared().retention[layer] for layer in layers} | {
        pattern.removesuffix("/*"): kept for pattern, kept in counts.items()
    }
    assert s3.get_bucket_versioning(**at)["Status"] == "Enabled"


def test_the_catalog_has_the_columns_of_gold_tables(staging: Staging) -> None:
    glue = staging.client("glue")
    found = {one["Name"]: one for one in glue.get_tables(DatabaseName=GOLD)["TableList"]}
    assert {*found} == {*tables()}
    for name, table in tables().items():
        columns = found[name]["StorageDescriptor"]["Columns"]
        assert [(one["Name"], one["Type"], one["Comment"]) for one in columns] == [
            (one.name, type_of("athena", one), one.comment) for one in table.columns
        ]


def test_a_role_asks_athena_and_its_answer_is_kept_where_it_alone_reads(staging: Staging) -> None:
    rows = {
        one.name: {
            "text": "a",
            "number": 1.0,
            "whole": 1,
            "day": datetime(2014, 6, 30),  # noqa: DTZ001 - without a zone, as it is stored
            "moment": datetime(2014, 6, 30),  # noqa: DTZ001 - as above
        }[one.type]
        for one in tables()["gold_history"].columns
    }
    parquet = io.BytesIO()
    pl.DataFrame([rows, rows]).write_parquet(parquet)
    staging.client("s3").put_object(
        Bucket=BUCKETS["lake"], Key="gold/history/a.parquet", Body=parquet.getvalue()
    )
    athena = staging.client("athena")
    started = athena.start_query_execution(
        QueryString="SELECT customer_id, count(*) FROM gold_history GROUP BY 1",
        QueryExecutionContext={"Database": GOLD},
        WorkGroup=f"{NAME}-debugger",
    )["QueryExecutionId"]
    until = time.monotonic() + 30
    while time.monotonic() < until:
        done = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
        if done["Status"]["State"] not in {"QUEUED", "RUNNING"}:
            break
        time.sleep(0.2)
    assert done["Status"]["State"] == "SUCCEEDED", done["Status"]
    answer = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"][1]["Data"]
    assert [cell["VarCharValue"] for cell in answer] == ["a", "2"]
    where = done["ResultConfiguration"]["OutputLocation"]
    assert where.startswith(f"s3://{BUCKETS['results']}/athena/debugger/")


def test_every_role_has_the_questions(staging: Staging) -> None:
    athena = staging.client("athena")
    for role in ("ci", "administrator", "debugger", "steward"):
        ids = athena.list_named_queries(WorkGroup=f"{NAME}-{role}")["NamedQueryIds"]
        saved = [athena.get_named_query(NamedQueryId=one)["NamedQuery"] for one in ids]
        assert {one["Name"]: one["QueryString"] for one in saved} == {
            one.name: one.sql("athena") for one in questions()
        }


def test_the_online_store_is_filled_and_read_as_runs_and_servers_do(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in staging.server.environment.items():
        monkeypatch.setenv(name, value)
    store = DynamoStore(f"{NAME}-features", "staging")
    store.put([("5524", b"one"), ("2174", b"two")])
    assert store.get(["2174", "1", "5524"]) == [b"two", None, b"one"]
    store.close()


def test_who_sends_by_sftp_lands_in_a_folder_of_their_own_and_needs_their_key(
    staging: Staging,
) -> None:
    transfer, theirs = staging.client("transfer"), asyncssh.generate_private_key("ssh-ed25519")
    shop = {"ServerId": transfer.list_servers()["Servers"][0]["ServerId"], "UserName": "shop"}
    body = theirs.export_public_key().decode()
    made = transfer.import_ssh_public_key(**shop, SshPublicKeyBody=body)

    async def send(key: asyncssh.SSHKey) -> None:
        async with (
            asyncssh.connect(
                "127.0.0.1",
                staging.server.sftp_port,
                username="shop",
                client_keys=[key],
                known_hosts=None,
            ) as connection,
            connection.start_sftp_client() as files,
            files.open("customers.csv", "wb") as file,
        ):
            await file.write(b"ID\n5524\n")

    asyncio.run(send(theirs))
    sent = staging.client("s3").get_object(
        Bucket=BUCKETS["lake"], Key=f"{LANDING}shop/customers.csv"
    )
    assert sent["Body"].read() == b"ID\n5524\n"
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(send(asyncssh.generate_private_key("ssh-ed25519")))
    transfer.delete_ssh_public_key(**shop, SshPublicKeyId=made["SshPublicKeyId"])


def test_nothing_is_left_after_destroy(staging: Staging) -> None:
    staging.workspace.destroy()
    assert staging.workspace.resources() == []
    assert staging.client("s3").list_buckets()["Buckets"] == []
    assert staging.client("iam").list_roles()["Roles"] == []
    assert staging.client("dynamodb").list_tables()["TableNames"] == []
    assert staging.client("transfer").list_servers()["Servers"] == []
    databases = staging.client("glue").get_databases()["DatabaseList"]
    assert not [one for one in databases if one["Name"] != "default"]
