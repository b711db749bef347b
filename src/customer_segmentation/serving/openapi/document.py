"""The OpenAPI 3.1 document of the server, made of the bundle in use, and a page to read it."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from inspect import cleandoc
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response, get

from customer_segmentation.customers.contract import AS_OF
from customer_segmentation.serving.answers import Answer, Rejection
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.description import Description
from customer_segmentation.serving.guard import bundle_of
from customer_segmentation.serving.invocations import ROWS_A_CUSTOMER
from customer_segmentation.serving.jobs.views import JobView
from customer_segmentation.serving.openapi.batches import invocation_paths, job_paths
from customer_segmentation.serving.openapi.customer import customer_schemas
from customer_segmentation.serving.openapi.examples import customer_examples, example_row
from customer_segmentation.serving.openapi.operations import (
    customer_paths,
    refusals,
    server_paths,
)
from customer_segmentation.serving.openapi.page import marked, operations_of, schemas_of
from customer_segmentation.serving.problems import Details
from customer_segmentation.serving.server import Server
from customer_segmentation.serving.unsegmented import Unsegmented

Document = dict[str, Any]
Asked = Request[Any, Any, Any]
_ABOUT = """\
Which segment a customer belongs to, how firmly, and what to offer. Errors are
`application/problem+json` (RFC 9457). Every answer carries `Artifact-Version`, of the artifact that
gave it, and `X-Request-Id`. The examples are this server's own answers."""
_encode = msgspec.json.Encoder().encode


def build_document(bundle: Bundle, most_customers: int, address: str) -> Document:
    """The document, for the contract and the segments of a bundle.

    Args:
        bundle: In use.
        most_customers: In one request.
        address: The server's, as a path or relative to the document.
    """
    shown = customer_examples(bundle)
    customer = shown["customers"]["customer"]
    sheet = "\n".join([",".join(customer), ",".join(map(str, customer.values())), ""])
    rows = most_customers * ROWS_A_CUSTOMER
    key = {"type": "http", "scheme": "bearer", "description": "An API key, made by `add-key`"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Customer segmentation",
            "version": version("customer_segmentation"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": address}],
        "tags": [{"name": name} for name in ("Customers", "Jobs", "MLflow", "Server")],
        "paths": {
            **customer_paths(most_customers, shown),
            **job_paths(sheet),
            **invocation_paths(bundle.contract.columns, rows, example_row(bundle)),
            **server_paths(),
        },
        "components": {
            "schemas": {**customer_schemas(bundle.contract), **_answers()},
            "responses": refusals({422: shown["wrong"]}),
            "securitySchemes": {"key": key},
        },
    }


def openapi_routes(server: Server) -> list[Any]:
    """`/schema/openapi.json`, and `/docs` to read it."""

    # Whoever asks has no key: what they ask for is made once, for each way back to the start.
    @lru_cache(maxsize=4)
    def sent(bundle: Bundle, start: str) -> bytes:
        # Without a slash at its end, so that a client may put a path behind it as it is.
        address = server.settings.root_path or start.removesuffix("/")
        return _encode(build_document(bundle, server.settings.most_customers, address))

    @lru_cache(maxsize=4)
    def page(bundle: Bundle, start: str) -> bytes:
        document = build_document(bundle, server.settings.most_customers, start)
        return render_docs(document, start).encode()

    @get("/schema/openapi.json", opt={"access": "open"}, sync_to_thread=True)
    def openapi(request: Asked) -> Response[bytes]:
        headers = {"cache-control": "no-cache"}
        body = sent(bundle_of(request.scope), _start(request))
        return Response(body, media_type="application/json", headers=headers)

    @get("/docs", opt={"access": "open"}, sync_to_thread=True)
    def docs(request: Asked) -> Response[bytes]:
        headers = {"cache-control": "no-cache"}
        body = page(bundle_of(request.scope), _start(request))
        return Response(body, media_type="text/html", headers=headers)

    return [openapi, docs]


def _start(request: Asked) -> str:
    """The way from what was asked to `/`: whatever stands before both, it need not be known."""
    path = request.scope["raw_path"].decode("latin-1")
    return "../" * (path.count("/") - 1) or "./"


def render_docs(document: Document, start: str) -> str:
    """The document as a page of HTML that needs only the page's own style sheet.

    Args:
        document: OpenAPI's.
        start: The way from the page to the server's `/`, with a slash at its end.
    """
    environment = Environment(
        loader=PackageLoader("customer_segmentation.serving", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = marked
    return environment.get_template("docs.html.jinja").render(
        info=document["info"],
        start=start,
        operations=operations_of(document),
        schemas=schemas_of(document),
    )


def _answers() -> Document:
    """The schemas of what is answered, as the structs that it is made of say."""
    structs = [Answer, Rejection, Details, Description, JobView, Unsegmented]
    _, found = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    schemas: Document = _cleaned(found)
    schemas["StoredAnswer"] = _stored(schemas["Answer"])
    return schemas


def _stored(answer: Document) -> Document:
    """An answer without what only a model answers at once, with the day that it is of."""
    left_out = {"model", "probabilities", "explanation"}
    kept = {name: schema for name, schema in answer["properties"].items() if name not in left_out}
    kept[AS_OF] = {"type": "string", "format": "date"}
    # Both are there where another artifact than the champion gave the answer.
    kept |= {name: {"type": "string"} for name in ("champion_version", "note")}
    return {
        "type": "object",
        "description": "What the last batch run found for a customer",
        "properties": kept,
        "required": ["customer_id", AS_OF, "segment", "segment_name", "artifact_version"],
    }


def _cleaned(part: Any) -> Any:  # noqa: ANN401 - JSON
    """Descriptions without the indentation of the docstrings that they are."""
    if isinstance(part, list):
        return [_cleaned(value) for value in part]
    if not isinstance(part, dict):
        return part
    return {
        name: cleandoc(value)
        if name == "description" and isinstance(value, str)
        else _cleaned(value)
        for name, value in part.items()
    }
