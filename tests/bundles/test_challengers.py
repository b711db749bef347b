"""A bundle that is tried beside the champion: who it is, and when that is over."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from customer_segmentation.bundles.bundle import StoredBundle
from customer_segmentation.bundles.challenger import Challenger
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from tests.promotion.example import an_entry


@pytest.fixture
def tried(
    store: BundleStore,
    three: StoredBundle,
    four: StoredBundle,
) -> BundleStore:
    """A store whose champion has three segments, and whose challenger has four."""
    for bundle in (three, four):
        store.add(bundle)
    store.append(an_entry(three, None))
    store.challengers.begin(challenger(four, three))
    return store


def challenger(bundle: StoredBundle, champion: StoredBundle, promotion: int = 1) -> Challenger:
    return Challenger(
        bundle=bundle.id,
        champion=champion.id,
        promotion=promotion,
        by="ana",
        why="drift",
        reason="income drifted",
        agreement=0.97,
    )


def test_nothing_is_tried_before_something_is(
    store: BundleStore,
    three: StoredBundle,
) -> None:
    assert store.challenger() is None
    store.append(an_entry(three, None))
    assert store.challenger() is None
    assert store.challengers.end("dropped", by="ana", reason="none") is None


def test_what_is_tried_is_told_since_when_and_why(
    tried: BundleStore,
    four: StoredBundle,
) -> None:
    found = tried.challenger()
    assert found is not None
    assert (found.bundle, found.why, found.agreement) == (four.id, "drift", 0.97)
    assert found.since
    assert tried.challengers.all() == [found]


def test_the_champion_stays_who_it_is(
    tried: BundleStore,
    three: StoredBundle,
) -> None:
    assert tried.champion() == three


def test_once_dropped_nothing_is_tried_and_why_is_kept(tried: BundleStore) -> None:
    tried.challengers.end("refused", by="ben", reason="refused by shadow", run_id="r1")
    assert tried.challenger() is None
    last = tried.challengers.all()[-1]
    assert (last.event, last.by, last.reason, last.run_id) == (
        *("refused", "ben", "refused by shadow", "r1"),
    )
    assert tried.challengers.end("dropped", by="ana", reason="again") is None


def test_its_promotion_ends_the_trial_without_another_entry(
    tried: BundleStore,
    three: StoredBundle,
    four: StoredBundle,
) -> None:
    tried.append(an_entry(four, three.id))
    assert tried.challenger() is None
    # Nor does a rollback begin it again.
    tried.append(an_entry(three, four.id, kind="rollback"))
    assert tried.challenger() is None


def test_another_one_takes_its_place(
    tried: BundleStore,
    three: StoredBundle,
    four: StoredBundle,
) -> None:
    tried.append(an_entry(four, three.id))
    tried.challengers.begin(challenger(three, four, promotion=2))
    found = tried.challenger()
    assert found
    assert found.bundle == three.id


def test_what_was_begun_since_is_not_ended_by_a_verdict_on_another(
    tried: BundleStore,
    three: StoredBundle,
    four: StoredBundle,
) -> None:
    judged = tried.challenger()
    assert judged
    since = tried.challengers.begin(challenger(four, three))
    told = {"by": "ben", "reason": "refused by shadow", "number": judged.number}
    assert tried.challengers.end("refused", **told) is None
    assert tried.challenger() == since
    assert tried.challengers.end("refused", **{**told, "number": since.number})
    assert tried.challenger() is None


def test_the_champion_itself_is_not_tried(
    tried: BundleStore,
    three: StoredBundle,
) -> None:
    with pytest.raises(UserError, match="is the champion already"):
        tried.challengers.begin(challenger(three, three))


def test_of_several_who_begin_at_once_each_entry_is_whole(
    tried: BundleStore,
    three: StoredBundle,
    four: StoredBundle,
) -> None:
    def begin(number: int) -> str:
        try:
            return tried.challengers.begin(challenger(four, three)).at
        except UserError as error:
            return str(error) * bool(number + 1)

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(begin, range(8)))
    begun = [one for one in told if "Nothing was changed" not in one]
    assert begun
    entries = tried.challengers.all()
    assert [one.number for one in entries] == [*range(1, len(begun) + 2)]
    assert {one.at for one in entries[1:]} == {*begun}


def test_an_entry_that_nobody_here_wrote_is_refused(tried: BundleStore) -> None:
    tried._files.pipe_file(f"{tried._path}/challengers/00000002.json", b'{"number": 2}')
    with pytest.raises(UserError, match=r"00000002\.json is not as this project wrote it"):
        tried.challenger()


def test_a_folder_that_was_never_written_is_asked_without_being_made(tmp_path: Path) -> None:
    assert BundleStore(str(tmp_path / "models"), "dev").challenger() is None
    assert not (tmp_path / "models").exists()


def test_whenever_a_writer_is_killed_every_entry_is_whole_and_the_next_one_goes_on(
    tmp_path: Path, three: StoredBundle, four: StoredBundle
) -> None:
    store = BundleStore(str(tmp_path / "models"), "dev")
    for bundle in (three, four):
        store.add(bundle)
    store.append(an_entry(three, None))
    begin = repr(challenger(four, three))
    writing = (
        "from customer_segmentation.bundles.challenger import Challenger\n"
        "from customer_segmentation.bundles.store import BundleStore\n"
        f"tried = BundleStore({store.root!r}, 'dev').challengers\n"
        f"while True:\n    tried.begin({begin})\n    tried.end('dropped', by='b', reason='r')\n"
    )
    for kill in range(3):
        before = len(store.challengers.all())
        process = subprocess.Popen([sys.executable, "-c", writing])  # noqa: S603 - this project's own code
        try:
            wait_for(lambda before=before, kill=kill: len(store.challengers.all()) > before + kill)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        numbers = [one.number for one in store.challengers.all()]
        assert numbers == [*range(1, len(numbers) + 1)]
        assert store.champion() == three
    store.challengers.begin(challenger(four, three))
    found = store.challenger()
    assert found
    assert found.bundle == four.id


def wait_for(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    """Look again and again until it has, or fail."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)
