"""An environment of `deploy/aws` in an emulator: made, given a file, asked, and removed."""

from __future__ import annotations

import io
import json
import time
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from pyarrow import parquet

from customer_segmentation.errors import UserError
from tools.ministack import Ministack
from tools.terraform import Workspace

_ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Execution:
    """One of the state machine's, once it has ended.

    Attributes:
        name: Its name.
        status: In Step Functions' words.
        output: What it came to; of a failure its error and its cause.
        seconds: From start to end.
        states: The states that it went through, in order.
    """

    name: str
    status: str
    output: dict[str, Any]
    seconds: float
    states: tuple[str, ...]


@dataclass(frozen=True)
class Rehearsal:
    """An environment while the emulator holds it.

    Attributes:
        server: The emulator.
        workspace: Terraform's.
    """

    server: Ministack
    workspace: Workspace

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """What Terraform says of what it made."""
        return self.workspace.outputs()

    @property
    def bucket(self) -> str:
        """The lake's."""
        bucket: str = self.outputs["environment"]["SEGMENTATION_BUCKET"]
        return bucket

    def drop(self, name: str, content: bytes) -> str:
        """Put a file where customers' files arrive; returns its URL."""
        place = f"{self.outputs['landing']}{name}"
        key = place.removeprefix(f"s3://{self.bucket}/")
        self.server.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)
        return place

    def keys(self, prefix: str) -> list[str]:
        """The objects of the lake below a prefix."""
        pages = self.server.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in found for each in page.get("Contents", [])]

    def table(self, key: str) -> pa.Table:
        """A table of the lake."""
        body = self.server.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"]
        return parquet.read_table(io.BytesIO(body.read()))

    def ended(self, number: int, seconds: float) -> Execution:
        """The execution that was started as the `number`th, from 1 on, once it has ended.

        Raises:
            UserError: It does not end in time.
        """
        client = self.server.client("stepfunctions")
        machine = self.outputs["runs"]["state_machine_arn"]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = client.list_executions(stateMachineArn=machine)["executions"]
            found.sort(key=lambda each: each["startDate"])
            if len(found) >= number and found[number - 1]["status"] in _ENDED:
                return self._told(client, found[number - 1]["executionArn"])
            time.sleep(0.5)
        message = f"run {number} does not end in {seconds:.0f} s: {self.server.log}"
        raise UserError(message)

    def start(self, order: dict[str, Any]) -> None:
        """Start the state machine as its schedule does."""
        machine = self.outputs["runs"]["state_machine_arn"]
        self.server.client("stepfunctions").start_execution(
            stateMachineArn=machine, input=json.dumps(order)
        )

    def ask(
        self,
        customer: Any,  # noqa: ANN401 - what an API is sent
        *,
        signed: bool = True,
        route: str = "/v1/segments",
    ) -> dict[str, Any]:
        """The answer to a customer, through API Gateway.

        Args:
            customer: The body.
            route: What is asked: for segments, or to take a record.
            signed: Whether the caller says who it is, as AWS's clients do.

        Raises:
            OSError: It is not answered.
        """
        # Its host would have to be known by name.
        path = f"_aws/execute-api/{self.outputs['api']['id']}/$default{route}"
        body, headers = json.dumps(customer), {"content-type": "application/json"}
        asked = AWSRequest("POST", f"{self.server.endpoint}/{path}", headers, body)
        if signed:
            keys = Credentials("test", "test")
            SigV4Auth(keys, "execute-api", self.server.environment["AWS_REGION"]).add_auth(asked)
        request = urllib.request.Request(  # noqa: S310 - loopback
            asked.url, body.encode(), dict(asked.headers.items()), method="POST"
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
            told: dict[str, Any] = json.load(answer)
            return told

    @cached_property
    def _inbox(self) -> str:
        client = self.server.client("sqs")
        url: str = client.create_queue(QueueName="inbox")["QueueUrl"]
        return url

    def listen(self) -> None:
        """Have what the topic is told from now on kept for `told`."""
        attributes = self.server.client("sqs").get_queue_attributes(
            QueueUrl=self._inbox, AttributeNames=["QueueArn"]
        )
        self.server.client("sns").subscribe(
            TopicArn=self.outputs["runs"]["topic_arn"],
            Protocol="sqs",
            Endpoint=attributes["Attributes"]["QueueArn"],
        )

    def told(self) -> list[str]:
        """What the topic was told since the last time: subject and text of each message."""
        client, found = self.server.client("sqs"), []
        while received := client.receive_message(
            QueueUrl=self._inbox, MaxNumberOfMessages=10, WaitTimeSeconds=1
        ).get("Messages"):
            for each in received:
                message = json.loads(each["Body"])
                found.append(f"{message['Subject']}\n{message['Message']}")
                client.delete_message(QueueUrl=self._inbox, ReceiptHandle=each["ReceiptHandle"])
        return found

    def _told(self, client: Any, arn: str) -> Execution:  # noqa: ANN401 - boto3's
        one = client.describe_execution(executionArn=arn)
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        states = tuple(
            event["stateEnteredEventDetails"]["name"]
            for page in pages
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        )
        failed = {"error": one.get("error", ""), "cause": one.get("cause", "")}
        output = json.loads(one["output"]) if one.get("output") else failed
        seconds = (one["stopDate"] - one["startDate"]).total_seconds()
        return Execution(one["name"], one["status"], output, seconds, states)
