"""What the commands `champion` and `rollback` do."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from customer_segmentation.bundles.bundle import Promotion, StoredBundle
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.promotion.at_end import entry
from customer_segmentation.promotion.gates import as_lines

_COLUMNS = (
    *("number", "live_from", "live_until", "kind", "bundle", "artifact_version", "source"),
    *("by", "approver", "reason", "overridden"),
)


def roll_back(
    store: BundleStore, to: str | None, approver: str, reason: str
) -> tuple[Promotion, StoredBundle]:
    """Make a former champion the champion again; gives its entry in the log, and its files.

    Args:
        store: The environment's.
        to: The id of a bundle that was live once; None for the one before the present one.
        approver: Who asks for it.
        reason: Why.

    Raises:
        UserError: There is no such bundle, or it is live already. Nothing has changed.
    """
    log = store.log()
    if not log:
        raise UserError(f"{store.root}: nothing was promoted in {store.environment} yet")
    live = log[-1]
    wanted = to or live.previous
    if wanted is None:
        raise UserError(f"bundle {live.bundle} is the first champion: there is none before it")
    if wanted == live.bundle:
        raise UserError(f"bundle {wanted} is the champion of {store.environment} already")
    former = next((one for one in reversed(log) if one.bundle == wanted), None)
    if former is None:
        known = ", ".join(dict.fromkeys(one.bundle for one in reversed(log)))
        raise UserError(
            f"bundle {wanted} was never live in {store.environment}: these were {known}"
        )
    bundle = store.bundle(wanted)
    if bundle.changed_since(former.files):
        raise UserError(
            f"{store.root}: bundle {wanted} is not what was promoted then. Restore its folder, or "
            "roll back to another with --to"
        )
    told = {"source": store.environment, "environment": store.environment}
    back = entry(bundle, live, kind="rollback", approver=approver, reason=reason, **told)
    return store.append(back), bundle


def live_between(
    log: Sequence[Promotion], begin: datetime, end: datetime
) -> list[tuple[Promotion, str]]:
    """The entries that were in force at some time of a period, each with when it ended ('' if not).

    Args:
        log: The whole log, the oldest first.
        begin: The first moment.
        end: The first moment behind the period.
    """
    return [
        (one, until)
        for one, until in _with_ends(log)
        if datetime.fromisoformat(one.at) < end and (not until or _is_later(until, begin))
    ]


def period_of(text: str) -> tuple[datetime, datetime]:
    """The period that a person means: a day, or a moment.

    Args:
        text: `2026-11-28`, `2026-11-28T14:30`, `today` or `yesterday`, in UTC.

    Raises:
        UserError: It is none of these.
    """
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        begin = named.get(text) or datetime.fromisoformat(text)
    except ValueError as error:
        message = f"--on {text}: write a day as 2026-11-28, or a moment as 2026-11-28T14:30 (UTC)"
        raise UserError(message) from error
    begin = begin if begin.tzinfo else begin.replace(tzinfo=UTC)
    # A time is behind a T or a space, however the day is written.
    is_day = text in named or not {"T", " "} & {*text}
    return begin, begin + (timedelta(days=1) if is_day else timedelta(microseconds=1))


def told(store: BundleStore, log: Sequence[Promotion], on: str | None) -> list[str]:
    """What is live, or was on a day or at a moment, in lines.

    Args:
        store: The environment's.
        log: All of its log.
        on: As `period_of` reads it; None for now.

    Raises:
        UserError: `on` is no time.
    """
    now = datetime.now(UTC)
    begin, end = period_of(on) if on else (now, now + timedelta(microseconds=1))
    lines = [
        line
        for one, until in live_between(log, begin, end)
        for line in described(store, one, until)
    ]
    if lines:
        return lines
    first = f": the first was promoted at {_second(log[0].at)} UTC" if log else ""
    when = on if on in {"today", "yesterday"} else f"on {on}"
    return [f"{store.environment} had no champion {when if on else 'yet'}{first}"]


def described(store: BundleStore, one: Promotion, until: str) -> list[str]:
    """Who made a bundle the champion, when, why and with which figures, in lines."""
    period = f"from {_second(one.at)} {f'to {_second(until)}' if until else 'on'} UTC"
    before = f", in place of {one.previous}" if one.previous else ""
    named = f"Bundle {one.bundle} (segmenter {one.artifact_version})"
    lines = [
        f"{named}, champion of {store.environment} {period}",
        f"By {one.kind} number {one.number} of {one.by}, from {one.source}{before}",
    ]
    if one.approver:
        overridden = f" overrode {', '.join(one.overridden)}" if one.overridden else ""
        lines.append(f"Approved by {one.approver}{overridden}: {one.reason}")
    if one.bundle in store.kept():
        about = store.bundle(one.bundle).about
        figures = ", ".join(f"{name} {value:.3f}" for name, value in about["figures"].items())
        code = f"run {about['run_id']} of commit {about['commit'][:12]}"
        learned = f"{about['customers']:,} customers as of {about['as_of']}"
        lines.append(f"Learned in {about['environment']} from {learned}, by {code}: {figures}")
    return [*lines, *as_lines(one.gates)] if one.gates else lines


def as_table(log: Sequence[Promotion]) -> list[dict[str, Any]]:
    """The log as rows, one a promotion, each with when it was live."""
    return [
        {
            **{name: getattr(one, name, None) for name in _COLUMNS},
            "live_from": one.at,
            "live_until": until,
            "overridden": " ".join(one.overridden),
        }
        for one, until in _with_ends(log)
    ]


def as_csv(log: Sequence[Promotion]) -> str:
    """The table of the log as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(as_table(log))
    return text.getvalue()


def _with_ends(log: Sequence[Promotion]) -> list[tuple[Promotion, str]]:
    """Each entry with when it ended; '' for the last one."""
    # An empty log has no last one.
    return list(zip(log, [*(later.at for later in log[1:]), ""], strict=False))


def _is_later(text: str, moment: datetime) -> bool:
    return datetime.fromisoformat(text) > moment


def _second(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
