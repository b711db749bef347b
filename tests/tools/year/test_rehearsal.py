"""`make rehearsal-year` for three months: a bad challenger refused, a turn noticed, a page left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.year.__main__ import play
from tools.year.rehearsal import Wanted
from tools.year.told import Story


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_three_months_are_played_with_commands_and_a_server(tmp_path: Path) -> None:
    said: list[str] = []
    wanted = Wanted(customers=1_500, months=3, turn=2, planted=1)
    story = play(tmp_path, wanted, said.append)
    assert story == Story.of(json.loads((tmp_path / "story.json").read_text(encoding="utf-8")))
    kinds = [[event.kind for event in month.events] for month in story.months]
    assert "refused" in kinds[0]
    assert "promoted" not in kinds[0]
    assert "departure" in [*kinds[1], *kinds[2]]
    assert all(month.requests for month in story.months)
    assert (tmp_path / "story.html").read_text(encoding="utf-8").count("<h3>Month") == 3
