"""The command `forget`: one customer erased from an environment, and a search that proves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from customer_segmentation.errors import UserError
from customer_segmentation.lineage.rewriting import begin_rewriting, end_rewriting
from customer_segmentation.retention.delta import erase_from_delta
from customer_segmentation.retention.erase import erase_names, erase_rows, erase_version
from customer_segmentation.retention.jobs import erase_job
from customer_segmentation.retention.online import erase_online
from customer_segmentation.retention.outside import out_of_reach, receivers_of
from customer_segmentation.retention.places import Environment, is_below
from customer_segmentation.retention.search import Found, Holder, Kind, search
from customer_segmentation.retention.sought import Sought
from customer_segmentation.streaming.erasing import erase as erase_from_stream

Tell = Callable[[str], None]

_WHAT: dict[Kind, tuple[str, str]] = {
    "rows": ("row", "written anew without"),
    "names": ("mention", "replaced by [erased]"),
    "delta": ("trace", "deleted, with every older version of the table"),
    "version": ("trace", "in an old version of the object, which is deleted"),
    "job": ("trace", "in a job of the API, which is removed whole"),
    "online": ("trace", "in the online feature store, removed there"),
    "stream": ("trace", "in the state of the stream, which is written anew without"),
    "by hand": ("trace", "NOT erased: nothing of the product's wrote this; do it by hand"),
}


def forget(environment: Environment, customer: str, tell: Tell, *, is_dry: bool) -> None:
    """Erase a customer, or tell what that would do.

    The lock of the environment must be held, unless nothing is done.

    Args:
        environment: Where.
        customer: The id.
        tell: Prints a line.
        is_dry: Whether only to tell.

    Raises:
        UserError: Something is left that holds them; names it.
    """
    sought = Sought.of(customer, environment.schema)
    if not sought.id:
        raise UserError("the id is empty: name a customer")
    if environment.managed:
        raise UserError(
            f"{environment.name} keeps its tables in a catalog, whose files this command cannot "
            "search: docs/retention.md has the statements that erase a customer there"
        )
    if not is_dry:
        environment.go_on()
        environment.remove_leftovers()
    # Asked now: once they are erased, the log does not say it.
    receivers = receivers_of(environment, sought)
    found = search(environment, sought)
    where = f"customer {sought.id} in {environment.name}"
    tell(f"{where}: {_seen(found)}, {_places(len(found.holders))} of them hold this id")
    for line in _lines(environment, found):
        tell(line)
    if not is_dry:
        # Also where a killed command has erased everything, and not yet said so in the ledger.
        _erase(environment, found, sought)
        found = search(environment, sought)
        tell(f"Searched again: {_seen(found)}, {_places(len(found.holders))} hold this id")
    tell("Out of reach:")
    for line in (*receivers, *out_of_reach(environment)):
        tell(f"  {line}")
    if is_dry:
        tell("Nothing has changed: add --do to erase them")
    elif found.holders:
        left = ", ".join(environment.shown(each.place) for each in found.holders)
        raise UserError(
            f"{where} is not forgotten: {left} still hold the id. Erase it there by hand, and run "
            "this again"
        )


def _erase(environment: Environment, found: Found, sought: Sought) -> None:
    places = [each.place for each in found.holders if each.kind != "version"]
    made = environment.made()
    changed = [
        name for name, place in made.items() if any(is_below(each, [place]) for each in places)
    ]
    begin_rewriting(environment.ledger, changed, environment.catalog)
    # Old versions last: rewriting makes more of them.
    for holder in found.holders:
        _erase_from(holder, sought, environment)
    for holder in search(environment, sought).holders if _has_versions(environment) else ():
        if holder.kind == "version":
            erase_version(holder)
    end_rewriting(environment.ledger, environment.catalog)


def _erase_from(holder: Holder, sought: Sought, environment: Environment) -> None:
    if holder.kind == "rows":
        erase_rows(holder, sought)
    elif holder.kind == "names":
        erase_names(holder, sought)
    elif holder.kind == "delta":
        erase_from_delta(holder.place, sought)
    elif holder.kind == "online":
        erase_online(environment, holder.place, sought.id)
    elif holder.kind == "stream":
        erase_from_stream(environment.stream, sought.id)
    elif holder.kind == "job":
        erase_job(Path(holder.place), environment.jobs)


def _has_versions(environment: Environment) -> bool:
    return any(root.startswith("s3://") for root in environment.roots)


def _lines(environment: Environment, found: Found) -> Iterator[str]:
    for each in found.holders:
        noun, done = _WHAT[each.kind]
        many = f"{each.times:,} {noun}{'s' if each.times > 1 else ''}"
        version = f" (version {each.version})" if each.version else ""
        yield f"  {environment.shown(each.place)}{version}: {many}, {done}"


def _seen(found: Found) -> str:
    return f"{found.files:,} files of {found.size / 1e6:,.1f} MB searched"


def _places(count: int) -> str:
    return f"{count:,}"
