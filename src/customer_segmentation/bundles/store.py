"""Where an environment keeps its bundles and its log of promotions.

    bundles/<id>/segmenter.onnx, cold_start.onnx, response.onnx,                never rewritten
                 baseline.json, bundle.json
    promotions/00000001.json, 00000002.json, ...                                the last one is live
    challengers/00000001.json, ...                                              tried besides

A file of the log appears whole or not at all, and only if there is none of its number: that is the
switch from one champion to the next, for all files of a bundle at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from fsspec.core import url_to_fs

from customer_segmentation.bundles.bundle import (
    ABOUT,
    ALWAYS,
    BASELINE,
    MODELS,
    SEGMENTER,
    Promotion,
    StoredBundle,
)
from customer_segmentation.bundles.challenger import Challenger, Challengers
from customer_segmentation.bundles.numbered import Entry, NumberedLog
from customer_segmentation.errors import UserError
from customer_segmentation.new_files import WRITING, put_new, write_through

CANDIDATE, BUNDLES, PROMOTIONS = "candidate", "bundles", "promotions"
CHALLENGERS = "challengers"


class BundleStore:
    """The bundles below a folder, and which of them was live when.

    Args:
        root: The folder `models` of an environment: a path, or a URL that fsspec reads.
        environment: Its name; readers of models alone need not give it.
    """

    def __init__(self, root: str, environment: str = "") -> None:
        self.environment = environment
        self.root = root.replace("s3a://", "s3://", 1).rstrip("/")
        # Cached listings would miss what other processes write.
        self._files, path = url_to_fs(self.root, use_listings_cache=False)
        self._path = path.rstrip("/")
        self._is_local = "file" in self._files.protocol
        self._log = self._numbered(PROMOTIONS, Promotion)
        self.challengers = Challengers(self._numbered(CHALLENGERS, Challenger))

    def add(self, bundle: StoredBundle) -> None:
        """Keep a bundle; one that is there already stays as it is, unless it is damaged.

        Kept by an earlier version of this project, it gets what its models learned from.
        """
        folder = f"{self._path}/{BUNDLES}/{bundle.id}"
        if self._is_whole(bundle):
            if BASELINE in bundle.files:
                put_new(self._files, f"{folder}/{BASELINE}", bundle.files[BASELINE])
            return
        if self._is_local:
            _write_folder(Path(folder), bundle.files)
            return
        # The description last: without it there is no bundle.
        for name in sorted(bundle.files, key=lambda name: name == ABOUT):
            self._files.pipe_file(f"{folder}/{name}", bundle.files[name])

    def read(self, bundle_id: str) -> StoredBundle:
        """The files below a bundle's id, whatever they hold.

        Raises:
            UserError: One is absent.
        """
        found = self._read(bundle_id)
        if found is None:
            raise UserError(f"{self._folder(bundle_id)} holds no bundle: it is not kept any more")
        return found

    def bundle(self, bundle_id: str) -> StoredBundle:
        """A bundle that is kept.

        Raises:
            UserError: There is none of this id, or its models are not those that the id names.
        """
        found = self.read(bundle_id)
        if found.id != bundle_id:
            raise UserError(
                f"{self._folder(bundle_id)} was changed: its models make up bundle {found.id}. "
                "Restore the folder, or roll back to another bundle"
            )
        return found

    def kept(self) -> list[str]:
        """The ids of all bundles, sorted."""
        return sorted(name for name in self._names(BUNDLES) if not name.startswith(WRITING))

    def candidate(self) -> str | None:
        """The id of the bundle of the last run's models; None if there is no such bundle."""
        models = self._present(CANDIDATE, MODELS)
        if not {*ALWAYS} <= models.keys():
            return None
        bundle_id = StoredBundle(models).id
        return bundle_id if bundle_id in self.kept() else None

    def segmenter(self, artifact_version: str) -> bytes | None:
        """The segmenter of this version, from whichever bundle has it; None if none is kept."""
        for bundle_id in self.kept():
            if self._about(bundle_id).get("artifact_version") == artifact_version:
                return self._file(bundle_id, SEGMENTER)
        return None

    def promoted(self) -> list[tuple[Promotion, dict[str, Any]]]:
        """Each entry of the log, the oldest first, with what `bundle.json` of its bundle says.

        That is nothing where the bundle is not kept any more.
        """
        log = self.log()
        about = {bundle: self._about(bundle) for bundle in {entry.bundle for entry in log}}
        return [(entry, about[entry.bundle]) for entry in log]

    def _about(self, bundle_id: str) -> dict[str, Any]:
        """What a bundle says of itself; the models, which are large, are not read."""
        told = self._file(bundle_id, ABOUT)
        return StoredBundle({ABOUT: told}).about if told else {}

    def log(self) -> list[Promotion]:
        """Every promotion and rollback, the oldest first.

        Raises:
            UserError: An entry is not as this project writes it.
        """
        return self._log.all()

    def last(self) -> str:
        """The name of the last entry of the log, which changes with the champion; '' if none."""
        return self._log.last_name()

    def live(self, at: datetime | None = None) -> Promotion | None:
        """The entry that is in force, now or at a time; None if there was no champion yet.

        Raises:
            UserError: An entry is not as this project writes it.
        """
        if at is None:
            return self._log.last()
        until = (one for one in reversed(self.log()) if datetime.fromisoformat(one.at) <= at)
        return next(until, None)

    def champion(self) -> StoredBundle | None:
        """The bundle that is live; None if there is none yet.

        Raises:
            UserError: It is absent or changed.
        """
        entry = self.live()
        return self.bundle(entry.bundle) if entry else None

    def append(self, entry: Promotion) -> Promotion:
        """Make the entry's bundle the champion; returns the entry with its number and time.

        Raises:
            UserError: Another promotion came first: nothing has changed.
        """
        before = self.live()
        if (before.bundle if before else None) != entry.previous:
            raise UserError(self._beaten(before))
        written = self._log.append(entry, before)
        if written is None:
            raise UserError(self._beaten(self.live()))
        return written

    def challenger(self) -> Challenger | None:
        """What is tried beside the champion; None if nothing is.

        Raises:
            UserError: An entry of a log is not as this project writes it.
        """
        return self.challengers.current(self.live())

    def _beaten(self, live: Promotion | None) -> str:
        by = f"{live.by} has promoted {live.bundle}" if live else "the log was emptied"
        return f"{self.root}: meanwhile {by}. Nothing was changed: run again to compare with it"

    def _numbered(self, name: str, kind: type[Entry]) -> NumberedLog[Entry]:
        return NumberedLog(self._files, f"{self._path}/{name}", f"{self.root}/{name}", kind)

    def _names(self, folder: str) -> list[str]:
        try:
            paths = self._files.ls(f"{self._path}/{folder}", detail=False)
        except FileNotFoundError:
            return []
        return [PurePosixPath(path).name for path in paths]

    def _read(self, bundle_id: str) -> StoredBundle | None:
        found = self._present(f"{BUNDLES}/{bundle_id}", (*MODELS, BASELINE, ABOUT))
        return StoredBundle(found) if {*ALWAYS, ABOUT} <= found.keys() else None

    def _file(self, bundle_id: str, name: str) -> bytes | None:
        return self._present(f"{BUNDLES}/{bundle_id}", [name]).get(name)

    def _present(self, folder: str, names: Iterable[str]) -> dict[str, bytes]:
        """The content of those files of a folder that are there."""
        found = {}
        for name in names:
            try:
                found[name] = self._files.cat_file(f"{self._path}/{folder}/{name}")
            except FileNotFoundError:
                continue
        return found

    def _is_whole(self, bundle: StoredBundle) -> bool:
        found = self._read(bundle.id)
        return found is not None and found.id == bundle.id

    def _folder(self, bundle_id: str) -> str:
        return f"{self.root}/{BUNDLES}/{bundle_id}"


def _write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = target.with_name(f"{WRITING}{uuid4().hex}")
    written.mkdir()
    try:
        for name, content in files.items():
            write_through(written / name, content)
        # One that is there is damaged.
        shutil.rmtree(target, ignore_errors=True)
        written.replace(target)
    finally:
        shutil.rmtree(written, ignore_errors=True)
