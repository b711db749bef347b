"""What Kubernetes is told, held against its own types, and against what the server is."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import yaml

from customer_segmentation.serving.settings import PREFIX, Settings
from tools.capacity.plan import endpoint_plan, plan
from tools.deploy.databricks import bundle, serving
from tools.deploy.declared import DEPLOY, declared
from tools.deploy.scaling import documents
from tools.deploy.terraform import project

MODULES = {"apps/v1": "apps_v1", "v1": "core_v1", "autoscaling/v2": "autoscaling_v2"}
MODULES |= {"policy/v1": "policy_v1"}
ENVIRONMENTS = sorted(declared().traffic.environments)


def objects(environment: str) -> dict[str, dict[str, Any]]:
    text = documents()[f"scaling/kubernetes/{environment}.yml"]
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


def wrong(value: Any, wanted: Any, place: str) -> Iterator[str]:
    """What Kubernetes would refuse, or leave out: unknown keys, missing ones, other types."""
    if get_origin(wanted) is list:
        if not isinstance(value, list):
            yield f"{place}: no list"
            return
        for index, each in enumerate(value):
            yield from wrong(each, get_args(wanted)[0], f"{place}[{index}]")
    elif type(None) in get_args(wanted):
        kinds = [kind for kind in get_args(wanted) if kind is not type(None)]
        # A port, or a share, is a number or a name.
        yield from min((list(wrong(value, kind, place)) for kind in kinds), key=len)
    elif is_dataclass(wanted):
        if not isinstance(value, dict):
            yield f"{place}: no object"
            return
        hints = get_type_hints(wanted)
        yield from (f"{place}.{key}: unknown" for key in sorted({*value} - {*hints}))
        yield from (
            f"{place}.{each.name}: missing"
            for each in fields(wanted)
            if each.name not in value and each.default is MISSING
        )
        for key in sorted({*value} & {*hints}):
            yield from wrong(value[key], hints[key], f"{place}.{key}")
    elif isinstance(wanted, type) and not isinstance(value, wanted):
        yield f"{place}: {value!r} is no {wanted.__name__}"


@pytest.fixture(autouse=True)
def types_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The types are those of a client that is not installed: stand in for what they need of it."""
    schema = ModuleType("lightkube.core.schema")
    vars(schema).update(dataclass=dataclass, field=field, DictMixin=object)
    monkeypatch.setitem(sys.modules, "lightkube.core", ModuleType("lightkube.core"))
    monkeypatch.setitem(sys.modules, schema.__name__, schema)


def problems(each: dict[str, Any]) -> list[str]:
    module = importlib.import_module(f"lightkube.models.{MODULES[each['apiVersion']]}")
    return list(wrong(each, getattr(module, each["kind"]), each["kind"]))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_object_is_as_kubernetes_types_have_it(environment: str) -> None:
    found = objects(environment)
    assert {*found} == {
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    }
    assert [told for each in found.values() for told in problems(each)] == []


def test_a_wrong_key_a_wrong_type_and_a_missing_one_are_found() -> None:
    scaler = objects("prod")["HorizontalPodAutoscaler"]
    scaler["spec"]["maxReplicas"] = "many"
    scaler["spec"]["minimum"] = 1
    del scaler["spec"]["scaleTargetRef"]
    assert problems(scaler) == [
        "HorizontalPodAutoscaler.spec.minimum: unknown",
        "HorizontalPodAutoscaler.spec.scaleTargetRef: missing",
        "HorizontalPodAutoscaler.spec.maxReplicas: 'many' is no int",
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_autoscaler_goes_by_the_plan_and_finds_what_it_scales(environment: str) -> None:
    found = objects(environment)
    scaler, deployment = found["HorizontalPodAutoscaler"]["spec"], found["Deployment"]
    machines = plan(environment).machines(1)
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (machines.least, machines.most)
    assert 1 <= machines.least <= machines.most
    (metric,) = scaler["metrics"]
    share = metric["resource"]["target"]["averageUtilization"]
    assert share == 100 * declared().traffic.utilisation
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    # Else each deployment would undo what the autoscaler has decided.
    assert "replicas" not in deployment["spec"]
    pod = deployment["spec"]["template"]
    for kind in ("Deployment", "PodDisruptionBudget"):
        selected = found[kind]["spec"]["selector"]["matchLabels"].items()
        assert selected <= pod["metadata"]["labels"].items()
    assert found["Service"]["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


@pytest.mark.parametrize("environment", sorted(declared().environments))
def test_terraform_and_databricks_are_told_the_same_plan(environment: str) -> None:
    found = plan(environment)
    machines = endpoint_plan(environment).machines(declared().sizes["sagemaker"]["workers"])
    assert project()["environments"][environment]["scaling"] == {
        "emr": {"max_executors": found.executors},
        "sagemaker": {
            "least": machines.least,
            "most": machines.most,
            "requests_per_instance": machines.requests_a_minute,
        },
    }
    jobs = bundle.document()["targets"][environment]["variables"]
    endpoint = serving.document()["targets"][environment]["variables"]
    assert jobs["workers"] == found.databricks_workers
    assert endpoint["workload_size"] == found.databricks_size
    assert endpoint["scale_to_zero"] == found.sleeps


def test_the_pod_gives_settings_that_the_server_has_and_stops_after_it() -> None:
    pod = objects("prod")["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    names = {one["name"].removeprefix(PREFIX).lower() for one in container["env"]}
    assert names <= {*Settings.__struct_fields__}
    leave = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= leave + Settings().stop_seconds
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    dockerfile = (DEPLOY / "docker/Dockerfile").read_text("utf-8")
    assert f"USER {pod['securityContext']['runAsUser']}:" in dockerfile
    (port,) = container["ports"]
    assert f"EXPOSE {port['containerPort']}" in dockerfile
    mounted = {one["name"] for one in container["volumeMounts"]}
    assert mounted == {one["name"] for one in pod["volumes"]}
