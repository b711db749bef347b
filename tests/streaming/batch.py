"""What a batch run makes of events: the nodes of preprocessing over all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from customer_segmentation.customers.quarantine import ROW_NUMBER, SOURCE_HASH, SOURCE_NAME
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing import nodes
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.reading import reading_of


def batch_of(events: pl.DataFrame, schema: Schema) -> pl.DataFrame | None:
    """Silver customers; None where no row is one."""
    rows = events.with_columns(
        pl.lit("events").alias(SOURCE_NAME),
        pl.lit("0").alias(SOURCE_HASH),
        pl.int_range(1, len(events) + 1, dtype=pl.Int64).alias(ROW_NUMBER),
    )
    bronze = ingest_source(rows.lazy(), schema)
    reading = nodes.settle_reading(bronze, schema)
    # As in a stream: a file of few lines may not show its format.
    formats = reading_of(schema).date_formats
    reading = replace(reading, date_formats={name: formats[name] for name in reading.date_formats})
    checked = nodes.check_rows(bronze, reading, schema)
    quarantine = nodes.quarantine_rows(checked, reading, schema)
    counts = nodes.account_for_rows(bronze, checked, quarantine, reading, schema)
    if not counts["customers"]:
        return None
    counts["shared_keys"] = 0
    silver, _ = nodes.keep_customers(
        checked, counts, schema, PreprocessingParameters(max_left_out=1.0)
    )
    found: Any = silver
    made: pl.DataFrame = found.collect()
    return made.sort(KEY)
