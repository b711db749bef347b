"""Separate customers from rows that break the contract, with every reason.

Rows with the same cells as another are repeats: the lowest row number is kept, the others are
removed and counted. If rows with the same key still differ, all are quarantined, since nobody can
say which is right. Where the schema says how rows are told apart (`events`), that decides instead
(`customers/versions.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import narwhals as nw

from customer_segmentation.customers.headers import name_missing
from customer_segmentation.customers.reading import Reading
from customer_segmentation.customers.rules import CANONICAL, Rules, canonical_name, reasons
from customer_segmentation.customers.versions import (
    IS_CONFLICT,
    IS_REMOVED,
    IS_REPEAT,
    IS_REPLACED,
    compared,
    shared_id,
    with_standing,
)
from customer_segmentation.errors import UserError
from customer_segmentation.schema.file import chosen_schema
from customer_segmentation.schema.operations import any_of, indicator
from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY
from customer_segmentation.schema.schema import Schema

SOURCE_NAME = "source_name"
SOURCE_HASH = "source_sha256"
ROW_NUMBER = "row_number"
PROVENANCE = (SOURCE_NAME, SOURCE_HASH, ROW_NUMBER)
# When it arrived, in UTC, of a source that grows.
LANDED_AT = "landed_at"
ADDED = (*PROVENANCE, LANDED_AT, AS_OF, SAMPLE_KEY)
SHARED_KEY = f"{KEY}: appears with different values"

# Prefixed, since the headers of the source may be any text.
IS_BROKEN = "checked__is_broken"
_REPEAT, _CONFLICT = IS_REPEAT, IS_CONFLICT
_SAME_KEY = "checked__same_key"
_ROWS = "checked__rows"
# Only where rows have versions: among the repeats, what is replaced and what is removed.
_OF_VERSIONS = (IS_REPLACED, IS_REMOVED)
_VERDICTS = (IS_BROKEN, _REPEAT, _CONFLICT, *_OF_VERSIONS)
# Broken whatever the day; and values as they are whatever the day.
_IS_WRONG, _LASTING = "checked__is_wrong", "lasting__"


@dataclass(frozen=True)
class CheckedCustomers:
    """Every row of a source with the verdict of the contract.

    `rows` holds the cells as sent, one canonical column `canonical__NAME` for each mapped header,
    and `checked__is_broken`, `checked__is_repeat` and `checked__is_conflict`; where rows have
    versions, also `checked__is_replaced` and `checked__is_removed`, which count as repeats. Reasons
    are computed only for the few rows that have any.
    """

    rows: nw.LazyFrame[Any]

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The headers as sent."""
        apart = (*ADDED, *_VERDICTS)
        return tuple(n for n in self._names if n not in apart and not n.startswith(CANONICAL))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The canonical columns that the source has."""
        return tuple(n.removeprefix(CANONICAL) for n in self._names if n.startswith(CANONICAL))

    @cached_property
    def _names(self) -> list[str]:
        return self.rows.collect_schema().names()

    def kept(self, *names: str) -> nw.LazyFrame[Any]:
        """These columns of the rows of customers."""
        # Others are dropped first: in memory a filter copies every column.
        rows = self.rows.select(*names, _REPEAT, IS_BROKEN)
        return rows.filter(~nw.col(_REPEAT) & ~nw.col(IS_BROKEN)).select(*names)

    def valid(self) -> nw.LazyFrame[Any]:
        """The valid rows: canonical columns, `as_of` and `sample_key`."""
        names = {canonical_name(name): name for name in self.columns}
        return _plain(self.kept(*names, AS_OF, SAMPLE_KEY).rename(names))

    def customers(self) -> nw.LazyFrame[Any]:
        """The same, sorted by key."""
        return self.valid().sort(KEY)

    def quarantined(self, reading: Reading, needed: Iterable[str]) -> nw.LazyFrame[Any]:
        """The broken rows: row number, key, all reasons, and the cells as sent but for addresses.

        Args:
            reading: As in `check_customers`.
            needed: As in `check_customers`.
        """
        broken = self.rows.filter(~nw.col(_REPEAT) & nw.col(IS_BROKEN))
        # Computed again for these rows: for all rows it would take longer than parsing.
        rules = Rules(reading.headers, reading, needed)
        broken = rules.parsed(broken.select(*self.cells, *PROVENANCE, AS_OF, _CONFLICT))
        problems = {shared_id(reading.schema): nw.col(_CONFLICT)} | rules.problems()
        columns = reading.schema.columns
        # Silver holds no address in the clear.
        apart = {header for name, header in reading.headers.items() if columns[name].is_email}
        sent = (cell for cell in self.cells if cell not in apart)
        cells = [nw.col(cell).alias(f"sent_{cell.strip()}") for cell in sent]
        key = nw.col(canonical_name(KEY)).alias(KEY)
        rows = broken.select(ROW_NUMBER, key, reasons(problems), *cells, *PROVENANCE[:2], AS_OF)
        return _plain(rows.sort(ROW_NUMBER))

    def lost_values(self, reading: Reading) -> dict[str, int]:
        """Why customers lack values in optional columns: reason -> rows, most frequent first.

        Args:
            reading: As in `check_customers`.
        """
        is_lost = {
            name: nw.col(canonical_name(name)).is_null()
            for name in self.columns
            # Empty is no.
            if name != reading.schema.events.removed
        }
        counts = counted(self.kept(*map(canonical_name, is_lost)), is_lost)
        lost = {name: is_lost[name] for name, rows in counts.items() if rows}
        if not lost:
            return {}
        # Computed again for these rows and columns, as for the quarantine.
        rules = Rules({name: reading.headers[name] for name in lost}, reading, lost)
        rows = self.kept(*map(canonical_name, lost), *rules.mapped.values())
        rows = rows.filter(any_of(lost.values()))
        rows = rules.parsed(rows.select(*rules.mapped.values()))
        by_reason = Counter(counted(rows, rules.problems()))
        return {reason: count for reason, count in by_reason.most_common() if count}

    def counts(self) -> dict[str, int]:
        """Where the rows went, each end counted by its own rule.

        They are `customers`, `quarantined`, `repeats`, `replaced` by a later version, and `removed`
        together with what they take back.
        """
        is_repeat, is_broken = nw.col(_REPEAT), nw.col(IS_BROKEN)
        ends = {"customers": ~is_repeat & ~is_broken, "quarantined": ~is_repeat & is_broken}
        if IS_REPLACED not in self._names:
            return counted(self.rows, ends | {"repeats": is_repeat}) | {"replaced": 0, "removed": 0}
        is_replaced, is_removed = nw.col(IS_REPLACED), nw.col(IS_REMOVED)
        ends |= {
            "repeats": is_repeat & ~is_replaced & ~is_removed,
            "replaced": is_replaced,
            "removed": is_removed,
        }
        return counted(self.rows, ends)

    def newest_dates(self) -> dict[str, str]:
        """The latest date of each date column that has one, as `YYYY-MM-DD`."""
        types = self.rows.collect_schema()
        dates = [name for name in self.columns if types[canonical_name(name)].is_temporal()]
        if not dates:
            return {}
        latest = self.rows.select(*(nw.col(canonical_name(name)).max() for name in dates)).collect()
        days = {name: nw.to_py_scalar(latest[canonical_name(name)][0]) for name in dates}
        # On pandas a missing date is not equal to itself.
        known = {name: day for name, day in days.items() if day is not None and day == day}  # noqa: PLR0124
        return {name: day.date().isoformat() for name, day in known.items()}


def counted(rows: nw.LazyFrame[Any], rules: Mapping[str, nw.Expr]) -> dict[str, int]:
    """The number of rows for which each rule is true; null counts as false."""
    if not rules:
        return {}
    ones = {
        f"rule_{place}": nw.when(rule).then(nw.lit(1)).otherwise(nw.lit(0)).sum()
        for place, rule in enumerate(rules.values())
    }
    found = rows.select(**ones).collect()
    return {
        text: int(nw.to_py_scalar(found[name][0]) or 0)
        for text, name in zip(rules, ones, strict=True)
    }


def map_headers(headers: Iterable[str], schema: Schema) -> dict[str, str]:
    """Canonical column -> header as sent.

    Raises:
        UserError: Two headers are mapped to the same column.
    """
    mapped: dict[str, str] = {}
    for header in headers:
        name = header.strip()
        canonical = schema.aliases.get(name, name)
        if header in ADDED or canonical not in schema.columns:
            continue
        if canonical in mapped:
            raise UserError(
                f"the headers {mapped[canonical]!r} and {header!r} both stand for `{canonical}`: "
                f"remove one, or change the headers of the column in {chosen_schema()}"
            )
        mapped[canonical] = header
    return mapped


def require_columns(
    headers: Iterable[str],
    mapped: Mapping[str, str],
    required: Iterable[str],
    schema: Schema,
    source: str,
) -> None:
    """Refuse a source without all required columns.

    Args:
        headers: As sent.
        mapped: Canonical column -> header, from `map_headers`.
        required: Canonical columns.
        schema: The headers of its columns.
        source: The file's name.

    Raises:
        UserError: Names the source and each missing column, with its aliases and similar headers.
    """
    cells = [header for header in headers if header not in ADDED]
    if named := name_missing(cells, mapped, required, schema):
        raise UserError(
            f"{source}: no column for {named}. Add it to the file, or map its header to the "
            f"column: add it to the column's headers in {chosen_schema()}."
        )


def check_customers(
    bronze: nw.LazyFrame[Any], reading: Reading, needed: Iterable[str]
) -> CheckedCustomers:
    """Parse the mapped cells and find the rows that break the contract.

    Args:
        bronze: Cells as text, with the columns that ingestion adds.
        reading: Headers, formats, spellings and windows.
        needed: Canonical columns that a customer must have.
    """
    cells = tuple(name for name in bronze.collect_schema().names() if name not in ADDED)
    rules = Rules(reading.headers, reading, needed)
    if reading.of_any_day:
        return CheckedCustomers(_versions_judged(bronze, cells, rules))
    rows = _with_repeats(bronze, cells, rules.text(KEY), has_lines=reading.has_lines)
    judged = _judged_by_cell if rows.implementation.is_pandas() else _judged
    added = [name for name in rows.collect_schema().names() if name in ADDED]
    return CheckedCustomers(judged(rows, (*cells, *added, _REPEAT, _CONFLICT), rules))


def _judged(rows: nw.LazyFrame[Any], kept: tuple[str, ...], rules: Rules) -> nw.LazyFrame[Any]:
    """The kept columns, whether a row is broken, and the canonical columns."""
    rows = rules.parsed(rows).select(*kept, **{IS_BROKEN: _is_broken(rules)}, **rules.values())
    any_broken = nw.any_horizontal(nw.col(_CONFLICT, IS_BROKEN), ignore_nulls=True)
    return rules.completed(rows.with_columns(any_broken.alias(IS_BROKEN)))


def _judged_by_cell(
    rows: nw.LazyFrame[Any], kept: tuple[str, ...], rules: Rules
) -> nw.LazyFrame[Any]:
    """The same as a table of Arrow's, with each distinct cell read once: most columns have few."""
    import pyarrow.compute as pc  # noqa: PLC0415 - with Spark and Polars it is not needed

    table = rows.collect(backend="pyarrow").to_native()
    broken, values = table[_CONFLICT], {}
    for column in rules.columns:
        name, header = column.name, rules.mapped[column.name]
        one = Rules({name: header}, rules.reading, rules.needed)
        sent = table[header].cast("string").fill_null("")
        distinct = sent.unique()
        cells = nw.from_dict({header: distinct}, backend="pyarrow").lazy()
        judged = one.parsed(cells).select(**{IS_BROKEN: _is_broken(one)}, **one.values())
        found = one.completed(judged).collect().to_native()
        places = pc.index_in(sent, value_set=distinct)
        broken = pc.or_(broken, found[IS_BROKEN].take(places))
        values[canonical_name(name)] = found[canonical_name(name)].take(places)
    table = table.select(kept).append_column(IS_BROKEN, broken)
    for name, column in values.items():
        table = table.append_column(name, column)
    return nw.from_native(table).lazy()


