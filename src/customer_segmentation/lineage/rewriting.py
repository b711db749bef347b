"""Keep the ledger true where a command takes rows out of tables and files that runs made.

They are still what they were made from, less these rows. The ledger lists them before anything is
rewritten: if the command is killed, the same command, run again, finishes what it says of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from kedro.io import DataCatalog

from customer_segmentation.lineage.content import content_of, is_unchanged
from customer_segmentation.lineage.ledger import Entry, Ledger, read_ledger, write_ledger


def begin_rewriting(place: str, names: Iterable[str], catalog: DataCatalog) -> None:
    """List what is to be rewritten; what was changed by hand before stays of unknown making.

    Args:
        place: Path of the ledger.
        names: Datasets whose content will change.
        catalog: Where they are.
    """
    ledger = read_ledger(place)
    known = {name for name in names if _is_known(name, ledger, catalog)}
    if listed := known - set(ledger.rewriting):
        rewriting = tuple(sorted({*ledger.rewriting, *listed}))
        write_ledger(place, replace(ledger, rewriting=rewriting))


def end_rewriting(place: str, catalog: DataCatalog) -> None:
    """Record the present content of everything that is listed."""
    ledger = read_ledger(place)
    if not ledger.rewriting:
        return
    entries, marks = dict(ledger.entries), dict[tuple[str, str], str]()
    for name in ledger.rewriting:
        dataset: Any = catalog.get(name)
        if (entry := entries.get(name)) and (now := content_of(dataset)):
            marks[name, entry.content.mark] = now.mark
            entries[name] = replace(entry, content=now)
    entries = {name: _with(entry, marks) for name, entry in entries.items()}
    write_ledger(place, replace(ledger, entries=entries, rewriting=()))


def _is_known(name: str, ledger: Ledger, catalog: DataCatalog) -> bool:
    entry, dataset = ledger.entries.get(name), catalog.get(name)
    return entry is not None and is_unchanged(dataset, entry.content)


def _with(entry: Entry, marks: Mapping[tuple[str, str], str]) -> Entry:
    made_from = {n: marks.get((n, mark), mark) for n, mark in entry.made_from.items()}
    return replace(entry, made_from=made_from)
