"""JSON lines: one object per line, whose names are the headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from customer_segmentation.sources.cells import Cells, batches_of
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.json_records import names_of, records_of


def json_lines_cells(content: Content) -> Cells:
    """The table of a JSON lines file, with all names in order of first appearance.

    A cell is '' where a line lacks the name or has null; true and false are 1 and 0, as the
    contract writes flags; numbers stay as written, except that 7.0 becomes 7: JSON does not
    distinguish the two, and an id has no decimal point.

    Raises:
        UserError: A line is not a flat object or is too long, or there are too many names.
    """
    names = names_of(content)

    def batches(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        rows = ([record.get(name, "") for name in wanted] for _, record in records_of(content))
        return batches_of(rows, wanted, wanted)

    return Cells(names, batches)
