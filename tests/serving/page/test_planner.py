"""The campaign's planner, in a real browser, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from customer_segmentation.serving.keys import add_key
from tests.serving.page.conftest import OpenPage, Visit
from tests.serving.planned import Planned, campaign, some_candidates, write_campaign
from tests.serving.process import ServerProcess, serving

PLAN, LIST = "/v1/campaign/plan", "/v1/campaign/list"
SIZES = [(360, 740), (1280, 900)]


def opened(visit: Visit) -> Page:
    """The page, at its planner."""
    visit.page.locator("#campaign").scroll_into_view_if_needed()
    expect(visit.page.locator("#plan-rest svg.plot")).to_be_visible()
    return visit.page


def contacted(page: Page) -> Locator:
    return page.locator("#plan-more dd").first


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_moved_slider_changes_the_plan_and_its_list(
    site, open_page: OpenPage, tmp_path: Path, width: int, height: int
) -> None:
    visit = open_page(site.url, width=width, height=height)
    page = opened(visit)
    before = httpx.post(site.url + PLAN, json={}).json()
    expect(contacted(page)).to_contain_text(f"{before['contacted']:,} of")
    line = page.locator("#plan-line")
    expect(line).to_contain_text(f"{before['expected_profit']:,.0f} euros expected")
    cost = page.get_by_label("Cost of a contact, in euros, slider")
    cost.press("Home")
    cost.press("ArrowRight")
    value = float(page.get_by_label("Cost of a contact, in euros", exact=True).input_value())
    assert 0.0 < value < 3.0
    budget = page.get_by_label("Budget, in euros", exact=True)
    budget.fill("20")
    changes = {"budget": 20, "offers": {"voucher": {"cost": value}}}
    after = httpx.post(site.url + PLAN, json=changes).json()
    assert 0 < after["contacted"] != before["contacted"]
    expect(contacted(page)).to_contain_text(f"{after['contacted']:,} of")
    expect(page.locator("#plan-more")).to_contain_text(f"to {after['high']:,.0f}"[:6])
    expect(page.locator("#plan-more li")).to_contain_text("Budget: 20.00 euros")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the list").click()
    assert download.value.suggested_filename == "spring.csv"
    saved = tmp_path / "list.csv"
    download.value.save_as(saved)
    assert saved.read_text() == httpx.post(site.url + LIST, json=changes).text
    assert len(saved.read_text().splitlines()) == after["contacted"] + 1
    assert visit.problems == []


def test_the_end_of_the_budgets_slider_is_no_limit(site, open_page: OpenPage) -> None:
    page = opened(open_page(site.url))
    slider = page.get_by_label("Budget, in euros, slider")
    number = page.get_by_label("Budget, in euros", exact=True)
    expect(number).to_have_value("")
    expect(slider).to_have_attribute("aria-valuetext", "no limit")
    slider.press("Home")
    expect(number).to_have_value("0")
    expect(page.locator("#plan-line")).to_have_text("Nobody is contacted.")
    expect(page.get_by_role("button", name="Download the list")).to_be_disabled()
    slider.press("End")
    expect(number).to_have_value("")
    expect(page.get_by_role("button", name="Download the list")).to_be_enabled()


def test_shares_of_segments_are_limits(site, open_page: OpenPage) -> None:
    page = opened(open_page(site.url))
    page.get_by_text("Least and most of each segment").click()
    of_first = page.get_by_role("group", name="Segment 0")
    of_first.get_by_label("Least").fill("50")
    expect(page.locator("#plan-more li")).to_contain_text("Least of Segment 0: 0.5")
    of_first.get_by_label("Most").fill("20")
    problem = of_first.locator(".field-problem").first
    expect(problem).to_have_text("Above most: give at most what most is.")
    page.get_by_role("button", name="As it was planned").click()
    expect(of_first.get_by_label("Least")).to_have_value("")
    expect(problem).to_have_text("")
    expect(page.locator("#plan-rest svg.plot")).to_be_visible()


def test_a_wrong_value_is_told_beside_its_field(site, open_page: OpenPage) -> None:
    page = opened(open_page(site.url))
    held_out = page.get_by_label("Held out, in % of whom it chooses", exact=True)
    held_out.fill("60")
    expect(page.locator("#plan-hold_out-problem")).to_contain_text("give a number from 0 to 50")
    expect(held_out).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#plan-line")).to_have_text("Some values are wrong: see beside the fields.")
    held_out.fill("20")
    expect(page.locator("#plan-rest svg.plot")).to_be_visible()


def test_limits_that_cannot_hold_together_are_told(site, open_page: OpenPage) -> None:
    page = opened(open_page(site.url))
    page.get_by_text("Least and most of each segment").click()
    page.get_by_role("group", name="Segment 1").get_by_label("Least").fill("100")
    page.get_by_label("Budget, in euros", exact=True).fill("1")
    expect(page.locator("#plan-line")).to_contain_text("and the budget is 1.00 euros")


def test_without_a_campaign_the_page_says_how_to_plan_one(
    bundle: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    with serving(bundle, tmp_path, "--job-workers", "0") as server:
        page = open_page(server.url).page
        page.locator("#campaign").scroll_into_view_if_needed()
        message = page.locator("#plan-message")
        expect(message).to_contain_text("kedro run --pipeline=campaign_planning")
        expect(page.locator("#planner")).to_be_hidden()


def test_a_campaign_that_is_planned_again_meanwhile_replaces_the_form(
    bundle: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    written = write_campaign(tmp_path, some_candidates(300), campaign())
    with serving(bundle, tmp_path, "--job-workers", "0", *written.options) as server:
        page = opened(open_page(server.url))
        write_campaign(tmp_path, some_candidates(200), campaign(name="summer", hold_out=0.2))
        page.get_by_label("Budget, in euros", exact=True).fill("30")
        expect(page.locator("#plan-message")).to_contain_text("Campaign summer")
        expect(page.locator("#plan-message")).to_contain_text("of 200 customers")
        expect(page.get_by_label("Held out, in % of whom it chooses", exact=True)).to_have_value(
            "20"
        )
        expect(page.locator("#plan-line")).to_contain_text("euros expected")


def test_the_list_is_downloaded_with_the_key(
    bundle: Path, planned: Planned, open_page: OpenPage, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    key = add_key(keys, "marketing", ("score", "read"))
    options = ["--keys", keys, "--job-workers", "0", *planned.options]
    with serving(bundle, tmp_path, *options) as server:
        page = open_page(server.url, wait=False).page
        page.get_by_label("Key", exact=True).fill(key)
        page.keyboard.press("Enter")
        page.wait_for_selector("#verdict-more table")
        page.locator("#campaign").scroll_into_view_if_needed()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download the list").click()
        saved = tmp_path / "list.csv"
        download.value.save_as(saved)
    rows = planned.rows()
    assert len(saved.read_text().splitlines()) == rows["is_contacted"].sum() + 1


@pytest.fixture(scope="module")
def of_two_offers(
    bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """Start a server of a campaign of two offers, a budget and shares."""
    offers = {
        "voucher": {"channel": "e_mail", "cost": 1.0, "value": 11.0},
        "catalogue": {"channel": "post", "cost": 3.0, "value": 18.0},
    }
    terms = campaign(budget=1_000.0, shares={"s0": {"least": 0.05}}, offers=offers)
    folder = tmp_path_factory.mktemp("offers")
    written = write_campaign(folder, some_candidates(2_000, offers=2), terms)
    with serving(bundle, folder, "--job-workers", "0", *written.options) as server:
        yield server


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_planner(
    of_two_offers: ServerProcess, open_page: OpenPage, scheme: str
) -> None:
    visit = open_page(of_two_offers.url, scheme=scheme)
    page = opened(visit)
    page.get_by_text("The curve as a table").click()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("Budget, in euros", exact=True).fill("-1")
    expect(page.locator("#plan-budget-problem")).to_contain_text("give a number from 0")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    # Chromium's own words for the refusal.
    assert len(visit.problems) == 1
    assert "status of 422" in visit.problems[0]