def _versions_judged(
    rows: nw.LazyFrame[Any], cells: tuple[str, ...], rules: Rules
) -> nw.LazyFrame[Any]:
    """The same as `_judged`, with the verdicts on rows that tell of the same thing."""
    if rows.implementation.is_pandas():
        rows = nw.from_native(rows.collect(backend="pyarrow").to_native()).lazy()
    reading = rules.reading
    assert reading.of_any_day is not None  # noqa: S101 - the caller's
    any_day = replace(reading, schema=reading.of_any_day)
    lasting = Rules(rules.mapped, any_day, rules.needed, of_any_day=True)
    values = {
        name.replace(canonical_name(""), _LASTING, 1): value
        for name, value in lasting.values().items()
    }
    added = [name for name in rows.collect_schema().names() if name in ADDED]
    rows = rules.parsed(rows).select(
        *cells,
        *added,
        **{IS_BROKEN: _is_broken(rules), _IS_WRONG: _is_broken(lasting)},
        **rules.values(),
        **values,
    )
    rows = _with_versions(rows, rules, [*values])
    uncounted = nw.col(IS_REPEAT) | nw.col(IS_REPLACED) | nw.col(IS_REMOVED)
    rows = rows.with_columns(
        uncounted.alias(IS_REPEAT), (nw.col(IS_BROKEN) | nw.col(IS_CONFLICT)).alias(IS_BROKEN)
    )
    return rules.completed(rows.drop(*values, _IS_WRONG))


