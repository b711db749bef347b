"""A challenger is tried beside the champion: it is counted, answers nobody, and breaks nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import numpy as np
import pytest

from customer_segmentation.bundles.bundle import (
    BASELINE,
    COLD_START,
    RESPONSE,
    SEGMENTER,
    StoredBundle,
)
from customer_segmentation.bundles.challenger import Challenger
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.metrics import Metrics
from customer_segmentation.serving.monitoring.challenger import Shadow
from customer_segmentation.serving.monitoring.comparing import (
    ChampionAnswers,
    Unlike,
    compared,
    inputs_of,
)
from customer_segmentation.serving.settings import Settings
from customer_segmentation.serving.validation import ReadCustomer, matrix_of
from customer_segmentation.tables.schemas import UNSEGMENTED
from tests.promotion.example import a_bundle, an_entry
from tests.scoring.example import draw_customers
from tests.serving.example import a_customer, add_baseline, who_may_answer
from tests.serving.process import ServerProcess, serving
from tests.serving.watched import SECONDS, options, shadow_of, until
from tests.serving.wholesale import write_wholesale


@dataclass(frozen=True)
class Trial:
    """A server of the first bundle, and the others, by what they are."""

    server: ServerProcess
    root: Path
    store: BundleStore
    bundles: dict[str, StoredBundle]

    def begin(self, name: str) -> str:
        """Have a bundle tried; its id."""
        champion = self.store.live()
        assert champion
        bundle = self.bundles[name]
        entry = Challenger(
            bundle=bundle.id, champion=champion.bundle, promotion=champion.number, by="ana"
        )
        self.store.challengers.begin(entry)
        return bundle.id

    def taken_up(self, said: str) -> None:
        until(lambda: said in self.server.stderr() or None)

    def post(self, body: Any) -> Any:
        url = f"{self.server.url}/v1/segments"
        return httpx.post(url, json=body, timeout=60.0).raise_for_status().json()


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    folder = tmp_path_factory.mktemp("trial")
    store = BundleStore(str(folder / "models"), "staging")
    bundles = {name: a_bundle(folder / name, count) for name, count in MADE.items()}
    add_baseline(folder / "champion")
    files = bundles["champion"].files
    content = (folder / "champion" / BASELINE).read_bytes()
    bundles["champion"] = StoredBundle({**files, BASELINE: content})
    client = write_wholesale(folder / "wholesale")
    models = {name: (client / name).read_bytes() for name in (SEGMENTER, COLD_START)}
    bundles["of another schema"] = StoredBundle({**models, "bundle.json": b"{}"})
    for bundle in bundles.values():
        store.add(bundle)
    store.append(an_entry(bundles["champion"], None))
    damaged = folder / "models" / "bundles" / bundles["damaged"].id / SEGMENTER
    damaged.write_bytes(damaged.read_bytes()[:-100])
    root = folder / "monitoring"
    with serving(Path(store.root), folder, *options(root)) as server:
        yield Trial(server, root, store, bundles)


MADE = {"champion": 3, "good": 4, "damaged": 5}


def opened(bundle: StoredBundle) -> Bundle:
    return Bundle(bundle.files[SEGMENTER], bundle.files[COLD_START], bundle.files.get(RESPONSE))


def sent(count: int) -> list[dict[str, Any]]:
    """Customers of many kinds, the second half with what the response model reads."""
    drawn = draw_customers(count).drop(columns="as_of_year").to_dict("records")
    return [
        (a_customer() if place < count / 2 else who_may_answer()) | customer
        for place, customer in enumerate(drawn)
    ]


def test_pairs_of_answers_are_counted_and_only_the_champion_answers(trial):
    challenger = trial.begin("good")
    trial.taken_up(f"challenger {challenger} is tried beside the champion")
    before = shadow_of(trial.root, challenger)
    assert before is None
    customers = sent(200)
    answers = trial.post(customers)
    assert {answer["artifact_version"] for answer in answers} == {
        opened(trial.bundles["champion"]).version
    }
    counts = until(
        lambda: (
            found
            if (found := shadow_of(trial.root, challenger)) and found.customers == 200
            else None
        )
    )
    other = opened(trial.bundles["good"])
    expected = other_answers(other, customers)
    pairs = Counter(
        (answer["segment"], its.segment) for answer, its in zip(answers, expected, strict=True)
    )
    assert counts.pairs == dict(pairs)
    assert len(pairs) > 3
    chances = Counter(
        (int(answer["p_response"] * 10), int(its.p_response * 10))
        for answer, its in zip(answers, expected, strict=True)
        if answer.get("p_response") is not None
    )
    assert counts.chances == dict(chances)
    assert (counts.champion, counts.failed, counts.skipped) == (trial.bundles["champion"].id, 0, 0)
    metrics = httpx.get(f"{trial.server.url}/metrics").text
    assert 'segmentation_shadow_customers_total{agrees="true"}' in metrics


def other_answers(bundle: Bundle, customers: list[dict[str, Any]]) -> list[Any]:
    read = [bundle.contract.read(customer, "$") for customer in customers]
    return bundle.answer(read)


def test_customers_without_purchases_are_told_as_skipped(trial):
    challenger = trial.begin("good")
    before = shadow_of(trial.root, challenger).skipped
    known = {"income": 58138, "year_birth": 1957, "marital_status": "single"}
    trial.post([known | {"kids_home": 0, "teens_home": 0}] * 6)
    until(lambda: shadow_of(trial.root, challenger).skipped == before + 6 or None)


@pytest.mark.parametrize(
    ("name", "said", "told"),
    [
        ("damaged", "cannot be tried", "failed"),
        ("of another schema", "is not tried: the champion's callers do not give", "skipped"),
    ],
)
def test_a_challenger_that_cannot_answer_changes_no_answer_and_is_said_once(
    trial, name, said, told
):
    before = trial.post(a_customer())
    challenger = trial.begin(name)

    def counted() -> int | None:
        # It may not be taken up yet.
        assert trial.post(a_customer()) == before
        counts = shadow_of(trial.root, challenger)
        return getattr(counts, told) if counts else None

    assert until(counted) >= 1
    assert shadow_of(trial.root, challenger).customers == 0
    for _ in range(5):
        assert trial.post(a_customer()) == before
    log = trial.server.stderr()
    assert log.count(said) == 1
    assert "no answer is another for that" in log


def test_once_it_is_the_champion_it_is_tried_no_more_and_counts_are_by_artifact(trial):
    challenger = trial.begin("good")
    first, second = trial.bundles["champion"], trial.bundles["good"]

    def counted() -> Any:
        trial.post(a_customer())
        return shadow_of(trial.root, challenger)

    until(counted)
    trial.store.append(an_entry(second, first.id))
    version = opened(second).version
    until(lambda: trial.post(a_customer())["artifact_version"] == version or None)
    trial.taken_up("no challenger is tried any more")
    # This one has no baseline.
    trial.taken_up(f"the bundle of {version} is older than monitoring")
    trial.post([a_customer()] * 3)
    trial.server.stop()
    assert shadow_of(trial.root, second.id).champion == first.id
    assert [path.name for path in (trial.root / "summaries/api").glob("*/*")] == [
        opened(first).version
    ]


@pytest.fixture
def shadow(trial, tmp_path):
    """A trial without a server, of the same bundles."""
    store = BundleStore(str(tmp_path / "models"), "staging")
    champion, good = trial.bundles["champion"], trial.bundles["good"]
    for bundle in (champion, good):
        store.add(bundle)
    live = store.append(an_entry(champion, None))
    entry = Challenger(bundle=good.id, champion=champion.id, promotion=live.number)
    store.challengers.begin(entry)
    settings = Settings(bundle=store.root, monitoring=str(tmp_path / "monitoring"))
    made = Shadow(settings, Metrics())
    yield made
    made.end(SECONDS)


def some(champion: Bundle, count: int = 3) -> tuple[Any, Any]:
    read = champion.contract.read(who_may_answer(), "$")
    assert isinstance(read, ReadCustomer)
    matrix = matrix_of([read] * count)
    return matrix, champion.score(matrix)


def test_one_that_raises_or_answers_nan_is_told_as_failed(trial, shadow, tmp_path, monkeypatch):
    champion = opened(trial.bundles["champion"])
    shadow.look(champion)
    real = Bundle.score

    def broken(self, matrix):
        if len(matrix) == 4:
            raise ZeroDivisionError
        found = real(self, matrix)
        return found | {"p_response": np.full(len(matrix), np.nan)}

    shadow.start()
    four, three = some(champion, 4), some(champion, 3)
    monkeypatch.setattr(Bundle, "score", broken)
    shadow.put(champion, *four)
    until(lambda: shadow._beside._size == 0 or None)
    shadow.put(champion, *three)
    assert shadow.end(SECONDS)
    counts = shadow_of(tmp_path / "monitoring", trial.bundles["good"].id)
    assert counts.failed == 7
    assert counts.customers == 3


def test_one_that_a_store_cannot_give_for_a_moment_is_tried_once_it_can(
    trial, shadow, tmp_path, monkeypatch, caplog
):
    champion = opened(trial.bundles["champion"])
    real = BundleStore.bundle

    def down(*_):
        raise TimeoutError("the store does not answer")

    monkeypatch.setattr(BundleStore, "bundle", down)
    for _ in range(2):
        shadow.look(champion)
        assert not shadow.is_on
    assert caplog.text.count("the challenger cannot be read: the store does not answer") == 1
    monkeypatch.setattr(BundleStore, "bundle", real)
    shadow.look(champion)
    shadow.start()
    shadow.put(champion, *some(champion, 3))
    assert shadow.end(SECONDS)
    counts = shadow_of(tmp_path / "monitoring", trial.bundles["good"].id)
    assert (counts.customers, counts.failed) == (3, 0)


def test_one_that_is_slow_keeps_nobody_waiting_and_the_rest_is_told_as_skipped(
    trial, shadow, tmp_path, monkeypatch
):
    champion = opened(trial.bundles["champion"])
    shadow.look(champion)
    told = some(champion, 1_000)
    is_asked, may_answer = Event(), Event()
    real = Bundle.score

    def slow(self, matrix):
        is_asked.set()
        may_answer.wait(SECONDS)
        return real(self, matrix)

    monkeypatch.setattr(Bundle, "score", slow)
    shadow.start()
    shadow.put(champion, *told)
    assert is_asked.wait(SECONDS)
    for _ in range(22):
        shadow.put(champion, *told)
    assert not shadow.end(0.01)
    may_answer.set()
    assert shadow.end(SECONDS)
    counts = shadow_of(tmp_path / "monitoring", trial.bundles["good"].id)
    assert counts.skipped == 2_000
    assert counts.customers == 21_000


def test_a_share_of_customers_is_tried(trial, shadow, tmp_path):
    champion = opened(trial.bundles["champion"])
    shadow._share = 0.25
    shadow.look(champion)
    shadow.start()
    for _ in range(40):
        shadow.put(champion, *some(champion, 1))
    assert shadow.end(SECONDS)
    assert shadow_of(tmp_path / "monitoring", trial.bundles["good"].id).customers == 10


def test_customers_without_a_segment_are_pairs_of_their_own(trial):
    champion, other = opened(trial.bundles["champion"]), opened(trial.bundles["good"])
    matrix, _ = some(champion, 3)
    matrix[0] = np.nan
    counts = compared(champion, other, [ChampionAnswers(champion, matrix, champion.score(matrix))])
    assert counts.pairs[UNSEGMENTED, UNSEGMENTED] == 1
    assert sum(counts.pairs.values()) == 3


def test_its_own_day_stands_in_the_place_of_the_champions(trial):
    champion = opened(trial.bundles["champion"])
    other = opened(trial.bundles["good"])
    object.__setattr__(other.contract, "as_of", champion.contract.as_of.replace(year=2015))
    matrix = np.ones((2, len(champion.columns)))
    year = champion.columns.index("as_of_year")
    matrix[0, year] = 2014.0
    day = [name for name in champion.columns if name.startswith("as_of_day")]
    for name in day:
        matrix[0, champion.columns.index(name)] = 181.0
    matrix[1, year] = 2013.0
    inputs = inputs_of(champion, other, matrix)
    assert inputs[:, other.columns.index("as_of_year")].tolist() == [2015.0, 2013.0]


def test_other_categories_are_not_taken_for_the_champions(trial, monkeypatch):
    champion, other = opened(trial.bundles["champion"]), opened(trial.bundles["good"])
    rule = other.contract.rules["marital_status"]
    monkeypatch.setitem(
        other.contract.rules,
        "marital_status",
        replace(rule, categories=rule.categories[::-1]),
    )
    with pytest.raises(Unlike, match="marital_status has other categories"):
        inputs_of(champion, other, np.ones((1, len(champion.columns))))
