"""The builder of audiences, in a real browser, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from customer_segmentation.serving.keys import add_key
from tests.serving.page.conftest import OpenPage, Visit
from tests.serving.process import ServerProcess, serving
from tests.serving.test_audiences import options, write_consents, write_gold

COUNT = "/v1/audiences/count"
SIZES = [(360, 740), (1280, 900)]


@pytest.fixture(scope="module")
def asked(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Start a server with customers and their consents."""
    folder = tmp_path_factory.mktemp("asked")
    write_gold(folder)
    agreed = [(f"c{number:04}", "e_mail", "given", "2014-01-01") for number in range(200)]
    write_consents(folder / "consents.csv", agreed)
    with serving(bundle, folder / "server", *options(folder)) as server:
        yield server


def opened(visit: Visit) -> Page:
    """The page, at its builder."""
    visit.page.locator("#audience").scroll_into_view_if_needed()
    expect(visit.page.locator("#audience-more table")).to_be_visible(timeout=30_000)
    return visit.page


def line(page: Page) -> Locator:
    return page.locator("#audience-line")


def rule(page: Page) -> Locator:
    return page.get_by_label("Rule", exact=True)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_count_follows_what_is_typed(
    asked: ServerProcess, open_page: OpenPage, width: int, height: int
) -> None:
    visit = open_page(asked.url, width=width, height=height)
    page = opened(visit)
    expect(line(page)).to_have_text("300 of 300 customers (100\u00a0%).")
    rule(page).press_sequentially("income >= 100000 and product = 'wines'", delay=5)
    told = httpx.post(asked.url + COUNT, json={"rule": rule(page).input_value()}).json()
    expect(line(page)).to_contain_text(f"{told['audience']} of 300 customers")
    expect(page.locator("#audience-more dl")).to_contain_text("Unknown, for a missing value")
    page.get_by_label("Purpose").select_option("e_mail")
    expect(page.locator("#audience-more dl")).to_contain_text("No consent to offers by e-mail")
    page.locator("#audience-segments button").first.click()
    body = {"rule": rule(page).input_value(), "purpose": "e_mail", "segments": ["s0"]}
    told = httpx.post(asked.url + COUNT, json=body).json()
    expect(line(page)).to_contain_text(f"{told['audience']} of 300 customers")
    expect(page.locator("#audience-more dd").first).to_have_text(str(told["without_consent"]))
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert page.evaluate(wide) is False
    # What is typed halfway is no rule, where typing is slow.
    assert [told for told in visit.problems if "422" not in told] == []


def test_menus_write_the_rule_by_keyboard_alone(asked: ServerProcess, open_page: OpenPage) -> None:
    visit = open_page(asked.url)
    page = opened(visit)
    page.get_by_label("Field", exact=True).select_option("income")
    page.get_by_label("Comparison").select_option(">=")
    value = page.get_by_label("Value, in monetary units")
    value.focus()
    page.keyboard.type("100000")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(rule(page)).to_have_value("income >= 100000")
    page.get_by_label("Joined by").select_option("or")
    page.get_by_label("Field", exact=True).select_option("product")
    page.get_by_label("Value").select_option("wines")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    expect(rule(page)).to_have_value('income >= 100000 or product = "wines"')
    page.get_by_label("Joined by").select_option("and")
    page.get_by_label("Field", exact=True).select_option("enrolled_on")
    page.get_by_label("Comparison").select_option("is not missing")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    whole = '(income >= 100000 or product = "wines") and enrolled_on is not missing'
    expect(rule(page)).to_have_value(whole)
    told = httpx.post(asked.url + COUNT, json={"rule": whole}).json()
    expect(line(page)).to_contain_text(f"{told['audience']} of 300 customers")
    rule(page).fill("income >= 100000\nor income < 20000")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    several = "(income >= 100000\nor income < 20000) and enrolled_on is not missing"
    expect(rule(page)).to_have_value(several)
    assert visit.problems == []


