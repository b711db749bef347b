"""A log of numbered files: an entry appears whole or not at all, and only if its number is free."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from customer_segmentation.errors import UserError
from customer_segmentation.new_files import WRITING, put_new

_DIGITS = 8


class Numbered(Protocol):
    """An entry: a dataclass with its number, from 1, and its UTC time in ISO format."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def number(self) -> int:
        """From 1."""

    @property
    def at(self) -> str:
        """In ISO format."""


Entry = TypeVar("Entry", bound=Numbered)


class NumberedLog(Generic[Entry]):
    """The files of a folder, `00000001.json` and so on, none of which is ever rewritten.

    Args:
        files: The file system of fsspec's.
        path: The folder, in it.
        shown: The folder, as people are told of it.
        kind: The dataclass of an entry.
    """

    def __init__(self, files: Any, path: str, shown: str, kind: type[Entry]) -> None:  # noqa: ANN401 - fsspec ships no types
        self._files, self._path, self._shown = files, path, shown
        self._kind = TypeAdapter(kind)

    def all(self) -> list[Entry]:
        """Every entry, the oldest first.

        Raises:
            UserError: One is not as this project writes it.
        """
        return [self._read(name) for name in self._names()]

    def last_name(self) -> str:
        """The name of the last entry, which changes with it; '' if there is none."""
        return next(reversed(self._names()), "")

    def last(self) -> Entry | None:
        """The last entry; None if there is none.

        Raises:
            UserError: It is not as this project writes it.
        """
        name = self.last_name()
        return self._read(name) if name else None

    def append(self, entry: Entry, before: Entry | None) -> Entry | None:
        """Write an entry with its number and time, which it is returned with.

        Args:
            entry: Whatever number and time it has.
            before: What its writer knows to be the last one.

        Returns:
            None if another one came first: nothing has changed.
        """
        at = datetime.now(UTC)
        if before:
            # The clocks of two machines differ, and the log must not go backwards.
            at = max(at, datetime.fromisoformat(before.at) + timedelta(microseconds=1))
        number = before.number + 1 if before else 1
        told: dict[str, Any] = {"number": number, "at": at.isoformat(timespec="microseconds")}
        entry = replace(entry, **told)
        content = json.dumps(asdict(entry)).encode() + b"\n"
        written = put_new(self._files, f"{self._path}/{number:0{_DIGITS}}.json", content)
        return entry if written else None

    def _read(self, name: str) -> Entry:
        try:
            return self._kind.validate_json(self._files.cat_file(f"{self._path}/{name}"))
        except ValidationError as error:
            message = f"{self._shown}/{name} is not as this project wrote it: restore it"
            raise UserError(message) from error

    def _names(self) -> list[str]:
        try:
            paths = self._files.ls(self._path, detail=False)
        except FileNotFoundError:
            return []
        names = (PurePosixPath(path).name for path in paths)
        return sorted(n for n in names if n.endswith(".json") and not n.startswith(WRITING))
