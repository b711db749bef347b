"""Whether pandas, Polars and Spark learn the same artifact, to the byte, from the same rows.

Each seed is a base of generated customers, which every engine takes from the landed source to the
checked artifact. Where bytes differ, the versions do too: a version is a hash of the content.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from report import arguments, machine, table, write_json

from customer_segmentation.pipelines import clustering, ingestion, preprocessing
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.sources.dataset import SourceDataset
from tools.generator import write

CONFIGURATION = Path(__file__).parents[1] / "conf" / "base"
ARTIFACT = "segmenter_candidate"


def main() -> None:
    """Learn with each engine from each base, and count the artifacts that differ."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=50, help="bases, default 50")
    parser.add_argument("--rows", type=int, default=2_000, help="of each base, default 2,000")
    parser.add_argument("--spark", type=int, default=0, help="seeds that Spark takes too")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    differing = []
    for seed in range(given.seeds):
        engines = ["pandas", "polars", *(["spark"] if seed < given.spark else [])]
        with tempfile.TemporaryDirectory() as folder:
            (file,) = write(Path(folder) / "customers.csv", given.rows, seed=seed)
            learned = {engine: _learned(file, engine) for engine in engines}
        contents = {model.SerializeToString(deterministic=True) for model in learned.values()}
        if len(contents) > 1:
            versions = {engine: metadata_of(model)[VERSION] for engine, model in learned.items()}
            differing.append({"seed": seed, **versions})
    print(f"{given.seeds} bases of {given.rows:,} rows: {machine()}")
    print(f"artifacts that differ between engines: {len(differing)} (Spark in {given.spark})")
    if differing:
        table(differing)
    write_json(given.json, {"seeds": given.seeds, "differing": differing})


def _learned(file: Path, engine: str) -> Any:  # noqa: ANN401 - onnx
    blocks = {name: _block(name) for name in ("clustering", "customers", "preprocessing")}
    # Enough of the choice of k to be one.
    blocks["clustering"]["k"] |= {"maximum": 5, "bootstraps": 3}
    given = {
        "params:customers": Schema(**blocks["customers"]),
        "params:preprocessing": PreprocessingParameters(**blocks["preprocessing"]),
        "params:clustering": ClusteringParameters(**blocks["clustering"]),
        "params:clustering.features": blocks["clustering"]["features"],
    }
    catalog = DataCatalog.from_config({"{name}": {"type": "MemoryDataset", "copy_mode": "assign"}})
    for name, value in given.items():
        catalog[name] = MemoryDataset(value, copy_mode="assign")
    catalog["source"] = SourceDataset(filepath=str(file), engine=engine)  # type: ignore[arg-type]
    steps = [step.create_pipeline() for step in (ingestion, preprocessing, clustering)]
    pipeline = sum(steps, start=Pipeline([])).to_outputs(ARTIFACT)
    return SequentialRunner().run(pipeline, catalog)[ARTIFACT].load()


def _block(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CONFIGURATION / f"parameters_{name}.yml").read_text())
    return found[name]


if __name__ == "__main__":
    main()
