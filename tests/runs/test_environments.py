"""Every dataset that a pipeline names resolves in every environment."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import CatalogConfigResolver

from tests.runs.project import CHECKOUT

LAYERS = ("bronze_", "silver_", "gold_", "export_")


def resolver(environment: str) -> CatalogConfigResolver:
    bootstrap_project(CHECKOUT)
    with KedroSession.create(CHECKOUT, env=environment) as session:
        config = session._get_config_loader()["catalog"]
    return CatalogConfigResolver(config)


def kind(found: CatalogConfigResolver, name: str) -> str:
    """The type that a dataset resolves to; '' where Kedro would only keep it in memory."""
    named = str(found.resolve_pattern(name).get("type", ""))
    return "" if named.endswith("MemoryDataset") else named


def is_kept(name: str) -> bool:
    return not name.startswith("params:") and name != "parameters"


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_tables_files_and_source_resolve(environment: str) -> None:
    found = resolver(environment)
    named = {name for name in pipelines["__default__"].datasets() if is_kept(name)}
    tables = {name for name in named if name.startswith(LAYERS)}
    assert {"bronze_customers", "silver_customers", "silver_quarantine", "gold_features"} <= tables
    models = {f"{name}_candidate" for name in ("segmenter", "cold_start", "response")}
    for name in tables | models | {"source", "report", "response_champion"}:
        assert kind(found, name), f"{name} is not in {environment}"


# What nodes hand on without keeping it.
IN_MEMORY = {
    "row_counts",
    "customers_reading",
    "clustering_sample",
    "measured_candidates",
    "refined_candidates",
    "learned_segmenter",
    "named_segmenter",
    "matched_segments",
    "lifetime_model",
    "eda_sample",
    "labelled_customers",
    "scored_segments",
    "states",
    "demonstration_validation",
    "cold_start_validation",
    "cold_start_comparison",
    "response_validation",
    "response_report",
    "observed_run",
    "watched_windows",
}


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_dataset_is_kept_or_named_as_not_kept(environment: str) -> None:
    found = resolver(environment)
    named = {name for name in pipelines["__default__"].datasets() if is_kept(name)}
    # Where an engine is lazy, it is kept, or each of its readers would compute it anew.
    is_eager = kind(found, "gold_features").startswith("pandas.")
    unkept = IN_MEMORY | ({"checked_customers"} if is_eager else set())
    assert {name for name in named if not kind(found, name)} == unkept


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_environment_says_where_figures_tables_and_models_go(environment: str) -> None:
    bootstrap_project(CHECKOUT)
    with KedroSession.create(CHECKOUT, env=environment) as session:
        roots = session._get_config_loader()["globals"]
    # Where integration tests leave things, and nowhere else, they are removed in time.
    ages = {"retain_days"} if environment == "staging" else set()
    assert set(roots) == {"data", "tables", "models", "environment", "below"} | ages
    assert all(roots.values())
    assert roots["environment"] == environment
    below = {"staging": "dev", "prod": "staging"}
    assert roots["below"]["environment"] == below.get(environment, "")


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_pipeline_reads_only_what_is_kept_or_made(environment: str) -> None:
    found = resolver(environment)
    for name, pipeline in pipelines.items():
        for needed in filter(is_kept, pipeline.inputs()):
            assert kind(found, needed), f"{needed} of {name}"


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_type_is_one_that_exists(environment: str) -> None:
    found = resolver(environment)
    for name in filter(is_kept, pipelines["__default__"].datasets()):
        config = found.resolve_pattern(name)
        for entry in (config, config.get("dataset", {})):
            if (kind := entry.get("type")) and kind != "MemoryDataset":
                module = kind.rsplit(".", 1)[0]
                named = (
                    module
                    if "." in kind and module.split(".")[0].startswith(("kedro", "customer"))
                    else f"kedro_datasets.{module}"
                )
                assert find_spec(named), f"{name}: {kind}"


def test_dev_is_the_default_environment() -> None:
    bootstrap_project(CHECKOUT)
    with KedroSession.create(CHECKOUT) as session:
        assert session.load_context().config_loader.default_run_env == "dev"
