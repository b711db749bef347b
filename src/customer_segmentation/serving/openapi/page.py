"""The OpenAPI document as a page: operations with curl lines, schemas as tables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from shlex import quote
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

Part = Mapping[str, Any]


def render_docs(document: Part, start: str) -> str:
    """The document as an HTML page that needs only the page's style sheet.

    Args:
        document: OpenAPI's.
        start: The relative path from the page to the server's `/`, with a trailing slash.
    """
    environment = Environment(
        loader=PackageLoader("customer_segmentation.serving", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"marked": marked, "words": _words}
    return environment.get_template("docs.html.jinja").render(
        info=document["info"],
        start=start,
        operations=[
            _operation(document, path, method, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ],
        schemas=document["components"]["schemas"],
    )


def marked(text: str) -> Markup:
    """Escaped text in which backquotes mark code."""
    parts = text.split("`")
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(p) if i % 2 else escape(p) for i, p in enumerate(parts))


def _operation(document: Part, path: str, method: str, operation: Part) -> Part:
    """OpenAPI's operation with what the template needs besides."""
    body = operation.get("requestBody", {}).get("content", {})
    shared = document["components"]["responses"]
    responses = {
        status: shared[response["$ref"].rsplit("/", 1)[-1]] if "$ref" in response else response
        for status, response in operation["responses"].items()
    }
    answers = {
        f"{status}, {media_type}": content
        for status, response in responses.items()
        for media_type, content in response.get("content", {}).items()
    }
    return {
        "description": "For everybody: it needs no key.",
        "parameters": (),
        **operation,
        "path": path,
        "method": method.upper(),
        "body": body,
        "responses": responses,
        "examples": {"Requests": _examples(body), "Answers": _examples(answers)},
        "curl": _curl(path, method, operation, body),
    }


def _examples(contents: Part) -> dict[str, str]:
    """Title -> text of all examples."""
    texts = {}
    for where, content in contents.items():
        values = {name: part["value"] for name, part in content.get("examples", {}).items()}
        values |= {"example": content["example"]} if "example" in content else {}
        for name, value in values.items():
            is_text = isinstance(value, str)
            text = value if is_text else json.dumps(value, indent=2, ensure_ascii=False)
            texts[f"{name.replace('_', ' ')} ({where})"] = text
    return texts


def _curl(path: str, method: str, operation: Part, body: Part) -> str:
    """A shell command with the first example, or with a file where the body is one."""
    words = ["curl"]
    if method not in {"get", "post"} or (method == "post" and not body):
        words.append(f"-X {method.upper()}")
    if operation["security"]:
        words.append('-H "Authorization: Bearer $KEY"')
    for media_type, content in list(body.items())[:1]:
        words.append(f"-H 'Content-Type: {media_type}'")
        first = next(iter(content["examples"].values()))["value"]
        if isinstance(first, str):
            words.append("--data-binary @customers.csv")
        else:
            words.append(f"-d {quote(json.dumps(first, ensure_ascii=False))}")
    place = re.sub(r"\{(\w+)\}", lambda name: f"${name[1].upper()}", path)
    words.append(f'"$SERVER{place}"')
    return " \\\n  ".join(words)


def _words(schema: Part) -> str:
    """What a schema allows, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(map(_words, schema[several]))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_words(schema['items'])}"
    kinds = [kind] if isinstance(kind, str) else list(kind)
    if schema.get("format") == "date":
        kinds[0] = "day"
    return " or ".join(kinds) + _range(schema)


def _range(schema: Part) -> str:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    if lowest is not None:
        return f" from {lowest:,.0f}" + ("" if highest is None else f" to {highest:,.0f}")
    if "maxLength" in schema:
        return f" of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    return ""
