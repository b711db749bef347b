"""Score a table of customers with an artifact, in the way that suits the table's engine."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import onnx

from customer_segmentation.customers.contract import AS_OF, KEY
from customer_segmentation.customers.matrix import canonical_columns, numeric_expressions
from customer_segmentation.errors import UserError
from customer_segmentation.scoring.columns import score_columns
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.scoring.scorer import Scorer


def score_table(customers: nw.LazyFrame[Any], artifact: onnx.ModelProto) -> nw.LazyFrame[Any]:
    """Key, `as_of` and every answer of the artifact, for a table of canonical columns.

    A table held in memory is scored by onnxruntime, any other by its own engine.

    Raises:
        UserError: The table lacks a column that the artifact needs.
    """
    metadata = metadata_of(artifact)
    columns = metadata["columns"]
    present = customers.collect_schema().names()
    needed = [*canonical_columns(columns), AS_OF]
    missing = sorted({*needed} - set(present))
    if missing:
        message = (
            f"the artifact {metadata[VERSION]} needs {missing}, which silver_customers lacks: it "
            "was made from another source. Run kedro run, so that both are of one source."
        )
        raise UserError(message)
    expressions = numeric_expressions(needed)
    numbers = customers.select(KEY, AS_OF, **{name: expressions[name] for name in columns})
    if not _is_in_memory(numbers):
        return score_columns(numbers, metadata).drop(*columns)
    held = numbers.collect()
    scorer = Scorer(artifact.SerializeToString())
    answers = scorer.score(scorer.matrix(held))
    series = [nw.new_series(n, a, backend=held.implementation) for n, a in answers.items()]
    return held.select(KEY, AS_OF).with_columns(*series).lazy()


def _is_in_memory(table: nw.LazyFrame[Any]) -> bool:
    return table.implementation.is_pandas_like() or table.implementation.is_pyarrow()
