"""What models learned from stays with their bundle, and older bundles do without."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer_segmentation.bundles.bundle import (
    ABOUT,
    BASELINE,
    COLD_START,
    SEGMENTER,
    StoredBundle,
)
from customer_segmentation.bundles.store import BundleStore

OLDER = StoredBundle({SEGMENTER: b"model", COLD_START: b"other", ABOUT: b"{}"})
BUNDLE = StoredBundle({**OLDER.files, BASELINE: b'{"version": "v1"}\n'})


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    return BundleStore(str(tmp_path / "models"), "dev")


def test_the_baseline_is_kept_and_hashed_and_names_no_other_bundle(store: BundleStore) -> None:
    store.add(BUNDLE)
    assert store.bundle(BUNDLE.id).files == BUNDLE.files
    assert BUNDLE.id == OLDER.id
    assert BUNDLE.hashes.keys() - OLDER.hashes.keys() == {BASELINE}


def test_an_older_bundle_is_read_without_one_and_gets_it_when_it_is_made_again(
    store: BundleStore,
) -> None:
    store.add(OLDER)
    assert BASELINE not in store.bundle(OLDER.id).files
    store.add(BUNDLE)
    assert store.bundle(OLDER.id).files == BUNDLE.files


def test_a_baseline_that_is_there_stays(store: BundleStore) -> None:
    store.add(BUNDLE)
    store.add(StoredBundle({**OLDER.files, BASELINE: b'{"version": "v2"}\n'}))
    store.add(OLDER)
    assert store.bundle(BUNDLE.id).files[BASELINE] == BUNDLE.files[BASELINE]
