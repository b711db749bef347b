"""Small lists, a log and a receiver, for the tests of deliveries."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.delivery.deliver import Sending, Wanted
from customer_segmentation.delivery.log import SendLog
from customer_segmentation.delivery.receivers import receiver_of
from customer_segmentation.delivery.records import OfferTerms, State, Terms

DAY = "2026-11-29"
TERMS = Terms("euros", 0.1, {"voucher": OfferTerms(3.0, 11.0), "gift": OfferTerms(1.0, 4.0)})


class AllBut:
    """Everybody may be contacted, but for these."""

    def __init__(self, *barred: str) -> None:
        self.barred = pa.array(barred, pa.string())

    def may_be_contacted(self, ids: pa.Array, purposes: pa.Array) -> pa.Array:  # noqa: ARG002 - as the real one
        return pc.invert(pc.is_in(ids, value_set=self.barred))


def members(offers: Mapping[str, str], emails: Mapping[str, str] | None = None) -> pa.Table:
    """Customer -> offer, as a table of whom a campaign contacts."""
    count = len(offers)
    return pa.table(
        {
            "customer_id": pa.array([*offers], pa.string()),
            "offer": pa.array([*offers.values()], pa.string()),
            "channel": pa.array(["e_mail"] * count, pa.string()),
            "email_sha256": pa.array([(emails or {}).get(one) for one in offers], pa.string()),
            "segment": pa.array(["high_spend"] * count, pa.string()),
            "purpose": pa.array(["e_mail"] * count, pa.string()),
        }
    )


def wanted(
    offers: Mapping[str, str],
    held_out: Collection[str] = (),
    *,
    campaign: str = "spring",
    day: str = DAY,
    emails: Mapping[str, str] | None = None,
) -> Wanted:
    held = members(dict.fromkeys(held_out, "voucher"))
    return Wanted(campaign, day, members(offers, emails), held, TERMS)


def sending(
    log: Path | str,
    place: str,
    *barred: str,
    batch: int = 2,
    tell: Callable[[str], None] = lambda _: None,
) -> Sending:
    return Sending(
        SendLog(str(log)),
        receiver_of(place, tell),
        AllBut(*barred),
        lambda: None,
        tell,
        batch,
    )


def deliver(log: Path | str, place: str, what: Wanted, **options: int) -> list[State]:
    return sending(log, place, **options).deliver(what)


def main(log: str, place: str, customers: str, offer: str) -> None:
    """Deliver a list in this process, which is to be killed: customers 0 to N, in parts of 50."""
    offers = {f"C{number:05}": offer for number in range(int(customers))}
    sending(log, place, batch=50).deliver(wanted(offers))


if __name__ == "__main__":
    main(*sys.argv[1:])
