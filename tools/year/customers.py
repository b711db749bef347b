"""The customers of a month as the project's own steps clean them, in memory."""

from __future__ import annotations

import json

import narwhals as nw
import polars as pl

from customer_segmentation.customers.quarantine import (
    ROW_NUMBER,
    SOURCE_HASH,
    SOURCE_NAME,
    CheckedCustomers,
)
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing.nodes import check_rows, settle_reading
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.schemas import ARTIFACT_VERSION
from tools.year.market import Month

# The one segment of a year that is about answers.
SEGMENT = "everybody"


def silver(month: Month, schema: Schema) -> pl.DataFrame:
    """`silver_customers` of a month, whose snapshot is of its last day."""
    # Made anew, as a copy would keep what follows from the former day.
    block = schema.model_dump(mode="json") | {"as_of": month.day.isoformat()}
    dated = Schema.model_validate_json(json.dumps(block))
    cells = pl.DataFrame(month.texts()).with_columns(
        pl.lit(f"month {month.number}").alias(SOURCE_NAME), pl.lit("").alias(SOURCE_HASH)
    )
    bronze = ingest_source(cells.with_row_index(ROW_NUMBER, offset=1).lazy(), dated)
    checked = check_rows(bronze, settle_reading(bronze, dated), dated)
    kept: pl.LazyFrame = CheckedCustomers(nw.from_native(checked).lazy()).customers().to_native()
    return kept.sort(KEY).collect()


def segments(customers: pl.DataFrame, version: str) -> pl.DataFrame:
    """`gold_segments` with one segment.

    Args:
        customers: Of silver.
        version: Of the segmenter that they are said to be from.
    """
    return customers.select(
        KEY,
        AS_OF,
        pl.lit(0).alias("segment_id"),
        pl.lit(SEGMENT).alias("segment"),
        pl.lit("Everybody").alias("segment_name"),
        pl.lit(version).alias(ARTIFACT_VERSION),
    )
