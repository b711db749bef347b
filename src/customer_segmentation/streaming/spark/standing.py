"""Which of the lines or records that were ever sent stand, by the one definition of `versions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw

from customer_segmentation.customers.rules import REASONS
from customer_segmentation.customers.versions import (
    IS_CONFLICT,
    IS_REPEAT,
    IS_REPLACED,
    compared,
    shared_id,
    with_standing,
)
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.reading import OFFSET, PARTITION, day_reasons, identity_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# All that a line or record says, as a SHA-256.
SAYS = "event__says"
IS_GONE = "is_gone__"
_WAS, _ORDER = "was__", "order__"
_BETWEEN = "\x1f"
_VERDICTS = (_WAS, _ORDER, IS_REPEAT, IS_REPLACED, IS_CONFLICT)


@dataclass(frozen=True)
class Standing:
    """Lines or records of some customers after a batch.

    Attributes:
        rows: Each that is new, or was there, with verdicts.
        schema: Of the customers, as of the day.
    """

    rows: DataFrame
    schema: Schema

    def changes(self) -> DataFrame:
        """What changes in the table of them: new rows, and with `IS_GONE` those that go."""
        from pyspark.sql import functions as F  # noqa: N812, PLC0415 - its own; after its settings

        changed = self.rows.where(F.col(_WAS) == F.col(IS_REPLACED))
        return changed.withColumn(IS_GONE, F.col(IS_REPLACED)).drop(*_VERDICTS)

    def changed(self) -> DataFrame:
        """Keys of those of whom a row is new or goes."""
        return self.changes().select(KEY).distinct()

    def unclear(self) -> DataFrame:
        """The new rows that do not count, by position, with `reasons`: contested or too old."""
        from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as above

        rows = self.rows.where(~F.col(_WAS) & ~F.col(IS_REPLACED))
        dates = [n for n, c in self.schema.rows.columns.items() if c.kind == "date"]
        day = F.lit(self.schema.as_of)
        coming = F.greatest(*(F.to_date(name) for name in dates), day) > day
        told = nw.from_native(rows).lazy().with_columns(day_reasons(self.schema)).to_native()
        contested = F.when(F.col(IS_CONFLICT), shared_id(self.schema))
        reason = F.coalesce(contested, F.when(~coming, F.col(REASONS)), F.lit(""))
        return told.select(PARTITION, OFFSET, reason.alias(REASONS)).where(F.col(REASONS) != "")

    def counted(self) -> DataFrame:
        """The rows that count: they are neither taken back nor contested by another."""
        from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as above

        rows = self.rows.where(~F.col(IS_REPLACED) & ~F.col(IS_CONFLICT))
        if removed := self.schema.events.removed:
            rows = rows.where(F.coalesce(F.col(removed), F.lit(0.0)) != 1.0)
        return rows.select(*self.schema.rows.columns)


def key_of(schema: Schema) -> tuple[str, ...]:
    """The columns by which the table of lines or records is merged."""
    return (*identity_of(schema), SAYS)


def said(valid: DataFrame, schema: Schema) -> DataFrame:
    """Valid events as rows of that table: each once, with `SAYS`."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as above

    rows = nw.from_native(valid).lazy()
    texts = compared(schema.rows.columns.values(), schema)
    text = nw.concat_str(*texts.values(), separator=_BETWEEN)
    told = rows.with_columns(text.alias(SAYS)).to_native()
    if _version(schema) == OFFSET:
        # Of records without a version the last of the log stands, whatever it says.
        told = told.withColumn(SAYS, F.concat_ws(_BETWEEN, SAYS, PARTITION, OFFSET))
    told = told.withColumn(SAYS, F.sha2(SAYS, 256))
    # The same row sent twice is one.
    return told.dropDuplicates([*key_of(schema)])


def standing(before: DataFrame, sent: DataFrame, schema: Schema) -> Standing:
    """What stands of the rows that were there and those that are sent, in whichever order.

    Args:
        before: Rows of the table.
        sent: From `said`.
        schema: Of the customers.
    """
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as above

    key = key_of(schema)
    new = sent.join(before.select(*key), [*key], "left_anti")
    both = before.withColumn(_WAS, F.lit(True)).unionByName(  # noqa: FBT003 - Spark's literal
        new.withColumn(_WAS, F.lit(False))  # noqa: FBT003 - as above
    )
    # No two rows of the same say the same.
    numbered = nw.from_native(both.withColumn(_ORDER, F.xxhash64(SAYS))).lazy()
    says = {SAYS: nw.col(SAYS)}
    rows = with_standing(numbered, identity_of(schema), _version(schema), says, _ORDER)
    return Standing(rows.to_native(), schema)


def _version(schema: Schema) -> str:
    """The column of which the highest stands; '' for none."""
    return schema.events.version or ("" if schema.orders else OFFSET)
