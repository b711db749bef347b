"""Run the pipelines on the files of a channel, and leave the bundle that they make."""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import yaml
from kedro.framework.project import configure_project
from omegaconf import OmegaConf

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.configuration import configuration_folder
from customer_segmentation.errors import UserError
from customer_segmentation.sagemaker.folders import Folders

# Where the image has the configuration: a folder or an archive.
CONFIGURATION = "SEGMENTATION_CONFIGURATION"
_IN_IMAGE = "/opt/segmentation/conf"
# The customers' files; beside order lines, those of customers; the models of the environment, so
# that segments keep their names.
TRAINING, CUSTOMERS, MODELS = "training", "customers", "models"
_SETTING = "SEGMENTATION_"
# Of SageMaker's own tools.
_THEIRS = "sagemaker_"
# SageMaker shows no more of it.
_SHOWN = 1_024


def train(folders: Folders) -> int:
    """Train; 0, or 1 after saying why in the file of failures."""
    try:
        _train(folders)
    except (UserError, click.ClickException) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    # SageMaker asks for a message, whatever went wrong.
    except Exception as error:  # noqa: BLE001 - as above
        traceback.print_exc()
        message = f"{type(error).__name__}: {error}"
    else:
        return 0
    click.echo(f"Error: {message}", err=True)
    folders.failure.parent.mkdir(parents=True, exist_ok=True)
    folders.failure.write_text(message[:_SHOWN], encoding="utf-8")
    return 1


def _train(folders: Folders) -> None:
    settings, parameters = hyperparameters(folders.hyperparameters)
    os.environ.update(settings)
    os.environ["SEGMENTATION_SOURCE"] = str(_source(folders.channel(TRAINING)))
    if folders.channel(CUSTOMERS).is_dir():
        os.environ["SEGMENTATION_CUSTOMERS"] = str(_source(folders.channel(CUSTOMERS)))
    # A project above the current folder would be taken for this one.
    with TemporaryDirectory(prefix="segmentation-training-") as name, chdir(name):
        work = Path(name)
        configuration = configuration_folder(os.environ.get(CONFIGURATION) or _IN_IMAGE)
        shutil.copytree(configuration, work / "conf")
        if folders.channel(MODELS).is_dir():
            shutil.copytree(folders.channel(MODELS), work / "data" / "models")
        _run(work, parameters)
        champion = BundleStore(str(work / "data" / "models")).champion()
        if champion is None:
            raise UserError("no bundle was made: its parts do not belong together, as told above")
        folders.model.mkdir(parents=True, exist_ok=True)
        for file, content in champion.files.items():
            (folders.model / file).write_bytes(content)
        shutil.copytree(work / "data" / "reporting", folders.reports, dirs_exist_ok=True)


def hyperparameters(file: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """What SageMaker was told: settings by name, and parameters, nested, of their own types.

    Args:
        file: A JSON object of text by name; without one there are none.

    Raises:
        UserError: It is no such object, or a value is no YAML.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        named = {key: str(value) for key, value in told.items() if not key.startswith(_THEIRS)}
        # In quotes where SageMaker's Python tools send them.
        settings = {k: str(yaml.safe_load(v)) for k, v in named.items() if k.startswith(_SETTING)}
        lines = [f"{key}={value}" for key, value in named.items() if key not in settings]
        parameters: Any = OmegaConf.to_container(OmegaConf.from_dotlist(lines))
    except (ValueError, AttributeError, yaml.YAMLError) as error:
        raise UserError(
            f"hyperparameters: names of parameters with text expected: {error}"
        ) from error
    return settings, parameters


def _source(channel: Path) -> Path:
    """The one file of a channel, or its folder.

    Raises:
        UserError: It has none.
    """
    found = [path for path in channel.rglob("*") if path.is_file()]
    if not found:
        raise UserError(
            f"the channel `{channel.name}` has no file: name one of customers, or a prefix of files"
        )
    return found[0] if len(found) == 1 else channel


def _run(work: Path, parameters: Mapping[str, Any]) -> None:
    configure_project("customer_segmentation")
    from customer_segmentation.cli import run  # noqa: PLC0415 - of a configured project

    options = {"env": "dev", "conf_source": str(work / "conf"), "params": dict(parameters)}
    told = work / "run.yml"
    told.write_text(yaml.safe_dump({"run": options}), encoding="utf-8")
    os.environ.setdefault("KEDRO_DISABLE_TELEMETRY", "1")
    sys.stdout.flush()
    # Kedro looks in the file for what the command calls itself.
    run.main(["--config", str(told)], prog_name="run", standalone_mode=False)
