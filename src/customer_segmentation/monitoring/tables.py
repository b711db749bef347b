"""Count the customers of a table where they are, batch by batch, as the API counts its answers.

Each batch of rows is scored and counted; what leaves an engine are counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.summary import Baseline, Summary
from customer_segmentation.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pyarrow as pa

# Rows that are counted at once.
_CHUNK = 65_536
_COUNTS = "counts"
# Outputs of models, where the table has them already.
OUTPUTS = ("segment", "margin", "p_response")

Matrices = Iterable[NDArray[np.float64]]
Count = Callable[[Matrices], Summary]


@dataclass(frozen=True)
class Counter:
    """What counts matrices; it can go to another process.

    Attributes:
        columns: Of a matrix; those of `OUTPUTS` are taken for outputs.
        baseline: Whose bins are counted in.
        models: Artifacts that score, whose columns are all among the matrix's.
    """

    columns: tuple[str, ...]
    baseline: Baseline
    models: tuple[bytes, ...] = ()

    def __call__(self, matrices: Matrices) -> Summary:
        """The customers of all matrices, (customers x columns) each."""
        scorers = [Scorer(model) for model in self.models]
        places = [[self.columns.index(name) for name in one.columns] for one in scorers]
        given = {name: self.columns.index(name) for name in OUTPUTS if name in self.columns}
        counted = self.baseline.empty()
        for matrix in matrices:
            outputs: dict[str, Any] = {name: matrix[:, place] for name, place in given.items()}
            for scorer, taken in zip(scorers, places, strict=True):
                outputs |= scorer.score(np.ascontiguousarray(matrix[:, taken]))
            counted = counted.merged(self.baseline.summarise(self.columns, matrix, outputs))
        return counted


def count_table(
    numbers: nw.LazyFrame[Any], baseline: Baseline, models: Iterable[bytes] = ()
) -> Summary:
    """The summary of a table's customers, on its engine, in one pass and bounded memory.

    Args:
        numbers: Numeric columns as of `customers.matrix`, null where a value is missing, and such
            of `OUTPUTS` as are known.
        baseline: Whose bins are counted in.
        models: Artifacts that score; the table has all of their columns.
    """
    counter = Counter(tuple(numbers.collect_schema().names()), baseline, tuple(models))
    by_engine = {
        nw.Implementation.POLARS: _count_by_polars,
        nw.Implementation.PYSPARK: _count_by_spark,
        nw.Implementation.PYSPARK_CONNECT: _count_by_spark,
    }
    count = by_engine.get(numbers.implementation, _count_in_memory)
    return reduce(Summary.merged, count(numbers, counter), baseline.empty())


def _count_in_memory(numbers: nw.LazyFrame[Any], count: Count) -> list[Summary]:
    table = numbers.collect()
    starts = range(0, len(table), _CHUNK)
    return [count(_matrix(table[start : start + _CHUNK].to_numpy()) for start in starts)]


def _count_by_polars(numbers: nw.LazyFrame[Any], count: Count) -> list[Summary]:
    batches = nw.to_native(numbers).collect_batches(chunk_size=_CHUNK, maintain_order=True)
    return [count(_matrix(batch.to_numpy()) for batch in batches)]


def _count_by_spark(numbers: nw.LazyFrame[Any], count: Count) -> list[Summary]:
    frame = nw.to_native(numbers)
    names = frame.columns

    def count_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa  # noqa: PLC0415 - in a worker

        # Null comes as NaN.
        counted = count(
            _matrix(np.column_stack([batch[n].to_numpy(zero_copy_only=False) for n in names]))
            for batch in batches
        )
        yield pa.RecordBatch.from_pydict({_COUNTS: [json.dumps(counted.stated())]})

    parts = frame.mapInArrow(count_batches, f"{_COUNTS} string").collect()
    return [Summary.of(json.loads(part[_COUNTS])) for part in parts]


def _matrix(values: NDArray[Any]) -> NDArray[np.float64]:
    # In the order that it has: counting wants its columns, scoring its rows.
    return np.asarray(values, dtype=np.float64)
