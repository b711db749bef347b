"""Score a table of customers with an artifact, where the table is.

onnxruntime runs in the engine: on what pandas holds, on Polars' batches as they stream, in Spark's
workers on Arrow's. The same arithmetic as column expressions gives the same labels and is no faster
on Spark: as long at 10^7 rows, four times as long with Java's quick compiler
(`benchmarks/spark_scoring.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import onnx

from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.scoring.decoding import in_words
from customer_segmentation.scoring.metadata import VERSION, metadata_of, schema_of
from customer_segmentation.scoring.scorer import Scorer, providers_of
from customer_segmentation.scoring.verify import verified

if TYPE_CHECKING:
    import pyarrow as pa

_KEPT = (KEY, AS_OF)
# `cuda` where runs score on a GPU; each machine of a cluster reads its own.
DEVICE = "SEGMENTATION_SCORING_DEVICE"


def score_table(customers: nw.LazyFrame[Any], artifact: onnx.ModelProto) -> nw.LazyFrame[Any]:
    """Key, `as_of` and every answer of the artifact, for a table of canonical columns.

    Whole numbers for the segments and codes, -1 where an input is missing; else float64.

    Raises:
        UserError: The table lacks a column that the artifact needs, or it is no artifact of ours.
    """
    content = artifact.SerializeToString(deterministic=True)
    metadata = verified(content)
    columns = metadata["columns"]
    schema = schema_of(metadata)
    needed = [*schema.canonical_columns(columns), AS_OF]
    missing = sorted({*needed} - set(customers.collect_schema().names()))
    if missing:
        message = (
            f"the artifact {metadata[VERSION]} needs {missing}, which silver_customers lacks: it "
            "was made from another source. Run kedro run, so that both are of one source."
        )
        raise UserError(message)
    expressions = numeric_expressions(schema, needed)
    numbers = customers.select(*_KEPT, **{name: expressions[name] for name in columns})
    by_engine = {
        nw.Implementation.POLARS: _score_by_polars,
        nw.Implementation.PYSPARK: _score_by_spark,
        nw.Implementation.PYSPARK_CONNECT: _score_by_spark,
    }
    score = by_engine.get(numbers.implementation, _score_in_memory)
    whole = {"segment", "runner_up", *metadata.get("codes", ())}
    return score(numbers, content, {name: name in whole for name in metadata["outputs"]})


def answer_table(customers: nw.LazyFrame[Any], artifact: onnx.ModelProto) -> nw.LazyFrame[Any]:
    """Key, `as_of` and every answer in words, as `gold_segments` has them.

    Raises:
        UserError: As of `score_table`.
    """
    words = in_words(metadata_of(artifact))
    # Backwards: Spark 4.0 reads `segment` in the map of names as the word just made of it.
    backwards = dict(reversed(words.items()))
    return (
        score_table(customers, artifact).select(KEY, AS_OF, **backwards).select(KEY, AS_OF, *words)
    )


@lru_cache(maxsize=2)
def _scorer(artifact: bytes) -> Scorer:
    """One session for all batches of a process, on the device that its machine is told to use."""
    return Scorer(artifact, providers=providers_of(os.environ.get(DEVICE) or "cpu"))


def _score_in_memory(
    numbers: nw.LazyFrame[Any], artifact: bytes, _outputs: dict[str, bool]
) -> nw.LazyFrame[Any]:
    return _scorer(artifact).scored(numbers.collect(), *_KEPT).lazy()


def _score_by_polars(
    numbers: nw.LazyFrame[Any], artifact: bytes, outputs: dict[str, bool]
) -> nw.LazyFrame[Any]:
    import polars as pl  # noqa: PLC0415 - only where the catalog chose it

    def score(batch: pl.DataFrame) -> pl.DataFrame:
        # No expressions: a plan inside of a plan can wait for ever for a thread.
        scorer = _scorer(artifact)
        matrix = np.ascontiguousarray(batch[list(scorer.columns)].to_numpy(), dtype=np.float64)
        answers = scorer.score(matrix).items()
        return batch[list(_KEPT)].hstack([pl.Series(name, values) for name, values in answers])

    plan = nw.to_native(numbers)
    kept = plan.select(*_KEPT).collect_schema()
    answers = {name: pl.Int64 if whole else pl.Float64 for name, whole in outputs.items()}
    scored = plan.map_batches(score, schema={**kept, **answers}, streamable=True)
    return nw.from_native(scored)


def _score_by_spark(
    numbers: nw.LazyFrame[Any], artifact: bytes, outputs: dict[str, bool]
) -> nw.LazyFrame[Any]:
    frame = nw.to_native(numbers)

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa  # noqa: PLC0415 - in a worker

        scorer = _scorer(artifact)
        for batch in batches:
            # Null comes as NaN.
            columns = [batch[name].to_numpy(zero_copy_only=False) for name in scorer.columns]
            answers = scorer.score(np.column_stack(columns).astype(np.float64, copy=False))
            arrays = [batch[name] for name in _KEPT] + [pa.array(answers[n]) for n in outputs]
            yield pa.RecordBatch.from_arrays(arrays, names=[*_KEPT, *outputs])

    schema = frame.select(*_KEPT).schema
    for name, is_whole in outputs.items():
        schema = schema.add(name, "long" if is_whole else "double")
    return nw.from_native(frame.mapInArrow(score, schema))
