"""SageMaker's Feature Store on this machine: moto's, and a stand-in for what moto does not have.

moto 5.2.5 makes and describes feature groups. It has no records of customers (the service
`sagemaker-featurestore-runtime`), no descriptions of features, and tags of groups only as they are
made. The stand-in has the operations of these that the product uses, each as botocore's own
description of the service has it: path and method come from there, and what is sent and answered is
held against it. What it does with event times is as Amazon documents it: a record that is not later
than the one before is dropped, and a deletion that is not later is refused. It is no proof of what
SageMaker itself does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from math import isfinite
from threading import Lock, Thread
from typing import Any

from botocore import xform_name
from botocore.session import get_session
from botocore.validate import ParamValidator
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

REGION = "eu-central-1"
KEY, MOMENT = "customer_id", "event_timestamp"
RUNTIME = "sagemaker-featurestore-runtime"
_PAGE = 2
# What moto lacks of the service `sagemaker`.
_LACKING = {"AddTags", "ListTags", "UpdateFeatureMetadata"}
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_FeatureParameter.html
_VALUE = re.compile(r"[\w\s.:/=+-]{1,255}")


class RefusedError(Exception):
    """An error of the service: its code and status."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass
class SageMaker:
    """The server.

    Attributes:
        url: Its address.
        records: Feature group -> customer -> their record.
        metadata: Feature group and feature -> what is said of it.
        calls: The operations that were asked for, in order.
        refusals: What the next calls are answered with in place of doing anything.
    """

    url: str = ""
    records: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    metadata: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refusals: list[RefusedError] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _numbers: Iterator[int] = field(default_factory=count)

    def clear(self) -> None:
        """Have nothing."""
        for kept in (self.records, self.metadata, self.calls, self.refusals):
            kept.clear()
        get_backend("sagemaker")[DEFAULT_ACCOUNT_ID][REGION].reset()

    def environment(self) -> dict[str, str]:
        """The variables by which botocore finds it."""
        secrets = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
        return secrets | {"AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": REGION}

    def group(self, name: str) -> Any:
        """A feature group, as moto has it."""
        groups = get_backend("sagemaker")[DEFAULT_ACCOUNT_ID][REGION].feature_groups.values()
        found = [group for group in groups if group.feature_group_name == name]
        if not found:
            raise RefusedError("ValidationError")
        return found[0]

    def answer(self, operation: str, told: dict[str, Any]) -> dict[str, Any] | None:
        """Do what is asked."""
        with self._lock:
            self.calls.append(operation)
            if self.refusals:
                raise self.refusals.pop()
            do: Callable[[dict[str, Any]], dict[str, Any] | None] = getattr(
                self, f"_{xform_name(operation)}"
            )
            return do(told)

    def _add_tags(self, told: dict[str, Any]) -> dict[str, Any]:
        group = self.group(told["ResourceArn"].rpartition("/")[2])
        keys = {tag["Key"] for tag in told["Tags"]}
        group.tags = [tag for tag in group.tags if tag["Key"] not in keys] + told["Tags"]
        return {"Tags": group.tags}

    def _list_tags(self, told: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": self.group(told["ResourceArn"].rpartition("/")[2]).tags}

    def _update_feature_metadata(self, told: dict[str, Any]) -> None:
        group = self.group(told["FeatureGroupName"])
        assert told["FeatureName"] in {one["FeatureName"] for one in group.feature_definitions}
        for each in told.get("ParameterAdditions", ()):
            assert _VALUE.fullmatch(each["Value"]), each
        self.metadata[told["FeatureGroupName"], told["FeatureName"]] = told

    def _put_record(self, told: dict[str, Any]) -> None:
        group = self.group(told["FeatureGroupName"])
        kinds = {one["FeatureName"]: one["FeatureType"] for one in group.feature_definitions}
        record = {one["FeatureName"]: one["ValueAsString"] for one in told["Record"]}
        assert record.keys() <= kinds.keys()
        assert all(isfinite(float(x)) for n, x in record.items() if kinds[n] == "Fractional")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record[MOMENT])
        kept = self.records.setdefault(told["FeatureGroupName"], {})
        if record[KEY] not in kept or kept[record[KEY]][MOMENT] < record[MOMENT]:
            kept[record[KEY]] = record

    def _get_record(self, told: dict[str, Any]) -> dict[str, Any]:
        found = self._of(told["FeatureGroupName"]).get(told["RecordIdentifierValueAsString"])
        return {"Record": _as_list(found)} if found else {}

    def _batch_get_record(self, told: dict[str, Any]) -> dict[str, Any]:
        (asked,) = told["Identifiers"]
        group, customers = asked["FeatureGroupName"], asked["RecordIdentifiersValueAsString"]
        # A busy store answers for some.
        half = len(customers) // 2 if next(self._numbers) % 2 == 0 else 0
        kept = self._of(group)
        records = [
            {
                "FeatureGroupName": group,
                "RecordIdentifierValueAsString": customer,
                "Record": _as_list(kept[customer]),
            }
            for customer in customers[half:]
            if customer in kept
        ]
        left = [asked | {"RecordIdentifiersValueAsString": customers[:half]}] if half else []
        return {"Records": records, "Errors": [], "UnprocessedIdentifiers": left}

    def _list_records(self, told: dict[str, Any]) -> dict[str, Any]:
        start, kept = int(told.get("NextToken", 0)), sorted(self._of(told["FeatureGroupName"]))
        more = {"NextToken": str(start + _PAGE)} if start + _PAGE < len(kept) else {}
        return {"RecordIdentifiers": kept[start : start + _PAGE], **more}

    def _delete_record(self, told: dict[str, Any]) -> None:
        kept, customer = self._of(told["FeatureGroupName"]), told["RecordIdentifierValueAsString"]
        assert told["DeletionMode"] == "HardDelete"
        if kept[customer][MOMENT] >= told["EventTime"]:
            raise RefusedError("ValidationError")
        del kept[customer]

    def _of(self, group: str) -> dict[str, dict[str, str]]:
        self.group(group)
        return self.records.get(group, {})


