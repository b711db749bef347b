"""The file of the schema in use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kedro.utils import find_kedro_project
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from customer_segmentation.errors import UserError
from customer_segmentation.schema.schema import Schema

FOLDER = Path("conf/schemas")
DEFAULT = "marketing_campaign"
SETTING = "SEGMENTATION_SCHEMA"


def chosen_schema() -> Path:
    """The file that `SEGMENTATION_SCHEMA` names: a name in `conf/schemas`, or the path of a file.

    A path is typed by a person and relative to the current folder; a name is of the project.
    """
    name = os.environ.get(SETTING) or DEFAULT
    return Path(name).absolute() if name.endswith((".yml", ".yaml")) else FOLDER / f"{name}.yml"


def schema_block(project: Path | None = None) -> dict[str, Any]:
    """What the chosen file says, as the block `customers` of the configuration.

    Raises:
        UserError: There is no such file, or it is no YAML.
    """
    project = project or find_kedro_project(Path.cwd()) or Path()
    file = chosen_schema()
    path = project / file
    if not path.is_file():
        there = ", ".join(sorted(other.stem for other in (project / FOLDER).glob("*.yml")))
        raise UserError(
            f"{SETTING}: {file} is not there: name one of {there}, or the path of a .yml file"
        )
    try:
        block: Any = OmegaConf.to_container(OmegaConf.load(path))
    except (YAMLError, UnicodeDecodeError, OmegaConfBaseException) as error:
        raise UserError(f"{file}: no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(block, dict):
        raise UserError(f"{file}: it holds no keys such as as_of, columns and features")
    return block


def read_schema(file: Path) -> Schema:
    """The schema in a file."""
    return Schema.model_validate(OmegaConf.to_container(OmegaConf.load(file)))
