"""What is known of the files of a landing folder: the positions of all parts together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from customer_segmentation.sources.arrivals.parts import Part

# `refused` is set aside, until it or the reader's arguments change.
Outcome = Literal["landed", "repeated", "empty", "refused"]


@dataclass(frozen=True)
class Taken:
    """What became of a file.

    Attributes:
        name: Its path below the folder.
        state: As of `Found`.
        sha256: Of its bytes.
        outcome: What became of it.
        asked: The reader's arguments, for one that is refused.
    """

    name: str
    state: str
    sha256: str
    outcome: Outcome
    asked: str = ""


@dataclass(frozen=True)
class Begun:
    """A large file, of which some rows are landed.

    Attributes:
        name: Its path below the folder.
        sha256: Of its bytes.
        rows: How many are landed.
    """

    name: str
    sha256: str
    rows: int


@dataclass
class Memory:
    """What is known of all files.

    Attributes:
        files: The last of each name.
        landed: Name of the file that was landed, by SHA-256.
        headers: Of the rows that were landed last.
        begun: The file that is not landed to its end.
    """

    files: dict[str, Taken] = field(default_factory=dict)
    landed: dict[str, str] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    begun: Begun | None = None

    @classmethod
    def of(cls, parts: Iterable[Part]) -> Memory:
        """The memory of all that was landed, the oldest first."""
        memory = cls()
        for part in parts:
            position = part.position
            memory.note(Taken(*each) for each in position.get("files", ()))
            memory.begun = Begun(**position["begun"]) if position.get("begun") else None
            memory.headers = part.headers if part.rows else memory.headers
        return memory

    def note(self, taken: Iterable[Taken]) -> None:
        """Know what became of files."""
        for each in taken:
            self.files[each.name] = each
            if each.outcome == "landed":
                self.landed[each.sha256] = each.name

    def is_known(self, name: str, state: str, asked: str) -> bool:
        """Whether a file need not be looked at again."""
        known = self.files.get(name)
        if known is None or known.state != state:
            return False
        return known.outcome != "refused" or known.asked == asked


def position_of(taken: Sequence[Taken], begun: Begun | None) -> dict[str, Any]:
    """What a part records: the files that were taken with it, and the one that goes on."""
    files = [[*asdict(each).values()] for each in taken]
    return {"files": files} | ({"begun": asdict(begun)} if begun else {})
