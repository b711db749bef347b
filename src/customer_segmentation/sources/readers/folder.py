"""A landing folder, where others put files: each new one is landed once, in order.

What is not a whole table yet is left for the next time, what never becomes one is set aside with
its reason, and the others go on: docs/sources.md.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from fsspec.core import url_to_fs

from customer_segmentation.errors import UserError
from customer_segmentation.s3_errors import explain_s3
from customer_segmentation.sources.arrivals.parts import Arrival, Part
from customer_segmentation.sources.content import UTF8, require_encoding
from customer_segmentation.sources.folder.batch import Batch, closing
from customer_segmentation.sources.folder.listing import (
    Found,
    find_named,
    list_folder,
    named,
)
from customer_segmentation.sources.folder.look import Asked, Look, NotYetError
from customer_segmentation.sources.folder.memory import Memory, Taken
from customer_segmentation.sources.folder.tables import FileTable, read_table
from customer_segmentation.sources.scratch import scratch_folder

logger = logging.getLogger(__name__)


class FolderReader:
    """Reads the files of a folder, and of the folders in it, as they come.

    Args:
        place: The folder: a path, or a URL such as `s3://bucket/inbox`.
        pattern: Which files, as `*.csv` or `orders/*.csv`; without one, those with an ending that
            `sources.files` names.
        settled_seconds: A file that changed within so many seconds may still be written.
        repeats: `skip` lands the same bytes once, under whatever name, except for what was sent
            over HTTP; `land` lands each file, for a folder in which each is a message of its own.
        encoding: Of text without a byte-order mark.
        sheet: The sheet to read of workbooks.
        required: Headers without which a file is set aside; the key is always one of them.
        auto_loader: Whether Databricks' Auto Loader finds the files: `sources.folder.auto_loader`.

    Attributes:
        has_left: Whether the last reading left a file for the next time.

    Raises:
        UserError: An argument is wrong.
    """

    has_left = False

    def __init__(  # noqa: PLR0913 - the catalog's names
        self,
        *,
        place: str,
        pattern: str = "",
        settled_seconds: float = 10.0,
        repeats: Literal["skip", "land"] = "skip",
        encoding: str = UTF8,
        sheet: str | None = None,
        required: Sequence[str] = (),
        auto_loader: bool = False,
    ) -> None:
        """The folder is not looked at yet."""
        if not place:
            raise UserError("reader.place: name the landing folder")
        if not (math.isfinite(settled_seconds) and settled_seconds >= 0):
            raise UserError("reader.settled_seconds: give a number of seconds, from 0")
        if repeats not in {"skip", "land"}:
            raise UserError(f"reader.repeats: {repeats!r} is neither `skip` nor `land`")
        self.name = self.place = place.replace("s3a://", "s3://", 1).rstrip("/")
        self.auto_loader, self._pattern = auto_loader, pattern
        needed = (required,) if isinstance(required, str) else required
        self._asked = Asked(
            require_encoding(encoding),
            sheet or None,
            tuple(dict.fromkeys(needed)),
            settled_seconds,
            repeats == "land",
        )

    def read_after(self, parts: Sequence[Part]) -> Iterator[Arrival]:
        """What is new in the folder: small files together, a large one in pieces.

        Args:
            parts: All that was landed, the oldest first.

        Raises:
            UserError: The folder is not there, or cannot be read.
        """
        return self.arrivals(parts, None)

    def arrivals(self, parts: Sequence[Part], paths: Sequence[str] | None) -> Iterator[Arrival]:
        """The same, of files that somebody else has listed.

        Args:
            parts: As of `read_after`.
            paths: Of the files; None to list the folder.

        Raises:
            UserError: As of `read_after`.
        """
        self.has_left = False
        try:
            files, root = url_to_fs(self.place, use_listings_cache=False)
        except ValueError as error:
            raise UserError(f"{self.place}: {error}: mend reader.place") from error
        try:
            found = self._listed(files, root.rstrip("/"), paths)
            with scratch_folder("arriving") as scratch:
                look = Look(files, self._asked, Memory.of(parts), scratch / "file")
                yield from _continued(look, found)
                yield from self._new(look, found)
        except UserError:
            raise
        except Exception as error:
            if advice := explain_s3(error, self.place):
                raise UserError(advice) from error
            if isinstance(error, OSError):
                raise UserError(f"{self.place}: it cannot be read: {error}") from error
            raise

    def _listed(self, files: Any, root: str, paths: Sequence[str] | None) -> dict[str, Found]:  # noqa: ANN401 - fsspec ships no types
        # A bucket has no folders: an empty one is not there.
        if "file" in files.protocol and not files.isdir(root):
            raise UserError(f"{self.place}: there is no such folder: make it, or mend reader.place")
        if paths is None:
            listing = list_folder(files, root, self._pattern)
        else:
            listing = find_named(files, root, paths, self._pattern)
        if listing.unfinished:
            logger.warning("%s: still written: %s", self.place, named(listing.unfinished))
        if listing.others:
            told = "not read, since no reader knows their endings"
            logger.warning("%s: %s: %s", self.place, told, named(listing.others))
        return {found.name: found for found in listing.files}

    def _new(self, look: Look, found: dict[str, Found]) -> Iterator[Arrival]:
        """Each file that is not known, the oldest first."""
        batch, memory = Batch(), look.memory
        for each in found.values():
            if memory.is_known(each.name, each.state, self._asked.text):
                continue
            try:
                seen = look.at(each, found)
            except NotYetError as why:
                # What came after it waits, so that the order holds.
                told = "%s: %s is left for the next time, with what came after it: %s"
                logger.warning(told, self.place, each.name, why)
                self.has_left = True
                break
            for note in seen.notes:
                logger.warning("%s: %s: %s", self.place, each.name, note)
            yield from batch.add(seen.taken, seen.table, seen.notes)
            memory.note([seen.taken])
            memory.headers = seen.table.headers if seen.table else memory.headers
        yield from batch.flushed()


def _continued(look: Look, found: dict[str, Found]) -> Iterator[Arrival]:
    """The rest of a large file, of which a run landed some rows before it was stopped."""
    begun = look.memory.begun
    if begun is None:
        return
    file = found.get(begun.name)
    table = _same_table(look, file, begun.sha256) if file else None
    if file is None or table is None:
        yield closing(begun)
        return
    taken = Taken(file.name, file.state, begun.sha256, "landed")
    batch = Batch()
    yield from batch.add(taken, table, table.notes, begun.rows)
    yield from batch.flushed()
    look.memory.note([taken])
    look.memory.headers = table.headers


def _same_table(look: Look, file: Found, sha256: str) -> FileTable | None:
    """What a file holds, if its bytes are those that were begun."""
    try:
        if look.bytes_of(file) == sha256:
            return read_table(look.copy, file.name, look.asked.encoding, look.asked.sheet)
    except (NotYetError, UserError) as error:
        logger.warning("%s: %s", file.name, error)
    return None
