"""Outcomes of a campaign as they were sent: read, checked, and one row a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.customers.quarantine import PROVENANCE, ROW_NUMBER, SOURCE_NAME
from customer_segmentation.errors import UserError
from customer_segmentation.schema.cells import (
    Parsed,
    folded,
    missing_as_empty,
    stripped,
    without_fraction,
)
from customer_segmentation.schema.numbers import ParsedNumber
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema

# The columns of a file of outcomes: whether a customer answered, and the amount that they bought.
CAMPAIGN, ANSWERED, AMOUNT = "campaign", "answered", "amount"
_OUTCOMES = (ANSWERED, AMOUNT)
_ROWS = "rows"
# Rows and campaigns that a message names.
_NAMED = 5


@dataclass(frozen=True)
class SentOutcomes:
    """What a file says of the customers of a campaign.

    Attributes:
        table: One row a customer: `customer_id`, and those of `answered` (0 or 1) and `amount`
            that the file has.
        names: Which of the two it has.
        rows: Rows of the file.
        other_campaigns: Rows that it says are of another campaign, which are left out.
        several: Customers with more than one row, whose amounts are added up.
        ignored: Headers that are not read.
    """

    table: nw.DataFrame[Any]
    names: tuple[str, ...]
    rows: int
    other_campaigns: int
    several: int
    ignored: tuple[str, ...]


def read_outcomes(outcomes: IntoFrame, campaign: str, schema: Schema) -> SentOutcomes:
    """The outcomes of a campaign, one row a customer.

    Ids, numbers, flags and empty cells are read as in the customers' own file. An empty cell is no
    answer. Of a customer with several rows, any answer counts, and amounts are added up.

    Args:
        outcomes: Cells as text, as `SourceDataset` gives them.
        campaign: The campaign that is measured.
        schema: Of the customers.

    Raises:
        UserError: A column is missing or stands twice, a cell cannot be read, or the file is of
            another campaign.
    """
    rows = nw.from_native(outcomes).lazy()
    sent = [name for name in rows.collect_schema().names() if name not in PROVENANCE]
    name = str(rows.select(nw.col(SOURCE_NAME).max()).collect()[SOURCE_NAME][0])
    headers = _headers(sent, schema, name)
    names = tuple(column for column in _OUTCOMES if column in headers)
    parsed = _parsed(rows, headers, schema).collect()
    _require_readable(parsed, headers, names, name)
    ours = _of_campaign(parsed, campaign, name) if CAMPAIGN in headers else parsed
    table = ours.group_by(KEY).agg(
        nw.len().alias(_ROWS), *(_joined(column).alias(column) for column in names)
    )
    return SentOutcomes(
        table.select(KEY, *names).sort(KEY),
        names,
        len(parsed),
        len(parsed) - len(ours),
        int((table[_ROWS] > 1).sum()),
        tuple(header for header in sent if header not in headers.values()),
    )


def _joined(column: str) -> nw.Expr:
    return nw.col(column).max() if column == ANSWERED else nw.col(column).sum()


def _headers(sent: Sequence[str], schema: Schema, name: str) -> dict[str, str]:
    """Column -> its header, in any case."""
    spelled = {folded(header): KEY for header, column in schema.aliases.items() if column == KEY}
    spelled |= {column: column for column in (KEY, CAMPAIGN, *_OUTCOMES)}
    found: dict[str, list[str]] = {}
    for header in sent:
        if column := spelled.get(folded(header)):
            found.setdefault(column, []).append(header)
    told = f"{name}: the headers are {', '.join(sent)}"
    for column, headers in found.items():
        if len(headers) > 1:
            raise UserError(f"{name}: {' and '.join(headers)} both mean {column}: remove one")
    if KEY not in found:
        raise UserError(f"{told}, and none is {KEY}: name the column of customers so")
    if not {*_OUTCOMES} & {*found}:
        raise UserError(
            f"{told}, and none is {ANSWERED} or {AMOUNT}: name the column of answers (0 or 1) "
            f"`{ANSWERED}`, or that of what customers bought `{AMOUNT}`"
        )
    return {column: headers[0] for column, headers in found.items()}


def _numbers_of(schema: Schema) -> dict[str, ParsedNumber]:
    return {
        ANSWERED: ParsedNumber(ANSWERED, words=schema.flags),
        AMOUNT: ParsedNumber(AMOUNT, schema.signs),
    }


def _parsed(
    rows: nw.LazyFrame[Any], headers: Mapping[str, str], schema: Schema
) -> nw.LazyFrame[Any]:
    """The columns as values, with a column beside each outcome that is true where it is wrong."""
    key = stripped(headers[KEY])
    if schema.column_rules[KEY].from_float:
        key = without_fraction(key)
    texts = {
        column: missing_as_empty(stripped(header), schema.missing_values)
        for column, header in headers.items()
        if column != KEY
    }
    rows = rows.select(ROW_NUMBER, key.alias(KEY), **texts)
    for column, number in _numbers_of(schema).items():
        if column not in headers:
            continue
        for level in number.levels:
            rows = rows.with_columns(**level)
        wrong = number.malformed | number.not_finite
        if column == ANSWERED:
            wrong = wrong | ~number.value.fill_null(0.0).is_in([0.0, 1.0])
        rows = rows.with_columns(wrong.alias(_wrong(column)))
        rows = rows.with_columns(number.value.fill_null(0.0).alias(column))
    kept = [column for column in (CAMPAIGN, *_OUTCOMES) if column in headers]
    return rows.select(ROW_NUMBER, KEY, *kept, *(_wrong(c) for c in kept if c != CAMPAIGN))


def _wrong(column: str) -> str:
    return Parsed(column).beside("wrong")


def _require_readable(
    parsed: nw.DataFrame[Any], headers: Mapping[str, str], names: Sequence[str], name: str
) -> None:
    problems = {KEY: (nw.col(KEY) == "", "is empty")}
    if ANSWERED in names:
        problems[ANSWERED] = (nw.col(_wrong(ANSWERED)), "is neither 0 nor 1")
    if AMOUNT in names:
        problems[AMOUNT] = (nw.col(_wrong(AMOUNT)), "is no number")
    for column, (is_wrong, problem) in problems.items():
        rows = parsed.filter(is_wrong)[ROW_NUMBER].sort().to_list()
        if rows:
            listed = ", ".join(map(str, rows[:_NAMED]))
            more = f" and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else ""
            raise UserError(
                f"{name}: {headers[column]} {problem} in row {listed}{more}: mend the file. "
                "Nothing was measured"
            )


def _of_campaign(parsed: nw.DataFrame[Any], campaign: str, name: str) -> nw.DataFrame[Any]:
    """The rows of a campaign; one without a name is taken to be of it."""
    ours = parsed.filter(nw.col(CAMPAIGN).is_in([campaign, ""]))
    if len(ours) == 0:
        others = sorted(parsed[CAMPAIGN].unique().to_list())
        listed = ", ".join(others[:_NAMED])
        raise UserError(
            f"{name} is of {listed}, and the campaign measured is {campaign}: set "
            "`campaign_planning.name` to the campaign that the file is of, or "
            "SEGMENTATION_OUTCOMES to a file of this one"
        )
    return ours
