"""Score the rows of a file by the rules of the pipelines: each by itself, or a customer's lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time

import narwhals as nw
import polars as pl

from customer_segmentation.customers.date_choice import UnclearDatesError
from customer_segmentation.customers.doubts import doubts_about
from customer_segmentation.customers.headers import name_missing
from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.customers.quarantine import (
    ADDED,
    IS_BROKEN,
    ROW_NUMBER,
    check_customers,
    map_headers,
)
from customer_segmentation.customers.reading import Look, Reading, Rows, settle_parts
from customer_segmentation.customers.rules import Rules, canonical_name, reasons
from customer_segmentation.errors import UserError
from customer_segmentation.schema.operations import any_of
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.decoding import cold_start_in_words, in_words
from customer_segmentation.scoring.metadata import P_RESPONSE
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.serving.answers import decided_of
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.jobs.counting import JobCounts
from customer_segmentation.serving.jobs.order_lines import OrderLines
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

# Runs a plan over batches of rows with the cells of some headers.
Batches = Callable[[Sequence[str], Callable[[pl.LazyFrame], pl.LazyFrame]], Iterator[pl.DataFrame]]


class FileScorer:
    """Scores the rows of files with the same headers.

    A file without any column of purchases is answered by the cold-start model; order lines are
    kept, and make customers at the file's end. The probability of an answer to a campaign is
    added where the file has what it depends on.

    Args:
        headers: As sent.
        bundle: What scores.
        batches: Runs a plan over the file: date columns are read first, to choose their format.

    Attributes:
        headers: Those that the contract uses, in the file's order.
        version: Of the artifact that answers.
        counted: What its customers look like.

    Raises:
        UserError: A needed column is missing or given twice, or the date format is ambiguous.
    """

    def __init__(self, headers: Sequence[str], bundle: Bundle, batches: Batches) -> None:
        schema = bundle.contract.schema
        of_lines = schema.needed_of_lines
        has_lines = bool(of_lines) and map_headers(headers, schema.rows).keys() >= {*of_lines}
        self._schema = schema.rows if has_lines else schema
        if has_lines and schema.events.id:
            message = (
                "order lines of which there may be several versions are not read from a posted "
                "file: send them as events, or post what their customers come to."
            )
            raise UserError(message)
        mapped = map_headers(headers, self._schema)
        purchases = () if has_lines else bundle.contract.purchases
        is_new = bool(purchases) and mapped.keys().isdisjoint(purchases)
        cold_start = bundle.cold_start if is_new else None
        self._scorer = cold_start or bundle.segmenter
        self.version = self._scorer.version
        self.counted, self._is_cold = JobCounts(bundle), cold_start is not None
        answering = schema.canonical_columns(self._scorer.columns)
        needed = of_lines if has_lines else answering
        # Where the schema says so, a customer without a key is known by the number of the row.
        self._is_keyed = KEY in mapped or not self._schema.column_rules[KEY].from_row
        key = [KEY] if self._is_keyed else []
        if named := name_missing(headers, mapped, [*key, *needed], self._schema):
            why = ""
            if is_new and not cold_start:
                why = f" (there is no cold-start model: {bundle.left_out['cold_start']})"
            if of_lines:
                why += f". A file of order lines needs {', '.join(of_lines)}"
            message = f"the file has no column for {named}{why}. Add it, and post the file again."
            raise UserError(message)
        # Other columns are not read, but of lines, which they tell from repeats.
        read = {*headers} if has_lines else {*mapped.values()}
        self.headers = [header for header in headers if header in read]
        used = {name: mapped.get(name, name) for name in (KEY, *needed)}
        self._notes: list[str] = []
        self._response = self._readable_response(bundle, mapped, batches) if not is_new else None
        others = bundle.contract.response_needed if self._response else ()
        if not has_lines:
            used |= {name: mapped[name] for name in others}
        self._reading = replace(_settled(used, self._schema, batches), has_lines=has_lines)
        self._needed = needed
        self._rules = Rules(used, self._reading, needed)
        self._lines = OrderLines(schema, self._rules) if has_lines else None
        self._numbers = numeric_expressions(schema, [*answering, *others, AS_OF])
        if cold_start:
            self._answers = cold_start_in_words(cold_start.metadata)
        else:
            words = in_words(bundle.segmenter.metadata)
            told = ("segment", "segment_name", "runner_up", "margin", *decided_of(schema))
            told = (*told, ARTIFACT_VERSION)
            self._answers = {name: words[name] for name in told if name in words}

    def _readable_response(
        self, bundle: Bundle, mapped: Mapping[str, str], batches: Batches
    ) -> Scorer | None:
        """The response model, if there is one and the file has what it looks at.

        Order lines make every column, or the segmenter could not answer either.
        """
        needed = bundle.contract.response_needed
        if not bundle.response or self._schema is not bundle.contract.schema:
            return bundle.response
        if not {*needed} <= mapped.keys():
            return None
        try:
            _settled({name: mapped[name] for name in needed}, self._schema, batches)
        except UserError as error:
            # A date that only this model looks at, and the answer that nobody must have.
            self._notes.append(f"{P_RESPONSE} is left out: {error}")
            return None
        return bundle.response

    def check(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The parsed values of each row, whether it is broken, and then its cells.

        Args:
            rows: Cells as text by header, and `row_number`.
        """
        rules, marks = self._rules, self._lines.marks if self._lines else {}
        rows = self._lines.hashed(rows, self.headers) if self._lines else rows
        broken = any_of(rules.problems().values())
        keyed = self._keyed(nw.from_native(rows))
        parsed = rules.parsed(keyed).with_columns(**{IS_BROKEN: broken})
        # Only the cells of broken rows: all would take most of a worker's memory.
        cells = {name: nw.when(nw.col(IS_BROKEN)).then(nw.col(name)) for name in self.headers}
        checked = parsed.select(ROW_NUMBER, IS_BROKEN, **cells, **marks, **rules.values())
        return rules.completed(checked).to_native()

    def warnings(self, rows: pl.DataFrame) -> list[str]:
        """What some rows may mean other than what is read, and what to do."""
        given = self._keyed(nw.from_native(rows.lazy()))
        given = given.with_columns(nw.lit("").alias(name) for name in ADDED if name != ROW_NUMBER)
        checked = check_customers(given, self._reading, self._needed)
        return [*self._notes, *doubts_about(checked, self._reading, {})]

    def keep(self, checked: pl.DataFrame) -> bool:
        """Keep order lines until the file's end; False where rows are customers."""
        if self._lines:
            self._lines.keep(checked)
        return bool(self._lines)

    def answers(self, checked: pl.DataFrame) -> pl.DataFrame:
        """One row of answers per valid row, where rows are customers."""
        kept = nw.from_native(checked).filter(~nw.col(IS_BROKEN))
        names = [column.name for column in self._rules.columns]
        customers = kept.select(
            *(nw.col(canonical_name(name)).alias(name) for name in names),
            nw.lit(datetime.combine(self._schema.as_of, time.min)).alias(AS_OF),
        )
        return self._answered(customers)

    def of_lines(self) -> tuple[pl.DataFrame, str] | None:
        """Of a file of order lines: one row of answers a customer, and the account in words."""
        if not self._lines:
            return None
        customers, told = self._lines.customers()
        return self._answered(nw.from_native(customers)), told

    def _answered(self, customers: nw.DataFrame[pl.DataFrame]) -> pl.DataFrame:
        numbers = customers.select(KEY, **self._numbers)
        scored = self._scorer.scored(numbers, KEY)
        answers = scored.select(KEY, **self._answers)
        if self._is_cold:
            self.counted.answered_cold(len(answers))
            return answers.to_native()
        chances = None
        if self._response:
            told = self._response.scored(numbers, KEY)
            chances = told[P_RESPONSE].to_numpy()
            # NaN is where an input is missing.
            known = nw.when(~nw.col(P_RESPONSE).is_nan()).then(nw.col(P_RESPONSE))
            answers = nw.concat([answers, told.select(known.alias(P_RESPONSE))], how="horizontal")
        self.counted.answered(numbers, scored, chances)
        return answers.to_native()

    def broken(self, checked: pl.DataFrame) -> pl.DataFrame:
        """The rows that break the contract, as sent."""
        return checked.filter(IS_BROKEN).select(*self.headers, ROW_NUMBER)

    def reasons(self, broken: pl.DataFrame) -> pl.DataFrame:
        """Broken rows with their key and all reasons; costs about the same for one and many."""
        cells = [nw.col(header).alias(f"sent_{header.strip()}") for header in self.headers]
        key = nw.col(canonical_name(KEY)).alias(KEY)
        rows = self._rules.parsed(self._keyed(nw.from_native(broken.lazy())))
        told = rows.select(ROW_NUMBER, key, reasons(self._rules.problems()), *cells)
        found = told.collect().to_native()
        self.counted.rejected(found)
        return found

    def _keyed(self, rows: nw.LazyFrame[pl.LazyFrame]) -> nw.LazyFrame[pl.LazyFrame]:
        if self._is_keyed:
            return rows
        return rows.with_columns(nw.col(ROW_NUMBER).cast(nw.String).alias(KEY))


def _settled(mapped: dict[str, str], schema: Schema, batches: Batches) -> Reading:
    """How to read the cells of a file, such as its date format."""

    def each(header: str, look: Look) -> Iterator[Rows]:
        for part in batches([header], lambda rows: look(nw.from_native(rows)).to_native()):
            yield nw.from_native(part).lazy()

    try:
        return settle_parts(each, mapped, schema)
    except UnclearDatesError as error:
        message = f"{error.problem}. Write the dates as 2013-12-31, and post the file again."
        raise UserError(message) from error
