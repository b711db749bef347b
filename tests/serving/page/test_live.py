"""Customers who move while a person looks at the page, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.serving.page.conftest import OpenPage, Visit
from tests.serving.process import ServerProcess, serving
from tests.serving.watched import until

# Milliseconds: within seconds, but for a machine that has much else to do.
SLOW = 30_000
NAMES = ["Segment 0", "Segment 1", "Segment 2"]
Move = Callable[[Sequence[str]], None]


@pytest.fixture(scope="module")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the moves."""
    return tmp_path_factory.mktemp("moves")


@pytest.fixture(scope="module")
def site(
    bundle: Path, stored: Path, moves: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """Start a server beside a stream."""
    options = ["--segments", stored, "--moves", moves, "--job-workers", "0"]
    with serving(bundle, tmp_path_factory.mktemp("site"), *options) as started:
        yield started


@pytest.fixture
def move(moves: Path) -> Move:
    """Let customers move, as a stream does: a part with them all."""

    def moved(customers: Sequence[str]) -> None:
        number, now = len([*moves.iterdir()]) + 1, datetime.now(UTC)
        places = [place % 3 for place, _ in enumerate(customers)]
        rows = {
            "customer_id": customers,
            "from_segment": [f"s{place}" for place in places],
            "from_name": [NAMES[place] for place in places],
            "to_segment": [f"s{(place + 1) % 3}" for place in places],
            "to_name": [NAMES[(place + 1) % 3] for place in places],
        }
        table = pl.DataFrame(rows).with_columns(
            cause=pl.lit("data"),
            as_of=pl.lit(date(2011, 12, 9)),
            artifact_version=pl.lit("v"),
            recorded_at=pl.lit(now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
            run_id=pl.lit("stream-1"),
        )
        written = moves / f".writing-{number}"
        table.write_parquet(written)
        written.rename(moves / f"{number:08}.parquet")

    return moved


def test_who_moves_is_seen_within_seconds(site, open_page: OpenPage, move: Move) -> None:
    move(["anna"])
    visit = open_page(site.url)
    movers = visit.page.locator("#live-movers tr")
    expect(movers.first).to_contain_text("annaSegment 0\u2192 Segment 1What they did")
    expect(visit.page.get_by_role("link", name="Live")).to_be_visible()
    counts = visit.page.locator("#live-segments tr")
    expect(counts).to_have_count(3)
    expect(counts.first).to_contain_text("Segment 02")
    move(["bert"])
    expect(movers.first).to_contain_text("bert", timeout=SLOW)
    expect(movers.nth(1)).to_contain_text("anna")
    expect(visit.page.locator("#live-state")).to_contain_text("1 had moved since you opened")
    assert visit.problems == []


def test_nothing_changes_while_it_is_held(site, open_page: OpenPage, move: Move) -> None:
    move(["carl"])
    visit = open_page(site.url)
    movers = visit.page.locator("#live-movers")
    expect(movers).to_contain_text("carl")
    visit.page.get_by_role("button", name="Pause").press("Enter")
    expect(visit.page.locator("#live-state")).to_contain_text("Held")
    move(["dora"])
    visit.page.wait_for_timeout(2_500)
    expect(movers).not_to_contain_text("dora")
    visit.page.get_by_role("button", name="Go on").press("Enter")
    expect(movers).to_contain_text("dora", timeout=SLOW)


def test_the_list_waits_while_somebody_points_at_it(site, open_page: OpenPage, move: Move) -> None:
    move(["emil"])
    visit = open_page(site.url)
    movers = visit.page.locator("#live-movers")
    movers.locator("tr").first.hover()
    move(["fritz"])
    visit.page.wait_for_timeout(2_500)
    expect(movers).not_to_contain_text("fritz")
    visit.page.mouse.move(0, 0)
    expect(movers).to_contain_text("fritz", timeout=SLOW)


def test_whoever_asks_for_less_motion_starts_it_themselves(
    site, open_page: OpenPage, move: Move
) -> None:
    move(["gina"])
    # The page asks once, and the server looks for moves every now and then.
    until(lambda: "gina" in httpx.get(f"{site.url}/v1/moves").text or None)
    visit = open_page(site.url, wait=False)
    visit.page.emulate_media(reduced_motion="reduce")
    visit.page.reload()
    movers = visit.page.locator("#live-movers")
    expect(movers).to_contain_text("gina")
    move(["hugo"])
    visit.page.wait_for_timeout(2_500)
    expect(movers).not_to_contain_text("hugo")
    visit.page.get_by_role("button", name="Go on").click()
    expect(movers).to_contain_text("hugo", timeout=SLOW)


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
def test_everybody_can_read_it(
    site, open_page: OpenPage, move: Move, scheme: str, width: int
) -> None:
    move([f"{10_000 + number}" for number in range(12)])
    visit = open_page(site.url, scheme=scheme, width=width)
    expect(visit.page.locator("#live-movers tr")).to_have_count(8)
    visit.page.get_by_role("button", name="Pause").click()
    _check(visit)
    assert visit.problems == []


def _check(visit: Visit) -> None:
    found = Axe().run(visit.page)
    assert found.violations_count == 0, found.generate_report()
    inner = "[document.documentElement.scrollWidth, window.innerWidth]"
    width, seen = visit.page.evaluate(inner)
    assert width <= seen
