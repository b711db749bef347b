"""`kedro challenger`: what is tried is told, ended, or taken from the environment below."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from customer_segmentation.bundles.bundle import BASELINE, StoredBundle
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.shadow import ShadowCounts, shadow_file
from customer_segmentation.retraining.commands import drop, take, told
from customer_segmentation.retraining.trial import Shadows
from tests.promotion.example import a_bundle, an_entry


@pytest.fixture
def below(tmp_path: Path) -> BundleStore:
    """Its champion has four segments."""
    store = BundleStore(str(tmp_path / "staging"), "staging")
    bundle = a_bundle(tmp_path / "4", 4)
    store.add(bundle)
    store.append(an_entry(bundle, None))
    return store


@pytest.fixture
def here(tmp_path: Path) -> BundleStore:
    """Its champion has three."""
    store = BundleStore(str(tmp_path / "prod"), "prod")
    bundle = a_bundle(tmp_path / "3", 3)
    store.add(bundle)
    store.append(an_entry(bundle, None))
    return store


def test_the_champion_of_below_is_tried_told_with_its_counts_and_dropped(
    here: BundleStore, below: BundleStore, tmp_path: Path
) -> None:
    champion, taken = here.champion(), below.champion()
    assert champion
    assert taken
    assert "answers nobody" in take(here, below)
    tried = here.challenger()
    assert tried
    assert (tried.bundle, tried.champion, tried.why) == (taken.id, champion.id, "below")
    assert here.bundle(taken.id) == taken
    assert here.champion() == champion
    pairs = {("a", "a"): 30, ("a", "b"): 10}
    counts = ShadowCounts(champion.id, taken.id, customers=40, pairs=pairs, failed=2)
    file = Path(shadow_file(str(tmp_path / "monitoring"), counts, "2026-11-30T10", "w1"))
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(counts.stated()))
    lines = told(here, Shadows(str(tmp_path / "monitoring")))
    assert lines[-1] == (
        "Tried on 40 customers who were answered; same segment: 75.0%; failed: 2; not tried on: 0"
    )
    assert "is tried no longer; the champion stays" in drop(here, "no use")
    lines = told(here, Shadows(str(tmp_path / "monitoring")))
    assert lines[0] == "prod: nothing is tried beside the champion"
    assert lines[1].startswith(f"The last was {taken.id}: dropped (")
    with pytest.raises(UserError, match="prod: nothing is tried beside the champion"):
        drop(here, "again")


def test_one_that_got_its_baseline_since_it_was_promoted_is_taken_and_a_changed_one_is_not(
    here: BundleStore, below: BundleStore
) -> None:
    taken = below.champion()
    assert taken
    below.add(StoredBundle({**taken.files, BASELINE: b'{"version": "v1"}\n'}))
    take(here, below)
    assert here.challenger()
    below.append(replace(an_entry(taken, taken.id), files={**taken.hashes, "segmenter.onnx": "0"}))
    with pytest.raises(UserError, match=f"bundle {taken.id} is not what was promoted there"):
        take(here, below)


def test_there_is_nothing_to_take_without_a_champion_here_and_another_one_below(
    here: BundleStore, below: BundleStore, tmp_path: Path
) -> None:
    empty = BundleStore(str(tmp_path / "empty"), "empty")
    with pytest.raises(UserError, match="there is no environment below"):
        take(here, None)
    with pytest.raises(UserError, match="empty has no champion: nothing can be tried in prod"):
        take(here, empty)
    with pytest.raises(UserError, match="empty has no champion to compare with"):
        take(empty, below)
    with pytest.raises(UserError, match="is the champion already"):
        take(below, below)
