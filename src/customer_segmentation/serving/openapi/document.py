"""The OpenAPI document of a server: `api.yml`, completed from the artifact and the routes."""

from __future__ import annotations

import re
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from importlib.resources import files
from inspect import cleandoc
from string import Template
from threading import Lock
from typing import Any

import msgspec
import yaml
from litestar import Litestar, Response, get

from customer_segmentation.audiences.sql import DIALECTS
from customer_segmentation.proposal.seen import KINDS
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.schema.schema import Schema
from customer_segmentation.serving.access import Routes
from customer_segmentation.serving.answers import NOT_STORED, Rejection, answer_type
from customer_segmentation.serving.audiences.views import (
    AudienceChoices,
    AudienceCount,
    AudienceDefinition,
    AudienceHistory,
    AudienceQuestion,
    AudienceView,
)
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.campaigns.changes import CampaignChanges
from customer_segmentation.serving.campaigns.views import CampaignView, PlanView
from customer_segmentation.serving.description import Description
from customer_segmentation.serving.guard import bundle_of
from customer_segmentation.serving.history import Snapshot
from customer_segmentation.serving.idempotency import LONGEST_IDEMPOTENCY_KEY
from customer_segmentation.serving.ingestion.objects import LINES, key_names
from customer_segmentation.serving.ingestion.taking import Receipt
from customer_segmentation.serving.invocations import ROWS_A_CUSTOMER, Unsegmented
from customer_segmentation.serving.jobs.routes import JobView
from customer_segmentation.serving.jobs.service import SENT_AS
from customer_segmentation.serving.keys import ROLES
from customer_segmentation.serving.moves.routes import MovesView
from customer_segmentation.serving.online import MAX_IDS, NotThere
from customer_segmentation.serving.openapi.customer import customer_schemas
from customer_segmentation.serving.openapi.examples import examples_of, matrix_schemas
from customer_segmentation.serving.openapi.page import render_docs
from customer_segmentation.serving.problems import Details
from customer_segmentation.serving.proposals import LONGEST_NAME, ProposalView
from customer_segmentation.serving.responses import JSON, AnyRequest
from customer_segmentation.serving.server import Server
from customer_segmentation.serving.validation import LONGEST_KEY

Document = dict[str, Any]
_FILE = {"type": "string", "format": "binary"}
# The refusals that precede every route that asks for a key.
_GUARDED = ("UNAUTHORIZED", "FORBIDDEN", "TOO_MANY_REQUESTS", "SERVICE_UNAVAILABLE")


def build_document(bundle: Bundle, max_customers: int, address: str, routes: Routes) -> Document:
    """The document, for the contract and the segments of a bundle.

    Args:
        bundle: In use.
        max_customers: In one request.
        address: The server's, as a path or relative to the document.
        routes: Of the application: each says which role it needs.
    """
    values = {
        "version": version("customer_segmentation"),
        "address": address,
        "max_customers": max_customers,
        "max_ids": MAX_IDS,
        "longest_file_name": LONGEST_NAME,
        "kinds": ", ".join(KINDS),
        "dialects": [*DIALECTS],
        "max_rows": max_customers * ROWS_A_CUSTOMER,
        "longest_idempotency_key": LONGEST_IDEMPOTENCY_KEY,
        "objects": _objects(bundle.contract.schema),
        "outcomes": _outcomes(bundle.contract.schema),
        "results": {media_type: {"schema": _FILE} for media_type in SENT_AS.values()},
        "schemas": {**customer_schemas(bundle.contract), **_answers(bundle)},
        **matrix_schemas(bundle.contract.columns),
        **examples_of(bundle),
    }
    fixed = yaml.safe_load(files(__package__).joinpath("api.yml").read_text(encoding="utf-8"))
    document: Document = _filled(fixed, values)
    for path, operations in document["paths"].items():
        access = routes.find(re.sub(r"\{\w+\}", "x", path).encode()).access
        for operation in operations.values():
            _add_access(operation, access)
    return document


def openapi_routes(server: Server) -> list[Any]:
    """`/schema/openapi.json`, and `/docs` to read it."""
    making = Lock()

    # Open to everybody, so each response is made only once.
    @lru_cache(maxsize=8)
    def made(app: Litestar, bundle: Bundle, start: str, media_type: str) -> bytes:
        # Without a slash at its end, so that a client can append a path to it.
        address = server.settings.root_path or start.removesuffix("/")
        routes = Routes(app.routes)
        document = build_document(bundle, server.settings.max_customers, address, routes)
        is_page = media_type == "text/html"
        return render_docs(document, start).encode() if is_page else msgspec.json.encode(document)

    def answer(request: AnyRequest, media_type: str) -> Response[bytes]:
        bundle = bundle_of(request.scope)
        path = request.scope["raw_path"].decode("latin-1")
        # The relative path from the request's to `/`, which holds behind any prefix of a proxy.
        start = "../" * (path.count("/") - 1) or "./"
        # One at a time: many may ask before the first is made.
        with making:
            body = made(request.app, bundle, start, media_type)
        return Response(body, media_type=media_type, headers={"cache-control": "no-cache"})

    @get("/schema/openapi.json", opt={"access": "open"}, sync_to_thread=True)
    def openapi(request: AnyRequest) -> Response[bytes]:
        return answer(request, JSON)

    @get("/docs", opt={"access": "open"}, sync_to_thread=True)
    def docs(request: AnyRequest) -> Response[bytes]:
        return answer(request, "text/html")

    return [openapi, docs]


