"""A real browser, a server with stored answers, and a page that notes whatever goes wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import polars as pl
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from customer_segmentation.bundles.bundle import MODELS
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.description import describe_bundle
from customer_segmentation.tables.history import Statement
from tests.serving.planned import Planned, campaign, some_candidates, write_campaign
from tests.serving.process import ServerProcess, serving

CHROMIUM = Path("/usr/bin/chromium")
# Chromium's sandbox and GPU are not there in a container.
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
# Asked for by the page of every server, also where there is none.
PERHAPS = ("/v1/audiences", "/v1/campaign", "/v1/moves")
OpenPage = Callable[..., "Visit"]
# A busy machine is no defect.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Visit:
    """A page, and everything that went wrong in it.

    Attributes:
        page: Playwright's.
        problems: Errors of scripts and of the console, breaches of the content policy included.
        hosts: Whom the page asked.
    """

    page: Page
    problems: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def note(self, message: ConsoleMessage) -> None:
        """Keep a message of the console that tells of something wrong."""
        if "404" in message.text and message.location["url"].endswith(PERHAPS):
            return
        if message.type in {"error", "warning"}:
            self.problems.append(message.text)


@pytest.fixture(scope="session")
def opened_bundle(bundle: Path) -> Bundle:
    """Read the bundle as the server does."""
    return Bundle(*((bundle / name).read_bytes() for name in MODELS))


@pytest.fixture(scope="session")
def stored(opened_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store an answer for the typical customer of each segment, twice for the first."""
    segments = describe_bundle(opened_bundle, None).segments
    records = [
        {**segment.customer, "customer_id": f"c{number}"}
        for number, segment in enumerate([segments[0], *segments])
    ]
    read = [opened_bundle.contract.read(record, "$") for record in records]
    answers = [msgspec.to_builtins(answer) for answer in opened_bundle.answer(read)]
    rows = [
        {"as_of": date(2014, 6, 30), "segment_id": 0, **answer}
        for answer in answers
        if answer.pop("model")
    ]
    path = tmp_path_factory.mktemp("gold") / "segments.parquet"
    pl.DataFrame(rows).sort("customer_id").write_parquet(path)
    return path


@pytest.fixture(scope="session")
def history(stored: Path) -> Path:
    """Beside the stored answers: everybody was in segment 2 a month before."""
    folder = stored.parent / "history"
    folder.mkdir()
    now = pl.read_parquet(stored).with_columns(run_id=pl.lit("run"))
    before = now.with_columns(
        as_of=pl.lit(date(2014, 5, 31)), segment=pl.lit("s2"), segment_name=pl.lit("Segment 2")
    )
    for day, rows in ((1, before), (2, now)):
        statement = Statement(f"2026-01-0{day}T12:00:00.000000Z", rows["as_of"][0])
        told = rows.with_columns(recorded_at=pl.lit(statement.recorded_at))
        told.write_parquet(folder / statement.part)
    return folder


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """Plan a campaign of three segments."""
    return write_campaign(tmp_path_factory.mktemp("planned"), some_candidates(2_000), campaign())


@pytest.fixture(scope="session")
def tables(stored: Path, history: Path, planned: Planned) -> list[str | Path]:
    """Options of a server that has stored answers, their history and a campaign."""
    return ["--segments", stored, "--history", history, *planned.options]


@pytest.fixture(scope="module")
def site(
    bundle: Path, tables: list[str | Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """Start a server of the bundle with all tables, without keys."""
    with serving(bundle, tmp_path_factory.mktemp("site"), *tables) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium, for a file alone: Playwright keeps an event loop running."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there, a browser of the system: make services")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open an address in a fresh profile, and wait until the page has asked what it wants."""
    contexts = []

    def opened(
        url: str, *, width: int = 1280, height: int = 900, scheme: str = "light", wait: bool = True
    ) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        visit = Visit(context.new_page())
        visit.page.on("console", visit.note)
        visit.page.on("pageerror", lambda error: visit.problems.append(str(error)))
        visit.page.on("request", lambda request: visit.hosts.add(urlsplit(request.url).netloc))
        visit.page.goto(url)
        if wait:
            visit.page.wait_for_selector("#verdict-more table")
        return visit

    yield opened
    for context in contexts:
        context.close()
