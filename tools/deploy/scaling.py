"""What Kubernetes runs the API by: `deploy/scaling/kubernetes/`, a file an environment.

Numbers are those of `tools.capacity.plan`. A pod has one worker, so that the share of a core that
it may be taken for is what the autoscaler goes by.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from tools.capacity.plan import plan
from tools.deploy.declared import declared

_WRITTEN = "# Written by `make deploy`: docs/monitoring.md, Capacity.\n"
_PORT = 8000
# Seconds that the server takes to end: its `stop_seconds`, and a balancer's to notice.
_STOP_SECONDS, _LEAVE_SECONDS = 20, 5
_KEYS = "/keys/keys.json"
_Document = dict[str, Any]


def documents() -> dict[str, str]:
    """Each file by its path below `deploy/`."""
    return {
        f"scaling/kubernetes/{name}.yml": _WRITTEN
        # Through JSON, so that what is said twice is written twice.
        + yaml.safe_dump_all(json.loads(json.dumps(_objects(name))), sort_keys=False, width=100)
        for name in declared().traffic.environments
    }


def _objects(environment: str) -> list[_Document]:
    name = f"{declared().project}-api"
    labels = {"app.kubernetes.io/name": name, "environment": environment}
    meta = {"name": name, "labels": labels}
    machines = plan(environment).machines(1)
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            # No `replicas`: the autoscaler decides.
            "spec": {
                "selector": {"matchLabels": labels},
                "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": {"metadata": {"labels": labels}, "spec": _pod(environment, labels)},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {
                "selector": labels,
                "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
            },
        },
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": meta,
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": machines.least,
                "maxReplicas": machines.most,
                "metrics": [_taken()],
                # A pod more at once, a pod less after five quiet minutes.
                "behavior": {
                    "scaleUp": {"stabilizationWindowSeconds": 0},
                    "scaleDown": {"stabilizationWindowSeconds": 300},
                },
            },
        },
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": meta,
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}},
        },
    ]


def _taken() -> _Document:
    """The share of a core above which a pod is added."""
    share = round(100 * declared().traffic.utilisation)
    target = {"type": "Utilization", "averageUtilization": share}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _pod(environment: str, labels: dict[str, str]) -> _Document:
    sizes, project = declared().sizes["kubernetes"], declared().project
    memory = f"{sizes['memory_mb']}Mi"
    said = {
        "BUNDLE": f"s3://{project}-{environment}/models",
        "MONITORING": f"s3://{project}-{environment}/monitoring",
        "KEYS": _KEYS,
        "JOB_WORKERS": "0",
    }
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": _STOP_SECONDS + _LEAVE_SECONDS,
        # As the image has it: nobody's number.
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": labels},
            }
        ],
        "containers": [
            {
                "name": "api",
                # The image of deploy/docker, target api, in a registry of your own.
                "image": f"{project}-api",
                "ports": [{"name": "http", "containerPort": _PORT}],
                "env": [
                    {"name": f"SEGMENTATION_SERVING_{key}", "value": value}
                    for key, value in said.items()
                ],
                "resources": {
                    "requests": {"cpu": str(sizes["cores"]), "memory": memory},
                    # Without a limit of the processor, which would make the slowest answers slower.
                    "limits": {"memory": memory},
                },
                "readinessProbe": _probe("/readyz", 5),
                "livenessProbe": _probe("/healthz", 10),
                "startupProbe": _probe("/readyz", 1) | {"failureThreshold": 60},
                # A balancer still sends requests for a moment.
                "lifecycle": {"preStop": {"sleep": {"seconds": _LEAVE_SECONDS}}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": "keys", "mountPath": "/keys", "readOnly": True},
                    {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in its own container
                ],
            }
        ],
        "volumes": [
            # `add-key` of the server makes the file: kubectl create secret generic ... --from-file
            {"name": "keys", "secret": {"secretName": f"{project}-keys"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": memory}},
        ],
    }


def _probe(path: str, seconds: int) -> _Document:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": seconds,
        "timeoutSeconds": 3,
    }
