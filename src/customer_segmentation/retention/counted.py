"""Hours that the API and streams have counted: which of them are needed no longer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.datasets.pending import filesystem_of, place_of
from customer_segmentation.monitoring.hours import SUMMARIES
from customer_segmentation.monitoring.shadow import SHADOW
from customer_segmentation.retention.places import Environment

_HOURS = "monitoring_hours"
# A file of an hour lies below whose it is, and below the hour.
_DEPTH = 2


def counted_hours(environment: Environment) -> Iterator[tuple[str, str, datetime]]:
    """Each hour's folder, what it holds in words, and its beginning.

    Not those of the challenger that is on trial: promotion judges it by all of them.
    """
    root = place_of(environment.catalog.get(_HOURS), "_folder")
    if root is None:
        return
    trial = BundleStore(environment.models, environment.name).challenger()
    for folder, what in ((SUMMARIES, "counts of an hour"), (SHADOW, "counts of a challenger")):
        place = f"{root.rstrip('/')}/{folder}"
        for under, hour, since in _hours(place):
            if folder == SUMMARIES or trial is None or under != trial.bundle:
                yield f"{place}/{under}/{hour}", what, since


def _hours(place: str) -> Iterator[tuple[str, str, datetime]]:
    """What each hour is under, its name, and its beginning; nothing of other files."""
    files, path = filesystem_of(place)
    below = (name.removeprefix(f"{path}/").split("/") for name in files.find(path))
    for under, hour in sorted({(each[0], each[1]) for each in below if len(each) > _DEPTH}):
        try:
            since = datetime.strptime(hour, "%Y-%m-%dT%H").replace(tzinfo=UTC)
        except ValueError:
            continue
        yield under, hour, since
