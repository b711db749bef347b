"""The file of consents: a row for each time that a customer agreed or took it back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from customer_segmentation.campaigns.consent import NEVER, Statements
from customer_segmentation.customers.account import listed
from customer_segmentation.customers.quarantine import ROW_NUMBER
from customer_segmentation.errors import UserError
from customer_segmentation.schema.cells import id_without_fraction
from customer_segmentation.schema.declarations import repeated
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

SETTING = "SEGMENTATION_CONSENTS"
_COLUMNS = (KEY, "purpose", "status", "on")
_UNTIL = "until"
_STATUSES = {"given": True, "withdrawn": False}
_MAX_NAMED = 5
_NO_DAY, _DAYS = "is no day, such as 2014-06-30", "datetime64[D]"


def read_statements(consents: pa.Table | None, schema: Schema) -> Statements:
    """The statements of a file; none where there is no file.

    Args:
        consents: As landed: every cell as text, with the number of its row.
        schema: Says which purposes there are.

    Raises:
        UserError: A column is absent, or a cell is none of what its column may hold; names the
            rows.
    """
    if consents is None:
        return Statements.none()
    headers = {name.strip().lower(): name for name in consents.column_names}
    if twice := repeated(name.strip().lower() for name in consents.column_names):
        raise UserError(f"{SETTING}: the file of consents has {listed(twice)} twice: leave one out")
    if absent := [name for name in _COLUMNS if name not in headers]:
        raise UserError(
            f"{SETTING}: the file of consents has no column {listed(absent)}: it needs "
            f"{', '.join(_COLUMNS)}, and may have {_UNTIL}"
        )
    reading = _Reading(consents, headers)
    purposes = schema.campaigns.consent
    declared = ", ".join(purposes) or "the schema's purposes, which it has none of"
    # An id that is written otherwise than in the customers' file would lose a withdrawal.
    is_float = schema.column_rules[KEY].from_float
    ids = reading.each(
        KEY,
        lambda cell: (id_without_fraction(cell) if is_float else cell) or None,
        "is empty",
        object,
    )
    which = reading.each(
        "purpose", lambda cell: cell if cell in purposes else None, f"is none of {declared}", object
    )
    given = reading.each(
        "status",
        lambda cell: _STATUSES.get(cell.lower()),
        f"is neither {' nor '.join(_STATUSES)}",
        np.bool_,
    )
    days = reading.each("on", _day, _NO_DAY, _DAYS)
    until = (
        reading.each(_UNTIL, lambda cell: _day(cell) if cell else NEVER, _NO_DAY, _DAYS)
        if _UNTIL in headers
        else np.full(len(ids), NEVER)
    )
    reading.refuse()
    return Statements(ids, which, given, days, until)


class _Reading:
    """Reads columns of text, each distinct cell once, and keeps what cannot be read."""

    def __init__(self, table: pa.Table, headers: dict[str, str]) -> None:
        self._table, self._headers = table, headers
        self._rows = table[ROW_NUMBER].to_numpy()
        self._wrong: list[tuple[int, str]] = []
        self._number = 0

    def each(self, name: str, read: Callable[[str], Any], problem: str, kind: Any) -> Any:  # noqa: ANN401 - arrays of several kinds
        """The values of a column."""
        import pyarrow.compute as pc  # noqa: PLC0415 - only where a file is read

        column = self._table[self._headers[name]].combine_chunks()
        trimmed = pc.utf8_trim_whitespace(pc.fill_null(column, "")).dictionary_encode()
        cells, codes = trimmed.dictionary.to_pylist(), trimmed.indices.to_numpy()
        values = [read(cell) for cell in cells]
        is_wrong = np.array([value is None for value in values], dtype=np.bool_)[codes]
        self._number += int(is_wrong.sum())
        for place in np.flatnonzero(is_wrong)[:_MAX_NAMED].tolist():
            cell = cells[codes[place]]
            told = f"{name} {cell!r} {problem}" if cell else f"{name} is empty"
            self._wrong.append((int(self._rows[place]), told))
        return np.array(values, dtype=kind)[codes]

    def refuse(self) -> None:
        """Refuse what cannot be read.

        Raises:
            UserError: There is some; names the first rows.
        """
        if self._number:
            told = [f"row {row}: {words}" for row, words in sorted(self._wrong)[:_MAX_NAMED]]
            more = "; ..." if self._number > len(told) else ""
            raise UserError(
                f"{SETTING}: {self._number:,} cells of the file of consents cannot be read: "
                f"{'; '.join(told)}{more}. Correct them: a statement that is not understood may "
                "be a withdrawal"
            )


def _day(cell: str) -> np.datetime64 | None:
    """The day of a cell, which may go on with a time."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d([ T]\d.*)?", cell):
        return None
    try:
        return np.datetime64(date.fromisoformat(cell[:10]))
    except ValueError:
        return None
