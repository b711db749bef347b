"""A second file, of customers: the cells of each stand beside those of their order lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.customers.account import listed, printable
from customer_segmentation.errors import UserError
from customer_segmentation.sources.cells import Cells


class CustomerFile:
    """The rows of a file of customers, held in memory and found by their key.

    The key is the one header that lines and customers share. Its cells are compared as text
    without surrounding white space: `00123` is not `123`.

    Args:
        name: Of the file or folder, for messages.
        tables: What it holds.
        lines: Name of the file or folder of order lines.
        headers: Of the lines.

    Raises:
        UserError: The files do not share exactly one header, there is no row, or two rows of a
            customer differ.
    """

    def __init__(
        self, name: str, tables: dict[str, Cells], lines: str, headers: Sequence[str]
    ) -> None:
        self._name, self._lines = name, lines
        own = next(iter(tables.values())).headers
        key, self._key = _shared_header(name, own, lines, headers)
        batches = [*chain.from_iterable(cells.batches(own) for cells in tables.values())]
        if not batches:
            raise UserError(f"{name}: there is a header but no row below it. Export it with rows.")
        # Of the reader, which knows them by now.
        self._notes = [note for cells in tables.values() for note in cells.notes]
        rows = pa.concat_batches(batches)
        keys = _keys(rows, key)
        self._places: dict[str, int] = {}
        firsts = [self._places.setdefault(text, place) for place, text in enumerate(keys)]
        self._refuse_different(rows, keys, firsts)
        # Without a key it is nobody's row, and no line's.
        self._blank = keys.count("")
        self._places.pop("", None)
        self._rows = rows.drop_columns([key])
        self._has_lines = np.zeros(len(rows), bool)
        self._unknown = 0

    def joined(self, lines: Cells) -> Cells:
        """Lines with the cells of their customers beside their own, '' where there is none."""
        headers = (*lines.headers, *self._rows.schema.names)

        def batches(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
            for batch in lines.batches(lines.headers):
                columns = [*batch.columns, *self._beside(_keys(batch, self._key))]
                yield pa.RecordBatch.from_arrays(columns, headers).select([*wanted])

        return replace(lines, headers=headers, batches=batches)

    def notes(self) -> list[str]:
        """What a person should know, in sentences, once all lines were read.

        Raises:
            UserError: No line has a customer of the file.
        """
        name, key, customers = printable(self._name), printable(self._key), len(self._places)
        without = customers - int(self._has_lines.sum())
        if without == customers and self._unknown:
            raise UserError(
                f"{self._lines}: none of its rows has a `{key}` that is in {name}, such as "
                f"{next(iter(self._places), '')!r}. Write it the same way in both files."
            )
        notes = [*self._notes]
        if self._blank:
            notes.append(f"{self._blank:,} rows of {name} have no `{key}` and were not used")
        if without:
            notes.append(f"{without:,} of {customers:,} customers in {name} have no line")
        if unknown := self._unknown:
            notes.append(
                f"{unknown:,} rows have a `{key}` that is not in {name}: its columns are empty"
            )
        return notes

    def _beside(self, keys: list[str]) -> list[pa.Array]:
        """The cells of the customers with these keys, in order."""
        found = map(self._places.get, keys, repeat(-1))
        places = np.fromiter(found, np.int64, len(keys))
        self._has_lines[places[places >= 0]] = True
        self._unknown += int((places < 0).sum()) - keys.count("")
        rows = pa.array(places, mask=places < 0)
        return [pc.fill_null(column.take(rows), "") for column in self._rows.columns]

    def _refuse_different(self, rows: pa.RecordBatch, keys: list[str], firsts: list[int]) -> None:
        if len(self._places) == len(keys):
            return
        first = pa.array(firsts)
        differs = np.zeros(len(keys), bool)
        for column in rows.columns:
            cells = pc.utf8_trim_whitespace(column)
            differs |= pc.not_equal(cells, cells.take(first)).to_numpy(zero_copy_only=False)
        for place in map(int, differs.nonzero()[0]):
            if keys[place]:
                raise UserError(
                    f"{self._name}: rows {firsts[place] + 1} and {place + 1} have the same "
                    f"`{self._key.strip()}`, {keys[place]!r}, and different cells. Give each "
                    "customer one row; the column that both files have is to be the customer's."
                )


def _keys(rows: pa.RecordBatch, header: str) -> list[str]:
    """The cells of a column without surrounding white space, as Python defines it."""
    return [*map(str.strip, rows.column(header).to_pylist())]


def _shared_header(
    name: str, own: Sequence[str], lines: str, headers: Sequence[str]
) -> tuple[str, str]:
    """The header of the key as each of the two files has it."""
    of_lines = {header.strip(): header for header in headers}
    shared = {header.strip(): header for header in own if header.strip() in of_lines}
    if len(shared) == 1:
        [(text, header)] = shared.items()
        return header, of_lines[text]
    if shared:
        raise UserError(
            f"{lines} and {name} both have the columns {listed(map(repr, shared))}. Rename or "
            "remove all but the customer's in one of them, so that it alone is named alike."
        )
    raise UserError(
        f"{lines} and {name} have no column with the same name: {listed(map(repr, of_lines))} in "
        f"the one, {listed(repr(header.strip()) for header in own)} in the other. Name the "
        "customer's column alike in both."
    )
