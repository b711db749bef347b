"""The file of the schema in use, and what is wrong in it, line by line."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from yaml import MappingNode, YAMLError, compose

from customer_segmentation.errors import UserError
from customer_segmentation.schema.schema import Schema

# The block of the configuration that it becomes.
SCHEMA_BLOCK = "customers"
DEFAULT = "marketing_campaign"
SETTING = "SEGMENTATION_SCHEMA"
FOLDER = "schemas"
# Put by pydantic before a message of ours.
_VALUE_ERROR = "Value error, "
_ENDINGS = (".yml", ".yaml")
_PATH = re.compile(r"[\w.{}]+")
# None within a pattern such as {product.label}.
_DOT = re.compile(r"[.](?![^{]*[}])")


def chosen_schema(configuration: Path = Path("conf")) -> Path:
    """The file that `SEGMENTATION_SCHEMA` names: a name in `conf/schemas`, or the path of a file.

    A path is typed by a person and relative to the current folder.
    """
    name = os.environ.get(SETTING) or DEFAULT
    return Path(name) if name.endswith(_ENDINGS) else configuration / FOLDER / f"{name}.yml"


def merged_schema(configuration: Path, changes: Any) -> dict[str, Any]:  # noqa: ANN401 - as configured
    """What the chosen file says, with changes merged over it.

    Args:
        configuration: The folder that holds `schemas`.
        changes: Such as `{"as_of": "2014-07-31"}`.

    Raises:
        UserError: There is no such file, or it is no YAML.
    """
    # A server reads schemas from artifacts, and needs no OmegaConf.
    from omegaconf import OmegaConf  # noqa: PLC0415 - as above
    from omegaconf.errors import OmegaConfBaseException  # noqa: PLC0415 - as above

    path = chosen_schema(configuration)
    if not path.is_file():
        there = ", ".join(sorted(other.stem for other in (configuration / FOLDER).glob("*.yml")))
        raise UserError(
            f"{SETTING}: {path} is not there: name one of {there}, or the path of a .yml file"
        )
    try:
        merged: Any = OmegaConf.to_container(OmegaConf.merge(OmegaConf.load(path), changes))
    except (YAMLError, UnicodeDecodeError, OmegaConfBaseException, TypeError, ValueError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(merged, dict):
        raise UserError(f"{path}: it holds no keys such as as_of, columns and features")
    return merged


def checked_schema(block: Any) -> Schema:  # noqa: ANN401 - as Kedro has it
    """The schema of a block, which Kedro has checked only if a node of the run takes it.

    Raises:
        UserError: It is wrong; says where.
    """
    if isinstance(block, Schema):
        return block
    try:
        return Schema.model_validate(block)
    except ValidationError as error:
        told = (
            schema_problem(".".join(map(str, each["loc"])), each["msg"].removeprefix(_VALUE_ERROR))
            for each in error.errors()
        )
        raise UserError("wrong parameters: " + "; ".join(told)) from error


def read_schema(file: Path) -> Schema:
    """The schema in a file."""
    from omegaconf import OmegaConf  # noqa: PLC0415 - as above

    return Schema.model_validate(OmegaConf.to_container(OmegaConf.load(file)))


def schema_problem(path: str, problem: str) -> str:
    """What is wrong in the schema, and the line of the chosen file where it stands.

    Args:
        path: Of the key, with dots; '' where the problem itself begins with it.
        problem: In words.
    """
    first, _, others = problem.partition(": ")
    if not path and _PATH.fullmatch(first):
        path, problem = first, others
    line = _line_of(re.split(_DOT, path))
    place = f", line {line}" if line else ""
    key = f"{SCHEMA_BLOCK}.{path}" if path else SCHEMA_BLOCK
    return f"`{key}`: {problem} ({chosen_schema()}{place})"


def _line_of(keys: list[str]) -> int:
    """The line of a key in the file, or of the one that would hold it; 0 if that is the file."""
    try:
        node = compose(chosen_schema().read_text(encoding="utf-8"))
    except (OSError, YAMLError, UnicodeDecodeError):
        return 0
    line = 0
    for name in keys:
        held = node.value if isinstance(node, MappingNode) else []
        key, node = next(((key, part) for key, part in held if key.value == name), (None, None))
        if key is None:
            break
        line = key.start_mark.line + 1
    return line
