"""Outcomes of a campaign as they were sent: read, checked, and one row a customer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    headers = _single_headers(sent, schema, name)
    _require_headers(sent, headers, name)
    names = tuple(column for column in _OUTCOMES if column in headers)
    parsed = parse_outcomes(rows, headers, schema).collect()
    parsed = parsed.with_columns(nw.col(column).fill_null(0.0) for column in names)
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


def headers_of(
    sent: Sequence[str], schema: Schema, others: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Column -> the headers that mean it, in any case, of those that are there.

    Args:
        sent: The headers.
        schema: Of the customers.
        others: Columns to be found beside those of a campaign's outcomes.
    """
    spelled = {folded(header): KEY for header, column in schema.aliases.items() if column == KEY}
    spelled |= {column: column for column in (KEY, CAMPAIGN, *_OUTCOMES, *others)}
    found: dict[str, list[str]] = {}
    for header in sent:
        if column := spelled.get(folded(header)):
            found.setdefault(column, []).append(header)
    return found


def _single_headers(sent: Sequence[str], schema: Schema, name: str) -> dict[str, str]:
    found = headers_of(sent, schema)
    for column, headers in found.items():
        if len(headers) > 1:
            raise UserError(f"{name}: {' and '.join(headers)} both mean {column}: remove one")
    return {column: headers[0] for column, headers in found.items()}


def _require_headers(sent: Sequence[str], found: Collection[str], name: str) -> None:
    told = f"{name}: the headers are {', '.join(sent)}"
    if KEY not in found:
        raise UserError(f"{told}, and none is {KEY}: name the column of customers so")
    if not {*_OUTCOMES} & {*found}:
        raise UserError(
            f"{told}, and none is {ANSWERED} or {AMOUNT}: name the column of answers (0 or 1) "
            f"`{ANSWERED}`, or that of what customers bought `{AMOUNT}`"
        )


def _numbers_of(schema: Schema) -> dict[str, ParsedNumber]:
    return {
        ANSWERED: ParsedNumber(ANSWERED, words=schema.flags),
        AMOUNT: ParsedNumber(AMOUNT, schema.signs),
    }


def parse_outcomes(
    rows: nw.LazyFrame[Any], headers: Mapping[str, str], schema: Schema
) -> nw.LazyFrame[Any]:
    """The columns as values, null where a cell is empty; others than ids and outcomes as text.

    Beside each outcome is a column, named by `wrong`, that is true where it cannot be read.

    Args:
        rows: Cells as text, with the number of the row.
        headers: Column -> header.
        schema: Of the customers.
    """
    texts = {
        column: missing_as_empty(stripped(header), schema.missing_values)
        for column, header in headers.items()
        if column != KEY
    }
    if KEY in headers:
        key = stripped(headers[KEY])
        is_float = schema.column_rules[KEY].from_float
        texts[KEY] = without_fraction(key) if is_float else key
    rows = rows.select(ROW_NUMBER, **texts)
    told = [column for column in _OUTCOMES if column in headers]
    numbers = _numbers_of(schema)
    for column in told:
        number = numbers[column]
        for level in number.levels:
            rows = rows.with_columns(**level)
        is_wrong = number.malformed | number.not_finite
        if column == ANSWERED:
            is_wrong = is_wrong | ~number.value.fill_null(0.0).is_in([0.0, 1.0])
        rows = rows.with_columns(is_wrong.alias(wrong(column)))
        rows = rows.with_columns(number.value.alias(column))
    return rows.select(ROW_NUMBER, *texts, *map(wrong, told))


def wrong(column: str) -> str:
    """The name of the column that is true where an outcome cannot be read."""
    return Parsed(column).beside("wrong")


def _require_readable(
    parsed: nw.DataFrame[Any], headers: Mapping[str, str], names: Sequence[str], name: str
) -> None:
    problems = {KEY: (nw.col(KEY) == "", "is empty")}
    if ANSWERED in names:
        problems[ANSWERED] = (nw.col(wrong(ANSWERED)), "is neither 0 nor 1")
    if AMOUNT in names:
        problems[AMOUNT] = (nw.col(wrong(AMOUNT)), "is no number")
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
