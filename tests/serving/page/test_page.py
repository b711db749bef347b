"""The page in a real browser, against a real server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx
import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from customer_segmentation.schema.parts import SHARE
from customer_segmentation.serving.keys import add_key
from tests.services.nginx import proxied
from tests.serving.page.conftest import OpenPage, Visit
from tests.serving.process import serving

SIZES = [(360, 740), (1280, 900)]
SCHEMES = ["light", "dark"]
# Milliseconds: a worker process and a browser, on a machine with two cores and much to do.
SLOW = 60_000
HEADER = "customer_id,year_birth,income,kids_home,teens_home"
BOUGHT = (
    "spend_wines,spend_fruits,spend_meat,spend_fish,spend_sweets,spend_gold,purchases_deals,"
    "purchases_web,purchases_catalog,purchases_store,web_visits_month"
)
GOOD = "1970,50000,0,1,10,10,10,10,10,10,2,3,1,4,5"


def test_the_file_chooser_offers_the_files_that_can_be_scored(site, open_page: OpenPage) -> None:
    chosen = open_page(site.url).page.locator("#chosen")
    kinds = ".csv,.tsv,.txt,.gz,.zip,.xlsx,.ndjson,.jsonl,.parquet"
    expect(chosen).to_have_attribute("accept", kinds)


def test_the_cards_show_each_segment_with_its_share_and_offer(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    cards = visit.page.locator("#cards article")
    expect(cards).to_have_count(3)
    expect(cards.first).to_contain_text("Segment 0")
    expect(cards.first).to_contain_text("50\u00a0% of customers (2)")
    expect(cards.first).to_contain_text("Yearly income")
    expect(cards.first).to_contain_text("Most are offered")
    assert visit.problems == []


def test_without_a_stream_the_page_says_nothing_of_it(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    expect(visit.page.locator("#live")).to_be_hidden()
    expect(visit.page.get_by_role("link", name="Live")).to_have_count(0)


def test_a_share_of_a_typical_customer_is_shown_in_percent(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    bundle = httpx.get(f"{site.url}/v1/bundle").json()
    share = {"feature": "deal_share", "value": 0.254, "cap": 1.0, "unit": SHARE, "description": ""}
    bundle["segments"][0]["typical"].append(share)
    visit.page.route("**/v1/bundle", lambda route: route.fulfill(json=bundle))
    visit.page.reload()
    row = visit.page.locator("#cards article").first.locator("tr").last
    expect(row).to_have_text("Share of purchases with a discount25\u00a0%")


def test_the_page_asks_nobody_but_its_server(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    assert visit.hosts == {urlsplit(site.url).netloc}
    assert visit.problems == []


def test_a_customer_is_found_by_id_and_told_in_words(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    visit.page.get_by_label("Customer's id").fill("c1")
    visit.page.keyboard.press("Enter")
    found = visit.page.locator("#found")
    expect(found).to_contain_text("Customer c1 is Segment 0")
    expect(found).to_contain_text("30 June 2014")
    assert visit.problems == []


@pytest.mark.parametrize("width", [390, 1280])
def test_where_a_found_customer_was_is_told_the_newest_first(
    site, open_page: OpenPage, width: int
) -> None:
    visit = open_page(site.url, width=width)
    visit.page.get_by_label("Customer's id").fill("c1")
    visit.page.keyboard.press("Enter")
    rows = visit.page.locator("#found table tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("30 June 2014")
    expect(rows.nth(0)).to_contain_text("Segment 0moved from Segment 2")
    expect(rows.nth(1)).to_contain_text("31 May 2014")
    expect(rows.nth(1)).not_to_contain_text("moved")
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert visit.page.evaluate(overflow) == 0
    assert visit.problems == []


def test_answers_of_another_artifact_are_told_to_be_so(
    bundle: Path, stored: Path, history: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    trial = tmp_path / "trial.parquet"
    pl.read_parquet(stored).with_columns(artifact_version=pl.lit("trial")).write_parquet(trial)
    with serving(bundle, tmp_path, "--segments", trial, "--history", history) as server:
        visit = open_page(server.url)
        expect(visit.page.locator("#segments-message")).to_contain_text(
            "answered by artifact trial"
        )
        expect(visit.page.locator("#cards")).not_to_contain_text("of customers")
        visit.page.get_by_label("Customer's id").fill("c1")
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator("#found .problem")).to_contain_text("of artifact trial, and not")
        assert visit.problems == []


def test_a_customer_who_is_not_there_is_told_plainly(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    visit.page.get_by_label("Customer's id").fill("../<b>nobody</b>")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#found")).to_contain_text("There is no such customer")
    expect(visit.page.locator("#found b")).to_have_count(0)


def test_a_slider_moved_by_keyboard_changes_the_segment(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    visit.page.locator("#starts").get_by_role("button", name="Segment 2").press("Enter")
    line = visit.page.locator("#verdict-line strong")
    expect(line).to_have_text("Segment 2")
    slider = visit.page.get_by_label("Yearly income, slider")
    number = visit.page.get_by_label("Yearly income", exact=True)
    slider.press("ArrowRight")
    assert number.input_value() == slider.input_value() != "35313"
    visit.page.get_by_label("Purchases with a discount, slider").press("Home")
    expect(line).not_to_have_text("Segment 2")
    assert visit.problems == []


def test_the_smallest_change_that_is_told_moves_the_customer(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    visit.page.locator("#starts").get_by_role("button", name="Segment 2").click()
    told = visit.page.locator(".change")
    words = "4 fewer purchases with a discount would make this customer Segment 1."
    expect(told).to_have_text(words)
    deals = visit.page.get_by_label("Purchases with a discount", exact=True)
    deals.fill(str(int(deals.input_value()) - 4))
    expect(visit.page.locator("#verdict-line strong")).to_have_text("Segment 1")


def test_another_start_fills_the_form(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    visit.page.get_by_role("button", name="Try changes, from Segment 2").click()
    expect(visit.page.locator("#verdict-line strong")).to_have_text("Segment 2")
    pressed = visit.page.locator("#starts").get_by_role("button", name="Segment 2")
    expect(pressed).to_have_attribute("aria-pressed", "true")


def test_a_wrong_value_is_told_beside_its_field(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    income = visit.page.get_by_label("Yearly income", exact=True)
    income.fill("-5")
    problem = visit.page.locator("#field-income-problem")
    expect(problem).to_have_text("Negative: give a number from 0 to 1,000,000,000,000.")
    expect(income).to_have_attribute("aria-invalid", "true")
    income.fill("")
    expect(problem).to_contain_text("Missing")
    income.fill("40000")
    expect(problem).to_have_text("")
    expect(visit.page.locator("#verdict-more table")).to_be_visible()


def test_a_file_is_scored_and_its_results_downloaded(
    site, open_page: OpenPage, tmp_path: Path
) -> None:
    visit = open_page(site.url)
    rows = [f"{number},{GOOD}" for number in range(50)]
    sheet = "\n".join([f"{HEADER},{BOUGHT}", *rows, f"wrong,{GOOD.replace('50000', '-1')}", ""])
    _drop(visit, "customers.csv", sheet)
    expect(visit.page.get_by_role("progressbar")).to_be_visible()
    expect(visit.page.locator("#jobs")).to_contain_text(
        "51 rows, of which 1 rejected", timeout=SLOW
    )
    lines = _downloaded(visit, "Download results", tmp_path)
    assert len(lines) == 51
    assert lines[1].startswith("0,")
    assert "wrong" in "".join(_downloaded(visit, "Download rejected rows", tmp_path)[1:])
    visit.page.reload()
    expect(visit.page.locator("#jobs")).to_contain_text("customers.csv")
    assert visit.problems == []


def test_what_is_pressed_while_a_file_waits_is_not_taken_away(
    bundle: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    with serving(bundle, tmp_path, "--job-workers", "0") as server:
        visit = open_page(server.url)
        polled: list[str] = []
        visit.page.on("response", lambda told: polled.append(told.url))
        _drop(visit, "one.csv", f"{HEADER},{BOUGHT}\n1,{GOOD}\n")
        cancel = visit.page.get_by_role("button", name="Cancel, one.csv")
        expect(visit.page.locator("#jobs")).to_contain_text("Waiting")
        cancel.focus()
        polled.clear()
        while len(polled) < 2:
            visit.page.wait_for_timeout(100)
        expect(cancel).to_be_focused()
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator("#jobs")).to_contain_text("Cancelled", timeout=SLOW)
        expect(cancel).to_have_count(0)


def test_a_file_of_another_kind_is_refused_before_it_is_sent(site, open_page: OpenPage) -> None:
    visit = open_page(site.url)
    _drop(visit, "customers.pdf", "x")
    expect(visit.page.locator("#file-message")).to_contain_text("choose a CSV")


def test_the_key_is_asked_for_once_and_kept_in_the_tab(
    bundle: Path, stored: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    key = add_key(keys, "marketing", ("score", "read"))
    with serving(bundle, tmp_path, "--segments", stored, "--keys", keys) as server:
        visit = open_page(server.url, wait=False)
        dialog = visit.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        visit.page.keyboard.press("Escape")
        expect(visit.page.locator("#segments-message")).to_contain_text("asks for an API key")
        expect(visit.page.locator("#cards article")).to_have_count(0)
        visit.page.reload()
        expect(dialog).to_be_visible()
        _check(visit)
        visit.page.get_by_label("Key", exact=True).fill("cs_wrong")
        visit.page.keyboard.press("Enter")
        expect(dialog).to_contain_text("does not know this key")
        visit.page.get_by_label("Key", exact=True).fill(key)
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator("#cards article")).to_have_count(3)
        expect(dialog).to_be_hidden()
        visit.page.get_by_label("Customer's id").fill("c1")
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator("#found")).to_contain_text("Customer c1 is Segment 0")
        kept = "[localStorage.length, sessionStorage.getItem('segmentation-key'), document.cookie]"
        assert visit.page.evaluate(kept) == [0, key, ""]
        _drop(visit, "one.csv", f"{HEADER},{BOUGHT}\n1,{GOOD}\n")
        expect(visit.page.locator("#jobs")).to_contain_text("1 rows", timeout=SLOW)
        assert len(_downloaded(visit, "Download results", tmp_path)) == 2


def test_a_server_that_went_away_is_told(bundle: Path, open_page: OpenPage, tmp_path: Path) -> None:
    with serving(bundle, tmp_path) as server:
        visit = open_page(server.url)
        expect(visit.page.locator("#segments-message")).to_contain_text("No batch run has stored")
        server.stop()
        visit.page.get_by_label("Yearly income", exact=True).fill("1000")
        expect(visit.page.locator("#verdict-line")).to_contain_text("The server does not answer")


@pytest.mark.parametrize("root_path", ["/shop", ""])
def test_behind_a_proxy_that_takes_a_prefix_off_everything_works(
    bundle: Path, tables: list[str | Path], open_page: OpenPage, tmp_path: Path, root_path: str
) -> None:
    options = [*tables, "--root-path", root_path]
    with (
        serving(bundle, tmp_path, *options) as server,
        proxied(server.url, "/shop", tmp_path / "nginx") as url,
    ):
        visit = open_page(f"{url}/")
        expect(visit.page.locator("#cards article")).to_have_count(3)
        visit.page.get_by_label("Customer's id").fill("c1")
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator("#found")).to_contain_text("Customer c1 is Segment 0")
        _drop(visit, "one.csv", f"{HEADER},{BOUGHT}\n1,{GOOD}\n")
        expect(visit.page.locator("#jobs")).to_contain_text("1 rows", timeout=SLOW)
        assert len(_downloaded(visit, "Download results", tmp_path)) == 2
        visit.page.locator("#campaign").scroll_into_view_if_needed()
        expect(visit.page.locator("#plan-rest svg.plot")).to_be_visible()
        visit.page.get_by_role("link", name="For programs").click()
        expect(visit.page.locator("#answer_customers")).to_be_visible()
        visit.page.get_by_role("link", name="The page").click()
        expect(visit.page.locator("#cards article")).to_have_count(3)
        assert visit.problems == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_everybody_can_use_the_page(site, open_page: OpenPage, scheme: str) -> None:
    visit = open_page(site.url, scheme=scheme)
    visit.page.get_by_label("Customer's id").fill("c1")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("#found dl")
    for width, height in SIZES:
        visit.page.set_viewport_size({"width": width, "height": height})
        _check(visit)
    visit.page.get_by_label("Teenagers at home", exact=True).fill("-1")
    visit.page.wait_for_selector(".field-problem:not(:empty)")
    _check(visit)


@pytest.mark.parametrize(("scheme", "size"), [*zip(SCHEMES, SIZES, strict=True)])
def test_everybody_can_read_the_documentation(
    site, open_page: OpenPage, scheme: str, size: tuple[int, int]
) -> None:
    width, height = size
    visit = open_page(f"{site.url}/docs", width=width, height=height, scheme=scheme, wait=False)
    expect(visit.page.locator("#answer_customers")).to_be_visible()
    _check(visit)
    assert visit.problems == []
    assert visit.hosts == {urlsplit(site.url).netloc}


def test_a_file_of_the_page_is_not_sent_again_while_it_is_the_same(site) -> None:
    for path, media_type in (
        ("/", "text/html; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/page.js", "text/javascript; charset=utf-8"),
    ):
        first = httpx.get(site.url + path)
        assert first.headers["content-type"] == media_type
        assert first.headers["cache-control"] == "no-cache"
        again = httpx.get(site.url + path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["page.html", "__init__.py", "docs.html.jinja", "..%2Fapp.py"])
def test_nothing_else_of_the_package_is_given_out(site, name: str) -> None:
    assert httpx.get(f"{site.url}/page/{name}").status_code == 404


def _check(visit: Visit) -> None:
    found = Axe().run(visit.page)
    assert found.violations_count == 0, found.generate_report()
    inner = "[document.documentElement.scrollWidth, window.innerWidth]"
    width, seen = visit.page.evaluate(inner)
    assert width <= seen


def _drop(visit: Visit, name: str, text: str) -> None:
    """Let go of a file above the drop zone, as a mouse does."""
    moved = visit.page.evaluate_handle(
        """([name, text]) => {
          const moved = new DataTransfer();
          moved.items.add(new File([text], name));
          return moved;
        }""",
        [name, text],
    )
    visit.page.dispatch_event("#drop", "drop", {"dataTransfer": moved})


def _downloaded(visit: Visit, button: str, folder: Path) -> list[str]:
    # A row counts the file's rows before the job is done, and there is nothing to download yet.
    results = visit.page.get_by_role("button", name=button)
    expect(results).to_be_visible(timeout=SLOW)
    with visit.page.expect_download(timeout=SLOW) as download:
        results.click()
    path = folder / "downloaded"
    download.value.save_as(path)
    return path.read_text(encoding="utf-8").splitlines()
