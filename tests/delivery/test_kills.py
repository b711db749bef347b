"""A delivery that is killed, to a receiver that fails meanwhile: nothing lost, nothing doubled.

`make test` does two kills; `make faults` 50 or more, at random moments.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from customer_segmentation.datasets.contacts import ContactsDataset
from customer_segmentation.delivery.log import SendLog
from tests.delivery.lists import deliver, wanted
from tests.runs.project import CHECKOUT
from tests.services.receiver import FaultyReceiver

KILLS = max(50, int(os.environ.get("SEGMENTATION_KILLS", "1")))
CUSTOMERS = 1_000
FAULTS = ("", "", "", "429", "500", "503", "lost", "cut", "half", "reject")


def start(log: Path, place: str, offer: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - this project's own module
        [sys.executable, "-m", "tests.delivery.lists", str(log), place, str(CUSTOMERS), offer],
        cwd=CHECKOUT,
        env=os.environ | {"SEGMENTATION_RECEIVER_WAIT": "30"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def wait_for_a_record(log: Path, process: subprocess.Popen[bytes]) -> None:
    before = len([*log.iterdir()])
    while process.poll() is None and len([*log.iterdir()]) == before:
        time.sleep(0.001)


def require_all_sent_once(receiver: FaultyReceiver, log: Path, offer: str) -> None:
    """The receiver has the list, was never told a thing twice, and the log says the same."""
    assert {row["offer"] for row in receiver.members.values()} == {offer}
    assert len(receiver.members) == CUSTOMERS
    assert set(receiver.applied.values()) == {1}
    bodies: dict[str, bytes] = {}
    for key, body in receiver.posts:
        assert bodies.setdefault(key, body) == body
    assert not [state for state in SendLog(str(log)).states() if state.open]
    found = ContactsDataset(filepath=str(log)).load().to_pylist()
    assert len({row["customer_id"] for row in found if row["offer"] == offer}) == CUSTOMERS


@pytest.mark.parametrize("moment", ["held", "kept"])
def test_a_delivery_killed_before_and_behind_the_taking_of_a_part_goes_on_with_it(
    log: Path, receiver: FaultyReceiver, moment: str
) -> None:
    receiver.faults.extend(["", "", moment])
    process = start(log, receiver.url, "voucher")
    assert receiver.waits.wait(60.0)
    kill(process)
    receiver.go_on.set()
    (state,) = SendLog(str(log)).states()
    assert sorted(state.answers) == [0, 1]
    offers = {f"C{number:05}": "voucher" for number in range(CUSTOMERS)}
    states = deliver(log, receiver.url, wanted(offers), batch=50)
    assert [one.delivery.number for one in states] == [1]
    require_all_sent_once(receiver, log, "voucher")
    keys = [key for key, _ in receiver.posts]
    assert keys.count(state.delivery.key(2)) == 2
    assert len(keys) == len({*keys}) + 1


@pytest.mark.faults
@pytest.mark.parametrize("where", ["http", "folder"])
def test_a_delivery_killed_at_any_moment_ends_as_if_undisturbed(
    log: Path, receiver: FaultyReceiver, tmp_path: Path, where: str
) -> None:
    place = receiver.url if where == "http" else str(tmp_path / "out")
    dice = random.Random(KILLS)  # noqa: S311 - when to kill is no secret
    began = time.monotonic()
    assert start(log, place, "offer_0").wait() == 0
    seconds, killed, cut, number = time.monotonic() - began, 0, 0, 1
    sending = 0.1
    for _ in range(20 * KILLS):
        if killed >= KILLS and cut > KILLS // 5:
            break
        offer = f"offer_{number}"
        receiver.faults.extend(dice.choices(FAULTS, k=5) if where == "http" else [])
        process = start(log, place, offer)
        if dice.random() < 0.5:
            time.sleep(dice.uniform(0.0, 1.0) * seconds)
        else:
            # While it sends, behind the imports.
            wait_for_a_record(log, process)
            time.sleep(dice.uniform(0.0, sending))
            # However fast the machine is, some of them meet it.
            sending *= 0.95
        if process.poll() is None:
            kill(process)
            killed += 1
            cut += any(state.open for state in SendLog(str(log)).states())
        if dice.random() < 0.3:
            # The plan changes, whether or not the last list has arrived.
            number += 1
    # Kills in the middle of a delivery, and not only before and behind it.
    assert cut > KILLS // 5
    receiver.faults.clear()
    assert start(log, place, f"offer_{number}").wait() == 0
    # Who was rejected is sent again by the next delivery.
    assert start(log, place, f"offer_{number}").wait() == 0
    if where == "http":
        require_all_sent_once(receiver, log, f"offer_{number}")
        return
    files = {path.stem: path.read_text() for path in (tmp_path / "out").iterdir() if path.suffix}
    keys = {s.delivery.key(n) for s in SendLog(str(log)).states() for n in s.answers}
    assert files.keys() == keys
    last: dict[str, str] = {}
    for _, text in sorted(files.items()):
        rows = [line.split(",") for line in text.splitlines()[1:]]
        last |= {customer: offer for customer, _, _, offer, *_ in rows}
    assert set(last.values()) == {f"offer_{number}"}
    assert len(last) == CUSTOMERS
