"""Take a source through the pipelines on one engine, in memory: for comparisons of engines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from customer_segmentation.pipelines import clustering, ingestion, preprocessing
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.schema.schema import Schema
from customer_segmentation.sources.dataset import SourceDataset

CONFIGURATION = Path(__file__).parents[1] / "conf" / "base"
ARTIFACT = "segmenter_candidate"


def run_on(engine: str, file: Path, schema: Schema, outputs: Iterable[str]) -> dict[str, Any]:
    """What these datasets of the pipelines up to clustering hold.

    Args:
        engine: pandas, polars or spark.
        file: The source.
        schema: Of its rows.
        outputs: Names of datasets; `ARTIFACT` is learned with few k and bootstraps.
    """
    clusters = block("clustering")
    # Enough of the choice of k to be one.
    clusters["k"] |= {"maximum": 5, "bootstraps": 3}
    catalog = DataCatalog.from_config({"{name}": {"type": "MemoryDataset", "copy_mode": "assign"}})
    given = {
        "params:customers": schema,
        "params:preprocessing": PreprocessingParameters(**block("preprocessing")),
        "params:clustering": ClusteringParameters(**clusters),
    }
    for name, value in given.items():
        catalog[name] = MemoryDataset(value, copy_mode="assign")
    # As where nothing has been promoted yet.
    catalog["bundles"] = MemoryDataset(None)
    catalog["source"] = SourceDataset(filepath=str(file), engine=engine)  # type: ignore[arg-type]
    steps = [step.create_pipeline() for step in (ingestion, preprocessing, clustering)]
    wanted = [*outputs]
    for name in wanted:
        catalog[name] = _Kept(copy_mode="assign")
    pipeline = sum(steps, start=Pipeline([])).to_outputs(*wanted)
    SequentialRunner().run(pipeline, catalog)
    return {name: catalog[name].load() for name in wanted}


class _Kept(MemoryDataset):
    """Not released when the last step has read it."""

    def _release(self) -> None:
        pass


def block(name: str) -> dict[str, Any]:
    """The shipped parameters of a pipeline."""
    found: dict[str, Any] = yaml.safe_load((CONFIGURATION / f"parameters_{name}.yml").read_text())
    return found[name]