@contextmanager
def serve_sagemaker() -> Iterator[SageMaker]:
    """Both behind one address, on a free loopback port; nothing is kept."""
    session, found = get_session(), SageMaker()
    runtime, control = (session.get_service_model(name) for name in (RUNTIME, "sagemaker"))
    rules = [
        Rule(
            re.sub(r"\{(\w+)\}", r"<\1>", model.http["requestUri"]),
            methods=[model.http["method"]],
            endpoint=name,
        )
        for name in runtime.operation_names
        for model in [runtime.operation_model(name)]
    ]
    paths, moto = Map(rules), DomainDispatcherApplication(create_backend_app)

    def answered(request: Request) -> Response | Any:
        operation = request.headers.get("X-Amz-Target", "").removeprefix("SageMaker.")
        told: dict[str, Any] = {}
        if operation in _LACKING:
            model = control.operation_model(operation)
        elif operation:
            return moto
        else:
            name, told = paths.bind_to_environ(request.environ).match()
            model = runtime.operation_model(name)
        sent = told | request.args.to_dict() | (json.loads(request.get_data() or b"{}"))
        assert _problems(sent, model.input_shape) == ""
        try:
            answer = found.answer(model.name, sent)
        except RefusedError as error:
            body = {"Message": error.code, "__type": error.code}
            code = {"x-amzn-errortype": error.code}
            return Response(json.dumps(body), error.status, code)
        if model.output_shape:
            assert _problems(answer, model.output_shape) == ""
        return Response(json.dumps(answer or {}), content_type="application/json")

    def application(environ: Any, start_response: Any) -> Any:
        try:
            answer = answered(Request(environ))
        except HTTPException as error:
            answer = error
        return answer(environ, start_response)

    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        found.clear()


def _problems(told: Any, shape: Any) -> str:
    """What in a request or an answer is not as botocore's description of the service has it."""
    unknown = set(told) - set(shape.members)
    report: str = ParamValidator().validate(told, shape).generate_report()
    return report or ", ".join(unknown)


def _as_list(record: dict[str, str]) -> list[dict[str, str]]:
    return [{"FeatureName": name, "ValueAsString": text} for name, text in record.items()]
