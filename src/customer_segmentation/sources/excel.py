"""Excel workbooks (.xlsx): one sheet, whose first row with cells is the header."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from customer_segmentation.errors import UserError
from customer_segmentation.sources.cells import Cells, batches_of
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.header import refuse_names
from customer_segmentation.sources.limits import EXACT, MAX_COLUMNS
from customer_segmentation.sources.packed import member, opened
from customer_segmentation.sources.rows import refuse_long_cells

# A sheet is held in memory as a rectangle: Excel's row limit, and 32 columns of that many rows.
_MAX_ROWS = 1 << 20
_MAX_CELLS = 1 << 25
_AT_ONCE = 1 << 22
_SETTING = "SEGMENTATION_SHEET (SEGMENTATION_CUSTOMERS_SHEET for customers beside order lines)"
# The longest tag that the end of a block may cut.
_OVERLAP = 1 << 10
_PLACE = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]*)(\d+)[\"']")
_ERROR = re.compile(rb"\st\s*=\s*[\"']e[\"']")
# Text formulas are left out: their result may be ''.
_NOT_COMPUTED = re.compile(
    rb"<c(?![^<>]*t=[\"']str)[^<>]*><f[^<>]*?(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>"
)


def excel_cells(content: Content) -> Cells:
    """The table of a workbook's sheet: the declared one, or the only one with data.

    Dates are ISO text, with a time unless it is midnight; whole numbers have no decimal point. A
    cell with an Excel error is read as empty, with a note.

    Raises:
        UserError: There is no such sheet or no table in it, several sheets have data and none is
            declared, a formula was never computed, or a limit is exceeded.
    """
    errors = _inspect(content)
    name, rows = _table(content)
    if not rows:
        raise UserError(f"{content.name}: the workbook is empty. Export it again, with a header.")
    header, *rows = rows
    headers = [_text(cell) for cell in header]
    while headers and not headers[-1] and not any(row[len(headers) - 1] != "" for row in rows):
        headers.pop()
    if sum(map(bool, headers)) < 2:  # noqa: PLR2004 - a table of one column is none
        raise UserError(
            f"{content.name}: the first non-empty row of sheet {name!r} must be the header, "
            f"but has only one name ({headers[0][:60]!r}). Delete the rows above the header."
        )
    refuse_names(content.name, headers)

    def texts() -> Iterator[list[str]]:
        for number, row in enumerate(rows, 1):
            cells = [_text(cell) for cell in row[: len(headers)]]
            refuse_long_cells(content.name, number, cells)
            yield cells

    note = f"{content.name}: {errors} cells with Excel's error, such as #N/A, were taken as empty."
    return Cells(
        tuple(headers),
        lambda wanted: batches_of(texts(), headers, wanted),
        notes=[note] if errors else [],
    )


def _table(content: Content) -> tuple[str, list[list[Any]]]:
    """The name of the sheet and its rows that are not empty."""
    with content.open() as file:
        try:
            workbook = CalamineWorkbook.from_filelike(file)
            known, declared = workbook.sheet_names, content.sheet
            if declared is not None and declared not in known:
                raise UserError(
                    f"{content.name}: there is no sheet {declared!r}. Set "
                    f"{_SETTING} to one of {known}."
                )
            visible = SheetVisibleEnum.Visible
            shown = [each.name for each in workbook.sheets_metadata if each.visible == visible]
            tables = {}
            for name in shown if declared is None else [declared]:
                sheet = workbook.get_sheet_by_name(name)
                rows = [row for row in sheet.iter_rows() if any(cell != "" for cell in row)]
                if rows or declared is not None:
                    tables[name] = rows
        except (CalamineError, ValueError, OSError) as error:
            raise UserError(
                f"{content.name}: the workbook cannot be read ({error}). Save it again."
            ) from error
    if len(tables) > 1:
        raise UserError(
            f"{content.name}: the sheets {list(tables)} all have data. Set "
            f"{_SETTING} to the one with the customers, or delete the others."
        )
    return next(iter(tables.items()), ("", []))


def _text(cell: object) -> str:
    # Flags as the contract writes them, whole numbers without a point.
    if isinstance(cell, bool) or (
        isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT
    ):
        return str(int(cell))
    if isinstance(cell, datetime) and cell.time() == time.min:
        return cell.date().isoformat()
    return str(cell)


def _inspect(content: Content) -> int:
    """The number of cells with an error.

    Raises:
        UserError: A sheet is too large, or a formula was never computed.
    """
    errors = 0
    with content.open() as file, opened(content, file) as archive:
        # A sheet file may have any name there.
        parts = [name for name in archive.namelist() if name.startswith("xl/") and name[-1] != "/"]
    for name in parts:
        rows = columns = 0
        with member(content, name).open() as part:
            held = b""
            while block := part.read(_AT_ONCE):
                # Finding the overlap twice changes no maximum.
                places = _PLACE.findall(held + block)
                rows = max([rows, *(int(number[:20]) for _, number in places)])
                columns = max([columns, *map(_column, {letters for letters, _ in places})])
                errors += len(_ERROR.findall(block))
                if _NOT_COMPUTED.search(held + block):
                    raise UserError(
                        f"{content.name}: a formula was never computed. Open the workbook in "
                        "Excel, save it, and give it again."
                    )
                held = block[-_OVERLAP:]
        if columns > MAX_COLUMNS or rows > _MAX_ROWS or rows * columns > _MAX_CELLS:
            raise UserError(
                f"{content.name}: a sheet has cells as far as row {rows} and column {columns}; "
                f"at most {MAX_COLUMNS} columns, {_MAX_ROWS} rows and {_MAX_CELLS} cells "
                "are read. Remove what is far outside the table, or export it as CSV."
            )
    return errors


def _column(letters: bytes) -> int:
    """A column's number, from 1; too many letters give a number beyond any limit."""
    number = 0
    for letter in letters.upper()[:8]:
        number = 26 * number + letter - 64
    return number
