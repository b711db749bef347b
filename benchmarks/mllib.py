"""k-means on Spark: our coreset, with and without passes over all rows, against MLlib's KMeans.

All fit one k on the same cached table of standardised features; the inertia is that of all rows.
MLlib starts by k-means|| and makes 20 iterations at most, its defaults.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import narwhals as nw
import numpy as np
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from numpy.typing import NDArray
from report import arguments, machine, table, write_json

from customer_segmentation.customers.sample_key import with_sample_key
from customer_segmentation.segmentation.choice import fit_centroids
from customer_segmentation.segmentation.coreset import WEIGHT, draw_coreset
from customer_segmentation.segmentation.mllib import fit_by_mllib
from customer_segmentation.segmentation.projection import Projection
from customer_segmentation.segmentation.refinement import refine
from customer_segmentation.segmentation.scaling import Scaling, Treatment, learn_scaling
from customer_segmentation.segmentation.space import distances, first_min, names_of, points

Array = NDArray[np.float64]
CHECKOUT = Path(__file__).parents[1]
FEATURES = [f"feature_{n}" for n in range(15)]
BLOBS = 12
CORESET = 20_000
STARTS = 20


def session() -> Any:  # noqa: ANN401 - pyspark is imported late
    """Spark with the settings of prod."""
    bootstrap_project(CHECKOUT)
    with KedroSession.create(CHECKOUT, env="prod") as kedro:
        kedro.load_context()
    from pyspark.sql import SparkSession  # noqa: PLC0415 - after its settings

    started = SparkSession.builder.getOrCreate()
    started.sparkContext.setLogLevel("ERROR")
    return started


def draw(spark: Any, rows: int, folder: str) -> Any:  # noqa: ANN401 - Spark's
    """A mixture of log-normal groups of unequal size, cached."""
    import pandas as pd  # noqa: PLC0415 - for the writing alone

    random = np.random.default_rng(7)
    group = random.choice(BLOBS, rows, p=random.dirichlet(np.full(BLOBS, 3.0)))
    centres = random.normal(0.0, 1.0, (BLOBS, len(FEATURES)))
    spreads = random.uniform(0.3, 0.8, (BLOBS, len(FEATURES)))
    values = np.exp(centres[group] + spreads[group] * random.normal(size=(rows, len(FEATURES))))
    plain = pd.DataFrame(values, columns=FEATURES).assign(customer_id=np.arange(rows).astype(str))
    plain.to_parquet(f"{folder}/customers.parquet", row_group_size=100_000)
    frame = nw.from_native(spark.read.parquet(f"{folder}/customers.parquet")).lazy()
    keyed = with_sample_key(frame, "customer_id").to_native().cache()
    keyed.count()
    return keyed


def inertia(
    table_: nw.LazyFrame[Any], space: tuple[Scaling, Projection], centroids: Array
) -> float:
    """Of all rows, by one aggregate."""
    scaling, projection = space
    placed, away = points(scaling, projection.components), distances(centroids)
    norm = sum((nw.col(name) * nw.col(name) for name in placed), nw.lit(0.0))
    _, minimum = first_min(names_of(away))
    rows = table_.select(**placed).with_columns(**away).select(square=minimum + norm)
    return float(rows.select(nw.col("square").sum()).collect().item())


def main() -> None:
    """Fit by each, and print time and inertia."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--k", type=int, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        frame = nw.from_native(draw(session(), chosen.rows, folder)).lazy()
        scaling = learn_scaling(frame, dict.fromkeys(FEATURES, Treatment(0.95)))
        space = scaling, Projection(np.eye(len(FEATURES)), np.ones(len(FEATURES)))

        began = perf_counter()
        drawn = draw_coreset(frame, scaling, chosen.rows, CORESET, 1)
        sample = scaling.standardised(drawn.select(*FEATURES).to_numpy())
        start = fit_centroids(sample, drawn[WEIGHT].to_numpy(), chosen.k, STARTS, 1)
        ours = perf_counter() - began
        found = {"coreset": (ours, start)}
        for passes in (3, 10):
            began = perf_counter()
            refined = refine(frame, *space, start, passes)
            found[f"coreset and {passes} passes"] = (ours + perf_counter() - began, refined)
        began = perf_counter()
        theirs = fit_by_mllib(frame, *space, chosen.k, 1)
        found["MLlib"] = (perf_counter() - began, theirs)
        seconds = found["MLlib"][0]
        inertias = {name: inertia(frame, space, c) for name, (_, c) in found.items()}
    rows = [
        {
            "fit": name,
            "seconds": took,
            "MLlib's time over it": seconds / took,
            "inertia over MLlib's": inertias[name] / inertias["MLlib"],
        }
        for name, (took, _) in found.items()
    ]
    table(rows)
    print(f"{chosen.rows:,} rows x {len(FEATURES)}, k = {chosen.k}; {machine()}")
    write_json(chosen.json, {"rows": chosen.rows, "k": chosen.k, "fits": rows})


if __name__ == "__main__":
    main()
