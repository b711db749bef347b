"""CloudWatch's alarms of budgets, made in an emulator: both windows tell the topic, one does not.

The emulator does not reckon shares of metrics: the states of single windows are set.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.terraform import Made
from tools.deploy.declared import DEPLOY
from tools.deploy.terraform import project
from tools.ministack import Ministack

pytestmark = pytest.mark.deploy

NAME = "customer-segmentation-prod"
DEADLINE = 60.0
ROOT = f"""
resource "aws_sns_topic" "told" {{
  name = "told"
}}
resource "aws_cloudwatch_log_group" "jobs" {{
  name = "jobs"
}}
module "monitoring" {{
  source            = "./modules/monitoring"
  name              = "{NAME}"
  region            = var.region
  alarms            = jsondecode(file("project.json")).alarms
  objectives        = jsondecode(file("project.json")).objectives
  topic_arn         = aws_sns_topic.told.arn
  state_machine_arn = "arn:aws:states:us-east-1:000000000000:stateMachine:one"
  watches           = {{ jobs = true, api = true, messages = true }}
  job_logs          = aws_cloudwatch_log_group.jobs.name
  api_id            = "api"
  scoring_function  = "scoring"
  dead_queue        = "dead"
}}
variable "region" {{
  type    = string
  default = "us-east-1"
}}
variable "account" {{
  type    = string
  default = null
}}
variable "emulated" {{
  default = true
}}
locals {{
  tags = {{ project = "customer-segmentation" }}
}}
"""


@pytest.fixture
def queue(ministack: Ministack, terraform: Made) -> Iterator[str]:
    """A queue of the topic, once the alarms are made."""
    workspace = terraform({}, ministack.environment)
    for file in workspace.folder.glob("*.tf"):
        if file.name not in {"versions.tf", "backend_override.tf"}:
            file.unlink()
    (workspace.folder / "root.tf").write_text(ROOT, "utf-8")
    workspace.run("init", "-input=false")
    workspace.apply()
    sqs, sns = ministack.client("sqs"), ministack.client("sns")
    made: str = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=made, AttributeNames=["QueueArn"])["Attributes"]
    (topic,) = (one["TopicArn"] for one in sns.list_topics()["Topics"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    yield made
    workspace.destroy()


def told(ministack: Ministack, queue: str) -> list[dict[str, Any]]:
    found = ministack.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [json.loads(json.loads(one["Body"])["Message"]) for one in found.get("Messages", [])]


def test_both_windows_tell_the_topic_and_one_alone_does_not(
    ministack: Ministack, queue: str
) -> None:
    watch = ministack.client("cloudwatch")
    alarms = watch.describe_alarms(AlarmTypes=["CompositeAlarm", "MetricAlarm"], MaxRecords=100)
    made = {one["AlarmName"] for one in alarms["CompositeAlarms"]}
    budgets = project()["objectives"]["budgets"]
    assert made == {f"{NAME}-{line}-{kind}" for line in budgets for kind in ("page", "ticket")}

    def ring(minutes: int) -> None:
        name = f"{NAME}-slow-answers-{minutes}m"
        watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="slow")

    ring(60)
    assert told(ministack, queue) == []
    ring(5)
    until = time.monotonic() + DEADLINE
    while not (heard := told(ministack, queue)) and time.monotonic() < until:
        time.sleep(0.2)
    (message,) = heard
    assert message["AlarmName"] == f"{NAME}-slow-answers-page"
    assert "docs/runbook.md#slow-answers" in message["AlarmDescription"]


def test_what_is_declared_is_what_terraform_reads() -> None:
    told_of = json.loads((DEPLOY / "aws/project.json").read_text("utf-8"))
    assert told_of["objectives"] == project()["objectives"]
