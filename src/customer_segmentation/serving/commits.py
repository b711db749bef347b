"""The commits of a Delta table, of which only what is new is looked for."""

from __future__ import annotations

from pathlib import PurePosixPath
from threading import Lock
from typing import Any, NamedTuple

import msgspec

from customer_segmentation.serving.bundle import file_state

LOG = "_delta_log"


class Commit(NamedTuple):
    """The last commit of a table.

    Attributes:
        era: Another number where the table was made anew.
        version: Of the table.
        state: A text that changes when the table does.
    """

    era: int
    version: int
    state: str


class Commits:
    """Follows the commits of a table, however many there are.

    Args:
        files: fsspec's filesystem.
        root: The table's folder there.
    """

    def __init__(self, files: Any, root: str) -> None:  # noqa: ANN401 - fsspec has no types
        self._files, self._root = files, root
        self._looking = Lock()
        self._last: Commit | None = None

    def last(self) -> Commit:
        """The last commit there is now.

        Raises:
            FileNotFoundError: There is no table yet.
        """
        with self._looking:
            self._files.invalidate_cache()
            last = self._last
            if last is None or self._state(last.version) != last.state:
                last = self._found(last.era + 1 if last else 0)
            while state := self._state(last.version + 1):
                last = Commit(last.era, last.version + 1, state)
            self._last = last
            return last

    def actions(self, version: int) -> list[dict[str, Any]]:
        """What a commit did, as Delta's protocol has it."""
        lines = self._files.cat_file(self._file(version)).splitlines()
        return [msgspec.json.decode(line) for line in lines if line.strip()]

    def _found(self, era: int) -> Commit:
        names = self._files.ls(f"{self._root}/{LOG}", detail=False)
        numbers = [PurePosixPath(name).stem for name in names if name.endswith(".json")]
        versions = [int(number) for number in numbers if number.isdigit()]
        if not versions:
            raise FileNotFoundError(self._root)
        version = max(versions)
        return Commit(era, version, self._state(version) or "")

    def _state(self, version: int) -> str | None:
        """None where there is no such commit."""
        try:
            info = self._files.info(self._file(version))
        except FileNotFoundError:
            return None
        return f"{version}-{file_state(info)}"

    def _file(self, version: int) -> str:
        return f"{self._root}/{LOG}/{version:020}.json"
