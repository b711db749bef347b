"""What is asked of the log, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from customer_segmentation.bundles.bundle import ABOUT, BASELINE, Promotion, StoredBundle
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.promotion.commands import live_between, period_of, roll_back, told
from tests.promotion.example import a_bundle, an_entry

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
A_DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    return BundleStore(str(tmp_path / "models"), "staging")


def test_a_day_is_a_whole_day_however_it_is_written() -> None:
    begin = datetime(2026, 11, 28, tzinfo=UTC)
    for text in ("2026-11-28", "20261128"):
        assert period_of(text) == (begin, begin + A_DAY)
    today, tomorrow = period_of("today")
    assert tomorrow - today == A_DAY
    assert period_of("yesterday") == (today - A_DAY, today)


def test_a_moment_is_in_utc_unless_it_says_otherwise() -> None:
    assert period_of("2026-11-28T12:00")[0] == NOON
    assert period_of("2026-11-28 12:00")[0] == NOON
    begin, end = period_of("2026-11-28T13:00+01:00")
    assert begin == NOON
    assert end - begin == timedelta(microseconds=1)


@pytest.mark.parametrize("text", ["28.11.2026", "2026-13-01", "last week", ""])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="write a day as 2026-11-28, or a moment"):
        period_of(text)


def test_a_day_has_every_bundle_that_was_live_on_it() -> None:
    def at(number: int, moment: datetime) -> Promotion:
        return Promotion(
            number=number,
            kind="promotion",
            bundle=f"bundle {number}",
            artifact_version="",
            previous=None,
            at=moment.isoformat(),
            by="ana",
            environment="staging",
            source="dev",
            files={},
        )

    log = [at(1, NOON - A_DAY), at(2, NOON), at(3, NOON + A_DAY)]

    def on(text: str) -> list[int]:
        return [one.number for one, _ in live_between(log, *period_of(text))]

    assert on("2026-11-26") == []
    assert on("2026-11-27") == [1]
    assert on("2026-11-28") == [1, 2]
    assert on("2026-11-28T11:59") == [1]
    assert on("2026-11-28T12:00") == [2]
    assert on("2026-11-29") == [2, 3]
    assert on("2027-01-01") == [3]


def test_an_answer_says_who_promoted_and_approved_what(store: BundleStore, tmp_path: Path) -> None:
    assert told(store, [], None) == ["staging had no champion yet"]
    bundle = a_bundle(tmp_path / "3")
    store.add(bundle)
    store.append(an_entry(bundle, None, approver="Ben", reason="trial", overridden=("quality",)))
    live, by, approved, learned = told(store, store.log(), None)
    assert live.startswith(f"Bundle {bundle.id} (segmenter ")
    assert by == "By promotion number 1 of ana, from dev"
    assert approved == "Approved by Ben overrode quality: trial"
    assert learned.startswith("Learned in dev from 2,000 customers as of 2014-06-30")
    (never,) = told(store, store.log(), "2014-06-30")
    assert never.startswith("staging had no champion on 2014-06-30: the first was promoted at ")


def test_the_way_back_is_to_what_was_live_with_the_bytes_of_then(
    store: BundleStore, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="nothing was promoted in staging yet"):
        roll_back(store, None, "Ana", "trial")
    three, four, five = (a_bundle(tmp_path / str(n), n) for n in (3, 4, 5))
    for bundle in (three, four, five):
        store.add(bundle)
    store.append(an_entry(three, None))
    with pytest.raises(UserError, match="there is none before it"):
        roll_back(store, None, "Ana", "trial")
    store.append(an_entry(four, three.id))
    with pytest.raises(UserError, match=f"{four.id} is the champion of staging already"):
        roll_back(store, four.id, "Ana", "trial")
    with pytest.raises(UserError, match=f"{five.id} was never live in staging: these were"):
        roll_back(store, five.id, "Ana", "trial")
    place = tmp_path / "models" / "bundles" / three.id / ABOUT
    kept = place.read_bytes()
    place.write_bytes(b'{"artifact_version": "another"}')
    with pytest.raises(UserError, match="is not what was promoted then"):
        roll_back(store, three.id, "Ana", "trial")
    assert len(store.log()) == 2
    place.write_bytes(kept)
    back, bundle = roll_back(store, None, "Ana", "trial")
    assert isinstance(bundle, StoredBundle)
    assert (back.bundle, back.previous, back.kind) == (three.id, four.id, "rollback")
    assert store.live() == back


def test_the_way_back_is_open_to_a_bundle_that_got_its_baseline_since(
    store: BundleStore, tmp_path: Path
) -> None:
    three, four = (a_bundle(tmp_path / str(n), n) for n in (3, 4))
    for bundle, previous in ((three, None), (four, three.id)):
        store.add(bundle)
        store.append(an_entry(bundle, previous))
    store.add(StoredBundle({**three.files, BASELINE: b'{"version": "v1"}\n'}))
    entry, bundle = roll_back(store, three.id, "ana", "it was better")
    assert bundle.id == entry.bundle == three.id
    assert BASELINE in entry.files
