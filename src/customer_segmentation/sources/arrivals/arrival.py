"""What a reader of a source gives, and what is recorded of it once it is landed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import pyarrow as pa

from customer_segmentation.sources.header import LANDED

Position = Mapping[str, Any]
Change = Literal["put", "removed"]
# Tells of each row whether it stands or is taken back.
CHANGE = f"{LANDED}change"
PUT, REMOVED = "put", "removed"


@dataclass(frozen=True)
class Repeats:
    """Says that rows of an arrival may have been landed before: those are not landed again.

    Attributes:
        key: The headers by which a row is known.
        may_hold: Whether the part with a position may hold rows of the arrival.
    """

    key: tuple[str, ...]
    may_hold: Callable[[Position], bool]


@dataclass(frozen=True)
class Arrival:
    """Some rows of a source, of bounded size, and how far it is read with them.

    Attributes:
        rows: Cells as sent, as text; null is ''. A column `CHANGE` may say which are removed, and
            `SOURCE_FILE` which file each came in; what begins as `CHANGE` does stays in the part
            and is no header.
        position: Where to read on, as JSON holds it; without a secret.
        is_whole: Whether the load that this belongs to is the whole source, in place of all before.
        is_last: Whether that load ends with it; before that, nobody reads it.
        sha256: Of the bytes as sent, where they came as a file; else of the cells.
        notes: What a person should know of it, in sentences.
        repeats: Where its rows may have been landed before; a row whose last landing has equal
            cells is left out.
    """

    rows: pa.Table
    position: Position
    is_whole: bool = False
    is_last: bool = True
    sha256: str = ""
    notes: tuple[str, ...] = ()
    repeats: Repeats | None = None


@dataclass(frozen=True)
class Part:
    """What is recorded of a part.

    Attributes:
        number: From 1, without a gap.
        source: Where from, without a secret.
        position: As of `Arrival`.
        landed_at: When, in UTC.
        rows: How many.
        sha256: As of `Arrival`.
        headers: As sent.
        is_whole: As of `Arrival`.
        is_last: As of `Arrival`.
        notes: As of `Arrival`.
        begins: Whether a whole load begins with it: what was broken off before is none of it.
    """

    number: int
    source: str
    position: Position
    landed_at: str
    rows: int
    sha256: str
    headers: tuple[str, ...]
    is_whole: bool = False
    is_last: bool = True
    notes: tuple[str, ...] = field(default=())
    begins: bool = False


class Reader(Protocol):
    """Reads a source on from a position."""

    # Where from, for people: without a secret.
    name: str

    def read(self, since: Position | None) -> Iterator[Arrival]:
        """What there is now after a position, in order, in pieces of bounded size.

        Args:
            since: Of the last arrival that was landed; None at first, and after a whole load that
                was broken off.

        Raises:
            UserError: The source does not answer or is not what it is said to be.
        """


@runtime_checkable
class RememberingReader(Protocol):
    """Reads what is new beside all that was landed; how far it is read adds up over the parts."""

    name: str

    def read_after(self, parts: Sequence[Part]) -> Iterator[Arrival]:
        """As `Reader.read`, for a source that no single position tells of.

        Args:
            parts: All that was landed, the oldest first.
        """


def text_table(columns: Mapping[str, Sequence[str] | pa.Array]) -> pa.Table:
    """Cells by header as a table of text."""
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
