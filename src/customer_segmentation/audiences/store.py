"""Where audiences are kept by name, with every version of each.

    <root>/<name>/00000001.json, 00000002.json, ...     never rewritten; the last one is in force

A version appears whole or not at all, and only if there is none of its number. To delete an
audience is one more version of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import PurePosixPath

from fsspec.core import url_to_fs
from pydantic import TypeAdapter, ValidationError

from customer_segmentation.audiences.definition import Definition
from customer_segmentation.errors import UserError
from customer_segmentation.new_files import WRITING, put_new

# Lower case, since some file systems do not tell the cases apart.
NAME = r"[a-z0-9][a-z0-9_-]{0,62}"
MOST = 1_000
_DIGITS, _TRIES = 8, 5
# Versions in memory: they do not change.
_KEPT = 10_000


@dataclass(frozen=True)
class Version:
    """What an audience was from a moment on.

    Attributes:
        name: Of the audience.
        number: Of the version, from 1.
        definition: Of the audience.
        by: Who said so: the name of their key.
        at: When, UTC, as ISO 8601.
        is_deleted: Whether there is no such audience from then on.
    """

    name: str
    number: int
    definition: Definition
    by: str
    at: str
    is_deleted: bool = False


_VERSION = TypeAdapter(Version)


class AudienceStore:
    """Audiences below a folder.

    Args:
        root: A path, or a URL that fsspec reads; it may not exist yet.
    """

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")
        # Cached listings would miss what other processes write.
        self._files, path = url_to_fs(self._root, use_listings_cache=False)
        self._path = path.rstrip("/")
        self._read = lru_cache(maxsize=_KEPT)(self._read_version)

    def all(self) -> list[Version]:
        """The version in force of each audience, by name.

        Raises:
            UserError: One is not as this project wrote it.
        """
        found = (self.find(name) for name in self._names())
        return [each for each in found if each]

    def find(self, name: str, number: int | None = None) -> Version | None:
        """The version in force, or that of a number; None where there is none, or it is deleted.

        Raises:
            UserError: It is not as this project wrote it.
        """
        numbers = self._numbers(name)
        if not numbers or (number is not None and number not in numbers):
            return None
        found = self._read(name, number or numbers[-1])
        return None if found.is_deleted else found

    def versions(self, name: str) -> list[Version]:
        """Every version of an audience, the newest first, those of a deleted one too."""
        return [self._read(name, number) for number in reversed(self._numbers(name))]

    def put(self, name: str, definition: Definition, by: str) -> Version:
        """Keep a definition under a name; the version in force if it says the same.

        Raises:
            UserError: There are too many audiences, or others change this one at once.
        """
        if not self._numbers(name) and len(self._names()) >= MOST:
            raise UserError(f"{MOST} audiences are kept: change or reuse one of them")
        return self._append(name, definition, by, is_deleted=False)

    def delete(self, name: str, by: str) -> bool:
        """Delete an audience, whose versions stay; whether there ever was one.

        Raises:
            UserError: Others change it at once.
        """
        numbers = self._numbers(name)
        if numbers:
            self._append(name, self._read(name, numbers[-1]).definition, by, is_deleted=True)
        return bool(numbers)

    def _append(self, name: str, definition: Definition, by: str, *, is_deleted: bool) -> Version:
        for _ in range(_TRIES):
            numbers = self._numbers(name)
            last = self._read(name, numbers[-1]) if numbers else None
            if last and (last.definition, last.is_deleted) == (definition, is_deleted):
                return last
            number = last.number + 1 if last else 1
            at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            version = Version(name, number, definition, by, at, is_deleted)
            content = json.dumps(asdict(version), ensure_ascii=False).encode() + b"\n"
            if put_new(self._files, self._place(name, number), content):
                return version
        raise UserError(f"others change the audience {name} at once: try again")

    def _read_version(self, name: str, number: int) -> Version:
        place = self._place(name, number)
        try:
            return _VERSION.validate_json(self._files.cat_file(place))
        except ValidationError as error:
            message = f"{place} is not as this project wrote it: restore it, or remove its folder"
            raise UserError(message) from error

    def _place(self, name: str, number: int) -> str:
        return f"{self._path}/{name}/{number:0{_DIGITS}}.json"

    def _names(self) -> list[str]:
        return sorted(name for name in self._listed(self._path) if re.fullmatch(NAME, name))

    def _numbers(self, name: str) -> list[int]:
        stems = (
            each.removesuffix(".json")
            for each in self._listed(f"{self._path}/{name}")
            if each.endswith(".json") and not each.startswith(WRITING)
        )
        return sorted(int(stem) for stem in stems if stem.isdigit())

    def _listed(self, folder: str) -> Iterable[str]:
        try:
            return [PurePosixPath(path).name for path in self._files.ls(folder, detail=False)]
        except FileNotFoundError:
            return []
