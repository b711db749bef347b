"""The functions in an emulator of AWS: invoked, behind queues, HTTP and a bucket's events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.services.ministack import ministack  # noqa: F401 - a fixture
from tests.serving.aws_lambda.unpacked import HERE, Unpacked
from tests.serving.example import a_customer
from tools.deploy import lambda_zip
from tools.lambda_runtime import link_runtime
from tools.ministack import Ministack

pytestmark = pytest.mark.deploy

FUNCTIONS = "customer_segmentation.serving.aws_lambda"
ROLE = "arn:aws:iam::000000000000:role/function"
_SECONDS = 30.0


def until(found: Callable[[], Any]) -> Any:
    """What is found, at last."""
    ends = time.monotonic() + _SECONDS
    while not (told := found()) and time.monotonic() < ends:
        time.sleep(0.1)
    return told


@pytest.fixture(scope="module")
def emulator(
    ministack: Ministack,  # noqa: F811 - the fixture
    scoring: Unpacked,
    tmp_path_factory: pytest.TempPathFactory,
) -> Ministack:
    """The emulator with a bucket, queues and the functions."""
    folder = tmp_path_factory.mktemp("functions")
    s3, functions, queues = (ministack.client(one) for one in ("s3", "lambda", "sqs"))
    s3.create_bucket(Bucket="lake")
    for name in ("asked", "unkept", "lost", "answers"):
        queues.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})
    policy = {"deadLetterTargetArn": arn(ministack, "lost"), "maxReceiveCount": "1"}
    queues.set_queue_attributes(
        QueueUrl=url(ministack, "unkept"),
        # Above the time of an answer, even of a function that begins.
        Attributes={"VisibilityTimeout": "10", "RedrivePolicy": json.dumps(policy)},
    )
    # Its workers lack what Lambda's runtime has.
    runtime = {"PYTHONPATH": str(link_runtime(folder / "runtime"))}
    zips = {
        "scoring": scoring.zipped,
        "ingestion": scoring.zipped,
        "landing": lambda_zip.write_landing(folder),
    }
    told = {
        "ingestion": {
            "SEGMENTATION_SERVING_INGEST_EVENTS": "s3://lake/landed/events",
            "SEGMENTATION_CUSTOMER_KEYS": '["ID", "customer_id"]',
        },
        "scoring": {"SEGMENTATION_RESULTS": "s3://lake/results"},
        "landing": {"STATE_MACHINE_ARN": machine(ministack)},
    }
    for name, zipped in zips.items():
        functions.create_function(
            FunctionName=name,
            Runtime=f"python{HERE}",
            Role=ROLE,
            Handler=f"{FUNCTIONS}.{name}.handle",
            Code={"ZipFile": zipped.read_bytes()},
            Timeout=15,
            MemorySize=1024,
            Environment={"Variables": runtime | told[name]},
        )
    return ministack


def url(server: Ministack, queue: str) -> str:
    found: str = server.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    return found


def arn(server: Ministack, queue: str) -> str:
    asked = {"QueueUrl": url(server, queue), "AttributeNames": ["QueueArn"]}
    found: str = server.client("sqs").get_queue_attributes(**asked)["Attributes"]["QueueArn"]
    return found


def machine(server: Ministack) -> str:
    """A state machine that gives back its input."""
    definition = {"StartAt": "Run", "States": {"Run": {"Type": "Pass", "End": True}}}
    made = server.client("stepfunctions").create_state_machine(
        name="run", definition=json.dumps(definition), roleArn=ROLE
    )
    found: str = made["stateMachineArn"]
    return found


def runs(server: Ministack) -> list[Any]:
    """Executions of the state machine."""
    states = server.client("stepfunctions")
    (known,) = states.list_state_machines()["stateMachines"]
    found: list[Any] = states.list_executions(stateMachineArn=known["stateMachineArn"])[
        "executions"
    ]
    return found


def result(server: Ministack, message_id: str) -> Any:
    """The answer to a message, once it is there."""
    s3, key = server.client("s3"), f"results/{message_id}.json"

    def read() -> Any:
        try:
            return json.loads(s3.get_object(Bucket="lake", Key=key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return None

    return until(read)


def test_a_plain_invocation_is_answered_as_by_the_api(
    emulator: Ministack, client: httpx.Client
) -> None:
    customers = [a_customer(), a_customer() | {"income": -1}]
    for event in customers:
        told = emulator.client("lambda").invoke(
            FunctionName="scoring", Payload=json.dumps(event).encode()
        )
        expected = client.post("/v1/segments", json=event).json()
        assert json.loads(told["Payload"].read()) == expected


def routed(server: Ministack, function: str, path: str) -> str:
    """The URL of an HTTP API with one route, which a function answers."""
    apis = server.client("apigatewayv2")
    api = apis.create_api(Name=function, ProtocolType="HTTP")["ApiId"]
    told = server.client("lambda").get_function(FunctionName=function)["Configuration"]
    integration = apis.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=told["FunctionArn"],
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    apis.create_route(ApiId=api, RouteKey=f"POST {path}", Target=f"integrations/{integration}")
    apis.create_stage(ApiId=api, StageName="prod", AutoDeploy=True)
    return f"{server.endpoint}/_aws/execute-api/{api}/prod{path}"


def test_an_http_api_hands_requests_on(emulator: Ministack, client: httpx.Client) -> None:
    place = routed(emulator, "scoring", "/v1/segments")
    for body in (json.dumps(a_customer()), "{", json.dumps([a_customer()] * 2)):
        headers = {"content-type": "application/json"}
        response = httpx.post(place, content=body, headers=headers, timeout=_SECONDS)
        expected = client.post("/v1/segments", content=body)
        assert (response.status_code, response.text) == (expected.status_code, expected.text)
        assert response.headers["content-type"] == expected.headers["content-type"]
        assert response.headers["artifact-version"] == expected.headers["artifact-version"]


def test_what_is_posted_has_landed_in_the_bucket_once_a_key_when_it_is_answered(
    emulator: Ministack,
) -> None:
    place, s3 = routed(emulator, "ingestion", "/v1/events"), emulator.client("s3")

    def post(body: str, media_type: str = "application/json", **headers: str) -> httpx.Response:
        return httpx.post(
            place,
            content=body,
            headers={"content-type": media_type, **headers},
            timeout=_SECONDS,
        )

    def landed() -> list[bytes]:
        told = s3.list_objects_v2(Bucket="lake", Prefix="landed/events/2").get("Contents", ())
        return [s3.get_object(Bucket="lake", Key=one["Key"])["Body"].read() for one in told]

    before = len(runs(emulator))
    again = [post('{"ID": "once"}', **{"idempotency-key": "k"}) for _ in range(3)]
    assert {answer.status_code for answer in again} == {202}
    assert len({answer.text for answer in again}) == 1
    assert landed() == [b'{"ID": "once"}\n']
    other = post('{"ID": "other"}', **{"idempotency-key": "k"})
    assert (other.status_code, other.json()["title"]) == (422, "Unprocessable Entity")
    lines = post('{"ID": 1}\n{"ID": 2}\n', "application/x-ndjson")
    assert (lines.status_code, lines.json()["objects"]) == (202, 2)
    assert post('{"bought": 1}').json()["errors"][0]["path"] == "$[0].ID"
    assert post("x" * 1_000_001).status_code == 413
    assert len(landed()) == 2
    # Each is a file of its own, and none starts a run.
    assert len(runs(emulator)) == before


def test_messages_of_a_queue_have_their_answers_on_s3_and_a_poisoned_one_too(
    emulator: Ministack, client: httpx.Client
) -> None:
    queues = emulator.client("sqs")
    made = emulator.client("lambda").create_event_source_mapping(
        EventSourceArn=arn(emulator, "asked"),
        FunctionName="scoring",
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    bodies = [json.dumps(a_customer()), "poison", json.dumps([a_customer()] * 1_001)]
    sent = [
        queues.send_message(QueueUrl=url(emulator, "asked"), MessageBody=body)["MessageId"]
        for body in bodies
    ]
    told = [result(emulator, message_id) for message_id in sent]
    assert [one["status"] for one in told] == [200, 400, 413]
    assert told[0]["answer"] == client.post("/v1/segments", json=a_customer()).json()
    # Nothing came again, and nothing is left.
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    asked = {"QueueUrl": url(emulator, "asked"), "AttributeNames": list(names)}
    zero = dict.fromkeys(names, "0")
    assert until(lambda: queues.get_queue_attributes(**asked)["Attributes"] == zero)
    emulator.client("lambda").delete_event_source_mapping(UUID=made["UUID"])


def test_answers_go_to_a_queue_where_that_is_asked(emulator: Ministack) -> None:
    functions, queues = emulator.client("lambda"), emulator.client("sqs")
    told = functions.get_function(FunctionName="scoring")
    variables = told["Configuration"]["Environment"]["Variables"]
    answers = {"SEGMENTATION_RESULTS": url(emulator, "answers")}
    functions.update_function_configuration(
        FunctionName="scoring", Environment={"Variables": variables | answers}
    )
    many = json.dumps([a_customer()] * 1_000)
    event = {
        "Records": [
            {"eventSource": "aws:sqs", "messageId": name, "body": body, "messageAttributes": {}}
            for name, body in (("one", json.dumps(a_customer())), ("many", many))
        ]
    }
    payload = json.dumps(event).encode()
    told = functions.invoke(FunctionName="scoring", Payload=payload)
    assert json.loads(told["Payload"].read()) == {"batchItemFailures": []}
    asked = {"QueueUrl": url(emulator, "answers"), "MaxNumberOfMessages": 10}
    found = [json.loads(one["Body"]) for one in queues.receive_message(**asked)["Messages"]]
    assert {one["message_id"]: one["status"] for one in found} == {"one": 200, "many": 413}
    functions.update_function_configuration(
        FunctionName="scoring", Environment={"Variables": variables}
    )


def test_a_message_whose_answer_cannot_be_kept_ends_in_the_dead_letter_queue(
    emulator: Ministack,
) -> None:
    functions, queues = emulator.client("lambda"), emulator.client("sqs")
    told = functions.get_function(FunctionName="scoring")
    variables = told["Configuration"]["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName="scoring",
        Environment={"Variables": variables | {"SEGMENTATION_RESULTS": "s3://nowhere/results"}},
    )
    made = functions.create_event_source_mapping(
        EventSourceArn=arn(emulator, "unkept"),
        FunctionName="scoring",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    queues.send_message(QueueUrl=url(emulator, "unkept"), MessageBody=json.dumps(a_customer()))

    def lost() -> Any:
        asked = {"QueueUrl": url(emulator, "lost"), "WaitTimeSeconds": 1}
        return queues.receive_message(**asked).get("Messages")

    (message,) = until(lost)
    assert json.loads(message["Body"]) == a_customer()
    functions.delete_event_source_mapping(UUID=made["UUID"])
    functions.update_function_configuration(
        FunctionName="scoring", Environment={"Variables": variables}
    )


def test_a_file_that_lands_starts_one_run_however_often_it_is_told(emulator: Ministack) -> None:
    s3, functions = emulator.client("s3"), emulator.client("lambda")
    states = emulator.client("stepfunctions")
    function = functions.get_function(FunctionName="landing")["Configuration"]["FunctionArn"]
    s3.put_bucket_notification_configuration(
        Bucket="lake",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    for key in ("landing/customers of may.csv", "landing/june.csv.part", "gold/segments.parquet"):
        s3.put_object(Bucket="lake", Key=key, Body=b"id\n1\n")
    (run,) = until(lambda: runs(emulator))
    given = json.loads(states.describe_execution(executionArn=run["executionArn"])["input"])
    assert given["source"] == "s3://lake/landing/customers of may.csv"
    assert given["landed"]["size"] == 5


def test_a_file_of_which_bucket_and_bridge_both_tell_starts_one_run(emulator: Ministack) -> None:
    s3, bridge = emulator.client("s3"), emulator.client("events")
    function = emulator.client("lambda").get_function(FunctionName="landing")["Configuration"]
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"]}
    bridge.put_rule(Name="landed", EventPattern=json.dumps(pattern))
    target = {"Id": "landing", "Arn": function["FunctionArn"]}
    bridge.put_targets(Rule="landed", Targets=[target])
    both = {
        "EventBridgeConfiguration": {},
        "LambdaFunctionConfigurations": [
            {"LambdaFunctionArn": function["FunctionArn"], "Events": ["s3:ObjectCreated:*"]}
        ],
    }
    s3.put_bucket_notification_configuration(Bucket="lake", NotificationConfiguration=both)
    before = len(runs(emulator))
    s3.put_object(Bucket="lake", Key="landing/july.csv", Body=b"id\n1\n")

    logs = emulator.client("logs")

    def told() -> list[str]:
        groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/landing")["logGroups"]
        asked = [{"logGroupName": one["logGroupName"]} for one in groups]
        events = [event for one in asked for event in logs.filter_log_events(**one)["events"]]
        lines = [event["message"] for event in events if "landing/july.csv" in event["message"]]
        return lines if len(lines) > 1 else []

    lines = until(told)
    assert sorted("started already" in line for line in lines) == [False, True]
    assert len(runs(emulator)) == before + 1
