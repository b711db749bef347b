"""Outcomes as they arrived, by a folder, a topic or the API: read, or told why they cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.campaigns.outcomes import (
    AMOUNT,
    ANSWERED,
    CAMPAIGN,
    headers_of,
    parse_outcomes,
    wrong,
)
from customer_segmentation.customers.quarantine import ROW_NUMBER, SOURCE_NAME
from customer_segmentation.feedback.cells import moment, revision
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.sources.header import LANDED, SOURCE_FILE
from customer_segmentation.tables.outcomes import (
    HAPPENED_AT,
    OUTCOME_ID,
    REASON,
    RECEIVED_AT,
    REVISION,
)

_TEXTS = (OUTCOME_ID, KEY, CAMPAIGN, HAPPENED_AT)
# All columns of an outcome that was read; `reason` is null where it can be.
READ = pa.schema(
    [
        *((name, pa.string()) for name in (SOURCE_NAME, *_TEXTS, RECEIVED_AT, REASON)),
        *((name, pa.int64()) for name in (ROW_NUMBER, REVISION)),
        *((name, pa.float64()) for name in (ANSWERED, AMOUNT)),
    ]
)


@dataclass(frozen=True)
class Arrived:
    """Some outcomes as they arrived together.

    Attributes:
        name: Where from, without a secret.
        before: How many had arrived from there before them.
        at: When, in UTC.
        rows: Cells as text.
    """

    name: str
    before: int
    at: str
    rows: pa.Table


@dataclass(frozen=True)
class Arrivals:
    """Everything that has arrived.

    Attributes:
        parts: In the order of their arrival.
        notes: What a person should know of it, in sentences.
    """

    parts: tuple[Arrived, ...] = ()
    notes: tuple[str, ...] = ()


def read_arrived(parts: Iterable[Arrived], schema: Schema) -> pa.Table:
    """Every outcome that arrived, as `READ`, in the order of arrival.

    Cells are read as those of a campaign's outcomes. `happened_at` is a day, or a moment of UTC
    unless it says another zone; `revision` is 0 where nothing is said.

    Args:
        parts: What arrived.
        schema: Of the customers.
    """
    tables = [_read(one, schema) for one in parts if len(one.rows)]
    return pa.concat_tables([READ.empty_table(), *tables])


def _read(arrived: Arrived, schema: Schema) -> pa.Table:
    count = len(arrived.rows)
    numbers = pa.array(range(arrived.before + 1, arrived.before + 1 + count), pa.int64())
    told = {
        SOURCE_NAME: pa.repeat(pa.scalar(arrived.name), count),
        RECEIVED_AT: pa.repeat(pa.scalar(moment(arrived.at)), count),
        ROW_NUMBER: numbers,
    }
    sent = [n for n in arrived.rows.column_names if n != SOURCE_FILE and not n.startswith(LANDED)]
    named = headers_of(sent, schema, (OUTCOME_ID, HAPPENED_AT, REVISION))
    cells, doubled = _joined(arrived.rows, named)
    rows = nw.from_native(cells.append_column(ROW_NUMBER, numbers)).lazy()
    parsed: pa.Table = parse_outcomes(rows, {name: name for name in named}, schema)
    parsed = parsed.collect().to_native()
    found = {name: parsed[name] for name in (*_TEXTS, ANSWERED, AMOUNT) if name in named}
    empty = pa.repeat(pa.scalar(""), count)
    texts = {name: found.get(name, empty) for name in _TEXTS}
    happened = _each(texts[HAPPENED_AT], moment, pa.string())
    revisions = _each(parsed[REVISION] if REVISION in named else empty, revision, pa.int64())
    facts = _facts(texts, happened, revisions, parsed)
    reasons = [double or _reason(*row) for double, *row in zip(doubled, *facts, strict=True)]
    read = {**told, **texts, HAPPENED_AT: happened, REVISION: revisions, REASON: reasons}
    read |= {name: found[name] for name in (ANSWERED, AMOUNT) if name in found}
    return _filled(read, count)


def _joined(rows: pa.Table, named: Mapping[str, Sequence[str]]) -> tuple[pa.Table, list[str]]:
    """A column of cells for each that is meant, and why a row's are not clear; '' if they are.

    Senders spell headers differently, and what they sent may have arrived as one table.
    """
    cells, doubled = {}, [""] * len(rows)
    for column, headers in named.items():
        cells[column], *others = (pc.fill_null(rows[header], "") for header in headers)
        for other in others:
            is_empty = pc.equal(pc.utf8_trim_whitespace(cells[column]), "")
            is_both = pc.and_not(pc.not_equal(pc.utf8_trim_whitespace(other), ""), is_empty)
            for place in pc.indices_nonzero(is_both).to_pylist():
                doubled[place] = f"{' and '.join(headers)} both mean {column}, and have a cell"
            cells[column] = pc.if_else(is_empty, other, cells[column])
    return pa.table(cells), doubled


def _facts(
    texts: dict[str, Any], happened: pa.Array, revisions: pa.Array, parsed: pa.Table
) -> Iterator[Sequence[Any]]:
    """Of each row what `_reason` looks at, a column each."""
    count = len(parsed)
    nothing, right = [None] * count, [False] * count

    def column(name: str, otherwise: list[Any]) -> list[Any]:
        return parsed[name].to_pylist() if name in parsed.column_names else otherwise

    yield from (texts[name].to_pylist() for name in (OUTCOME_ID, KEY, CAMPAIGN))
    yield from (happened.to_pylist(), revisions.to_pylist())
    for name in (ANSWERED, AMOUNT):
        yield from (column(name, nothing), column(wrong(name), right))


def _reason(  # noqa: PLR0913, PLR0917 - the cells of an outcome
    outcome: str,
    customer: str,
    campaign: str,
    happened: str | None,
    number: int | None,
    answered: float | None,
    is_no_answer: bool,  # noqa: FBT001 - as above
    amount: float | None,
    is_no_amount: bool,  # noqa: FBT001 - as above
) -> str | None:
    """Why an outcome cannot be read, in words; None if it can."""
    problems = {
        "it has no outcome_id": not outcome,
        "it has no customer_id": not customer,
        "it has no campaign": not campaign,
        "answered is neither 0 nor 1": is_no_answer,
        "amount is no number": is_no_amount,
        "it has neither answered nor amount": answered is None and amount is None,
        "happened_at is no day or moment in ISO format": happened is None,
        "revision is no whole number": number is None,
    }
    return next((words for words, is_so in problems.items() if is_so), None)


def _each(texts: Any, read: Callable[[str], Any], kind: pa.DataType) -> pa.Array:  # noqa: ANN401 - Arrow's
    """Each distinct text read once."""
    column = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    coded = pc.dictionary_encode(column)
    values = pa.array([read(text) for text in coded.dictionary.to_pylist()], kind)
    return values.take(coded.indices)


def _filled(columns: dict[str, Any], count: int) -> pa.Table:
    filled = {field.name: columns.get(field.name, pa.nulls(count, field.type)) for field in READ}
    for name in _TEXTS:
        filled[name] = pc.fill_null(
            pa.chunked_array([filled[name]])
            if isinstance(filled[name], pa.Array)
            else filled[name],
            "",
        )
    return pa.table(filled).select(READ.names).cast(READ)
