"""The page of a year: it says what the figures say, to everybody, on any screen."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.serving.page.conftest import CHROMIUM
from tools.year.pictures import chart
from tools.year.story import lead, page
from tools.year.told import Event, Story, Told

QUIET = Told(
    number=1,
    day="2014-07-31",
    loop=90.0,
    without=90.0,
    oracle=100.0,
    contacts=50,
    explored=5,
    answers=20,
    expected=21.5,
    drift={"visits to the website a month": 0.01},
    requests=300,
)
EVENTS = (
    Event("departure", "Of 60 contacts, 12 answered & 30 <should> have."),
    Event("alert", "NEW: the response model departs."),
    Event("retrained", "From 110 contacts."),
    Event("promoted", "Bundle 0123456789ab is the champion now."),
)


def months() -> tuple[Told, ...]:
    quiet = [replace(QUIET, number=number) for number in (1, 2, 3, 4, 5)]
    turned = replace(QUIET, number=6, loop=-20.0, without=-30.0, answers=12, events=EVENTS)
    refused = replace(QUIET, number=7, without=-30.0, events=(Event("refused", "By log loss."),))
    later = [replace(QUIET, number=number, loop=95.0, without=-30.0) for number in (8, 9)]
    return (*quiet, turned, refused, *later)


STORY = Story(2_000, 6, 3.0, 11.0, 0.01, months(), seconds=90.0)


def test_what_a_year_comes_to_is_added_up() -> None:
    assert STORY.settled == 8
    assert STORY.share("loop") == pytest.approx((5 * 90 - 20 + 90 + 2 * 95) / 900)
    assert STORY.share("loop", 8) == pytest.approx(0.95)
    assert STORY.share("without", 8) == pytest.approx(-0.3)
    said = lead(STORY)
    assert "79% of the oracle's profit, and from month 8 on 95%" in said
    assert "Without it 37% are left, and from month 8 on -30%" in said
    # Where the year is too short to tell, nothing is said of it.
    assert "from month" not in lead(replace(STORY, months=STORY.months[:6]))


def test_a_story_is_read_as_it_was_written() -> None:
    assert Story.of(json.loads(json.dumps(STORY.stated()))) == STORY


def test_figures_of_two_campaigns_of_a_month_add_up() -> None:
    both = QUIET.added(replace(QUIET, loop=-10.0, answers=1, events=EVENTS))
    assert (both.loop, both.oracle, both.contacts, both.answers) == (80.0, 200.0, 100, 21)
    assert both.events == EVENTS


def test_lines_are_drawn_between_round_numbers_that_hold_them() -> None:
    drawn = chart(STORY, {"profit": [one.loop for one in STORY.months]}, "Profit", ("promoted",))
    heights = [y for y, _ in drawn.grid]
    assert [text for _, text in drawn.grid] == ["-50", "0", "50", "100"]
    assert all(min(heights) <= y <= max(heights) for _, y in drawn.lines[0].dots)
    (place,) = [x for x, number in drawn.months if number == 6]
    assert [(x, kind) for x, _, kind, _ in drawn.marks] == [(place, "promoted")]
    assert drawn.turn is not None
    assert drawn.turn < place
    assert "-20" in drawn.alternative


def test_the_page_says_what_happened_in_each_month_and_escapes_it() -> None:
    shown = page(STORY, "monetary units")
    assert "12 answered &amp; 30 &lt;should&gt; have." in shown
    text = re.sub(r"<[^>]+>", " ", shown)
    for said in ("Challenger refused. ", "Month 9", "300 requests", "Played in 1.5 minutes"):
        assert said in re.sub(r"\s+", " ", text).replace(" .", ".")
    assert "http" not in shown.replace("http-equiv", "")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_can_be_read_by_everybody_on_phones_and_desks(
    width: int, scheme: str, tmp_path: Path
) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there, a browser of the system: make services")
    file = tmp_path / "story.html"
    file.write_text(page(STORY, "monetary units"), encoding="utf-8")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        size = {"width": width, "height": 900}
        shown = browser.new_page(viewport=size, color_scheme=scheme)
        shown.goto(file.as_uri())
        assert shown.evaluate("document.documentElement.scrollWidth") == width
        assert Axe().run(shown).violations_count == 0
        browser.close()
