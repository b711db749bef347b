"""A source that grows, in the catalog: what has arrived is landed, then read as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from kedro.io import AbstractDataset
from kedro.utils import find_kedro_project, load_obj
from kedro_datasets._typing import TablePreview

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.current import write_current
from customer_segmentation.sources.arrivals.parts import (
    Part,
    Parts,
    Reader,
    RememberingReader,
    land_arrivals,
)
from customer_segmentation.sources.dataset import READERS
from customer_segmentation.sources.folder.auto_loader import land_offered
from customer_segmentation.sources.landed import Landed
from customer_segmentation.sources.landing import whole_file
from customer_segmentation.sources.readers.folder import FolderReader
from customer_segmentation.sources.scratch import scratch_folder

_OURS = "customer_segmentation"
_READERS = f"{_OURS}.sources.readers"


class ArrivingSource(AbstractDataset[None, Any]):
    """Lands what is new of a source as parts, and gives what all parts come to as a table of text.

    Args:
        reader: `type`, the class of a reader, in `customer_segmentation.sources.readers` unless it
            has a full name; the rest are its arguments.
        parts: Path or URL of the folder of the parts; a path is relative to the project.
        landing: Path or URL of the Parquet that they come to.
        key: Headers of which a later row takes the place of an earlier one; none, or an empty one,
            for order lines.
        engine: As of `SourceDataset`.
        metadata: For plugins.

    Attributes:
        landed: What the last load came to.
    """

    def __init__(  # noqa: PLR0913 - the catalog's names
        self,
        *,
        reader: dict[str, Any],
        parts: str,
        landing: str,
        key: str | Sequence[str] = (),
        engine: Literal["pandas", "polars", "spark"] = "polars",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Nothing is connected to yet.

        Raises:
            UserError: There is no such engine or reader, or its arguments are wrong.
        """
        if engine not in READERS:
            message = f"ArrivingSource: no engine {engine!r}. Set one of {', '.join(READERS)}."
            raise UserError(message)
        self._key = tuple(filter(None, (key,) if isinstance(key, str) else key))
        self._reader = made_reader(dict(reader), self._key)
        self._parts, self._landing = anchored(parts), anchored(landing)
        self._engine = engine
        self.metadata = metadata
        self.landed: Landed | None = None

    def load(self) -> Any:  # noqa: ANN401 - each engine has its own type
        """The table, after what is new was landed.

        Raises:
            UserError: The source does not answer, or nothing has arrived yet.
        """
        return READERS[self._engine](self._landing, self._land(self._landing))

    def look(self) -> None:
        """Land what is new as parts, to fill `landed`; the configured landing is left alone.

        Raises:
            UserError: As `load`.
        """
        with scratch_folder("landed") as folder:
            self._land(f"{folder}/landed.parquet")

    def preview(self, nrows: int = 5) -> TablePreview:
        """The first rows that are landed, for Kedro-Viz; the source is not asked."""
        parts = self._held
        part = next((part for part in parts.complete() if part.rows), None)
        rows = parts.rows(part, part.headers).slice(0, nrows) if part else pa.table({})
        cells = [list(row.values()) for row in rows.to_pylist()]
        return TablePreview(
            {"index": list(range(len(cells))), "columns": rows.column_names, "data": cells}
        )

    @property
    def reads_from(self) -> str:
        """What is read, without a secret: the project never changes it."""
        return self._reader.name

    def land_new(self) -> list[Part]:
        """Land what is new as parts, and no more; returns these.

        Raises:
            UserError: The source does not answer.
        """
        if isinstance(self._reader, FolderReader) and self._reader.auto_loader:
            return land_offered(self._reader, self._held)
        return land_arrivals(self._reader, self._held)

    @cached_property
    def _held(self) -> Parts:
        """The parts: a stream that lands every half minute does not read all of them each time."""
        return Parts(self._parts)

    def _land(self, path: str) -> Landed:
        self.land_new()
        with whole_file(path) as file:
            self.landed = write_current(self._held, file, self._key, self._reader.name)
        return self.landed

    def save(self, data: None) -> None:  # noqa: ARG002 - the parent's signature
        """Not possible: a source is only read."""
        raise UserError(f"{self._reader.name} is a source: it is read and never written.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"source": self._reader.name, "parts": self._parts, "engine": self._engine}


def anchored(place: str) -> str:
    """A path as of the project, wherever the command was started; Kedro does so for `filepath`."""
    if "://" in place:
        return place
    return str((find_kedro_project(Path.cwd()) or Path()) / place)


def made_reader(reader: dict[str, Any], key: tuple[str, ...] = ()) -> Reader | RememberingReader:
    """The reader that an entry of the catalog describes.

    Args:
        reader: As of `ArrivingSource`.
        key: Headers that it requires.

    Raises:
        UserError: There is none such, or its arguments are wrong.
    """
    kind = str(reader.pop("type", ""))
    try:
        # Ours have one point: a module and a class.
        found = load_obj(kind if kind.count(".") > 1 else f"{_READERS}.{kind}")
        if found is FolderReader and isinstance(place := reader.get("place"), str) and place:
            reader["place"] = anchored(place)
        if "required" in signature(found).parameters:
            # What lacks the key would stand in the way of all that comes after it.
            required = reader.get("required", ())
            reader["required"] = (*key, *((required,) if isinstance(required, str) else required))
        made: Reader | RememberingReader = found(**reader)
    except (AttributeError, ImportError, ValueError) as error:
        lacking = (getattr(error, "name", None) or "").partition(".")[0]
        if isinstance(error, ModuleNotFoundError) and lacking not in {
            _OURS,
            kind.partition(".")[0],
        }:
            raise UserError(
                f"source: {kind}: {lacking} is not installed: docs/sources.md names the packages "
                "of each source"
            ) from error
        raise UserError(
            f"source: there is no reader {kind!r} ({error}): docs/sources.md"
        ) from error
    except TypeError as error:
        raise UserError(f"source: {kind}: {error}: docs/sources.md") from error
    return made