def test_a_wrong_rule_is_told_beside_it_once_one_stops_typing(
    asked: ServerProcess, open_page: OpenPage
) -> None:
    page = opened(open_page(asked.url))
    rule(page).fill("incom > 3")
    told = page.locator("#audience-rule-problem")
    expect(told).to_have_text("Character 1: `incom` is not known: did you mean income?")
    expect(rule(page)).to_have_attribute("aria-invalid", "true")
    expect(line(page)).to_have_text("The rule is wrong: see beside it.")
    rule(page).fill("income > 3")
    expect(told).to_be_empty()
    expect(line(page)).to_contain_text("of 300 customers")
    # It is announced without interrupting.
    expect(line(page)).to_have_attribute("role", "status")
    expect(told).to_have_attribute("role", "status")


def test_a_count_at_work_is_given_up_for_the_next(
    asked: ServerProcess, open_page: OpenPage
) -> None:
    page = opened(open_page(asked.url))
    left: list[str] = []
    page.on("requestfailed", lambda request: left.append(request.post_data or ""))

    held: list[Route] = []

    def hold(route: Route) -> None:
        if "income > 1" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route(f"**{COUNT}", hold)
    rule(page).fill("income > 1")
    while not held:
        page.wait_for_timeout(20)
    rule(page).fill("product = 'fish'")
    expect(line(page)).to_contain_text("150 of 300 customers")
    assert any("income > 1" in body for body in left)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_an_audience_is_kept_opened_downloaded_compiled_and_deleted(
    asked: ServerProcess, open_page: OpenPage, tmp_path: Path, width: int, height: int
) -> None:
    visit = open_page(asked.url, width=width, height=height)
    page = opened(visit)
    rule(page).fill("income >= 100000")
    page.get_by_label("Purpose").select_option("e_mail")
    name = page.get_by_label("Name", exact=True)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#audience-name-problem")).to_contain_text("Give a name")
    name.fill("Count")
    name.press("Enter")
    expect(page.locator("#audience-name-problem")).to_contain_text("other than count")
    name.fill("Big Spenders")
    name.press("Enter")
    expect(page.locator("#audience-said")).to_contain_text("big-spenders is kept, as version")
    card = page.locator("#audience-kept li")
    expect(card).to_contain_text("All segments, agreed to offers by e-mail")
    page.get_by_role("button", name="SQL, big-spenders").click()
    page.locator("#audience-dialect").select_option("databricks")
    expect(page.locator("#audience-sql pre")).to_contain_text("`s`.`customer_id`")
    page.get_by_text("All fields and their values").click()
    if violations := Axe().run(page).response["violations"]:
        pytest.fail(str(violations))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download, big-spenders").click()
    saved = tmp_path / "list.csv"
    download.value.save_as(saved)
    body = {"rule": "income >= 100000", "purpose": "e_mail"}
    told = httpx.post(asked.url + COUNT, json=body).json()
    assert len(saved.read_text().splitlines()) == told["audience"] + 1
    rule(page).fill("")
    page.get_by_role("button", name="Open, big-spenders").click()
    expect(rule(page)).to_have_value("income >= 100000")
    expect(rule(page)).to_be_focused()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete, big-spenders").click()
    expect(page.locator("#audience-kept")).to_contain_text("None yet")
    assert visit.problems == []


def test_long_names_and_rules_stay_on_a_phone(asked: ServerProcess, open_page: OpenPage) -> None:
    long = f"{asked.url}/v1/audiences/{'x' * 63}"
    unbroken = ",".join(['"wines"'] * 20)
    httpx.put(long, json={"rule": f"product in({unbroken})"}).raise_for_status()
    visit = open_page(asked.url, width=360, height=740)
    expect(opened(visit).locator("#audience-kept li")).to_contain_text("x" * 63)
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert visit.page.evaluate(wide) is False
    httpx.delete(long).raise_for_status()


def test_a_key_is_asked_for_where_the_server_has_keys(
    bundle: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    write_gold(tmp_path)
    write_consents(tmp_path / "consents.csv", [("c0001", "e_mail", "given", "2014-01-01")])
    keys = tmp_path / "keys.json"
    secret = add_key(keys, "marketing", ("score", "read"))
    with serving(bundle, tmp_path / "server", *options(tmp_path), "--keys", keys) as server:
        page = open_page(server.url, wait=False).page
        page.locator("#key").fill(secret)
        page.get_by_role("button", name="Use it").click()
        page.wait_for_selector("#verdict-more table")
        page.locator("#audience").scroll_into_view_if_needed()
        expect(line(page)).to_contain_text("300 of 300 customers", timeout=30_000)
