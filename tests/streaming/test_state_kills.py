"""A process that keeps a state, killed at any moment: every change is whole or did not happen."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from customer_segmentation.streaming.state import CustomerState
from tests.streaming.schemas import shop

_PROGRAM = """
import sys
from pathlib import Path
from customer_segmentation.streaming.rebuilding import rebuild
from customer_segmentation.streaming.state import CustomerState
from tests.streaming.schemas import shop
from tests.streaming.test_state_kills import BATCHES, batch
place, what = Path(sys.argv[1]), sys.argv[2]
print("begun", flush=True)
if what == "rebuild":
    rebuild(place, shop(), map(batch, range(BATCHES)), {"events-0": BATCHES})
else:
    with CustomerState(place, shop()) as state:
        for number in range(state.positions.get("events-0", 0), BATCHES):
            state.apply(batch(number), {"events-0": number + 1})
"""
BATCHES = 40


def batch(number: int) -> pl.DataFrame:
    """Some lines of many customers, the same each time; a third correct an earlier one."""
    draw = random.Random(number)  # noqa: S311 - no secret
    rows = [
        {
            "Customer": f"c{draw.randrange(2_000)}",
            "Number": str(draw.randrange(30)),
            "Day": f"2024-06-{draw.randrange(1, 31):02}",
            "Kind": "order",
            "Channel": "web",
            "Product": "shoes",
            "Amount": str(draw.randrange(1, 900) / 100),
            "changed_at": str(number),
        }
        for _ in range(1_000)
    ]
    return pl.DataFrame(rows)


def killed_after(seconds: float, place: Path, what: str) -> bool:
    """Run until then; whether it was killed before its end."""
    command = [sys.executable, "-c", _PROGRAM, str(place), what]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - ourselves
        assert process.stdout
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


def everyone(place: Path) -> tuple[int, pl.DataFrame]:
    """How many batches a state has taken in, and all its customers."""
    with CustomerState(place, shop()) as state:
        return state.positions.get("events-0", 0), pl.concat([*state.customers(), state.nobody()])


@pytest.mark.faults
@pytest.mark.parametrize("what", ["apply", "rebuild"])
def test_whatever_is_killed_the_state_is_that_of_whole_batches(tmp_path: Path, what: str) -> None:
    draw, place, kills = random.Random(5), tmp_path / "state.db", 0  # noqa: S311 - no secret
    for number in range(12):
        # Sooner or later it comes to its end, however fast the machine is.
        was_killed = killed_after(draw.uniform(0.1, 0.3) * number, place, what)
        kills += was_killed
        taken, found = everyone(place)
        expected = tmp_path / f"expected-{taken}.db"
        with CustomerState(expected, shop()) as state:
            for each in range(state.positions.get("events-0", 0), taken):
                state.apply(batch(each), {"events-0": each + 1})
        assert_frame_equal(found, everyone(expected)[1])
        assert what == "apply" or taken in {0, BATCHES}
        if not was_killed and taken == BATCHES:
            break
    assert kills
