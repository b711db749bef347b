"""A list of 10^6 members, and then one of which 2 % differ, to a receiver on this machine.

The receiver is a process of its own, as a CRM is, and writes what it takes to the disk. Of the
members 1 % get another offer, 0.5 % leave and as many enter. Target: only those are sent, in 60 s.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from report import arguments, machine, table, write_json

from customer_segmentation.delivery.deliver import Sending, Wanted
from customer_segmentation.delivery.log import SendLog
from customer_segmentation.delivery.receivers import receiver_of
from customer_segmentation.delivery.records import OfferTerms, Terms, texts

TERMS = Terms("euros", 0.1, {"voucher": OfferTerms(3.0, 11.0), "gift": OfferTerms(1.0, 4.0)})

TARGET_MEMBERS, TARGET_SHARE, MAX_SECONDS = 1_000_000, 0.02, 60.0
CHANGED = 50


class _Everybody:
    """All may be contacted, which is looked up as a delivery does it."""

    def __init__(self, ids: pa.Array) -> None:
        self._ids = ids

    def may_be_contacted(self, ids: pa.Array, purposes: pa.Array) -> pa.Array:
        """Whether they are members."""
        return pc.and_(pc.is_in(ids, value_set=self._ids), pc.is_valid(purposes))


def members(first: int, count: int, changed: str) -> pa.Table:
    """Members numbered from `first` on; one in 100 has the offer `changed`."""
    numbers = np.arange(first, first + count)
    offers = np.where(numbers % (2 * CHANGED) == 0, changed, "voucher")
    ids = pc.binary_join_element_wise("C", pc.cast(pa.array(numbers), pa.string()), "")
    return pa.table(
        {
            "customer_id": ids,
            "offer": texts(pa.array(offers)),
            "channel": pa.repeat("e_mail", count),
            "email_sha256": pc.utf8_rpad(ids, width=64, padding="0"),
            "segment": pa.repeat("high_spend", count),
            "purpose": pa.repeat("e_mail", count),
        }
    )


def timed(log: Path, url: str, day: str, listed: pa.Table) -> dict[str, Any]:
    """Deliver a list; what was sent, in which time."""
    everybody = _Everybody(texts(listed["customer_id"]))
    sending = Sending(SendLog(str(log)), receiver_of(url, print), everybody, lambda: None, print)
    began = perf_counter()
    (state,) = sending.deliver(Wanted("spring", day, listed, listed.slice(0, 0), TERMS))
    seconds = perf_counter() - began
    one = state.delivery
    sent = {"entered": one.entered, "changed": one.changed, "left": one.left}
    return {"members": len(listed), **sent, "parts": one.batches, "s": seconds}


def main() -> None:
    """Deliver two lists, and hold the second against the target."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--members", type=int, default=TARGET_MEMBERS)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tools.receiver", "--port=0", "--folder", f"{folder}/in"]
        receiver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
        try:
            assert receiver.stdout  # noqa: S101 - it is piped
            url = receiver.stdout.readline().split()[2].rstrip(",")
            # Else it waits as soon as the pipe is full of what it tells.
            Thread(target=receiver.stdout.read, daemon=True).start()
            log, moved = Path(folder) / "log", given.members // (4 * CHANGED)
            first = timed(log, url, "2026-11-01", members(0, given.members, "voucher"))
            second = timed(log, url, "2026-11-02", members(moved, given.members, "gift"))
        finally:
            receiver.terminate()
            receiver.wait()
    table([first, second])
    sent = sum(second[change] for change in ("entered", "changed", "left"))
    if given.members == TARGET_MEMBERS:
        is_met = sent <= TARGET_SHARE * given.members and second["s"] <= MAX_SECONDS
        print(f"{'Met' if is_met else 'Missed'}: {TARGET_SHARE:.0%} sent, in {MAX_SECONDS:.0f} s")
    print(machine())
    write_json(given.json, {"first": first, "second": second})


if __name__ == "__main__":
    main()
