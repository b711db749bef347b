"""The page of a bundle of another schema: its form, cards and answers in that schema's words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.serving.page.conftest import OpenPage
from tests.serving.process import ServerProcess, serving
from tests.serving.wholesale import PRODUCTS, SCHEMA, foreign, write_wholesale


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Start a server of the wholesaler's bundle."""
    folder = write_wholesale(tmp_path_factory.mktemp("wholesale"))
    with serving(folder, tmp_path_factory.mktemp("shop")) as started:
        yield started


def test_the_form_is_made_of_the_schemas_columns(shop: ServerProcess, open_page: OpenPage) -> None:
    page = open_page(shop.url).page
    expect(page.locator("#fields legend")).to_have_text(["Spend in a year"])
    labels = [SCHEMA.groups["product"][name].capitalize() for name in PRODUCTS]
    expect(page.locator("#fields label")).to_have_text(labels)


def test_a_client_is_moved_by_what_the_page_says(shop: ServerProcess, open_page: OpenPage) -> None:
    visit = open_page(shop.url)
    starts = visit.page.locator("#starts button")
    names = starts.all_inner_texts()
    assert len(names) == 3
    for number, name in enumerate(names):
        starts.nth(number).click()
        expect(visit.page.locator("#verdict-line strong")).to_have_text(name)
        expect(visit.page.locator("#verdict-more table")).to_contain_text("Spend on fresh products")
    assert visit.problems == []
    fresh = visit.page.get_by_label("Fresh products", exact=True)
    fresh.fill("-1")
    expect(visit.page.locator("#field-spend_fresh-problem")).to_contain_text("Negative")


def test_the_page_tells_nothing_of_another_schema(shop: ServerProcess, open_page: OpenPage) -> None:
    visit = open_page(shop.url)
    assert foreign(visit.page.content()) == []
    told = visit.page.locator("#segments-message")
    expect(told).to_contain_text("cold start")
