"""The state of a run: what each input was made from, and what is outdated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from kedro.io import DataCatalog
from kedro.pipeline.node import Node
from pydantic_core import to_jsonable_python

from customer_segmentation.datasets.pending import place_of
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.lineage.content import SHA256, Content, content_of, is_kept, is_unchanged
from customer_segmentation.lineage.flow import SOURCE, ancestors, is_parameter, makers
from customer_segmentation.lineage.ledger import Entry, Ledger
from customer_segmentation.lineage.origin import (
    NOT_YET,
    UNKNOWN,
    Clash,
    Origin,
    clashes,
    joined,
    leaves,
)
from customer_segmentation.lineage.record import code_hash, version_of
from customer_segmentation.pipeline_registry import CHAMPION
from customer_segmentation.run_record import LENDER, current_run


class RunState:
    """The origins of everything that a run reads and makes.

    Args:
        ledger: The ledger before the run.
        catalog: The catalog of the run.
        params: As Kedro gives them to hooks.
        lent: What the ledger of another environment says of the inputs that are read from there.

    Attributes:
        made: Table or file that the run saved -> its entry.
        values: Values of parameters that these entries refer to, by key.
    """

    def __init__(
        self,
        ledger: Ledger,
        catalog: WholeFilesCatalog,
        params: Mapping[str, Any],
        lent: Ledger | None = None,
    ) -> None:
        self.ledger = ledger
        self._lent = lent or Ledger({}, {})
        self.catalog = catalog
        self.params = params
        self.made: dict[str, Entry] = {}
        self.values: dict[str, Any] = {}
        self._origins: dict[str, Origin] = {}
        # Marks of tables and files, of the new content if this run has made it.
        self._marks: dict[str, str] = {}

    def enter(self, node: Node) -> list[Clash]:
        """Register a step, whose outputs are made from all its inputs; returns their clashes."""
        found = {name: self._with_itself(name) for name in node.inputs}
        for name in node.outputs:
            self._origins[name] = joined(found.values())
            self._marks[name] = NOT_YET
        return clashes(found)

    def forget(self, name: str) -> bool:
        """Drop the entry of a table that cannot be held back; returns whether there was one."""
        entries = self.ledger.entries
        if name not in entries or place_of(self.catalog.get(name)):
            return False
        others = {each: entry for each, entry in entries.items() if each != name}
        self.ledger = replace(self.ledger, entries=others)
        return True

    def record(self, name: str, data: Any, node: Node) -> None:  # noqa: ANN401 - anything
        """Record what a step saved, if that outlives the run, and what it was made from."""
        if not self.is_kept(name):
            return
        origin, run = self.origin(name), current_run.get()
        version = self._version(data, origin)
        source = origin.contents.get(SOURCE, UNKNOWN)
        keys = {parameter: _key(value) for parameter, value in origin.parameters.items()}
        self.values |= {keys[parameter]: value for parameter, value in origin.parameters.items()}
        self.made[name] = Entry(
            made_by=f"{'/'.join(makers([name]))}: {node.name}{_read_from(run)}",
            run=run.get("run_id", "none"),
            commit=run.get("commit", "unknown"),
            code=code_hash(),
            source_sha256=None if source.startswith(UNKNOWN) else source.removeprefix(SHA256),
            artifact_version=version,
            content=self.saved(name, version),
            made_from=dict(sorted(origin.contents.items())),
            parameters=keys,
        )

    def saved(self, name: str, version: str | None) -> Content:
        """Register and return the content of what a step saved.

        If publishing will change the mark, use that of a former run that made the same from the
        same inputs and code, with the same artifact: the names in it depend on the champion too.
        """
        content = content_of(self.catalog.get(name))
        if not (content and content.mark.startswith(SHA256)):
            mark = f"run {current_run.get().get('run_id', 'none')}"
            former = self.ledger.entries.get(name)
            made_now = (code_hash(), version, self.origin(name))
            if former and (
                (former.code, former.artifact_version, self.ledger.origin(former)) == made_now
            ):
                mark = former.content.mark
            content = Content(mark)
        self._marks[name] = content.mark
        return content

    def origin(self, name: str) -> Origin:
        """The origin of a dataset; unknown for one that exists but is not in the ledger."""
        if name not in self._origins:
            self._origins[name] = self._found(name)
        return self._origins[name]

    def mark(self, name: str) -> str:
        """The mark of the content of a dataset; empty if it does not exist or is in memory."""
        if name == SOURCE:
            # The hash of a source is known only after reading it.
            landed = getattr(self.catalog.get(SOURCE), "landed", None)
            return f"{SHA256}{landed.sha256}" if landed else NOT_YET
        if name not in self._marks:
            dataset, entry = self.catalog.get(name), self._known.entries.get(name)
            is_managed = is_kept(dataset) and place_of(dataset) is None
            content = entry.content if entry and is_managed else content_of(dataset)
            self._marks[name] = content.mark if content else NOT_YET
        return self._marks[name]

    def stale(self, names: Iterable[str], parameters: Mapping[str, Any]) -> dict[str, str]:
        """The outdated ones of some tables and files, and why.

        Args:
            names: The tables and files.
            parameters: Values that they must have been made with, by full name.
        """
        reasons = {name: self._reason(name, parameters) for name in names if self.is_kept(name)}
        return {name: reason for name, reason in reasons.items() if reason}

    def is_of_unknown_making(self, name: str) -> bool:
        """Whether it has no entry, or other content than its entry says."""
        entry = self._known.entries.get(name)
        return entry is None or not is_unchanged(self.catalog.get(name), entry.content)

    def is_kept(self, name: str) -> bool:
        """Whether a run makes it and it outlives the run."""
        return name != SOURCE and is_kept(self.catalog.get(name))

    def _reason(self, name: str, parameters: Mapping[str, Any]) -> str | None:
        if name not in self._origins and self.is_of_unknown_making(name):
            return "by an older version, or by hand"
        origin = self.origin(name)
        values = leaves(origin.parameters)
        for parameter, value in parameters.items():
            if parameter in values and values[parameter] != value:
                return f"with {parameter}={values[parameter]}, which is {value} now"
        for ancestor, mark in origin.contents.items():
            now = self.mark(ancestor)
            if now not in {NOT_YET, mark}:
                return f"from another {ancestor}"
        return None

    def _version(self, data: Any, origin: Origin) -> str | None:  # noqa: ANN401 - anything
        if CHAMPION in origin.contents:
            # Of the other environment, if what was read from there was made with it.
            lent = self._lent.entries.values()
            theirs = (entry.artifact_version for entry in lent if CHAMPION in entry.made_from)
            champion: Any = self.catalog.get(CHAMPION)
            return next(theirs, None) or str(champion.version)
        return version_of(data, origin, {**self._known.entries, **self.made})

    def _with_itself(self, name: str) -> Origin:
        if is_parameter(name):
            return Origin({}, configured([name], self.catalog))
        origin = self.origin(name)
        if not self.is_kept(name) and name != SOURCE:
            return origin
        return Origin({**origin.contents, name: self.mark(name)}, origin.parameters)

    @property
    def _known(self) -> Ledger:
        """What is known of all that is read, here or from another environment."""
        return self.ledger.with_entries(self._lent.entries, self._lent.parameters)

    def _found(self, name: str) -> Origin:
        if name == SOURCE:
            return Origin()
        entry = self._known.entries.get(name)
        if entry and not self.is_of_unknown_making(name):
            self._marks[name] = entry.content.mark
            return self._known.origin(entry)
        behind = f"{UNKNOWN}{name} {self.mark(name)}"
        kept = (each for each in ancestors([name]) if each == SOURCE or self.is_kept(each))
        return Origin(dict.fromkeys(kept, behind))


def _read_from(run: Mapping[str, str]) -> str:
    return f", of {run[LENDER]}" if LENDER in run else ""


def _key(value: Any) -> str:  # noqa: ANN401 - any parameter
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def configured(names: Iterable[str], catalog: DataCatalog) -> dict[str, Any]:
    """Parameters by name, as JSON can hold them."""
    return {
        name.removeprefix("params:"): to_jsonable_python(catalog.load(name), fallback=str)
        for name in names
    }
