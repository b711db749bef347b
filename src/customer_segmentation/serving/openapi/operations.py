"""The operations of the API: what each takes, and every status that it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from customer_segmentation.serving.problems import MEDIA_TYPE

Part = dict[str, Any]
JSON = "application/json"
# What stands before every route that asks for a key; the method alone decides on 405.
GUARDED = (401, 403, 405, 429, 503)
WHY = {
    400: "The request cannot be read: `detail` says why.",
    401: "No API key, or one that is not known: send `Authorization: Bearer KEY`.",
    403: "The key lacks the role that this route needs.",
    404: "There is no such thing.",
    405: "The path is there, but not for this method; `Allow` names those that are.",
    408: "The body came too slowly.",
    409: "Not now: `detail` says what must come first.",
    413: "More bytes or customers than one request may hold.",
    415: "A media type that is not taken.",
    422: "Fields of a customer are wrong: `errors` names each, with what would be accepted.",
    429: "Too often: ask again after `Retry-After` seconds.",
    503: "Busy, starting or stopping: ask again.",
}


def operation(  # noqa: PLR0913 - what an operation is made of
    name: str,
    summary: str,
    answers: Mapping[str, Part],
    refusals: Iterable[int],
    *,
    role: str = "",
    body: Part | None = None,
    parameters: Iterable[Part] = (),
    tag: str = "Customers",
) -> Part:
    """One operation.

    Args:
        name: Its id.
        summary: One sentence.
        answers: Status -> response, where it is answered.
        refusals: Statuses where it is refused.
        role: Which a key needs; for everybody where empty.
        body: Media type -> schema and example.
        parameters: Of the path, the query and the headers.
        tag: The group that it is shown in.
    """
    statuses = sorted({*refusals, *(GUARDED if role else (405,))})
    refs = {str(s): {"$ref": f"#/components/responses/{HTTPStatus(s).name}"} for s in statuses}
    found: Part = {"operationId": name, "summary": summary, "tags": [tag]}
    if role:
        found["description"] = f"Needs a key with the role `{role}`, where the server has keys."
        found["security"] = [{"key": []}, {}]
    else:
        found["security"] = []
    if chosen := list(parameters):
        found["parameters"] = chosen
    if body:
        found["requestBody"] = {"required": True, "content": body}
    return found | {"responses": {**answers, **refs}}


def answer(description: str, schema: Part, **examples: Any) -> Part:  # noqa: ANN401 - any JSON
    """A response of JSON, with examples by name."""
    return {"description": description, "content": {JSON: content(schema, **examples)}}


def content(schema: Part, **examples: Any) -> Part:  # noqa: ANN401 - any JSON
    """A schema with its examples."""
    shown = {name: {"value": value} for name, value in examples.items()}
    return {"schema": schema} | ({"examples": shown} if shown else {})


def ref(name: str) -> Part:
    """A schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def parameter(name: str, place: str, schema: Part, description: str, **more: Any) -> Part:  # noqa: ANN401 - any JSON
    """A parameter of the path, the query or a header."""
    required = {"required": True} if place == "path" else {}
    return {
        "name": name,
        "in": place,
        "description": description,
        "schema": schema,
        **required,
        **more,
    }


def refusals(examples: Mapping[int, Any]) -> dict[str, Part]:
    """The shared responses of `#/components/responses`, by the name of their status."""
    found = {}
    for status, why in WHY.items():
        shown = {"example": examples[status]} if status in examples else {}
        problem = {MEDIA_TYPE: {"schema": ref("Details"), **shown}}
        found[HTTPStatus(status).name] = {"description": why, "content": problem}
    for status in (429, 503):
        seconds = {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}
        found[HTTPStatus(status).name]["headers"] = {"Retry-After": seconds}
    return found


def customer_paths(most_customers: int, shown: Mapping[str, Any]) -> dict[str, Part]:
    """The routes that answer customers, and those that tell of the server.

    Args:
        most_customers: In one request.
        shown: The examples, by name.
    """
    # A longer list is refused for its size (413), not for its form.
    many = {
        "type": "array",
        "items": ref("Customer"),
        "description": f"At most {most_customers} customers",
    }
    one_or_many = {"anyOf": [ref("Customer"), many]}
    row = {"anyOf": [ref("Answer"), ref("Rejection")]}
    answered = {"anyOf": [ref("Answer"), {"type": "array", "items": row}]}
    flag = {"type": "boolean", "default": False}
    etag = parameter("If-None-Match", "header", {"type": "string"}, "The `ETag` of what is known")
    return {
        "/v1/segments": {
            "post": operation(
                "answer_customers",
                "The segment and what to offer, of one customer or of a list",
                {"200": answer("An answer for each, in order", answered, **shown["answers"])},
                (400, 408, 413, 422),
                role="score",
                body={JSON: content(one_or_many, **shown["customers"])},
                parameters=[
                    parameter("explain", "query", flag, "Add why, and the smallest change"),
                    parameter(
                        "partial", "query", flag, "Answer the right ones of a list beside errors"
                    ),
                ],
            )
        },
        "/v1/customers/{customer_id}": {
            "get": operation(
                "find_customer",
                "The answer that the last batch run stored for a customer",
                {
                    "200": answer("The stored answer", ref("StoredAnswer"), **shown["stored"]),
                    "304": {"description": "As it was: the `ETag` is the one that was sent"},
                },
                (404,),
                role="read",
                parameters=[
                    parameter("customer_id", "path", {"type": "string", "minLength": 1}, "The key"),
                    etag,
                ],
            )
        },
        "/v1/bundle": {
            "get": operation(
                "describe_bundle",
                "The bundle in use: segments with typical customers, and the contract's fields",
                {
                    "200": answer("The description", ref("Description")),
                    "304": {"description": "As it was"},
                },
                (),
                role="score",
                tag="Server",
                parameters=[etag],
            )
        },
    }


def server_paths() -> dict[str, Part]:
    """The routes that tell how the server is."""
    status = {"type": "object", "properties": {"status": {"type": "string"}}}
    text = {"200": {"description": "Prometheus's text", "content": {"text/plain": {"schema": {}}}}}
    return {
        "/healthz": {
            "get": operation(
                "live",
                "Whether the process lives",
                {"200": answer("It does", status, live={"status": "ok"})},
                (),
                tag="Server",
            )
        },
        "/readyz": {
            "get": operation(
                "ready",
                "Whether it takes requests",
                {"200": answer("It does", status, ready={"status": "ready"})},
                (503,),
                tag="Server",
            )
        },
        "/metrics": {
            "get": operation("measure", "Its metrics", text, (), role="admin", tag="Server")
        },
    }
