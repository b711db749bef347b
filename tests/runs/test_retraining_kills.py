"""Killed at any moment, retraining leaves the champion as it was, and a challenger or none."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from customer_segmentation.serving.bundle import Champion
from tests.runs.project import Project
from tests.runs.test_promotion_kills import killed, live, reading, store_of, timed

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "1"))
LEARN = (
    *("run", "--pipeline=retraining"),
    "--params=retraining.by_hand=true,supervised_training.seed=8",
)
# Nobody is there to try it on.
SEEN = "retraining.trial.min_customers=0,retraining.trial.max_failed=1.0"
OVERRIDDEN = "promotion.source=challenger,promotion.approver=Ana,promotion.reason=killed"
PROMOTE = ("run", "--pipeline=promotion", f"--params={OVERRIDDEN},{SEEN}")


pytestmark = pytest.mark.faults


@pytest.fixture
def project(quick_run: Project, tmp_path: Path) -> Project:
    root = tmp_path / "killed"
    shutil.copytree(quick_run.root, root)
    return Project(root)


def test_whenever_retraining_is_killed_the_champion_stays_and_it_can_be_run_again(
    project: Project,
) -> None:
    store = store_of(project)
    before = live(store)
    draw = random.Random(KILLS)  # noqa: S311 - a draw of moments
    seconds = timed(project, LEARN)
    for _ in range(KILLS):
        store.challengers.end("dropped", by="test", reason="again")
        with reading(store) as seen:
            killed(project, LEARN, draw.uniform(0.3, 1.0) * seconds)
        assert live(store) == before
        assert len(seen) <= 1
        tried = store.challenger()
        if tried:
            store.bundle(tried.bundle)
        timed(project, LEARN)
        again = store.challenger()
        assert again
        store.bundle(again.bundle)
    assert live(store) == before


def test_whenever_the_switch_is_killed_the_champion_is_one_whole_version_and_the_trial_over_with_it(
    project: Project,
) -> None:
    store = store_of(project)
    old = live(store)
    timed(project, LEARN)
    tried = store.challenger()
    assert tried
    seconds = timed(project, PROMOTE)
    assert live(store) == tried.bundle
    draw = random.Random(KILLS)  # noqa: S311 - a draw of moments
    for _ in range(KILLS):
        timed(project, ("rollback", "--approver=Ana", "--reason=again"))
        timed(project, LEARN)
        with reading(store) as seen:
            killed(project, PROMOTE, draw.uniform(0.3, 1.0) * seconds)
        now = live(store)
        assert now in {old, tried.bundle}
        assert len(seen) <= 2
        assert Champion(store.root).current.version
        # It is tried on if it was not switched, and not beside itself if it was.
        assert (store.challenger() is None) == (now == tried.bundle)
        if now == old:
            timed(project, PROMOTE)
        assert live(store) == tried.bundle
