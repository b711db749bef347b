"""A bundle of its own for the endpoint, which can be made once a model is registered."""

from __future__ import annotations

from tools.capacity.plan import plan
from tools.deploy.databricks.bundle import document as main_bundle
from tools.deploy.databricks.catalog import registered
from tools.deploy.databricks.written import Document, permissions, readers, tags
from tools.deploy.declared import declared

ENDPOINT = "segmentation_${bundle.target}"


def document() -> Document:
    """The endpoint of the segmenter."""
    main = main_bundle()
    tagged = [{"key": key, "value": value} for key, value in tags().items()]
    endpoint: Document = {
        "name": ENDPOINT,
        "config": {
            "served_entities": [
                {
                    "name": "segmenter",
                    "entity_name": registered("segmenter"),
                    "entity_version": "${var.model_version}",
                    "workload_size": "${var.workload_size}",
                    "workload_type": "CPU",
                    "scale_to_zero_enabled": "${var.scale_to_zero}",
                }
            ],
            "traffic_config": {
                "routes": [{"served_model_name": "segmenter", "traffic_percentage": 100}]
            },
        },
        "tags": tagged,
    }
    roles = {role for each in declared().environments for role in readers(each, "models")}
    return {
        "bundle": {**main["bundle"], "name": f"{declared().project}-serving"},
        "variables": {
            "model_version": {"description": "The version of the model that is served"},
            "workload_size": {"description": "Requests at a time: tools/capacity"},
            "scale_to_zero": {"description": "Whether it sleeps while nobody asks"},
            **{
                name: said
                for name, said in main["variables"].items()
                if name in {"catalog", *roles}
            },
        },
        "resources": {"model_serving_endpoints": {"segmenter": endpoint}},
        "targets": {name: _target(name, main["targets"][name]) for name in declared().environments},
    }


def _target(name: str, main: Document) -> Document:
    said: Document = {key: main[key] for key in ("default", "mode", "run_as") if key in main}
    may = permissions(name, "models", "CAN_QUERY")
    granted = {"model_serving_endpoints": {"segmenter": {"permissions": may}}}
    return {
        **said,
        "variables": {
            "catalog": main["variables"]["catalog"],
            "workload_size": plan(name).databricks_size,
            "scale_to_zero": plan(name).sleeps,
        },
        **({"resources": granted} if may else {}),
    }
