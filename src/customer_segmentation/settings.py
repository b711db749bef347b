"""Settings of Kedro: the configuration and the hooks."""

from __future__ import annotations

import gc
import logging
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.utils import find_kedro_project

from customer_segmentation import hooks
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.openlineage.hooks import LineageHooks
from customer_segmentation.schema.file import SCHEMA_BLOCK, chosen_schema, merged_schema
from customer_segmentation.session import ProjectSession
from customer_segmentation.tracing.hooks import TracingHooks

# At Python's 700 new objects, collecting garbage takes an eighth of a run on the sample, nearly all
# of it over what imports made.
gc.set_threshold(50_000)
# Warnings of libraries go to the log (conf/logging.yml), not to the terminal.
logging.captureWarnings(capture=True)
# Kedro reads that file late if started in a folder below the project.
logging.getLogger("py.warnings").setLevel(logging.ERROR)
# `kedro run` itself reports the error of a step; not twice.
logging.getLogger("kedro.pipeline.node").addFilter(lambda record: record.levelno < logging.ERROR)


class _NoHeaders:
    """Adds nothing to MLflow's requests."""

    def in_context(self) -> bool:
        """Never asked for headers."""
        return False


# MLflow loads whatever is installed to offer headers for its requests. Feast does: importing it
# takes every run five seconds, and it would send a cluster's own token to any server of MLflow.
_headers = ModuleType("feast.infra.data_sources.mlflow.auth")
_headers.FeastMLflowHeaderProvider = _NoHeaders  # type: ignore[attr-defined]
sys.modules.setdefault(_headers.__name__, _headers)


_CUSTOMERS = "SEGMENTATION_CUSTOMERS"
PLACED_SOURCE = Path("data/source/customers.csv")


def customer_source(sample: str, project: Path | None = None) -> str:
    """The customer file: `SEGMENTATION_SOURCE`, else the placed file, else the sample.

    The latter two are relative to the project, like all paths in the configuration.
    """
    if named := named_path("SEGMENTATION_SOURCE"):
        return named
    project = project or find_kedro_project(Path.cwd()) or Path()
    return str(PLACED_SOURCE) if (project / PLACED_SOURCE).is_file() else sample


def consents_source(sample: str, of: str, project: Path | None = None) -> str:
    """The file of consents: `SEGMENTATION_CONSENTS`, else the sample's beside the sample; or ''.

    Args:
        sample: The consents of the shipped sample, relative to the project.
        of: The shipped sample.
        project: The project's folder, if it is known.
    """
    if named := named_path("SEGMENTATION_CONSENTS"):
        return named
    project = project or find_kedro_project(Path.cwd()) or Path()
    return str(project / sample) if customer_source(of, project) == of else ""


def named_path(name: str) -> str:
    """The path or URL in an environment variable; '' if there is none.

    It is typed by a person, and relative to the current folder.
    """
    named = setting(name)
    return named if not named or "://" in named else str(Path(named).absolute())


def setting(name: str, default: str | None = "") -> str:
    """An environment variable, for what differs between machines and is not secret."""
    return os.environ.get(name) or default or ""


class ConfigLoader(OmegaConfigLoader):
    """Kedro's loader, whose parameters have the chosen schema as the block `customers`.

    What `conf/<env>/parameters*.yml` or `--params` give under `customers` is merged over it.
    """

    def __getitem__(self, key: str) -> dict[str, Any]:
        """The configuration of a kind, such as `parameters`."""
        config: dict[str, Any] = super().__getitem__(key)
        if key != "parameters":
            return config
        changes = config.get(SCHEMA_BLOCK, {})
        schema = merged_schema(Path(self.conf_source), changes)
        if setting(_CUSTOMERS) and not schema.get("orders"):
            raise UserError(
                f"{_CUSTOMERS} names customers beside order lines, and {chosen_schema()} has no "
                "`orders`: unset it, or set SEGMENTATION_SCHEMA to a schema of order lines."
            )
        return {**config, SCHEMA_BLOCK: schema}

    def elsewhere(self, env: str) -> dict[str, dict[str, Any]]:
        """The `globals` and the `catalog` of another environment of the same configuration."""
        arguments = {k: v for k, v in CONFIG_LOADER_ARGS.items() if k != "custom_resolvers"}
        try:
            other = type(self)(self.conf_source, env, self.runtime_params, **arguments)
            return {kind: other[kind] for kind in ("globals", "catalog")}
        finally:
            # The process has one resolver of globals, and now it is the other's.
            self._register_globals_resolver()


CONFIG_LOADER_CLASS = ConfigLoader
CONFIG_LOADER_ARGS: dict[str, Any] = {
    "base_env": "base",
    "default_run_env": "dev",
    "merge_strategy": {"globals": "soft", "parameters": "soft"},
    "custom_resolvers": {
        "customer_source": customer_source,
        "consents_source": consents_source,
        "named_path": named_path,
        "setting": setting,
        "is_set": lambda name: bool(setting(name)),
    },
    "config_patterns": {
        "spark": ["spark*"],
        "mlflow": ["mlflow*"],
        "stream": ["stream*"],
        "alerts": ["alerts*"],
    },
}
SESSION_CLASS = ProjectSession
DATA_CATALOG_CLASS = WholeFilesCatalog
# At the end of a run the last one is first: the record in MLflow is complete before publishing.
HOOKS = (
    hooks.RunHooks(),
    hooks.ProgressHooks(),
    hooks.TrackingHooks(),
    LineageHooks(),
    TracingHooks(),
)
