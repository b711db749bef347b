"""What a challenger must show: tried on enough, no failures, no surprises, right about answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from customer_segmentation.bundles.challenger import Challenger, Compared
from customer_segmentation.monitoring.shadow import ShadowCounts, shadow_file
from customer_segmentation.promotion.gates import failed
from customer_segmentation.retraining.comparing import compare
from customer_segmentation.retraining.trial import (
    Shadows,
    evidence,
    gates_of_outcomes,
    gates_of_shadow,
    goes_on,
)
from tests.retraining.test_due import parameters

BOUNDS = parameters().trial
TRIED = Challenger(bundle="challenger", champion="champion", promotion=1)
SAME = {("a", "a"): 1_900, ("a", "b"): 100}


def counts(**changes: Any) -> ShadowCounts:
    given = {"customers": 2_000, "pairs": SAME, "chances": {(1, 1): 2_000}, **changes}
    return ShadowCounts("champion", "challenger", **given)


def wrong(
    given: ShadowCounts, expected: float | None = 0.96, *, is_judged: bool = False
) -> set[str]:
    gates = gates_of_shadow(given, expected, BOUNDS, is_judged=is_judged)
    return {gate.name for gate in gates if not gate.passed}


def test_a_challenger_that_does_as_expected_passes() -> None:
    assert wrong(counts()) == set()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"failed": 10}, "failed"),
        ({"skipped": 3_000}, "skipped"),
        ({"pairs": {("a", "b"): 1_000, ("a", "a"): 1_000}}, "surprise"),
        ({"chances": {(1, 8): 2_000}}, "chances"),
    ],
    ids=["answers nothing", "slow", "other segments", "probabilities turned round"],
)
def test_a_bad_challenger_is_refused(changes: dict[str, Any], name: str) -> None:
    assert wrong(counts(**changes)) == {name}


def test_one_that_cannot_be_loaded_is_refused_though_it_was_tried_on_nobody() -> None:
    nothing = counts(customers=0, pairs={}, chances={}, failed=2_000)
    assert {"failed", "surprise"} <= wrong(nothing)
    gates = gates_of_shadow(nothing, 0.96, BOUNDS, is_judged=False)
    assert not goes_on(gates)


def test_one_that_is_too_slow_for_everybody_is_refused() -> None:
    nothing = counts(customers=0, pairs={}, chances={}, skipped=2_000)
    assert "skipped" in wrong(nothing)


def test_with_too_few_customers_the_trial_goes_on_and_nothing_else_is_said() -> None:
    gates = gates_of_shadow(counts(customers=10, failed=10), 0.96, BOUNDS, is_judged=False)
    assert [gate.name for gate in gates] == ["customers"]
    assert goes_on(gates)


def test_other_probabilities_wait_for_outcomes_where_these_come() -> None:
    differs = counts(chances={(1, 8): 2_000})
    awaited = gates_of_shadow(differs, 0.96, BOUNDS, is_judged=False, is_awaited=True)
    assert [gate.name for gate in awaited if not gate.passed] == ["awaited"]
    assert goes_on(awaited)
    never = gates_of_shadow(differs, 0.96, BOUNDS, is_judged=False, is_awaited=False)
    assert not goes_on(never)
    failing = replace(differs, failed=500)
    wrong_besides = gates_of_shadow(failing, 0.96, BOUNDS, is_judged=False, is_awaited=True)
    assert not goes_on(wrong_besides)


def test_other_probabilities_are_no_fault_where_outcomes_bear_them_out() -> None:
    assert wrong(counts(chances={(1, 8): 2_000}), is_judged=True) == set()


def test_files_of_all_servers_are_added_and_halves_and_other_champions_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for writer, hour, champion in (
        *(("w1", "2026-11-30T10", "champion"), ("w2", "2026-11-30T10", "champion")),
        *(("w1", "2026-11-30T11", "champion"), ("w1", "2026-11-30T12", "former")),
    ):
        one = ShadowCounts(champion, "challenger", 10, {("a", "a"): 10}, {(0, 0): 10})
        file = Path(shadow_file(str(tmp_path), one, hour, writer))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(one.stated()))
    (file.parent / "w9.json").write_text("{")
    (file.parent / ".writing-w3.json.0").write_text("{")
    found = Shadows(str(tmp_path)).of("champion", "challenger")
    assert found.customers == 30
    assert found.pairs == {("a", "a"): 30}
    assert "w9.json is not counted" in caplog.text
    assert Shadows(str(tmp_path)).of("champion", "another").customers == 0


def contacts(number: int = 4_000, seed: int = 1) -> dict[str, Any]:
    """Contacts whose true chances are known, with what came of them."""
    random = np.random.default_rng(seed)
    chances = np.clip(random.beta(1.0, 5.0, number), 0.01, 0.99)
    return {
        "chances": chances,
        "answers": (random.random(number) < chances).astype(float),
        "weights": np.ones(number),
        "customers": np.arange(number),
        "costs": np.full(number, 3.0),
        "values": np.full(number, 11.0),
    }


def compared(challenger: Any, **changes: Any) -> Compared:
    given = contacts() | changes
    found = compare(given.pop("chances"), challenger, **given)
    assert found
    return found


def refused(challenger: Any) -> set[str]:
    gates = gates_of_outcomes([compared(challenger)])
    assert {gate.gate for gate in gates} == {"response"}
    return {gate.name for gate in gates if not gate.passed}


def test_a_model_that_is_as_right_passes_and_one_that_is_more_so_too() -> None:
    chances = contacts()["chances"]
    assert refused(chances) == set()
    shrunk = np.clip(chances * 0.98, 0.0, 1.0)
    assert refused(shrunk) == set()
    champion = np.full(len(chances), 0.5)
    gates = gates_of_outcomes([compared(chances, chances=champion)])
    assert failed(gates) == ()


def test_probabilities_turned_round_are_refused_by_what_came_of_contacts() -> None:
    assert refused(1.0 - contacts()["chances"]) == {"log_loss", "profit"}


def test_random_weights_are_refused_by_what_came_of_contacts() -> None:
    random = np.random.default_rng(3).random(4_000)
    assert refused(random) == {"log_loss", "profit"}


def test_no_probabilities_are_refused() -> None:
    nothing = np.full(4_000, np.nan)
    assert refused(nothing) == {"unknown", "log_loss", "profit"}
    some = np.where(np.arange(4_000) < 5, np.nan, contacts()["chances"])
    assert refused(some) == {"unknown"}


def test_what_chance_explains_is_not_held_against_a_challenger() -> None:
    """Of 200 equally good models, about one in twenty a figure is refused, as it is set."""
    refusals = []
    for seed in range(200):
        given = contacts(600, seed)
        chances = given.pop("chances")
        noise = np.random.default_rng(seed + 1_000).normal(0.0, 0.3, (2, 600))
        logits = np.log(chances / (1.0 - chances)) + noise
        old, new = 1.0 / (1.0 + np.exp(-logits))
        found = compare(old, new, **given)
        assert found
        refusals.append(found.worse_loss > 0.0)
    assert np.mean(refusals) < 0.1


def test_contacts_of_one_customer_are_one_when_chance_is_told() -> None:
    given = contacts(500)
    twice = {name: np.concatenate([part, part]) for name, part in given.items()}
    other = np.clip(given["chances"] * 1.3, 0.0, 1.0)
    once = compared(other, **given)
    both = compared(np.concatenate([other, other]), **twice)
    assert both.loss == pytest.approx(once.loss)
    assert both.loss_error == pytest.approx(once.loss_error)


def test_few_outcomes_judge_nobody() -> None:
    given = contacts(100)
    found = compare(given.pop("chances"), np.full(100, 0.9), **given)
    assert evidence(TRIED, found, BOUNDS) == evidence(TRIED, None, BOUNDS) == []
    assert gates_of_outcomes([]) == []


def of(contacts: int, answers: int, loss: float, **changes: Any) -> Compared:
    return Compared(contacts, answers, 0, loss, 0.01, 0.0, 0.1, **changes)


def test_one_that_was_shown_to_be_worse_is_not_redeemed_by_waiting() -> None:
    own, later = of(2_000, 600, 0.05, is_out_of_fold=True), of(100, 50, 0.0)
    found = evidence(replace(TRIED, compared=own), later, BOUNDS)
    assert found == [own, later]
    assert [gate.name for gate in gates_of_outcomes(found) if not gate.passed] == [
        "log_loss_out_of_fold"
    ]
    bad = evidence(replace(TRIED, compared=replace(own, loss=-0.05)), of(100, 50, 0.1), BOUNDS)
    assert [gate.name for gate in gates_of_outcomes(bad) if not gate.passed] == ["log_loss"]
