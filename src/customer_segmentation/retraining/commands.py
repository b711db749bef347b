"""What the command `challenger` does."""

from __future__ import annotations

from customer_segmentation.bundles.challenger import Challenger, Compared
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.promotion.at_end import who
from customer_segmentation.retraining.trial import Shadows, agreement

BELOW = "below"


def told(store: BundleStore, shadows: Shadows) -> list[str]:
    """What is tried, since when, why, and how it does; or how the last trial ended."""
    tried = store.challenger()
    if tried is None:
        return [f"{store.environment}: nothing is tried beside the champion", *_last(store)]
    counts = shadows.of(tried.champion, tried.bundle)
    agreed = agreement(counts)
    beside = f"{tried.champion}, the champion of {store.environment}"
    since = f"since {_second(tried.since)} UTC, and answers nobody"
    lines = [
        f"Bundle {tried.bundle} is tried beside {beside}, {since}",
        f"Why: {tried.why} ({tried.reason}); begun by {tried.by}",
    ]
    if tried.agreement is not None:
        lines.append(f"Same segment by both: {tried.agreement:.1%} of the customers here")
    if one := tried.compared:
        lines.append(_outcomes(one))
    seen = f"Tried on {counts.customers:,} customers who were answered"
    if agreed is not None:
        seen += f"; same segment: {agreed:.1%}"
    lines.append(f"{seen}; failed: {counts.failed:,}; not tried on: {counts.skipped:,}")
    return lines


def drop(store: BundleStore, reason: str) -> str:
    """Try nothing any longer.

    Raises:
        UserError: Nothing is tried.
    """
    tried = store.challenger()
    if tried is None or not store.challengers.end(
        "dropped", by=who(), reason=reason, number=tried.number
    ):
        raise UserError(f"{store.environment}: nothing is tried beside the champion")
    return f"Bundle {tried.bundle} is tried no longer; the champion stays"


def take(store: BundleStore, below: BundleStore | None) -> str:
    """Try the champion of the environment below, whose bytes are those that were promoted there.

    Raises:
        UserError: There is none, or it is the champion here already.
    """
    entry = below.live() if below else None
    if below is None or entry is None:
        of = f"{below.environment} has no champion" if below else "there is no environment below"
        raise UserError(f"{of}: nothing can be tried in {store.environment}")
    live = store.live()
    if live is None:
        raise UserError(
            f"{store.environment} has no champion to compare with: run kedro run "
            f"--env={store.environment} --pipeline=promotion"
        )
    bundle = below.bundle(entry.bundle)
    if bundle.changed_since(entry.files):
        raise UserError(f"{below.root}: bundle {bundle.id} is not what was promoted there")
    tried = Challenger(
        bundle=bundle.id,
        champion=live.bundle,
        promotion=live.number,
        by=who(),
        why=BELOW,
        reason=f"the champion of {below.environment}",
    )
    if live.bundle != bundle.id:
        store.add(bundle)
    store.challengers.begin(tried)
    return (
        f"Bundle {bundle.id}, the champion of {below.environment}, is tried beside "
        f"{live.bundle}, the champion of {store.environment}, and answers nobody"
    )


def _last(store: BundleStore) -> list[str]:
    """How the last trial ended, if there was one."""
    entries = store.challengers.all()
    if not entries:
        return []
    one = entries[-1]
    # Its own promotion, or another bundle's, needs no entry.
    how = "over, since the champion changed" if one.event == "begun" else one.event
    return [f"The last was {one.bundle}: {how} ({_second(one.at)} UTC; {one.reason})"]


def _outcomes(one: Compared) -> str:
    """What the outcomes that it was learned from say of both."""
    told = f"On {one.contacts:,} contacts that the champion was not learned from, out of fold: "
    if one.loss is None or one.profit is None:
        return f"{told}it has no probability for any"
    loss, profit = ("lower" if one.loss < 0 else "higher"), ("more" if one.profit < 0 else "less")
    told += f"log loss {loss} by {abs(one.loss):.3f} (error {one.loss_error:.3f}), profit a contact"
    told += f" {profit} by {abs(one.profit):.2f} (error {one.profit_error:.2f})"
    return f"{told}; no probability for {one.unknown:,}" if one.unknown else told


def _second(text: str) -> str:
    return text[:19].replace("T", " ")
