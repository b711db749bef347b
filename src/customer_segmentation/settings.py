"""Kedro's settings: where configuration is, and what happens around a run."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from kedro.config import OmegaConfigLoader
from kedro.utils import find_kedro_project

from customer_segmentation import hooks
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.lineage.hooks import BelongingHooks, LineageHooks
from customer_segmentation.session import ProjectSession

# Libraries' notes to their own developers go to the log (conf/logging.yml), not to the terminal.
logging.captureWarnings(capture=True)
# Kedro reads that file late where it is started from a folder below the project.
logging.getLogger("py.warnings").setLevel(logging.ERROR)
# What a step fails with is said once, by `kedro run` itself.
logging.getLogger("kedro.pipeline.node").addFilter(lambda record: record.levelno < logging.ERROR)

PLACED_SOURCE = Path("data/source/customers.csv")


def customer_source(sample: str, project: Path | None = None) -> str:
    """The customers' file: `SEGMENTATION_SOURCE`, else the placed file, else the sample.

    A relative `SEGMENTATION_SOURCE` is typed by a person, and so relative to the folder that they
    are in; the other two are relative to the project, as all paths of the configuration are.
    """
    named = os.environ.get("SEGMENTATION_SOURCE")
    if named:
        return named if "://" in named else str(Path(named).absolute())
    project = project or find_kedro_project(Path.cwd()) or Path()
    return str(PLACED_SOURCE) if (project / PLACED_SOURCE).is_file() else sample


def setting(name: str, default: str | None = "") -> str:
    """An environment variable, for what differs between machines and is no secret."""
    return os.environ.get(name) or default or ""


CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "dev",
    "merge_strategy": {"globals": "soft", "parameters": "soft"},
    "custom_resolvers": {"customer_source": customer_source, "setting": setting},
    "config_patterns": {"spark": ["spark*"], "mlflow": ["mlflow*"]},
}
SESSION_CLASS = ProjectSession
DATA_CATALOG_CLASS = WholeFilesCatalog
# Of those that ask to be first, the last one here is: what a run needs is asked for before its
# inputs are, and the lock comes last, so that a run that never starts holds none.
_RUN = hooks.RunHooks()
HOOKS = (
    _RUN,
    BelongingHooks(),
    hooks.MissingInputHooks(),
    hooks.ParameterHooks(),
    hooks.EnvironmentHooks(),
    hooks.ProgressHooks(),
    # Of those that ask to be first at the end: the last, once the champion is of the run, too.
    LineageHooks(_RUN.before_dataset_saved),
    hooks.TrackingHooks(),
    hooks.ChampionHooks(),
    hooks.SummaryHooks(),
    hooks.AnchorHooks(),
)
