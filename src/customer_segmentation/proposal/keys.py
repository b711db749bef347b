"""Which column tells customers apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.proposal.seen import Counted, Numbers, Seen
from customer_segmentation.proposal.words import names_something
from customer_segmentation.schema.cells import FLOAT_ID

# Share of rows whose key may stand on another row, too.
_FEW = 0.02


def find_key(
    cells: pa.Table,
    columns: Sequence[Seen],
    known: Mapping[str, Counted],
    numbers: Callable[[str], Numbers],
) -> str:
    """The header of the column that tells customers apart, '' if there is none."""
    sent = {name.strip(): name for name in cells.column_names}

    def fitness(seen: Seen) -> int:
        if seen.missing > _FEW or seen.kind in {"date", "flag", "category", "share", "year"}:
            return 0
        # Where rows are customers, `id` is theirs.
        person = seen.has("person") or seen.words == ("id",)
        named = names_something(seen.words)
        if not (person or named or (seen.kind == "text" and not seen.has("personal"))):
            return 0
        repeated = 1.0 - pc.count_distinct(cells[sent[seen.header]]).as_py() / max(len(cells), 1)
        if repeated > (_FEW if person and named else 0.0):
            return 0
        if person or named:
            # A fraction is an amount, whatever its header says.
            if seen.kind != "text" and (numbers(seen.header) % 1.0 > 0.0).any():
                return 0
            is_amount = seen.kind != "text" and (seen.unit or seen.has("money"))
            return 2 + person + named if named or not is_amount else 0
        # An amount may be unique in a small file, and so may be what somebody said.
        has_spaces = known[seen.header].share(lambda text: " " in text)
        return int(not has_spaces and bool(seen.header) and "no name" not in " ".join(seen.notes))

    best = max(columns, key=fitness, default=None)
    return best.header if best and fitness(best) else ""


def as_key(seen: Seen, cells: pa.Table, notes: tuple[str, ...]) -> Seen:
    """The column as the key of customers.

    Args:
        seen: The column.
        cells: Of the table.
        notes: What is known of it.
    """
    column = next(n for n in cells.column_names if n.strip() == seen.header)
    repeated = len(cells) - pc.count_distinct(cells[column]).as_py()
    more = (f"{repeated:,} rows have the key of another",) if repeated else ()
    is_float = pc.any(pc.match_substring_regex(cells[column], FLOAT_ID)).as_py() or False
    made = replace(seen, kind="key", sure=1.0, question="", unit="", is_float=is_float)
    return replace(made, notes=(*notes, *more))
