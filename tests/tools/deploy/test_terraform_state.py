"""The state of an environment lies in a bucket, encrypted, and one at a time changes it."""

from __future__ import annotations

import pytest

from customer_segmentation.errors import UserError
from tests.services.s3 import S3Server
from tests.services.terraform import Made

pytestmark = pytest.mark.deploy
KEY = "customer-segmentation/dev.tfstate"


def test_a_second_person_waits_while_one_applies(terraform: Made, moto_server: S3Server) -> None:
    client = moto_server.client()
    client.create_bucket(Bucket="state")
    workspace = terraform(
        {"environment": "dev", "region": "us-east-1", "emulated": True}, moto_server.environment()
    )
    (workspace.folder / "backend_override.tf").unlink()
    emulated = ("use_path_style", "skip_credentials_validation", "skip_requesting_account_id")
    workspace.run(
        "init",
        "-reconfigure",
        "-backend-config=bucket=state",
        f"-backend-config=key={KEY}",
        "-backend-config=region=us-east-1",
        *(f"-backend-config={name}=true" for name in emulated),
    )
    key = ("apply", "-auto-approve", "-input=false", "-target=module.keys")
    workspace.run(*key)
    assert client.head_object(Bucket="state", Key=KEY)["ServerSideEncryption"] == "AES256"
    client.put_object(Bucket="state", Key=f"{KEY}.tflock", Body=b'{"ID": "somebody else"}')
    with pytest.raises(UserError, match="state lock"):
        workspace.run(*key)
