"""Processes that fill the online store and are killed: readers see one whole snapshot at any time.

`make test` does two kills a store; `make faults` 20.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.rows import decoded_row
from customer_segmentation.feature_store.stores import open_store
from tests.services.redis import RedisServer

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "2"))
CUSTOMERS = [f"customer {number}" for number in range(4_000)]
# Fills the store again and again; the value of every customer in a snapshot is its run's, and every
# fifth customer comes and goes.
FILL = f"""
import sys
import numpy as np
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.rows import Snapshot
from customer_segmentation.feature_store.stores import open_store

online = OnlineFeatures(open_store(sys.argv[1], "dev", sys.argv[2]))
everybody = {CUSTOMERS!r}
for run in range(1, 1_000):
    customers = [one for i, one in enumerate(everybody) if i % 5 or run % 2]
    numbers = np.full((len(customers), 60), float(run))
    columns = tuple(f"c{{i}}" for i in range(60))
    told = Snapshot(0, "2014-06-30", columns, 0, 1, {{}}, str(run), 31)
    written = online.stage(customers, numbers, told)
    online.switch(written.snapshot)
    online.sweep()
    print(run, flush=True)
"""


@pytest.fixture(params=["sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    if request.param == "sqlite":
        yield "sqlite", str(tmp_path / "online.db")
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    # A database of its own on the server that tests share.
    yield server.url.removesuffix("/0") + "/7", ""


def require_one_snapshot(online: OnlineFeatures) -> int:
    """Check that what is seen is one run's, of all its customers and of nobody else."""
    snapshot, rows = online.read(CUSTOMERS)
    if snapshot is None:
        return 0
    run = float(snapshot.artifact_version)
    for index, row in enumerate(rows):
        if index % 5 or run % 2:
            assert row is not None
            assert (decoded_row(row) == np.full(60, run)).all()
        else:
            assert row is None
    return snapshot.number


def test_a_killed_process_leaves_one_whole_snapshot(place: tuple[str, str]) -> None:
    chance = random.Random(11)  # noqa: S311 - no secret
    read = seen = 0
    for _ in range(KILLS):
        process = subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-c", FILL, *place], stdout=subprocess.PIPE
        )
        assert process.stdout
        # The first snapshot after its start.
        assert process.stdout.readline()
        with closing(open_store(place[0], "dev", place[1])) as store:
            until, enough = time.monotonic() + chance.uniform(0.3, 1.0), read + 2
            # On a busy machine a read may take longer than that.
            while time.monotonic() < until or read < enough:
                seen = max(seen, require_one_snapshot(OnlineFeatures(store)))
                read += 1
        process.kill()
        process.wait()
        process.stdout.close()
        with closing(open_store(place[0], "dev", place[1])) as store:
            require_one_snapshot(OnlineFeatures(store))
    assert read > KILLS
    assert seen > 1
