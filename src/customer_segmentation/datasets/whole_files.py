"""A catalog whose local files are whole or not there: written under another name, then renamed."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.implementations.local import LocalFileSystem
from kedro.io import DataCatalog


class WholeFilesCatalog(DataCatalog):
    """A `DataCatalog` that a killed or failing save leaves as it was.

    It works for every dataset of one local file that keeps its path in `_filepath` and its file
    system in `_fs`, as those of kedro-datasets do, so that each need not be written again.
    """

    def save(self, name: str, data: Any) -> None:  # noqa: ANN401 - as the parent has it
        """Save a dataset's data; a local file appears only once it is complete."""
        dataset: Any = self.get(name)
        if not isinstance(getattr(dataset, "_fs", None), LocalFileSystem):
            super().save(name, data)
            return
        target = Path(dataset._filepath)  # noqa: SLF001 - no dataset has a public name for it
        # A folder beside it, so that the rename stays on one disk and the file keeps its name.
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
