"""Scoring on Spark, Delta to Delta: column expressions, onnxruntime by mapInArrow, and MLlib.

The first two give every answer of the artifact (nine a customer) and must agree label for label;
MLlib's transform gives the segment alone, from features that are there already.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from mllib import session
from report import arguments, machine, table, write_json

from customer_segmentation.scoring.columns import score_columns
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of, scaling_of
from customer_segmentation.scoring.scorer import Scorer
from tests.marketing import canonical_columns, on_frame
from tests.scoring.example import draw_customers, make_segmenter

_PART = 1_000_000


def customers(spark: Any, rows: int, folder: str) -> Any:  # noqa: ANN401 - Spark's
    """Numeric customers with a key, as a Delta table."""
    parts = Path(folder) / "parts"
    parts.mkdir()
    for number, first in enumerate(range(0, rows, _PART)):
        count = min(_PART, rows - first)
        drawn = draw_customers(count, seed=number)
        drawn["customer_id"] = np.arange(first, first + count)
        drawn.to_parquet(parts / f"{number}.parquet", row_group_size=100_000)
    spark.read.parquet(str(parts)).write.format("delta").save(f"{folder}/customers")
    return spark.read.format("delta").load(f"{folder}/customers")


def by_arrow(frame: Any, artifact: bytes, columns: tuple[str, ...], outputs: list[str]) -> Any:  # noqa: ANN401 - Spark's
    """Every answer by onnxruntime: one session a worker's task, a batch at a time."""

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scorer = Scorer(artifact)
        for batch in batches:
            matrix = np.column_stack([batch[name].to_numpy() for name in columns])
            answers = scorer.score(np.ascontiguousarray(matrix, dtype=np.float64))
            arrays = [batch["customer_id"], *(pa.array(answers[name]) for name in outputs)]
            yield pa.RecordBatch.from_arrays(arrays, names=["customer_id", *outputs])

    whole = {"margin", "likely_to_spend"}
    kinds = [f"{name} {'double' if name in whole else 'long'}" for name in outputs]
    return frame.mapInArrow(score, ", ".join(["customer_id long", *kinds]))


def by_mllib(frame: Any, metadata: dict[str, Any]) -> Any:  # noqa: ANN401 - Spark's
    """The segment alone: features, then MLlib's assembler and k-means."""
    from pyspark.ml.clustering import KMeans  # noqa: PLC0415 - after Spark's settings
    from pyspark.ml.feature import VectorAssembler  # noqa: PLC0415 - as above

    scaling = scaling_of(metadata)
    table_ = on_frame(nw.from_native(frame).lazy(), scaling.features)
    scaled = table_.select("customer_id", **scaling.standardised_columns()).to_native()
    vectors = VectorAssembler(inputCols=list(scaling.features), outputCol="features")
    model = KMeans(k=3, seed=1, maxIter=2).fit(vectors.transform(scaled.limit(10_000)))
    return model.transform(vectors.transform(scaled)).select("customer_id", "prediction")


def main() -> None:
    """Time each from table to table, and compare the labels."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    chosen = parser.parse_args()
    spark = session()
    artifact = build_segmenter(make_segmenter())
    metadata, scorer = metadata_of(artifact), Scorer(artifact.SerializeToString())
    assert canonical_columns(scorer.columns)  # noqa: S101 - the example is of canonical columns
    with tempfile.TemporaryDirectory() as folder:
        frame = customers(spark, chosen.rows, folder)
        answers = nw.from_native(frame).lazy().select("customer_id", *scorer.columns)
        plans = {
            "column expressions": score_columns(answers, metadata)
            .drop(*scorer.columns)
            .to_native(),
            "onnxruntime by mapInArrow": by_arrow(
                frame, artifact.SerializeToString(), scorer.columns, list(scorer.outputs)
            ),
            "MLlib, segment alone": by_mllib(frame, metadata),
        }
        seconds = {}
        for number, (name, plan) in enumerate(plans.items()):
            began = perf_counter()
            plan.write.format("delta").save(f"{folder}/{number}")
            seconds[name] = perf_counter() - began
        first, second = (spark.read.format("delta").load(f"{folder}/{n}") for n in (0, 1))
        codes = [name for name in scorer.outputs if name not in ("margin", "likely_to_spend")]
        both = first.alias("a").join(second.alias("b"), "customer_id")
        differs = " OR ".join(f"a.{name} <> b.{name}" for name in codes)
        differing = both.where(differs).count()
    rows = [
        {
            "scoring": name,
            "seconds": took,
            "customers a second": round(chosen.rows / took),
            "times MLlib's rate": seconds["MLlib, segment alone"] / took,
        }
        for name, took in seconds.items()
    ]
    table(rows)
    print(f"{chosen.rows:,} customers, {differing} labels or codes differ; {machine()}")
    write_json(chosen.json, {"rows": chosen.rows, "differing": differing, "scoring": rows})


if __name__ == "__main__":
    main()