def _with_versions(rows: nw.LazyFrame[Any], rules: Rules, lasting: list[str]) -> nw.LazyFrame[Any]:
    """The rows with the verdicts of `_versions_of`.

    Args:
        rows: Each with whether it is wrong on any day, and its values.
        rules: Of the rows.
        lasting: The columns of these values.
    """
    if not rows.implementation.is_pyarrow():
        return _versions_of(rows, rules)
    import pandas as pd  # noqa: PLC0415 - with Spark and Polars it is not needed

    # Narwhals' `over` is a join on Arrow's tables, and Arrow's joins give rows in any order.
    table = rows.collect().to_native()
    few = table.select([ROW_NUMBER, _IS_WRONG, *lasting]).to_pandas(types_mapper=pd.ArrowDtype)
    judged = _versions_of(nw.from_native(few).lazy(), rules).collect()
    for name in (IS_REPEAT, IS_REPLACED, IS_CONFLICT, IS_REMOVED):
        table = table.append_column(name, judged[name].to_arrow())
    return nw.from_native(table).lazy()


def _versions_of(rows: nw.LazyFrame[Any], rules: Rules) -> nw.LazyFrame[Any]:
    """Which row of each line or customer stands; one that is wrong on any day has no part in it."""
    events = rules.schema.events
    identity = [_IS_WRONG, *(_LASTING + name for name in (KEY, *events.id))]
    apart = {KEY, *events.id, events.version}
    columns = [column for column in rules.columns if column.name not in apart]
    texts = compared(columns, rules.schema, _LASTING)
    version = events.version and _LASTING + events.version
    rows = with_standing(rows, identity, version, texts, ROW_NUMBER)
    verdicts = {
        name: nw.when(~nw.col(_IS_WRONG)).then(nw.col(name)).otherwise(nw.lit(value=False))
        for name in (IS_REPEAT, IS_REPLACED, IS_CONFLICT)
    }
    rows = rows.with_columns(**verdicts)
    if events.removed not in rules.mapped:
        return rows.with_columns(nw.lit(value=False).alias(IS_REMOVED))
    fallen = nw.any_horizontal(nw.col(_IS_WRONG, *verdicts), ignore_nulls=True)
    is_taken_back = indicator(nw.col(_LASTING + events.removed) == 1.0) == 1.0
    return rows.with_columns((~fallen & is_taken_back).alias(IS_REMOVED))


