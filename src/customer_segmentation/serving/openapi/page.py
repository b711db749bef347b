"""The OpenAPI document arranged for a reader: operations with curl lines, schemas as tables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

Part = Mapping[str, Any]
_FILE = {"type": "a file"}


@dataclass(frozen=True)
class Example:
    """A body by name, as text."""

    name: str
    text: str


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    `parameters` are (name, place, what it may be, description), `answers` (status, description).
    """

    anchor: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[tuple[str, str, str, str], ...]
    takes: tuple[tuple[str, str], ...]
    requests: tuple[Example, ...]
    answers: tuple[tuple[str, str], ...]
    responses: tuple[Example, ...]
    curl: str


@dataclass(frozen=True)
class Table:
    """A schema; `rows` are (field, what it may be, whether it must be there, description)."""

    name: str
    description: str
    kind: str
    rows: tuple[tuple[str, str, bool, str], ...]


def marked(text: str) -> Markup:
    """Text with what stands between backquotes as code; everything else is escaped."""
    parts = text.split("`")
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(p) if i % 2 else escape(p) for i, p in enumerate(parts))


def operations_of(document: Part) -> list[Operation]:
    """Every operation, in the document's order."""
    return [
        _operation(document, path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def schemas_of(document: Part) -> list[Table]:
    """Every named schema, in the order of their names."""
    return [
        _table(name, schema) for name, schema in sorted(document["components"]["schemas"].items())
    ]


def words_of(schema: Part) -> str:
    """What a schema allows, in a few words."""
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(words_of(part) for part in schema[several])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {words_of(schema['items'])}"
    if schema.get("format") == "date":
        kind = ["day"] if isinstance(kind, str) else ["day", *kind[1:]]
    return " or ".join([kind] if isinstance(kind, str) else kind) + _range(schema)


def _operation(document: Part, path: str, method: str, operation: Part) -> Operation:
    body = operation.get("requestBody", {}).get("content", {})
    answers, responses = [], []
    for status, response in operation["responses"].items():
        found = _found(document, response)
        answers.append((status, found["description"]))
        for media_type, said in found.get("content", {}).items():
            responses += _examples(said, f"{status}, {media_type}")
    requests = [e for media_type, said in body.items() for e in _examples(said, media_type)]
    return Operation(
        anchor=operation["operationId"],
        tag=operation["tags"][0],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", "For everybody: it needs no key."),
        parameters=tuple(_parameter(part) for part in operation.get("parameters", ())),
        takes=tuple(
            (media_type, words_of(said.get("schema", _FILE))) for media_type, said in body.items()
        ),
        requests=tuple(requests),
        answers=tuple(answers),
        responses=tuple(responses),
        curl=_curl(path, method, operation, body),
    )


def _parameter(part: Part) -> tuple[str, str, str, str]:
    return part["name"], part["in"], words_of(part["schema"]), part["description"]


def _examples(said: Part, where: str) -> list[Example]:
    found = {name: part["value"] for name, part in said.get("examples", {}).items()}
    if "example" in said:
        found["example"] = said["example"]
    return [Example(f"{name.replace('_', ' ')} ({where})", _text(v)) for name, v in found.items()]


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _curl(path: str, method: str, operation: Part, body: Part) -> str:
    """A line for a shell, with the first example; a file where the body is one."""
    words = ["curl"]
    if method not in {"get", "post"} or (method == "post" and not body):
        words.append(f"-X {method.upper()}")
    if operation["security"]:
        words.append('-H "Authorization: Bearer $KEY"')
    for media_type, said in list(body.items())[:1]:
        words.append(f"-H 'Content-Type: {media_type}'")
        first: Any = next(iter(said.get("examples", {}).values()), {"value": {}})["value"]
        if isinstance(first, str):
            words.append("--data-binary @customers.csv")
        else:
            text = json.dumps(first, ensure_ascii=False).replace("'", "'\\''")
            words.append(f"-d '{text}'")
    place = re.sub(r"\{(\w+)\}", lambda found: f"${found[1].upper()}", path)
    words.append(f'"$SERVER{place}"')
    return " \\\n  ".join(words)


def _found(document: Part, response: Part) -> Part:
    if "$ref" not in response:
        return response
    return document["components"]["responses"][response["$ref"].rsplit("/", 1)[-1]]


def _table(name: str, schema: Part) -> Table:
    required = set(schema.get("required", ()))
    rows = tuple(
        (field, words_of(said), field in required, said.get("description", ""))
        for field, said in schema.get("properties", {}).items()
    )
    kind = "" if rows else words_of(schema)
    return Table(name, schema.get("description", ""), kind, rows)


def _range(schema: Part) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f" from {least:,.0f} to {most:,.0f}"
    if least is not None:
        return f" from {least:,.0f}"
    if "maxLength" in schema:
        return f" of {schema.get('minLength', 0)} to {schema['maxLength']} signs"
    return ""
