"""Split rows into customers, quarantine and repeats, account for each, and compute features."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.customers.account import refuse_losses
from customer_segmentation.customers.date_choice import UnclearDatesError
from customer_segmentation.customers.doubts import doubts_about
from customer_segmentation.customers.features import features_of
from customer_segmentation.customers.headers import as_headers, nearest_columns, unread
from customer_segmentation.customers.orders import aggregate_lines
from customer_segmentation.customers.purchases import no_purchases, purchases_of
from customer_segmentation.customers.quarantine import (
    ADDED,
    SHARED_KEY,
    SOURCE_HASH,
    SOURCE_NAME,
    CheckedCustomers,
    check_customers,
    map_headers,
    require_columns,
)
from customer_segmentation.customers.reading import Reading, settle
from customer_segmentation.customers.rules import REASONS, SEPARATOR
from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.schema.decisions import needed_of_customers
from customer_segmentation.schema.file import chosen_schema
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema

logger = logging.getLogger(__name__)


def settle_reading(bronze: IntoFrame, customers: Schema) -> Reading:
    """Choose what only all rows together show: the one format of each column of dates.

    Raises:
        UserError: Nobody can tell which days a column of dates means.
    """
    rows = nw.from_native(bronze).lazy()
    of_rows = customers.rows
    mapped = map_headers(rows.collect_schema().names(), of_rows)
    try:
        reading = settle(rows, mapped, of_rows)
    except UnclearDatesError as error:
        message = f"{_source_of(rows)}: {error.problem}. {error.remedy} ({chosen_schema()})."
        raise UserError(message) from error
    of_any_day = customers.rows_of_any_day if customers.events.is_declared else None
    return replace(reading, has_lines=bool(customers.orders), of_any_day=of_any_day)


def check_rows(bronze: IntoFrame, reading: Reading, customers: Schema) -> IntoFrame:
    """Parse every cell and tell which rows break the contract.

    Args:
        bronze: Cells as sent, from ingestion.
        reading: How its cells are read.
        customers: The columns that its segments' features need are required.

    Raises:
        UserError: A required column is absent.
    """
    rows = nw.from_native(bronze).lazy()
    source, headers = _source_of(rows), rows.collect_schema().names()
    schema = reading.schema
    required = _required(customers)
    require_columns(headers, reading.headers, required, schema, source)
    absent = [name for name in schema.columns if name not in reading.headers]
    if absent:
        lost = [n for n in schema.features if not {*schema.needed_columns([n])}.isdisjoint(absent)]
        logger.warning(
            "%s has no column for %s: left out, and with them %s.",
            source,
            ", ".join(absent),
            ", ".join(lost) or "no feature",
        )
    needed = _needed(customers, reading.headers)
    return check_customers(rows, reading, needed).rows.to_native()


def quarantine_rows(checked: IntoFrame, reading: Reading, customers: Schema) -> IntoFrame:
    """Rows that break the contract: row number, key, every reason, and the cells as sent."""
    verdicts = _verdicts(checked)
    return verdicts.quarantined(reading, _needed(customers, verdicts.columns)).to_native()


def account_for_rows(
    bronze: IntoFrame,
    checked: IntoFrame,
    quarantine: IntoFrame,
    reading: Reading,
    customers: Schema,
) -> dict[str, Any]:
    """Where each row went, by count, how often each reason was found, and what was read.

    Raises:
        RuntimeError: The counts do not add up: a row was lost or doubled.
    """
    rows, quarantined = nw.from_native(bronze).lazy(), nw.from_native(quarantine).lazy()
    verdicts = _verdicts(checked)
    source = rows.select(nw.col(SOURCE_NAME, SOURCE_HASH).max()).collect().rows(named=True)[0]
    accounting = {**source, "rows_in": _count(rows)} | verdicts.counts()
    # As it was saved, and not as it was meant to be.
    accounting["quarantined"] = _count(quarantined)
    ends = ("customers", "quarantined", "repeats", "replaced", "removed")
    if sum(accounting[end] for end in ends) != accounting["rows_in"]:
        message = f"rows in do not equal {' + '.join(ends)}: {accounting}"
        raise RuntimeError(message)
    reasons, lost = _count_reasons(quarantined), verdicts.lost_values(reading)
    return {
        **accounting,
        "reasons": reasons,
        "lost_values": lost,
        "shared_keys": reasons.get(SHARED_KEY, 0),
        "outside_window": reasons.get(customers.window, 0),
        "as_of": reading.schema.as_of.isoformat(),
        "newest_dates": verdicts.newest_dates(),
        "date_formats": {name: chosen.words for name, chosen in reading.date_formats.items()},
        **_columns_read(rows.collect_schema().names(), reading),
        "warnings": doubts_about(verdicts, reading, reasons | lost),
    }


def keep_customers(
    checked: IntoFrame,
    accounting: dict[str, Any],
    customers: Schema,
    preprocessing: PreprocessingParameters,
) -> tuple[IntoFrame, dict[str, Any]]:
    """The customers: canonical columns, one row a key; and the accounting, kept only with them.

    Order lines are aggregated; lines outside the window are no losses.

    Raises:
        UserError: There is none, or too many rows are left out.
    """
    refuse_losses(accounting, preprocessing.max_left_out)
    verdicts = _verdicts(checked)
    if not customers.orders:
        return verdicts.customers().to_native(), accounting
    valid = verdicts.valid()
    # Not the rows of the aggregate: it would be computed once more.
    keys = int(valid.select(nw.col(KEY).n_unique()).collect().item())
    lines = {"lines": accounting["customers"], "customers": keys}
    return aggregate_lines(valid, customers).to_native(), accounting | lines


def keep_purchases(checked: IntoFrame, silver: IntoFrame, customers: Schema) -> IntoFrame:
    """When each customer of silver bought; no row where the schema declares no purchases."""
    kept = nw.from_native(silver).lazy()
    if not customers.lifetime:
        return no_purchases(kept).to_native()
    return purchases_of(_verdicts(checked).valid(), customers).to_native()


def compute_features(silver: IntoFrame, schema: Schema) -> IntoFrame:
    """Key, `as_of`, `sample_key`, the numeric canonical columns and every feature, as float64."""
    return features_of(nw.from_native(silver).lazy(), schema).to_native()


def _required(customers: Schema) -> Iterable[str]:
    """The columns of a row that a source must have."""
    if customers.orders:
        return customers.needed_of_lines
    named = (*customers.needed_columns(customers.segment_features), *customers.event_columns)
    return [KEY, *named]


def _needed(customers: Schema, present: Iterable[str]) -> Iterable[str]:
    """The columns of a row without which it is left out."""
    if customers.orders:
        return customers.needed_of_lines
    return needed_of_customers(customers, present)


def _columns_read(headers: list[str], reading: Reading) -> dict[str, Any]:
    """Which header each column was read from, which were ignored, and which may be mended."""
    mapped = dict(reading.headers)
    ignored = [header for header in unread(headers, mapped) if header not in ADDED]
    absent = [name for name in reading.schema.columns if name not in mapped]
    nearest = nearest_columns(ignored, absent, reading.schema)
    return {
        "columns": mapped,
        "ignored": ignored,
        "absent": absent,
        "nearest": as_headers(nearest) if nearest else "",
    }


def _source_of(bronze: nw.LazyFrame[Any]) -> str:
    return str(bronze.select(nw.col(SOURCE_NAME).max()).collect().item())


def _verdicts(checked: IntoFrame) -> CheckedCustomers:
    return CheckedCustomers(nw.from_native(checked).lazy())


def _count(frame: nw.LazyFrame[Any]) -> int:
    return int(frame.select(nw.len()).collect().item())


def _count_reasons(quarantine: nw.LazyFrame[Any]) -> dict[str, int]:
    # One row a combination of reasons, of which there are few however large the table.
    combinations = quarantine.group_by(REASONS).agg(rows=nw.len()).collect()
    counts: Counter[str] = Counter()
    for reasons, rows in combinations.select(REASONS, "rows").iter_rows():
        counts.update(dict.fromkeys(reasons.split(SEPARATOR), rows))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
