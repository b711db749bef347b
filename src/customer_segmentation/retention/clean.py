"""The command `clean`: what an environment that keeps things for a time has kept long enough."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kedro.framework.project import pipelines

from customer_segmentation.bundles.bundle import ABOUT
from customer_segmentation.bundles.store import BUNDLES, BundleStore
from customer_segmentation.datasets.pending import FOLDER, filesystem_of
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.ledger import Ledger, read_ledger
from customer_segmentation.lineage.rewriting import begin_rewriting, end_rewriting
from customer_segmentation.retention.counted import counted_hours
from customer_segmentation.retention.erase import erase_all_rows, has_rows
from customer_segmentation.retention.places import OUTCOMES, Environment, is_below, is_half

# A table that is appended to -> what a statement of it says of its day.
_HISTORIES = {
    "gold_history": "who was where on",
    "gold_feature_history": "features on",
    "gold_campaign_inputs": "what was known of whom a campaign chose on",
    "gold_outcomes": "outcomes that were recorded on",
    "gold_monitoring": "what was watched on",
}


@dataclass(frozen=True)
class Removal:
    """Something to remove.

    Attributes:
        place: The file, or the folder of a bundle or of an hour.
        what: What it is, in words.
        since: From when it is.
        upload: The id of an unfinished upload to that place, which has no content yet.
        is_part: Whether only the rows go: the part says how far its source is read.
    """

    place: str
    what: str
    since: datetime
    upload: str = ""
    is_part: bool = False


def clean(
    environment: Environment,
    retain_days: float | None,
    tell: Callable[[str], None],
    *,
    is_dry: bool,
    now: datetime | None = None,
) -> None:
    """Remove what is older than the retention, or tell what would be.

    The lock of the environment must be held, unless nothing is done.

    Args:
        environment: Where.
        retain_days: How long things are kept; None for as long as the environment says.
        tell: Prints a line.
        is_dry: Whether only to tell.
        now: The time; by default that of the clock.

    Raises:
        UserError: The environment keeps everything.
    """
    if environment.retain_days is None:
        raise UserError(
            f"{environment.name} keeps everything: set retain_days in its globals.yml, if what is "
            "older may be removed"
        )
    days = environment.retain_days if retain_days is None else retain_days
    until = (now or datetime.now(UTC)) - timedelta(days=days)
    ledger = read_ledger(environment.ledger)
    removals = [each for each in _found(environment, ledger) if each.since < until]
    tell(
        f"{environment.name}: {len(removals):,} things are older than {days:g} days, from before "
        f"{until:%Y-%m-%d %H:%M} UTC"
    )
    made = environment.made()
    changed = [
        name
        for name in made.keys() & _HISTORIES.keys()
        if any(is_below(each.place, [made[name]]) for each in removals)
    ]
    if changed and not is_dry:
        begin_rewriting(environment.ledger, changed, environment.catalog)
    for each in removals:
        tell(f"  {environment.shown(each.place)}: {each.what} of {each.since:%Y-%m-%d}")
        if not is_dry:
            _remove(each)
    if not is_dry:
        # Also what a killed command began.
        end_rewriting(environment.ledger, environment.catalog)
        tell("Removed")
    elif removals:
        tell("Nothing has changed: add --do to remove them")


def _found(environment: Environment, ledger: Ledger) -> Iterator[Removal]:
    """Everything that may be removed once it is old enough."""
    yield from _leftovers(environment, is_publishing=ledger.publishing is not None)
    yield from _bundles(BundleStore(environment.models, environment.name))
    yield from _uploads(environment)
    yield from _file(environment.landing, "copy of the source, which each run lands anew")
    # Before they are forgotten where they were recorded, or the next run would record them anew.
    yield from _landed_outcomes(environment)
    made = environment.made()
    for name in sorted(made.keys() & _HISTORIES.keys()):
        yield from _history(environment.catalog.get(name), made[name], _HISTORIES[name])
    for place, what, since in counted_hours(environment):
        yield Removal(place, what, since)
    for place in _reports(environment):
        yield from _file(place, "report that no pipeline reads")


def _leftovers(environment: Environment, *, is_publishing: bool) -> Iterator[Removal]:
    for file in environment.files():
        parts = file.place.split("/")
        waits = FOLDER in parts
        # The next run publishes what waits.
        if any(map(is_half, parts)) or (waits and not is_publishing):
            yield from _file(file.place, "left by a run that was killed")


def _bundles(store: BundleStore) -> Iterator[Removal]:
    log = store.log()
    needed = {each.bundle for each in log} | {each.previous for each in log} | {store.candidate()}
    if challenger := store.challenger():
        needed.add(challenger.bundle)
    for bundle in store.kept():
        if bundle in needed:
            continue
        place = f"{store.root}/{BUNDLES}/{bundle}"
        made = _made(f"{place}/{ABOUT}") or min(
            # Half written: its description is written last.
            (each.since for each in _files(place, "")),
            default=datetime.fromtimestamp(0, UTC),
        )
        yield Removal(place, "bundle that no promotion refers to", made)


def _made(about: str) -> datetime | None:
    """When a bundle was made, by its description; None if that does not say."""
    files, path = filesystem_of(about)
    try:
        made = datetime.fromisoformat(json.loads(files.cat_file(path))["made_at"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _uploads(environment: Environment) -> Iterator[Removal]:
    for root in environment.roots:
        files, path = filesystem_of(root)
        if "s3" not in files.protocol:
            continue
        bucket, _, folder = path.partition("/")
        for each in files.list_multipart_uploads(bucket):
            place = f"s3://{bucket}/{each['Key']}"
            if is_below(place, [f"s3://{bucket}/{folder}"]) and not is_below(
                place, environment.apart
            ):
                yield Removal(place, "unfinished upload", each["Initiated"], each["UploadId"])


def _history(history: Any, folder: str, what: str) -> Iterator[Removal]:  # noqa: ANN401 - a dataset
    """Statements of a history, but for the newest one, which the next run compares with."""
    # Delta's rows are kept.
    if not hasattr(history, "statements"):
        return
    statements = history.statements()
    latest = max(statements, key=lambda one: (one.as_of, one.recorded_at), default=None)
    newest = {max(statements, default=None), latest}
    for each in statements:
        if each not in newest:
            since = datetime.fromisoformat(each.recorded_at)
            yield Removal(f"{folder}/{each.part}", f"{what} {each.as_of}", since)


def _landed_outcomes(environment: Environment) -> Iterator[Removal]:
    dataset: Any = environment.catalog.get(OUTCOMES)
    for parts in dataset.landed():
        for part in parts.all():
            if has_rows(parts.url(part)):
                since = datetime.fromisoformat(part.landed_at)
                yield Removal(parts.url(part), "outcomes that landed", since, is_part=True)


def _reports(environment: Environment) -> Iterator[str]:
    read = {name for pipeline in pipelines.values() for name in pipeline.inputs()}
    folder = f"{environment.data}/reporting"
    for name, place in environment.made().items():
        if name not in read and is_below(place, [folder]):
            yield place


def _file(place: str, what: str) -> Iterator[Removal]:
    files, path = filesystem_of(place)
    if files.isfile(path):
        yield Removal(place, what, files.modified(path))


def _files(folder: str, what: str) -> Iterator[Removal]:
    files, path = filesystem_of(folder)
    prefix = folder.removesuffix(path)
    for name in files.find(path):
        yield from _file(f"{prefix}{name}", what)


def _remove(removal: Removal) -> None:
    files, path = filesystem_of(removal.place)
    if removal.upload:
        bucket, _, key = path.partition("/")
        files.abort_mpu(bucket, key, removal.upload)
    elif removal.is_part:
        erase_all_rows(removal.place)
    elif files.isfile(path):
        files.rm_file(path)
        _remove_empty(files, path)
    else:
        # The description last: it says how old the rest is, should this be cut short.
        for name in sorted(files.find(path), key=lambda name: name.endswith(f"/{ABOUT}")):
            files.rm_file(name)
        if files.isdir(path):
            files.rm(path, recursive=True)


def _remove_empty(files: Any, path: str) -> None:  # noqa: ANN401 - fsspec ships no types
    """The folder that a leftover stood in."""
    folder = path.rpartition("/")[0]
    is_leftover = any(part == FOLDER or is_half(part) for part in folder.split("/"))
    if is_leftover and "file" in files.protocol and not files.ls(folder):
        files.rmdir(folder)
