"""What an erasure does not reach, by name, from what the environment records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from customer_segmentation.feature_store.stores import SETTING
from customer_segmentation.retention.places import Environment, sources

# What `kedro viz build` writes.
_VIZ = "build"


def out_of_reach(environment: Environment) -> Iterator[str]:
    """Who else may hold the customer, a line each."""
    for source in sources(environment.catalog):
        yield (
            f"{environment.shown(source)}: the source. The next run would read them again: take "
            "them out there first"
        )
    online = environment.online
    filled = online.load()["store"] if online.exists() else ""
    # A file is searched wherever it is.
    if "://" in filled and filled != online.open().store.name:
        yield (
            f"{filled}: the online feature store of an earlier run; set {SETTING} to it, and run "
            "this again"
        )
    if others := environment.others:
        yield f"{', '.join(others)}: other environments; run kedro forget with --env for each"
    if not environment.tracking.startswith("sqlite:///"):
        yield f"{environment.tracking}: MLflow's server, whose artifacts are not searched"
    if (Path(environment.project) / _VIZ).is_dir():
        yield f"{_VIZ}/: pages of kedro viz build, with the first rows of tables: remove them"
    yield (
        "whoever read the tables, the exports (gold/feature_table) or an answer of the API: that "
        "is not recorded"
    )
    yield (
        "SageMaker and Databricks, if kedro feature publish was used: docs/feature_store.md says "
        "how they are erased there"
    )
    yield "other systems: this product sends no lists, so that it has no record of any"