def _filled(part: Any, values: Document) -> Any:  # noqa: ANN401 - JSON
    """A copy with each `$name` replaced by its value, alone or within a text."""
    if isinstance(part, dict):
        return {name: _filled(value, values) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, values) for value in part]
    if not isinstance(part, str):
        return part
    return values[part[1:]] if part[1:] in values else Template(part).substitute(values)


def _add_access(operation: Document, access: str) -> None:
    """Add the role that an operation needs, and its refusals."""
    refused = {*operation.pop("refused", ()), "METHOD_NOT_ALLOWED"}
    operation["security"] = []
    if access in ROLES:
        refused.update(_GUARDED)
        operation["security"] = [{"key": []}, {}]
        operation["description"] = (
            f"Needs a key with the role `{access}`, where the server has keys."
        )
    statuses = {str(HTTPStatus[name].value): name for name in refused}
    for status, name in sorted(statuses.items()):
        operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _objects(schema: Schema) -> Document:
    """What is sent to be landed, by media type."""
    one = {"type": "object", "description": "Flat, or with objects in it: `address.city`"}
    several = {"type": "array", "minItems": 1, "items": one}
    lines = {"type": "string", "description": "An object a line"}
    first, second = ({key_names(schema)[0]: key} for key in ("5524", "2174"))
    examples = {"one": {"value": first}, "list": {"value": [first, second]}}
    return {
        JSON: {"schema": {"anyOf": [one, several]}, "examples": examples},
        LINES[0]: {"schema": lines},
    }


def _outcomes(schema: Schema) -> Document:
    """What is sent of outcomes, by media type."""
    key = key_names(schema)[0]
    text = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": r"^\w[\w-]*$"}
    one = {
        "type": "object",
        "properties": {
            "outcome_id": text | {"description": "Yours: the same one counts once"},
            key: text | {"description": "The customer"},
            "campaign": text | {"description": "As its plan names it"},
            "answered": {"enum": [0, 1]},
            "amount": {"type": "number", "description": "What the customer bought"},
            "happened_at": {"type": "string", "format": "date-time"},
            "revision": {"type": "integer", "minimum": 0, "maximum": 999_999_999, "default": 0},
        },
        "required": ["outcome_id", key, "campaign", "happened_at"],
        "anyOf": [{"required": ["answered"]}, {"required": ["amount"]}],
    }
    about = {"outcome_id": "o-1", key: "5524", "campaign": "spring"}
    first = about | {"answered": 1, "happened_at": "2026-01-31T09:30:00Z"}
    corrected = first | {"answered": 0, "revision": 1}
    several = {"type": "array", "minItems": 1, "items": one}
    examples = {"one": {"value": first}, "corrected": {"value": [corrected]}}
    lines = {"type": "string", "description": "An object a line"}
    return {
        JSON: {"schema": {"anyOf": [one, several]}, "examples": examples},
        LINES[0]: {"schema": lines},
    }


def _answers(bundle: Bundle) -> Document:
    """The schemas of what is answered, from the structs that it is made of."""
    structs = [
        answer_type(bundle.contract.schema),
        AudienceChoices,
        AudienceCount,
        AudienceDefinition,
        AudienceHistory,
        AudienceQuestion,
        AudienceView,
        CampaignChanges,
        CampaignView,
        Rejection,
        Details,
        Description,
        JobView,
        MovesView,
        NotThere,
        PlanView,
        ProposalView,
        Receipt,
        Snapshot,
        Unsegmented,
    ]
    _, schemas = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    answer = schemas["Answer"]["properties"]
    properties = {name: schema for name, schema in answer.items() if name not in NOT_STORED}
    properties[AS_OF] = {"type": "string", "format": "date"}
    # Present if another artifact than the champion gave the answer.
    properties |= {name: {"type": "string"} for name in ("champion_version", "note")}
    schemas["StoredAnswer"] = {
        "type": "object",
        "description": "What the last batch run found for a customer",
        "properties": properties,
        "required": ["customer_id", AS_OF, "segment", "segment_name", "artifact_version"],
    }
    return schemas
