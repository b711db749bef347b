"""Kedro's settings: where configuration is, and what happens around a run."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from kedro.config import OmegaConfigLoader
from kedro.utils import find_kedro_project

from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.hooks import (
    ChampionHooks,
    EnvironmentHooks,
    MissingInputHooks,
    ParameterHooks,
    ProgressHooks,
    RunHooks,
    SummaryHooks,
    TrackingHooks,
)
from customer_segmentation.lineage.hooks import BelongingHooks, LineageHooks

# Libraries' notes to their own developers go to the log (conf/logging.yml), not to the terminal.
logging.captureWarnings(capture=True)
# What a step fails with is said once, by `kedro run` itself.
logging.getLogger("kedro.pipeline.node").addFilter(lambda record: record.levelno < logging.ERROR)

PLACED_SOURCE = Path("data/source/customers.csv")


def customer_source(sample: str) -> str:
    """The customers' file: `SEGMENTATION_SOURCE`, else the placed file, else the sample."""
    named = os.environ.get("SEGMENTATION_SOURCE")
    project = find_kedro_project(Path.cwd()) or Path()
    return named or (str(PLACED_SOURCE) if (project / PLACED_SOURCE).is_file() else sample)


def setting(name: str, default: str | None = "") -> str:
    """An environment variable, for what differs between machines and is no secret."""
    return os.environ.get(name) or default or ""


CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "dev",
    "merge_strategy": {"globals": "soft", "parameters": "soft"},
    "custom_resolvers": {"customer_source": customer_source, "setting": setting},
    "config_patterns": {"spark": ["spark*"]},
}
DATA_CATALOG_CLASS = WholeFilesCatalog
# Of those that ask to be first, the last one here is: what a run needs is asked for before its
# inputs are, and the lock comes last, so that a run that never starts holds none.
HOOKS = (
    RunHooks(),
    BelongingHooks(),
    MissingInputHooks(),
    ParameterHooks(),
    EnvironmentHooks(),
    ProgressHooks(),
    TrackingHooks(),
    ChampionHooks(),
    SummaryHooks(),
    LineageHooks(),
)
