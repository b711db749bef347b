"""The small parts that files of a Power BI project are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid5

# By it the same object has the same id each time that the files are written.
_PROJECT = UUID("6f0d2f0e-5a0c-4d0b-9a8e-2f4c5b8d7a31")
_PLAIN = re.compile(r"[A-Za-z_]\w*")


def identity(*path: str) -> str:
    """The id of an object of the project, the same each time."""
    return str(uuid5(_PROJECT, "/".join(path)))


def as_json(content: Any) -> str:  # noqa: ANN401 - any JSON
    """A file of JSON."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def name_of(name: str) -> str:
    """A name as TMDL writes it."""
    return name if _PLAIN.fullmatch(name) else "'{}'".format(name.replace("'", "''"))


def field(table: str, column: str) -> str:
    """A column as DAX writes it."""
    return "'{}'[{}]".format(table.replace("'", "''"), column.replace("]", "]]"))


def indented(text: str, tabs: int) -> str:
    """Lines further to the right, as TMDL wants what belongs to something."""
    return "\n".join("\t" * tabs + line if line else "" for line in text.splitlines())


def block(head: str, lines: Iterable[str], about: str = "") -> str:
    """An object of TMDL: its description, its first line, and its properties below it."""
    described = [f"/// {about}"] if about else []
    return "\n".join([*described, head, *(indented(line, 1) for line in lines)])


def text_of_m(value: str) -> str:
    """A text as M writes it."""
    return '"{}"'.format(value.replace('"', '""'))
