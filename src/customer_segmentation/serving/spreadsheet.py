"""Text that a spreadsheet would take for a formula, disarmed by an apostrophe in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_segmentation.schema.numbers import NUMBER

if TYPE_CHECKING:
    import polars as pl

# A spreadsheet takes a cell that begins like this for a formula, unless it is a number. It skips
# white space and invisible characters: control, format, fillers, the empty Braille cell.
_UNSEEN = r"\s\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\x{2800}"
# With their full-width and small forms.
_SIGN = r"[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}\x{FE66}\x{FE62}\x{FE63}\x{FE6B}]"
_FORMULA = rf"^[\t\r\n]|^[{_UNSEEN}]*{_SIGN}"
# A spreadsheet that uses another separator than the file's starts a cell after it, or after a line
# end within quotes that it then ignores. Quotes may follow either.
_BETWEEN = rf"[\"'{_UNSEEN}]*"
_BEHIND_SEPARATOR = rf"([,;|]{_BETWEEN}|[^{_UNSEEN}]{_BETWEEN}[\t\r\n]{_BETWEEN})({_SIGN})"


def disarmed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with formulas disarmed; columns without any are left as they are, for speed."""
    import polars as pl  # noqa: PLC0415 - 40 MB that few requests need

    suspect = rows.select(pl.col(pl.String).str.contains(f"{_FORMULA}|{_BEHIND_SEPARATOR}").any())
    return rows.with_columns(_disarmed(column.name) for column in suspect if column.any())


def _disarmed(name: str) -> pl.Expr:
    import polars as pl  # noqa: PLC0415 - as above

    text = pl.col(name)
    is_formula = text.str.contains(_FORMULA) & ~text.str.strip_chars().str.contains(NUMBER)
    text = text.str.replace_all(_BEHIND_SEPARATOR, "${1}'${2}")
    return pl.when(is_formula).then(pl.lit("'") + text).otherwise(text).alias(name)
