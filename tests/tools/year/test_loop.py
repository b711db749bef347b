"""A simulated year: what feedback and retraining keep of the profit of a market that turns.

The steps are those of the pipelines (tools/year/loop.py); the whole with commands and a server is
`make rehearsal-year`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.marketing import SCHEMA
from tools.year.customers import Rules
from tools.year.loop import Loop
from tools.year.market import Market
from tools.year.told import Story

CUSTOMERS, EXPLORATION, TURN, PLANTED = 6_000, 0.003, 6, 3
BASE = Path(__file__).parents[3] / "conf" / "base"
BLOCKS = ("clustering", "campaign_planning", "supervised_training", "feedback", "retraining")
OFFER = {"channel": "e_mail", "cost": 3.0, "value": 11.0}
CHANGES: dict[str, dict[str, Any]] = {
    "campaign_planning": {
        "hold_out": 0.0,
        "exploration": EXPLORATION,
        "offers": {"voucher": OFFER},
    },
    # Answers come the same day.
    "feedback": {"answer_days": 0},
    # Fewer fits.
    "supervised_training": {
        "folds": 2,
        "response": {"inverse_penalties": [0.1], "bends": [0, 2]},
    },
    "retraining": {"min_answers": 40, "every_days": 30, "trial": {"min_outcomes": 40}},
}


def rules() -> Rules:
    """The shipped parameters, with few tries where segments are learned."""
    blocks: dict[str, Any] = {}
    for name in BLOCKS:
        told = yaml.safe_load((BASE / f"parameters_{name}.yml").read_text(encoding="utf-8"))
        blocks[name] = {**told[name], **CHANGES.get(name, {})}
        if "trial" in blocks[name]:
            blocks[name]["trial"] = {**told[name]["trial"], **blocks[name]["trial"]}
    blocks["clustering"]["k"] |= {"maximum": 3, "starts": 2, "bootstraps": 2}
    return Rules.of(SCHEMA, blocks, waves=4)


def played(seed: int) -> Story:
    """The year of a market, with a bad challenger planted in month 3."""
    loop = Loop.begun(Market(CUSTOMERS, seed=seed, turn=TURN), rules())
    months = []
    for number in range(1, 13):
        if number == PLANTED:
            loop.plant()
        months.append(loop.month(number))
    return Story(CUSTOMERS, TURN, 3.0, 11.0, EXPLORATION, tuple(months))


@pytest.fixture(scope="module")
def story() -> Story:
    return played(seed=1)


def events(story: Story, kind: str) -> list[int]:
    """The months with such an event."""
    return [month.number for month in story.months for one in month.events if one.kind == kind]


def test_without_the_loop_the_profit_falls_below_nothing_once_the_market_turns(
    story: Story,
) -> None:
    before = [one.without / one.oracle for one in story.months if one.number < TURN]
    assert min(before) > 0.9
    assert story.share("without", TURN) < 0.0


def test_with_the_loop_the_year_is_within_a_tenth_of_the_oracles(story: Story) -> None:
    assert story.share("loop") > 0.9
    assert story.share("loop") > story.share("without") + 0.6


def test_what_the_turn_costs_is_over_by_the_next_month(story: Story) -> None:
    shares = {one.number: one.loop / one.oracle for one in story.months}
    assert shares[TURN] > 0.3
    assert min(shares[number] for number in range(TURN + 1, 13)) > 0.9
    assert story.share("loop", TURN + 2) > 0.95


def test_the_turn_is_noticed_in_its_month_by_what_came_back(story: Story) -> None:
    noticed = events(story, "departure")
    assert TURN in noticed
    assert min(noticed) == TURN


def test_a_planted_bad_challenger_is_refused(story: Story) -> None:
    judged = [
        event for event in story.months[PLANTED - 1].events if event.kind in {"refused", "promoted"}
    ]
    assert judged[0].kind == "refused"
    assert "profit a contact below" in judged[0].told
    assert "later contacts" in judged[0].told
    assert events(story, "promoted")[-1] > TURN
