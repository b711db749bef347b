"""Schemas, volumes and registered models of an environment, with the rights of roles.yml."""

from __future__ import annotations

from collections.abc import Iterator

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.promotion.registry import model_name
from tools.access.grants import granted, volume
from tools.access.places import environment
from tools.access.roles import declared as access_declared
from tools.deploy.databricks.written import CATALOG, ENVIRONMENT, Document, principal, readers
from tools.deploy.declared import declared

_SCHEMAS = {
    "bronze": "Rows as they were sent, with the day and the sample key",
    "silver": "Customers that keep the contract, and the rows that break it",
    "gold": "Features, segments, histories, campaigns",
}
_MODELS = {
    "segmenter": "Who is in which segment, and every decision, from canonical columns",
    "cold_start": "The segment of a customer who has not bought yet",
    "response": "Who answers a campaign",
}


def document() -> Document:
    """The catalog's resources, and the grants of each target."""
    return {
        "resources": {
            "schemas": {
                name: {"catalog_name": CATALOG, "name": name, "comment": about}
                for name, about in _SCHEMAS.items()
            },
            "volumes": {key: _volume(key) for key in _volumes()},
            "registered_models": {
                name: {
                    "catalog_name": CATALOG,
                    "schema_name": _named(_schema_of_models()),
                    "name": registered(name).rpartition(".")[2],
                    "comment": about,
                }
                for name, about in _MODELS.items()
            },
        },
        "targets": {name: {"resources": _grants(name)} for name in declared().environments},
    }


def registered(model: str) -> str:
    """The three names of a model, such as `${var.catalog}.gold.customer_segmentation_segmenter`."""
    store = BundleStore(environment(ENVIRONMENT).roots["models"])
    _, schema, name = model_name(store, f"{model}.onnx").split(".")
    return f"{CATALOG}.{schema}.{name}"


def _schema_of_models() -> str:
    return registered("segmenter").split(".")[-2]


def _named(schema: str) -> str:
    """A schema's name, said so that it is made first."""
    return f"${{resources.schemas.{schema}.name}}"


def _volumes() -> list[str]:
    """The volumes that hold files, as `schema_volume`."""
    layers = ("landed", "models", "reporting")
    return sorted({volume("any", each).split(".", 1)[1].replace(".", "_") for each in layers})


def _volume(key: str) -> Document:
    schema, name = key.split("_", 1)
    return {
        "catalog_name": CATALOG,
        "schema_name": _named(schema),
        "name": name,
        "volume_type": "MANAGED",
    }


def _grants(target: str) -> Document:
    """What each role may do with schemas, volumes and models."""
    found: Document = {"schemas": {}, "volumes": {}, "registered_models": {}}
    for role in access_declared().roles:
        for kind, key, privileges in _rights(role, target):
            grants = found[kind].setdefault(key, {"grants": []})["grants"]
            grants.append({"principal": principal(role), "privileges": privileges})
    return found


def _rights(role: str, target: str) -> Iterator[tuple[str, str, list[str]]]:
    """Of kind and key of a resource: the rights on it. Those on catalogs and tables are SQL."""
    for securable, privileges in granted(role, target):
        kind, name = securable.split(" ")
        words = [each.replace(" ", "_") for each in privileges.split(", ")]
        _, *rest = name.split(".")
        if kind == "SCHEMA":
            is_writer = "CREATE_TABLE" in words
            makes = ["CREATE_MODEL"] if is_writer and rest == [_schema_of_models()] else []
            yield "schemas", rest[0], words + makes
        elif kind == "VOLUME":
            yield "volumes", "_".join(rest), words
    if role in readers(target, "models") or role in access_declared().writers(target):
        for model in _MODELS:
            yield "registered_models", model, ["EXECUTE"]
