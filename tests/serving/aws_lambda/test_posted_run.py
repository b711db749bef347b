"""What the function lands in a bucket, with its own rights, is read by the next run of staging."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import polars as pl
import pytest

from tests.runs.project import make_project, shell
from tests.serving.aws_lambda.events import SAMPLE, request
from tests.serving.aws_lambda.unpacked import Unpacked
from tools.access.places import CHECKOUT
from tools.deploy.terraform import project
from tools.lambda_runtime import running
from tools.rehearsal import S3Server
from tools.versitygw import add_user

pytestmark = pytest.mark.deploy

HANDLER = "customer_segmentation.serving.aws_lambda.ingestion.handle"
ROWS = 400


def documented_source() -> str:
    """The entry of the catalog that docs/deploy_aws.md shows."""
    text = (CHECKOUT / "docs" / "deploy_aws.md").read_text()
    return text.partition("```yaml\nsource:\n")[2].partition("```")[0]


def test_records_that_are_posted_are_the_customers_of_the_next_run(
    scoring: Unpacked, versitygw_server: S3Server, tmp_path: Path
) -> None:
    versitygw_server.make_bucket("posted")
    sender = add_user(versitygw_server, "ingestion")
    may = {"Effect": "Allow", "Principal": {"AWS": ["ingestion"]}}
    folders = [f"arn:aws:s3:::posted/{folder}/*" for folder in project()["posted"].values()]
    rights = {**may, "Action": ["s3:PutObject", "s3:GetObject"], "Resource": folders}
    s3 = versitygw_server.client()
    s3.put_bucket_policy(Bucket="posted", Policy=json.dumps({"Statement": [rights]}))
    told = sender.environment() | {
        "SEGMENTATION_SERVING_INGEST_RECORDS": f"s3://posted/{project()['posted']['records']}",
        "SEGMENTATION_CUSTOMER_KEYS": json.dumps(project()["customer_keys"]),
    }
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))[:ROWS]
    with running(scoring.folder, HANDLER, tmp_path, told) as function:

        def post(part: list[dict[str, str]], key: str) -> int:
            headers = {"content-type": "application/json", "idempotency-key": key}
            event = request(json.dumps(part), path="/v1/records", headers=headers)
            answer = function.invoke(event).answer
            assert isinstance(answer, dict)
            return int(answer["statusCode"])

        assert post(rows[:300], "first") == 202
        assert post(rows[300:], "second") == 202
        # Both are sent again, and land no second time.
        assert post(rows[:300], "first") == 202
        assert post(rows[:10], "first") == 422
    landed = s3.list_objects_v2(Bucket="posted", Prefix="landed/records/2")["Contents"]
    assert len(landed) == 2
    s3.delete_bucket_policy(Bucket="posted")

    staging = make_project(tmp_path / "project")
    catalog = staging.root / "conf" / "staging" / "catalog.yml"
    text = catalog.read_text()
    shipped = re.search(r"^source:\n(?: .*\n)+", text, re.MULTILINE)
    assert shipped
    catalog.write_text(text.replace(shipped[0], f"source:\n{documented_source()}"))
    environment = versitygw_server.environment() | {"SEGMENTATION_BUCKET": "posted"}
    done = shell(staging, "kedro", "run", "--env=staging", "--pipelines=ingestion", **environment)
    assert done.returncode == 0, done.stderr
    table = tmp_path / "customers.parquet"
    s3.download_file("posted", "bronze/customers.parquet", str(table))
    assert sorted(pl.read_parquet(table)["ID"]) == sorted(row["ID"] for row in rows)
