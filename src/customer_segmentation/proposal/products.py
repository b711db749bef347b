"""What order lines are of: the products that are worth a name, and all others as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.proposal.seen import REFERENCE, SAID, Numbers, Seen, SeenTable
from customer_segmentation.proposal.text import categories
from customer_segmentation.schema.cells import folded
from customer_segmentation.schema.schema import MISSING, UNKNOWN_CATEGORIES

_MOST_PRODUCTS = 8
# Above so many, none of which is large, products say nothing of customers.
_MANY = 200
_SMALL = 0.01
# Nor do these, where most of what is bought is none of them.
_FEW, _HALF = 0.1, 0.5
_MAX_MISSING = 0.02
# A name is bought again and again; a remark is not.
_MAX_DISTINCT = 0.5
_WORTH = {"amount", "price", "quantity"}


@dataclass(frozen=True)
class Products:
    """What order lines are of.

    Attributes:
        column: A category of the products that are worth a name.
        rest: What all others are; '' where there are none.
        unknown: Of these, words that say that nothing is known.
        are_most: Whether the products with a name are most of what is bought.
    """

    column: Seen
    rest: str = ""
    unknown: tuple[str, ...] = ()
    are_most: bool = True

    @property
    def values(self) -> dict[str, list[str]]:
        """Each value with its spellings."""
        return dict(categories(self.column.values)) | (
            {self.rest: [*self.unknown]} if self.rest else {}
        )


def find_products(
    seen: SeenTable, candidates: Sequence[Seen], parts: Mapping[str, Seen]
) -> Products | None:
    """The column of products; None where there is none.

    Args:
        seen: The table.
        candidates: The columns that are free.
        parts: Part of a line -> its column.
    """
    named = [c for c in candidates if c.kind in {"category", "text"} and _is_product(c)]
    # The fewest values say most; and of a code and a name, people read the name.
    for column in sorted(
        named, key=lambda c: (c.kind != "category", c.notes[:1] != (SAID,), not _is_wordy(seen, c))
    ):
        if found := _as_category(seen, column, worth_of(seen, parts)):
            return found
    return None


def _is_product(column: Seen) -> bool:
    is_said = column.kind == "category" and column.notes[:1] == (SAID,)
    is_described = column.kind == "text" and "description" in column.words
    return column.has("product") or is_said or is_described


def _is_wordy(seen: SeenTable, column: Seen) -> bool:
    texts = seen.texts[column.header]
    return pc.mean(pc.match_substring_regex(texts, r"\pL{3}")).as_py() > _MAX_DISTINCT


def worth_of(seen: SeenTable, parts: Mapping[str, Seen]) -> Numbers:
    """What each line is worth, 0 where it takes something back; 1 where nothing says it."""
    amounts = amounts_of(seen, parts)
    if amounts is None:
        return np.ones(len(next(iter(seen.texts.values()))))
    spent = -amounts if is_statement(amounts) else amounts
    return np.where(np.isnan(spent), 0.0, np.maximum(spent, 0.0))


def amounts_of(seen: SeenTable, parts: Mapping[str, Seen]) -> Numbers | None:
    """The amount of each line; None where nothing says it."""
    numbers = {part: seen.numbers[parts[part].header] for part in _WORTH & parts.keys()}
    if "amount" in numbers:
        return numbers["amount"]
    return numbers["price"] * numbers["quantity"] if "price" in numbers else None


def is_statement(amounts: Numbers) -> bool:
    """Whether most amounts are below 0, as in the statement of an account: these are spent."""
    return bool((amounts < 0.0).mean() > _HALF)


def _as_category(seen: SeenTable, column: Seen, worth: Numbers) -> Products | None:
    sizes: dict[str, float] = {}
    spellings: dict[str, list[str]] = {}
    table = pa.table({"text": seen.texts[column.header], "worth": worth})
    found = table.group_by("text").aggregate([("worth", "sum"), ("worth", "count")])
    known = sorted(
        (row for row in found.to_pylist() if row["text"] not in {*MISSING, *seen.missing_values}),
        key=lambda row: (-row["worth_count"], row["text"]),
    )
    lines = sum(row["worth_count"] for row in known)
    for row in known:
        sizes[folded(row["text"])] = sizes.get(folded(row["text"]), 0.0) + row["worth_sum"]
        spellings.setdefault(folded(row["text"]), []).append(row["text"])
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))
    if (
        len(largest) < 2  # noqa: PLR2004 - one says nothing
        or lines < (1.0 - _MAX_MISSING) * len(worth)
        or (column.kind == "text" and len(largest) > _MAX_DISTINCT * lines)
    ):
        return None
    every = sum(sizes.values()) or 1.0
    shares = [sizes[name] / every for name in largest]
    named = sum(shares[:_MOST_PRODUCTS])
    if len(largest) > _MANY and (shares[0] < _SMALL or named < _FEW):
        return None
    if len(largest) <= _MOST_PRODUCTS + 1:
        values = [text for name in largest for text in spellings[name]]
        return Products(replace(column, kind="category", values=tuple(values)))
    # A word that says that nothing is known is a product like any other where it is listed.
    unknown = {folded(word) for word in UNKNOWN_CATEGORIES}
    kept = [name for name in largest if name not in unknown][:_MOST_PRODUCTS]
    values = [text for name in kept for text in spellings[name] if REFERENCE not in text]
    rest = "rest"
    while rest in {name for name, _ in categories(values)} | {*map(folded, values)}:
        rest += "_2"
    notes = (f"{len(largest):,} values: the {len(kept)} largest, and all others",)
    left = tuple(text for name in sorted(unknown & sizes.keys()) for text in spellings[name])
    made = replace(column, kind="category", values=tuple(values), notes=notes)
    return Products(made, rest, left, are_most=named > _HALF)
