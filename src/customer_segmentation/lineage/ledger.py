"""The ledger of an environment: a JSON file that records what each output was made from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fsspec.core import url_to_fs
from pydantic import ConfigDict, Field, TypeAdapter, with_config

from customer_segmentation.bundles.bundle import Promotion
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.content import Content
from customer_segmentation.lineage.origin import Origin

LEDGER = "lineage.json"
_ABOUT = "What each table and file was made from: docs/environments.md, What a run leaves."


# An unknown key is of newer code, which may know a reason not to join two tables.
@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Entry:
    """A table or file, and how it was made.

    Attributes:
        made_by: The step, with its pipeline.
        run: Id of the run.
        commit: The git commit of the code.
        code: Hash of the files of the package.
        source_sha256: Hash of the source it was made from.
        artifact_version: Version of the segmenter that it is, or was made with.
        content: Its content when it was saved.
        made_from: Each table and file it was made from -> the mark of its content then.
        parameters: Each parameter block it was made with -> the key of its value in the
            `parameters` of the ledger.
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


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Publishing:
    """The outputs that a successful run is publishing.

    Attributes:
        run: The record of the run.
        moves: Dataset -> where its content waits, and its final path.
        entries: Dataset -> entry.
        parameters: Values that the entries refer to, by key.
        promotion: What makes a bundle the champion then; None if the champion stays.
    """

    run: Mapping[str, str]
    moves: Mapping[str, tuple[str, str]]
    entries: Mapping[str, Entry]
    parameters: Mapping[str, Any]
    promotion: Promotion | None = None


@dataclass(frozen=True)
class Ledger:
    """What the tables and files of an environment were made from.

    Attributes:
        entries: Dataset -> entry.
        parameters: Values that the entries refer to, by key.
        publishing: Set while a run publishes its outputs, and left if it is killed meanwhile.
        rewriting: The tables and files that a command rewrites without some of their rows, and
            may have rewritten if it was killed: their content is as good as what is recorded.
        about: For whoever opens the file.
    """

    entries: Annotated[Mapping[str, Entry], Field(alias="tables_and_files")]
    parameters: Mapping[str, Any]
    publishing: Publishing | None = None
    rewriting: tuple[str, ...] = ()
    about: str = _ABOUT

    def origin(self, entry: Entry) -> Origin:
        """The origin of an entry, with the values of its parameters."""
        return Origin(
            entry.made_from, {name: self.parameters[key] for name, key in entry.parameters.items()}
        )

    def with_entries(self, entries: Mapping[str, Entry], parameters: Mapping[str, Any]) -> Ledger:
        """The ledger with new entries; values that no entry refers to are dropped."""
        merged = dict(sorted({**self.entries, **entries}.items()))
        named = {key for entry in merged.values() for key in entry.parameters.values()}
        values = {**self.parameters, **parameters}
        rewriting = tuple(name for name in self.rewriting if name not in entries)
        return Ledger(merged, {key: values[key] for key in sorted(named)}, rewriting=rewriting)


_LEDGER = TypeAdapter(Ledger)


def ledger_place(places: Mapping[str, str]) -> str:
    """The path of the ledger: beside the tables, or beside the files if tables are managed."""
    tables = str(places["tables"]).replace("s3a://", "s3://", 1)
    is_place = "://" not in tables or tables.startswith("s3://")
    return f"{(tables if is_place else str(places['data'])).rstrip('/')}/{LEDGER}"


def read_ledger(place: str) -> Ledger:
    """The ledger; an empty one if there is none yet.

    Raises:
        UserError: It is not as a run writes it.
    """
    files, path = url_to_fs(place, use_listings_cache=False)
    try:
        content = files.cat_file(path)
    except FileNotFoundError:
        return Ledger({}, {})
    try:
        ledger = _LEDGER.validate_json(content)
        for entry in ledger.entries.values():
            ledger.origin(entry)
    except (ValueError, KeyError) as error:
        raise UserError(
            f"{place} is not as a run wrote it: remove it, and run kedro run"
        ) from error
    return ledger


def write_ledger(place: str, ledger: Ledger) -> None:
    """Replace the ledger atomically."""
    content = json.dumps(_LEDGER.dump_python(ledger, by_alias=True), indent=1).encode()
    files, path = url_to_fs(place)
    if "file" not in files.protocol:
        files.pipe_file(path, content)
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    written = target.with_name(f".writing-{target.name}")
    with written.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    written.replace(target)
