"""Look at one file of a landing folder: is it whole, is it new, is it a table?"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from time import time
from typing import Any

from customer_segmentation.customers.account import listed
from customer_segmentation.errors import UserError
from customer_segmentation.sources.folder.listing import MESSAGE, Found, state_now
from customer_segmentation.sources.folder.memory import Memory, Outcome, Taken
from customer_segmentation.sources.folder.tables import (
    FileTable,
    copied,
    ends_in_line,
    read_table,
)
from customer_segmentation.sources.header import LANDED

logger = logging.getLogger(__name__)

# How long a file that cannot be read may still be half of one, in times of `settled_seconds`.
PATIENCE = 60.0
_EMPTY = "it is empty: nothing was landed"
_NO_ROW = "it has a header and no row: nothing was landed"
_REPEATED = "its bytes were landed before: they were not landed again"
_NEW_BYTES = "it came again with other bytes: they were landed after the first"
_UNENDED = "it does not end in a line end: its last row may be cut off"


class NotYetError(Exception):
    """A file may still be written."""


@dataclass(frozen=True)
class Seen:
    """What a look at a file came to.

    Attributes:
        taken: What becomes of it.
        table: What is to be landed of it, if anything is.
        notes: What a person should know of it, each after its name.
    """

    taken: Taken
    table: FileTable | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """The arguments of a reader: `readers.folder` explains them."""

    encoding: str
    sheet: str | None
    required: tuple[str, ...]
    settled_seconds: float
    lands_repeats: bool

    @property
    def text(self) -> str:
        """What a file that is set aside is looked at again for, where it has changed."""
        return f"{self.encoding}|{self.sheet or ''}|{','.join(self.required)}"


@dataclass(frozen=True)
class Look:
    """Looks at files.

    Attributes:
        files: The file system of fsspec's.
        asked: The reader's arguments.
        memory: What is known of files.
        copy: Where a file is copied to.
    """

    files: Any
    asked: Asked
    memory: Memory
    copy: Path

    def at(self, found: Found, beside: Collection[str]) -> Seen:
        """Read a file that is not known yet.

        Args:
            found: The file.
            beside: The names of all files of the folder.

        Raises:
            NotYetError: It may still be written.
        """
        if _age(found) < self.asked.settled_seconds:
            raise NotYetError("it changed a moment ago")
        if not found.size:
            return self._nothing(found, "", "empty", _EMPTY)
        sha256 = self.bytes_of(found)
        if (first := self._repeated(found, sha256)) is not None:
            how = "renamed" if first not in beside else "a repeat"
            logger.warning("%s: it is %s of %s", found.name, how, first)
            return self._nothing(found, sha256, "repeated", _REPEATED)
        is_young = _age(found) < PATIENCE * self.asked.settled_seconds
        has_ended = ends_in_line(self.copy)
        if is_young and not has_ended:
            raise NotYetError("it does not end in a line end")
        try:
            table = read_table(self.copy, found.name, self.asked.encoding, self.asked.sheet)
        except UserError as error:
            why = str(error).removeprefix(f"{found.name}: ")
            if is_young:
                raise NotYetError(why) from error
            return self._refused(found, sha256, why)
        if why := self._unusable(table.headers):
            return self._refused(found, sha256, why)
        if not table.rows:
            return self._nothing(found, sha256, "empty", _NO_ROW)
        notes = [*table.notes, *self._changes(found, table.headers)]
        notes += [] if has_ended else [_UNENDED]
        return Seen(Taken(found.name, found.state, sha256, "landed"), table, tuple(notes))

    def bytes_of(self, found: Found) -> str:
        """Copy a file; gives its SHA-256.

        Raises:
            NotYetError: It is being changed.
        """
        try:
            sha256 = copied(self.files, found.path, self.copy)
        except FileNotFoundError as error:
            raise NotYetError("it was removed or renamed just now") from error
        if state_now(self.files, found.path) != found.state:
            raise NotYetError("it changed while it was read")
        return sha256

    def _repeated(self, found: Found, sha256: str) -> str | None:
        """The name under which the same bytes are landed, if they are not to be landed again."""
        last = self.memory.files.get(found.name)
        if last and last.sha256 == sha256 and last.outcome in {"landed", "repeated"}:
            return found.name
        is_message = MESSAGE.fullmatch(PurePosixPath(found.name).name)
        if is_message or self.asked.lands_repeats:
            return None
        return self.memory.landed.get(sha256)

    def _unusable(self, headers: tuple[str, ...]) -> str:
        # They would say of rows that they are taken back.
        if ours := [repr(name) for name in headers if name.startswith(LANDED)]:
            return f"{listed(ours)} are names that landing adds. Rename them."
        missing = [repr(name) for name in self.asked.required if name not in headers]
        if missing:
            return f"it has no column {listed(missing)}. Send it with that column."
        before = self.memory.headers
        if before and not {*before} & {*headers}:
            return (
                f"it has none of the columns that were landed before, such as {before[0]!r}. "
                "Put files of another kind in another folder."
            )
        return ""

    def _changes(self, found: Found, headers: tuple[str, ...]) -> list[str]:
        """What is other than before, in sentences."""
        told, before = [], self.memory.headers
        known = self.memory.files.get(found.name)
        if known and known.outcome == "landed":
            told.append(_NEW_BYTES)
        if known and known.outcome == "refused":
            told.append("it was set aside before, and is landed now")
        added = [repr(name) for name in headers if name not in before]
        without = [repr(name) for name in before if name not in headers]
        if before and (added or without):
            parts = [
                f"{word} {listed(n)}" for word, n in (("with", added), ("without", without)) if n
            ]
            told.append(f"its columns are those of the files before {' and '.join(parts)}")
        elif before and headers != before:
            told.append("its columns are in another order than those of the files before")
        return told

    def _nothing(self, found: Found, sha256: str, outcome: Outcome, note: str) -> Seen:
        return Seen(Taken(found.name, found.state, sha256, outcome), notes=(note,))

    def _refused(self, found: Found, sha256: str, why: str) -> Seen:
        taken = Taken(found.name, found.state, sha256, "refused", self.asked.text)
        return Seen(taken, notes=(f"it was set aside and nothing of it landed: {why}",))


def _age(found: Found) -> float:
    """Seconds since a file changed; a clock that was set back does not make it young for long."""
    return abs(time() - found.changed)