def _is_broken(rules: Rules) -> nw.Expr:
    return any_of(rules.problems().values())


def _plain(rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """As the rows were given: of Arrow's, a table of pandas with NumPy types."""
    if not rows.implementation.is_pyarrow():
        return rows
    held = rows.with_columns(nw.selectors.datetime().cast(nw.Datetime("ns"))).collect()
    columns = {name: held[name].to_numpy() for name in held.columns}
    return nw.from_dict(columns, backend="pandas").lazy()


def _with_repeats(
    rows: nw.LazyFrame[Any], cells: tuple[str, ...], key: nw.Expr, *, has_lines: bool
) -> nw.LazyFrame[Any]:
    """Whether each row repeats another, and whether rows with its key differ.

    A customer has many order lines, which do not contradict each other.
    """
    is_repeat = nw.col(ROW_NUMBER) != nw.col(ROW_NUMBER).min().over(*cells)
    if has_lines:
        return rows.with_columns(**{_REPEAT: is_repeat, _CONFLICT: nw.lit(value=False)})
    keyed = rows.select(*cells, ROW_NUMBER, **{_SAME_KEY: key})
    # Only the few rows with a repeated key are compared cell by cell.
    twice = keyed.group_by(_SAME_KEY).agg(**{_ROWS: nw.len()}).filter(nw.col(_ROWS) > 1)
    shared = keyed.join(twice.select(_SAME_KEY), on=_SAME_KEY, how="semi")
    is_other = nw.len().over(*cells) != nw.len().over(_SAME_KEY)
    # Missing keys are not equal.
    is_conflict = is_other & (nw.col(_SAME_KEY) != "")
    # Numbers, since a left join turns pandas' booleans into objects.
    flags = shared.select(
        ROW_NUMBER, **{_REPEAT: is_repeat.cast(nw.Float64), _CONFLICT: is_conflict.cast(nw.Float64)}
    )
    return rows.join(flags, on=ROW_NUMBER, how="left").with_columns(
        **{flag: nw.col(flag).fill_null(0.0) == 1.0 for flag in (_REPEAT, _CONFLICT)}
    )
