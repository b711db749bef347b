"""The form that proposes a schema, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from customer_segmentation.schema.schema import Schema
from tests.proposal.strangers import german_shop
from tests.serving.page.conftest import OpenPage


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "Kunden 2023.csv"
    path.write_bytes(german_shop().content)
    return path


def test_a_file_becomes_a_schema_that_is_corrected_and_downloaded(
    site, open_page: OpenPage, export: Path, tmp_path: Path
) -> None:
    visit = open_page(site.url)
    page = visit.page
    page.locator("#propose-chosen").set_input_files(export)
    rows = page.locator("#proposal tbody tr")
    expect(rows).to_have_count(6)
    expect(page.locator("#proposal ol li")).to_contain_text("Which day is the file of?")
    page.get_by_label("The day that the file is of").fill("2024-01-31")
    page.get_by_label("Kind of Ø Warenkorb").select_option("text")
    page.get_by_role("button", name="Propose again").click()
    expect(page.locator("#proposal ol")).to_have_count(0)
    expect(page.get_by_label("Kind of Ø Warenkorb")).to_have_value("text")
    with page.expect_download() as download:
        page.locator("#schema-link").click()
    assert download.value.suggested_filename == "kunden_2023.yml"
    saved = tmp_path / "saved.yml"
    download.value.save_as(saved)
    schema = Schema.model_validate(yaml.safe_load(saved.read_text(encoding="utf-8")))
    assert schema.as_of.isoformat() == "2024-01-31"
    assert "Ø Warenkorb" not in schema.aliases
    assert visit.problems == []


def test_what_cannot_be_read_is_told_and_mended(site, open_page: OpenPage, tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    lines = [f"C{n};{n * 7 % 90};{n % 11}" for n in range(50)]
    file.write_bytes("\n".join(["n° client;dépenses;visites", *lines]).encode("cp1252"))
    page = open_page(site.url).page
    page.locator("#propose-chosen").set_input_files(file)
    expect(page.locator("#propose-message")).to_contain_text("not UTF-8")
    page.get_by_label("Encoding of text").select_option("cp1252")
    page.get_by_role("button", name="Propose again").click()
    expect(page.locator("#schema")).to_contain_text("dépenses")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_everybody_can_use_the_form(
    site, open_page: OpenPage, export: Path, scheme: str, width: int
) -> None:
    page = open_page(site.url, width=width, scheme=scheme).page
    page.locator("#propose-chosen").set_input_files(export)
    expect(page.locator("#schema")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
