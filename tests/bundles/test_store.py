"""Bundles side by side, and a log whose last entry is live, in a folder and in a bucket."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from customer_segmentation.bundles.bundle import (
    ABOUT,
    COLD_START,
    RESPONSE,
    SEGMENTER,
    StoredBundle,
)
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from tests.promotion.example import an_entry


def damage(store: BundleStore, bundle: StoredBundle, name: str) -> None:
    store._files.pipe_file(f"{store._path}/bundles/{bundle.id}/{name}", b"damaged")


def test_the_id_names_the_bytes_of_the_models_and_not_what_is_said_of_them(
    three: StoredBundle, four: StoredBundle
) -> None:
    assert three.id != four.id
    told = StoredBundle({**three.files, ABOUT: b'{"another": "run"}'})
    assert told.id == three.id
    assert StoredBundle({**three.files, COLD_START: four.files[COLD_START]}).id != three.id


def test_a_bundle_is_kept_as_it_was_first(store: BundleStore, three: StoredBundle) -> None:
    store.add(three)
    store.add(StoredBundle({**three.files, ABOUT: b'{"another": "run"}'}))
    assert store.bundle(three.id) == three
    assert store.kept() == [three.id]


def test_a_damaged_bundle_is_refused_until_it_is_added_again(
    store: BundleStore, three: StoredBundle
) -> None:
    store.add(three)
    damage(store, three, SEGMENTER)
    with pytest.raises(UserError, match="was changed"):
        store.bundle(three.id)
    store.add(three)
    assert store.bundle(three.id) == three


def test_a_bundle_that_is_older_than_the_response_model_is_kept_promoted_and_rolled_back_to(
    store: BundleStore, three: StoredBundle, four: StoredBundle
) -> None:
    older = StoredBundle({n: content for n, content in three.files.items() if n != RESPONSE})
    assert older.models == (SEGMENTER, COLD_START)
    assert older.id != three.id
    for bundle in (older, four):
        store.add(bundle)
    assert store.kept() == sorted([older.id, four.id])
    store.append(an_entry(older, None))
    assert store.champion() == older
    store.append(an_entry(four, older.id))
    store.append(an_entry(older, four.id, kind="rollback"))
    assert store.champion() == older
    assert store.segmenter(older.about["artifact_version"]) == older.files[SEGMENTER]


def test_a_response_model_that_is_removed_or_added_makes_another_bundle(
    store: BundleStore, three: StoredBundle
) -> None:
    store.add(three)
    store._files.rm_file(f"{store._path}/bundles/{three.id}/{RESPONSE}")
    with pytest.raises(UserError, match="was changed"):
        store.bundle(three.id)
    older = StoredBundle({n: content for n, content in three.files.items() if n != RESPONSE})
    store.add(older)
    store._files.pipe_file(f"{store._path}/bundles/{older.id}/{RESPONSE}", three.files[RESPONSE])
    with pytest.raises(UserError, match="was changed"):
        store.bundle(older.id)


def test_one_that_is_not_there_is_said_to_be_so(store: BundleStore, three: StoredBundle) -> None:
    with pytest.raises(UserError, match="not kept any more"):
        store.bundle(three.id)


def test_nothing_is_live_before_the_first_promotion(store: BundleStore) -> None:
    assert store.live() is None
    assert store.champion() is None
    assert store.log() == []
    assert not store.last()


def test_the_last_promotion_is_live(
    store: BundleStore, three: StoredBundle, four: StoredBundle
) -> None:
    for bundle in (three, four):
        store.add(bundle)
    first = store.append(an_entry(three, None))
    second = store.append(an_entry(four, three.id))
    third = store.append(an_entry(three, four.id, kind="rollback"))
    assert [one.number for one in (first, second, third)] == [1, 2, 3]
    assert store.log() == [first, second, third]
    assert store.live() == third
    assert store.champion() == three
    assert first.at < second.at < third.at


def test_what_was_live_has_an_answer_for_every_moment(
    store: BundleStore, three: StoredBundle, four: StoredBundle
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    first = store.append(an_entry(three, None))
    second = store.append(an_entry(four, three.id))
    begin = datetime.fromisoformat(second.at)
    assert store.live(before) is None
    assert store.live(begin - timedelta(microseconds=1)) == first
    assert store.live(begin) == second


def test_the_log_does_not_go_backwards_where_a_clock_does(
    store: BundleStore, three: StoredBundle, four: StoredBundle
) -> None:
    first = store.append(an_entry(three, None))
    later = datetime.now(UTC) + timedelta(days=1)
    place = f"{store._path}/promotions/00000001.json"
    told = json.loads(store._files.cat_file(place)) | {"at": later.isoformat()}
    store._files.pipe_file(place, json.dumps(told).encode())
    second = store.append(an_entry(four, first.bundle))
    assert datetime.fromisoformat(second.at) > later


def test_a_promotion_over_another_champion_than_it_was_measured_against_is_refused(
    store: BundleStore, three: StoredBundle, four: StoredBundle
) -> None:
    store.append(an_entry(three, None))
    with pytest.raises(UserError, match=f"ana has promoted {three.id}. Nothing was changed"):
        store.append(an_entry(four, None))
    assert len(store.log()) == 1


def test_of_two_promotions_at_once_one_wins(
    store: BundleStore, three: StoredBundle, four: StoredBundle
) -> None:
    store.append(an_entry(three, None))

    def promote(by: str) -> str:
        try:
            return store.append(an_entry(four, three.id, by=by)).by
        except UserError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(promote, [f"user{n}" for n in range(8)]))
    won = [one for one in told if one.startswith("user")]
    assert len(won) == 1
    assert all("Nothing was changed" in one for one in told if one not in won)
    assert [one.by for one in store.log()] == ["ana", *won]


def test_an_entry_that_nobody_here_wrote_is_refused(
    store: BundleStore, three: StoredBundle
) -> None:
    store.append(an_entry(three, None))
    store._files.pipe_file(f"{store._path}/promotions/00000002.json", b'{"number": 2}')
    with pytest.raises(UserError, match=r"00000002\.json is not as this project wrote it"):
        store.live()


def test_the_segmenter_of_a_version_is_found_in_any_bundle(
    store: BundleStore, three: StoredBundle, four: StoredBundle
) -> None:
    for bundle in (three, four):
        store.add(bundle)
    assert store.segmenter(four.about["artifact_version"]) == four.files[SEGMENTER]
    assert store.segmenter("000000000000") is None


def test_the_candidate_is_the_bundle_of_the_last_runs_models(
    store: BundleStore, three: StoredBundle, four: StoredBundle
) -> None:
    assert store.candidate() is None
    for name in four.models:
        store._files.makedirs(f"{store._path}/candidate", exist_ok=True)
        store._files.pipe_file(f"{store._path}/candidate/{name}", four.files[name])
    # A trial that left no bundle.
    assert store.candidate() is None
    for bundle in (three, four):
        store.add(bundle)
    assert store.candidate() == four.id


def test_an_entry_is_written_whole_and_names_each_file(
    store: BundleStore, three: StoredBundle
) -> None:
    told = replace(an_entry(three, None), gates=({"gate": "quality", "passed": True},))
    store.append(told)
    (found,) = store.log()
    assert found.files == three.hashes
    assert found.gates == ({"gate": "quality", "passed": True},)
    names = store._names("promotions")
    assert names == ["00000001.json"]
