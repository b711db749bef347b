"""What an erasure does not reach, by name, from what the environment records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc

from customer_segmentation.delivery.log import SendLog
from customer_segmentation.feature_store.stores import SETTING
from customer_segmentation.retention.places import Environment, sources
from customer_segmentation.retention.sought import Sought

# What `kedro viz build` writes.
_VIZ = "build"
# Where a server lands what is sent to it.
_INGEST = tuple(f"SEGMENTATION_SERVING_INGEST_{kind}" for kind in ("EVENTS", "RECORDS", "OUTCOMES"))


def receivers_of(environment: Environment, sought: Sought) -> list[str]:
    """Where lists of campaigns took the customer, as the send log says, a line each."""
    log = SendLog(environment.log)
    found: dict[tuple[str, str], str] = {}
    for state in log.states():
        one = state.delivery
        contacted, _ = log.assigned(state)
        theirs = sought.rows(contacted)
        if theirs is not None and pc.any(theirs).as_py():
            found[one.receiver, one.campaign] = one.day
    told = "have them erased there too, since its next list does not say that they left"
    return [
        f"{receiver}: was sent them in a list of {campaign}, last of {day}: {told}"
        for (receiver, campaign), day in sorted(found.items())
    ]


def out_of_reach(environment: Environment) -> Iterator[str]:
    """Who else may hold the customer, a line each."""
    for source in sources(environment.catalog):
        yield (
            f"{environment.shown(source)}: the source. The next run would read them again: take "
            "them out there first"
        )
    for place in sorted({*filter(None, map(os.environ.get, _INGEST))}):
        yield f"{place}: what was sent to the API, as it was sent: take them out there"
    online = environment.online
    filled = online.load()["store"] if online.exists() else ""
    # A file is searched wherever it is.
    if "://" in filled and filled != online.open().store.name:
        yield (
            f"{filled}: the online feature store of an earlier run; set {SETTING} to it, and run "
            "this again"
        )
    if environment.stream.exists():
        yield (
            "topics of Kafka (events, answers, movers, dead letters): kedro stream rebuild and a "
            "new consumer would read them again from what was landed and from the topics, until "
            "these forget: delete their messages there"
        )
    if others := environment.others:
        yield f"{', '.join(others)}: other environments; run kedro forget with --env for each"
    if not environment.tracking.startswith("sqlite:///"):
        yield f"{environment.tracking}: MLflow's server, whose artifacts are not searched"
    if (Path(environment.project) / _VIZ).is_dir():
        yield f"{_VIZ}/: pages of kedro viz build, with the first rows of tables: remove them"
    yield (
        "whoever read the tables, the exports (gold/feature_table) or an answer of the API: that "
        "is not recorded"
    )
    yield (
        "SageMaker and Databricks, if kedro feature publish was used: docs/feature_store.md says "
        "how they are erased there"
    )
