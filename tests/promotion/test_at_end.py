"""A promotion or a trial that somebody's rollback overtakes has no effect, and says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.bundles.challenger import Challenger
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.publishing import _promote
from customer_segmentation.promotion.at_end import Outcome, require_live, tell_challenger
from tests.promotion.example import a_bundle, an_entry


class Catalog:
    """One that has the bundles alone."""

    def __init__(self, store: BundleStore) -> None:
        self.store = store

    def load(self, name: str) -> BundleStore:
        assert name == "bundles"
        return self.store


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    return BundleStore(str(tmp_path / "models"), "staging")


def test_a_rollback_meanwhile_stays(store: BundleStore, tmp_path: Path) -> None:
    three, four, five = (a_bundle(tmp_path / str(n), n) for n in (3, 4, 5))
    store.append(an_entry(three, None))
    store.append(an_entry(four, three.id))
    entry = an_entry(five, four.id)
    store.append(an_entry(three, four.id, kind="rollback", by="ben"))
    _promote(entry, store)
    live = store.live()
    assert live
    assert live.bundle == three.id
    catalog: Any = Catalog(store)
    with pytest.raises(UserError, match=f"{five.id} is not promoted: meanwhile ben has made"):
        require_live(Outcome(entry=entry), catalog)


def test_a_promotion_is_done_once_however_often_it_is_taken_up_again(
    store: BundleStore, tmp_path: Path
) -> None:
    three = a_bundle(tmp_path / "3")
    entry = an_entry(three, None)
    for _ in range(3):
        _promote(entry, store)
    assert [one.bundle for one in store.log()] == [three.id]
    catalog: Any = Catalog(store)
    require_live(Outcome(entry=entry), catalog)
    require_live(Outcome(), catalog)


def test_what_was_learned_beside_a_champion_of_before_is_not_tried_and_is_told(
    store: BundleStore, tmp_path: Path
) -> None:
    three, four, five = (a_bundle(tmp_path / str(n), n) for n in (3, 4, 5))
    store.append(an_entry(three, None))
    learned = Challenger(bundle=five.id, champion=three.id, promotion=1)
    catalog: Any = Catalog(store)
    # There and back: the champion is the same, and another entry.
    store.append(an_entry(four, three.id))
    store.append(an_entry(three, four.id, kind="rollback"))
    with pytest.raises(UserError, match=f"bundle {five.id} is learned, and not tried: meanwhile"):
        tell_challenger(Outcome(challenger=learned), catalog)
    assert store.challengers.all() == []
    tell_challenger(Outcome(challenger=replace(learned, promotion=3)), catalog)
    begun = store.challenger()
    assert begun
    # A verdict on another one leaves it be.
    tell_challenger(Outcome(ended=(7, "refused", "refused by shadow")), catalog)
    assert store.challenger() == begun
    tell_challenger(Outcome(ended=(begun.number, "refused", "refused by shadow")), catalog)
    assert store.challenger() is None
