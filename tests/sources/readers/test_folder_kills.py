"""A run that lands a folder is killed at random moments while files come: each row lands once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from customer_segmentation.sources.arrivals.parts import Parts

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "2"))
FILES = 200
LARGE = 120_000
LAND = """
import sys, time
from customer_segmentation.sources.arrivals.parts import Parts, land_arrivals
from customer_segmentation.sources.readers.folder import FolderReader

print("started", flush=True)
while True:
    land_arrivals(FolderReader(place=sys.argv[1], settled_seconds=0.0), Parts(sys.argv[2]))
    if sys.argv[3] == "once":
        break
    time.sleep(0.01)
"""


def landing(inbox: Path, parts: Path, *, once: bool = False) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", LAND, str(inbox), str(parts), "once" if once else "on"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    assert process.stdout
    assert process.stdout.readline() == "started\n"
    return process


@pytest.mark.parametrize("large", [False, True], ids=["small files", "a large file"])
def test_what_is_killed_at_random_moments_lands_every_row_once_and_in_order(
    tmp_path: Path, *, large: bool
) -> None:
    inbox, parts = tmp_path / "inbox", tmp_path / "parts"
    inbox.mkdir()
    dice = random.Random(KILLS)  # noqa: S311 - when to kill is no secret
    numbers = iter(range(10**9))
    time_of = iter(range(1_600_000_000, 2_000_000_000))

    def put(rows: int) -> None:
        first = next(numbers)
        ids = [first, *(next(numbers) for _ in range(rows - 1))]
        written = inbox / f"{first:09}.csv.tmp"
        written.write_text("id,n\n" + "".join(f"{each},a\n" for each in ids))
        seconds = next(time_of)
        os.utime(written, (seconds, seconds))
        written.rename(inbox / f"{first:09}.csv")

    for _ in range(KILLS):
        for _ in range(1 if large else FILES // 2):
            put(LARGE if large else 3)
        process = landing(inbox, parts)
        try:
            until = time.monotonic() + dice.uniform(0.0, 0.4)
            while time.monotonic() < until:
                if not large:
                    put(3)
                time.sleep(0.005)
        finally:
            process.kill()
            process.communicate()
    last = landing(inbox, parts, once=True)
    last.communicate(timeout=60.0)
    assert last.returncode == 0
    held = Parts(str(parts))
    assert held.complete() == held.all()
    rows = [row for part in held.all() for row in held.rows(part)["id"].to_pylist()]
    assert rows == [*map(str, range(next(numbers)))]
