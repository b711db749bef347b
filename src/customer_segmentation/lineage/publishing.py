"""Publish the outputs of a run and record them in the ledger."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from customer_segmentation.bundles.bundle import Promotion
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.datasets.pending import clear, publish
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.lineage.content import SHA256, Content, content_of
from customer_segmentation.lineage.ledger import Entry, Ledger, Publishing, write_ledger
from customer_segmentation.lineage.state import RunState
from customer_segmentation.run_record import current_run

_log = logging.getLogger(__name__)


def publish_run(place: str, state: RunState, promotion: Promotion | None = None) -> None:
    """Publish everything that a run saved, even if the process dies half way.

    The ledger lists what is to be done before anything is moved: if this is cut short, `go_on` of
    the next run finishes it.

    Args:
        place: Path of the ledger.
        state: What the run made, and its catalog with the held-back outputs.
        promotion: What makes a bundle the champion, once everything is published.
    """
    catalog = state.catalog
    run = dict(current_run.get())
    told = Publishing(run, catalog.waiting, state.made, state.values, promotion)
    begun = replace(state.ledger, publishing=told)
    write_ledger(place, begun)
    _publish(place, begun, told, catalog)


def go_on(place: str, ledger: Ledger, catalog: WholeFilesCatalog) -> Ledger:
    """Finish what a killed run was publishing, if anything; returns the new ledger."""
    if not (told := ledger.publishing):
        return ledger
    _log.warning(
        "Run %s was stopped while it published its outputs: the rest is published now",
        told.run.get("run_id", "unknown"),
    )
    token = current_run.set(dict(told.run))
    try:
        return _publish(place, ledger, told, catalog)
    finally:
        current_run.reset(token)


def _publish(place: str, ledger: Ledger, told: Publishing, catalog: WholeFilesCatalog) -> Ledger:
    for name, (waiting, target) in told.moves.items():
        dataset: Any = catalog.get(name)
        if hasattr(dataset, "merge_from"):
            dataset.merge_from(waiting)
        else:
            publish(waiting, target)
    catalog.settle()
    if told.promotion:
        _promote(told.promotion, catalog.load("bundles"))
    done = ledger.with_entries(_as_published(told.entries, catalog), told.parameters)
    write_ledger(place, done)
    clear(target for _, target in told.moves.values())
    return done


def _promote(promotion: Promotion, bundles: BundleStore) -> None:
    live = bundles.live()
    now = live.bundle if live else None
    if now == promotion.bundle:
        # The run was killed behind the switch.
        return
    if now != promotion.previous:
        _log.warning(
            "Bundle %s is not made the champion: meanwhile %s was",
            *(promotion.bundle, now),
        )
        return
    bundles.append(promotion)


def _as_published(entries: Mapping[str, Entry], catalog: WholeFilesCatalog) -> dict[str, Entry]:
    """The entries with the marks of the published content, which a store or Delta changes."""
    contents: dict[str, Content] = {}
    for name, entry in entries.items():
        # A renamed file keeps its content and time.
        is_renamed = entry.content.mark.startswith(SHA256)
        now = None if is_renamed else content_of(catalog.get(name))
        contents[name] = now or entry.content

    def made_from(entry: Entry) -> dict[str, str]:
        marks = entry.made_from.items()
        return {name: contents[name].mark if name in contents else mark for name, mark in marks}

    return {
        name: replace(entry, content=contents[name], made_from=made_from(entry))
        for name, entry in entries.items()
    }
