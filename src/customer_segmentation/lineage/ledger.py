"""The ledger of an environment: for each table and file, what it was made from, as one JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs
from pydantic import TypeAdapter

from customer_segmentation.errors import UserError
from customer_segmentation.lineage.content import Content
from customer_segmentation.lineage.origin import Origin

LEDGER = "lineage.json"
_ABOUT = "What each table and file was made from: docs/environments.md, What a run leaves."


@dataclass(frozen=True)
class Entry:
    """A table or file, and how it came about.

    Attributes:
        made_by: The step, with its pipeline.
        run: Id of the run.
        commit: Of the run's code, as git names it.
        code: Hash of the package's files.
        source_sha256: Of the source that it goes back to.
        artifact_version: Of the segmenter that it is, or was made with.
        content: What it held when it was saved.
        made_from: Each table and file that it goes back to, with the mark of its content then.
        parameters: Each parameter block that it goes back to, with the key of its value in the
            ledger's `parameters`.
    """

    made_by: str
    run: str
    commit: str
    code: str
    source_sha256: str | None
    artifact_version: str | None
    content: Content
    made_from: Mapping[str, str]
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Publishing:
    """What a run that has succeeded is putting in its place.

    Attributes:
        run: Its record.
        moves: By the dataset's name: where its content waits, and its place.
        entries: By the dataset's name.
        parameters: Values that the entries name, by key.
    """

    run: Mapping[str, str]
    moves: Mapping[str, tuple[str, str]]
    entries: Mapping[str, Entry]
    parameters: Mapping[str, Any]


_ENTRIES = TypeAdapter(dict[str, Entry])
_PUBLISHING = TypeAdapter(Publishing | None)


@dataclass(frozen=True)
class Ledger:
    """What an environment's tables and files were made from.

    Attributes:
        entries: By the dataset's name.
        parameters: Values that the entries name, by key.
        publishing: Nothing, but while a run's outputs take their places, and after it was killed.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    publishing: Publishing | None = None

    def origin(self, entry: Entry) -> Origin:
        """What an entry goes back to, its parameters by value."""
        return Origin(
            entry.made_from, {name: self.parameters[key] for name, key in entry.parameters.items()}
        )

    def with_entries(self, entries: Mapping[str, Entry], parameters: Mapping[str, Any]) -> Ledger:
        """The ledger with more entries, or others; values that nobody names are left out."""
        merged = {**self.entries, **entries}
        named = {key for entry in merged.values() for key in entry.parameters.values()}
        values = {**self.parameters, **parameters}
        return Ledger(merged, {key: values[key] for key in sorted(named)})


def ledger_place(places: Mapping[str, str]) -> str:
    """Where an environment keeps its ledger: beside its tables; if they are managed, its files."""
    tables = str(places["tables"]).replace("s3a://", "s3://", 1)
    is_place = "://" not in tables or tables.startswith("s3://")
    return f"{(tables if is_place else str(places['data'])).rstrip('/')}/{LEDGER}"


def read_ledger(place: str) -> Ledger:
    """The ledger; an empty one where there is none yet.

    Raises:
        UserError: It is not what a run wrote.
    """
    files, path = url_to_fs(place, use_listings_cache=False)
    try:
        content = files.cat_file(path)
    except FileNotFoundError:
        return Ledger()
    try:
        found = json.loads(content)
        entries = _ENTRIES.validate_python(found["tables_and_files"])
        publishing = _PUBLISHING.validate_python(found.get("publishing"))
        ledger = Ledger(entries, found["parameters"], publishing)
        for entry in entries.values():
            ledger.origin(entry)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{place} is not as a run wrote it: remove it, and run kedro run"
        ) from error
    return ledger


def write_ledger(place: str, ledger: Ledger) -> None:
    """Replace the ledger in one step."""
    told = {
        "about": _ABOUT,
        "tables_and_files": {name: asdict(entry) for name, entry in sorted(ledger.entries.items())},
        "parameters": ledger.parameters,
    }
    if ledger.publishing:
        told["publishing"] = asdict(ledger.publishing)
    text = json.dumps(told, indent=1, default=str)
    files, path = url_to_fs(place)
    if "file" not in files.protocol:
        files.pipe_file(path, text.encode())
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    written = target.with_name(f".writing-{target.name}")
    with written.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    written.replace(target)
