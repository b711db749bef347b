"""Make a baseline: bins from the sample that models learn from, counts of all customers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.bins import Bins, category_bins, number_bins
from customer_segmentation.monitoring.summary import Baseline, nobody
from customer_segmentation.monitoring.tables import count_table
from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import VERSION, has_model, schema_of
from customer_segmentation.scoring.verify import verified
from customer_segmentation.segmentation.rounding import SUMMED


def make_baseline(
    customers: nw.LazyFrame[Any],
    sample: Mapping[str, NDArray[np.float64]],
    segmenter: bytes,
    response: bytes,
    refused: Mapping[str, int],
) -> Baseline:
    """The baseline of a segmenter and its response model; equal customers give equal bytes.

    Args:
        customers: All of them, with their numeric columns, on any engine.
        sample: Of each numeric column, (customers,) the values that bins are made of, NaN where
            one is missing. The parts of the snapshot's day are left out: they are the same for all.
        segmenter: The artifact.
        response: The artifact, or the file that says there is none.
        refused: Of the source, why -> rows.
    """
    metadata = verified(segmenter)
    schema = schema_of(metadata)
    segments = tuple(segment["key"] for segment in metadata["segments"])
    bins = make_bins(
        schema, {n: sample[n] for n in schema.numeric_columns(schema.columns) if n in sample}
    )
    models = [model for model in (segmenter, response) if has_model(verified(model))]
    answers = verified(response)[VERSION] if response in models else ""
    empty = Baseline(
        metadata[VERSION],
        metadata["provenance"]["as_of"],
        segments,
        bins,
        nobody(metadata[VERSION], len(segments), answers),
    )
    needed = {name for model in models for name in verified(model)["columns"]}
    numbers = customers.select(*sorted({*bins} | needed))
    summary = count_table(numbers, empty, models)
    sums = {name: rounded_sums(each) for name, each in summary.sums.items()}
    return replace(empty, summary=replace(summary, sums=sums).with_rejected(refused))


def refused_of(accounting: Mapping[str, Any]) -> dict[str, int]:
    """Why rows of a source were left out, or lost a value -> how many, by the account of it."""
    counts = Counter(accounting["reasons"]) + Counter(accounting["lost_values"])
    return dict(counts)


def make_bins(schema: Schema, sample: Mapping[str, NDArray[np.float64]]) -> dict[str, Bins]:
    """The bins of each column of a sample."""
    dates = [name for name, column in schema.columns.items() if column.kind == "date"]
    calendar = {part for name in dates for part in date_parts(name)}
    return {
        name: category_bins(schema.columns[name].categories)
        if schema.is_category(name)
        else replace(number_bins(values), is_calendar=name in calendar)
        for name, values in sample.items()
    }


def rounded_sums(sums: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) without the digits in which engines differ, which add up in another order."""
    number, total, squares = map(float, sums)
    # A sum near 0 is of terms that are not: what matters is their size.
    size = np.sqrt(number * squares)
    if not size > 0.0:
        return np.array([number, total, squares])
    digits = SUMMED - 1 - int(np.floor(np.log10(size)))
    return np.array([number, round(total, digits), float(f"{squares:.{SUMMED - 1}e}")])
