"""A catalog that saves files atomically, and all outputs of a run or none."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from fsspec.implementations.local import LocalFileSystem
from kedro.io import DataCatalog

from customer_segmentation.datasets.pending import clear, place_of, waiting_place
from customer_segmentation.errors import UserError

# The attribute with the path that a source is landed at.
_LANDING = "_landing"


@dataclass(frozen=True)
class _Held:
    """A redirected dataset and its original path."""

    dataset: Any
    attribute: str
    path: Any
    place: str


class WholeFilesCatalog(DataCatalog):
    """A `DataCatalog` that a killed or failed save, or run, leaves unchanged.

    It works for every dataset with one file or folder that keeps its path in `_filepath`, as those
    of kedro-datasets do.

    After `hold`, saves are redirected to a waiting path and loaded from there, until `settle` or
    `abandon`.
    """

    _held: dict[str, _Held] | None = None
    _lent: Mapping[str, Any] = MappingProxyType({})

    def lend(self, datasets: Mapping[str, Any]) -> None:
        """From now on, give these datasets in place of its own; they are read and never saved."""
        self._lent = datasets

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the parent has it
        """A dataset by name."""
        return self._lent[key] if key in self._lent else super().get(key, *args, **kwargs)

    def hold(self) -> None:
        """From now on, redirect saves to waiting paths."""
        self._held = {}

    @property
    def waiting(self) -> dict[str, tuple[str, str]]:
        """Dataset -> waiting path and final path, in the order of the saves."""
        held = self._held or {}
        return {name: (waiting_place(each.place), each.place) for name, each in held.items()}

    def settle(self) -> None:
        """After publishing: use the final paths again."""
        for each in (self._held or {}).values():
            setattr(each.dataset, each.attribute, each.path)
        self._held = None

    def abandon(self) -> None:
        """Discard everything that waits."""
        places = [place for _, place in self.waiting.values()]
        self.settle()
        clear(places)

    def forget_killed(self, names: Iterable[str]) -> None:
        """Remove what killed runs left waiting beside these and all configured datasets."""
        found = [self.get(name) for name in {*names, *self.keys()}]
        places = [place_of(dataset, _attribute(dataset)) for dataset in found]
        clear(place for place in places if place and _can_wait(place))

    def load(self, name: str, version: str | None = None) -> Any:  # noqa: ANN401 - as the parent has it
        """Load a dataset; a source is landed at a waiting path, too."""
        if hasattr(self.get(name), _LANDING):
            self._let_wait(name)
        return super().load(name, version)

    def save(self, name: str, data: Any) -> None:  # noqa: ANN401 - as above
        """Save a dataset; a file appears only once it is complete.

        Raises:
            UserError: It is another environment's.
        """
        if name in self._lent:
            raise UserError(f"{name} is another environment's: it is read and never written.")
        dataset: Any = self.get(name)
        is_local = isinstance(getattr(dataset, "_fs", None), LocalFileSystem)
        if self._let_wait(name) or not is_local:
            super().save(name, data)
            return
        target = Path(dataset._filepath)  # noqa: SLF001 - no dataset has a public name for it
        # In a folder beside it, so that the rename stays on one disk and the file keeps its name.
        folder = target.parent / f".writing-{target.name}"
        # What a killed run left.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        dataset._filepath = PurePosixPath((folder / target.name).as_posix())  # noqa: SLF001
        try:
            super().save(name, data)
            (folder / target.name).replace(target)
        finally:
            dataset._filepath = PurePosixPath(target.as_posix())  # noqa: SLF001
            shutil.rmtree(folder, ignore_errors=True)

    def _let_wait(self, name: str) -> bool:
        """Redirect a dataset to its waiting path; returns whether that is possible."""
        dataset: Any = self.get(name)
        attribute = _attribute(dataset)
        place = place_of(dataset, attribute)
        if self._held is None or place is None:
            return False
        if name not in self._held:
            if not _can_wait(place):
                return False
            path = getattr(dataset, attribute)
            self._held[name] = _Held(dataset, attribute, path, place)
            waiting = waiting_place(str(path))
            if "://" not in place:
                Path(waiting).parent.mkdir(parents=True, exist_ok=True)
            setattr(dataset, attribute, type(path)(waiting))
        return True


def _attribute(dataset: Any) -> str:  # noqa: ANN401 - a dataset of any kind
    """The attribute with the path that a dataset writes to."""
    return _LANDING if hasattr(dataset, _LANDING) else "_filepath"


def _can_wait(place: str) -> bool:
    """Whether files can be renamed or copied there; not tested on the stores of Databricks."""
    return "://" not in place or place.startswith("s3://")
