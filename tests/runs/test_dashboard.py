"""The dashboard: it shows what the run's tables hold, in every environment, to everybody."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import deltalake
import duckdb
import httpx
import pandas as pd
import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from customer_segmentation.bi.left import Left
from customer_segmentation.errors import UserError
from customer_segmentation.settings import CONFIG_LOADER_ARGS, CONFIG_LOADER_CLASS
from customer_segmentation.tables.history import Statement
from tests.runs.project import CHECKOUT, Project
from tests.services.s3 import S3Server
from tests.serving.process import ServerProcess, start
from tools.dashboard import page as pages
from tools.dashboard import tables as tables_of
from tools.dashboard.tables import Tables
from tools.dashboard.words import NONE
from tools.ports import free_port

BUCKET = "dashboard"
MOVED = 40
DAY = datetime(2014, 6, 30)  # noqa: DTZ001 - days have no zone


@pytest.fixture(scope="module")
def run(quick_run: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What a run leaves that knows of a day before, with a campaign planned and measured."""
    project = Project(tmp_path_factory.mktemp("dashboard") / "project")
    shutil.copytree(quick_run.root, project.root)
    gold = project.root / "data" / "gold"
    (now,) = (gold / "history").iterdir()
    rows = pl.read_parquet(now)
    statement = Statement("2026-01-01T12:00:00.000000Z", (DAY - timedelta(days=30)).date())
    other = {"high_value": "low_spend", "low_spend": "high_value"}
    places = pl.int_range(pl.len()) < MOVED
    before = rows.with_columns(
        as_of=pl.lit(DAY - timedelta(days=30)).cast(rows.schema["as_of"]),
        recorded_at=pl.lit(statement.recorded_at),
        segment=pl.when(places).then(pl.col("segment").replace(other)).otherwise("segment"),
    )
    before.write_parquet(gold / "history" / statement.part)
    result = project.run("--pipelines=history")
    assert result.exit_code == 0, result.output
    write_campaign(gold)
    return project


def write_campaign(gold: Path) -> None:
    planned = {
        "customer_id": ["1", "2", "3", "4"],
        "as_of": [DAY] * 4,
        "campaign": ["spring"] * 4,
        "campaign_day": [DAY] * 4,
        "segment": ["high_value"] * 4,
        "offer": ["voucher", "voucher", "voucher", ""],
        "channel": ["e_mail", "e_mail", "e_mail", ""],
        "cost": [3.0, 3.0, 3.0, 0.0],
        "expected_profit": [5.0, 4.5, 1.0, 0.0],
        "is_contacted": [1, 1, 0, 0],
        "in_hold_out": [0, 0, 1, 0],
        "why": ["chosen", "chosen", "held out", "no consent"],
    }
    pd.DataFrame(planned).to_parquet(gold / "campaign.parquet")
    part = {"campaign": "spring", "outcome": "answered", "offer": "", "cost": 600.0}
    numbers = ("incremental", "low", "high", "profit", "profit_low", "profit_high")
    whole = dict(zip(numbers, (49.0, 1.0, 93.0, -61.0, -589.0, 423.0), strict=True))
    results = [
        {**part, "level": "all", "segment": "", "contacted": 200, "held_out": 20, **whole},
        {
            **part,
            "level": "segment",
            "segment": "low_spend",
            "contacted": 9,
            "held_out": 1,
            **dict.fromkeys(numbers),
        },
    ]
    for row, verdict in zip(results, ("brought", "too few to tell"), strict=True):
        row["verdict"] = verdict
    pd.DataFrame(results).to_parquet(gold / "campaign_results.parquet")


def left_in(project: Project, environment: str) -> Left:
    loader = CONFIG_LOADER_CLASS(str(project.root / "conf"), env=environment, **CONFIG_LOADER_ARGS)
    return Left.of(project.root, loader)


def shown(project: Project, environment: str = "dev", **choices: str) -> str:
    """The text of the page, without its tags."""
    return text_of(pages.render(Tables(left_in(project, environment)), choices, is_served=True))


def text_of(page: str) -> str:
    without_tags = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return " ".join(without_tags.replace("\N{NO-BREAK SPACE}", " ").split())


def counted(project: Project, where: str = "TRUE") -> Any:
    gold = project.root / "data" / "gold"
    return (
        duckdb.sql(
            f"""SELECT COUNT(*) AS customers, AVG(f.spend_total) AS spend,
        AVG(CASE WHEN s.waits_for_offers = 'yes' THEN 1 ELSE 0 END) AS waiting,
        SUM(CASE WHEN affluence_tier = 'affluent' AND likely_to_spend >= 80 THEN 1 ELSE 0 END)
          AS likely
        FROM '{gold}/segments.parquet' AS s JOIN '{gold}/features.parquet' AS f
        USING (customer_id) WHERE {where}"""  # noqa: S608 - the test's own
        )
        .to_df()
        .iloc[0]
    )


@pytest.mark.parametrize(
    ("choices", "where"),
    [
        ({}, "TRUE"),
        ({"product": "wines"}, "product = 'wines'"),
        (
            {"segment": "high_value", "waits_for_offers": "no"},
            "segment = 'high_value' AND waits_for_offers = 'no'",
        ),
    ],
)
def test_figures_are_those_of_the_chosen_customers(
    run: Project, choices: dict[str, str], where: str
) -> None:
    text, expected = shown(run, **choices), counted(run, where)
    customers = f"{expected.customers:,.0f}"
    assert f"Customers {customers} in" in text
    assert f"Spend a customer {expected.spend:,.0f} monetary units in two years" in text
    assert f"Wait for offers {100 * expected.waiting:.0f} %" in text
    assert f"Affluent, likely to spend {expected.likely:,.0f} of {customers}" in text


def test_a_choice_is_of_one_page_alone_and_of_segments_alone(run: Project) -> None:
    tables = Tables(left_in(run, "dev"))
    with tables.answers({"product": "wines"}) as some, tables.answers({}) as everybody:
        sizes = [
            sum(row["customers"] for row in answers.view("current_segments"))
            for answers in (everybody, some, everybody)
        ]
    assert sizes[0] == sizes[2] == 2202 > sizes[1]
    text = text_of(pages.render(tables, {"product": "wines"}, is_served=True))
    assert "Segments 2,202 2014-06-30" in text


def test_what_is_no_choice_changes_nothing(run: Project) -> None:
    odd = {"product": "x' OR 1=1 --", "sql": "1", "customer_id": "0", "offer": ""}
    assert shown(run, **odd) == shown(run)


def test_segments_moves_campaign_quality_and_age_are_told(run: Project) -> None:
    text = shown(run)
    movers = len(pd.read_parquet(run.root / "data" / "gold" / "movers.parquet"))
    assert movers > MOVED / 4
    assert f"{movers} (" in text
    assert "Customers by day. " not in text
    assert "Planned: Spring, 30 June 2014" in text
    assert "Contacted 2 of 4 customers Held out 1 by chance, to measure it Cost 6" in text
    assert "Expected profit 10 monetary units" in text
    assert "The whole campaign 200 contacted, 20 held out Brought: 49 (1 to 93)" in text
    assert "Profit: -61 (-589 to 423) More answers" in text
    assert "although several were looked at" in text
    assert (
        f"Low-spend 9 contacted, 1 held out Brought: {NONE} Profit: {NONE} Too few to tell" in text
    )
    assert "Yearly income: missing 24" in text
    assert "Of 2,240 rows in customers.csv, 2,202 are customers (98 %)." in text
    assert "Segments 2,202 2014-06-30" in text
    assert "Moves not there yet" in text


def test_nobody_is_named(run: Project) -> None:
    page = pages.render(Tables(left_in(run, "dev")), {}, is_served=True)
    ids = pd.read_parquet(run.root / "data" / "gold" / "segments.parquet")["customer_id"]
    words = {*re.findall(r"\w+", text_of(page))}
    assert not {one for one in ids if len(one) > 4} & words


def test_without_campaign_and_with_one_day_the_page_says_how_to_get_more(
    quick_run: Project,
) -> None:
    text = shown(quick_run)
    assert "No campaign is planned yet: kedro run --pipeline=campaign_planning" in text
    assert "No campaign is measured yet" in text
    assert "The history has one day" in text


def test_without_segments_it_is_one_line(new_project: Project) -> None:
    with pytest.raises(UserError, match="dev has no gold_segments yet: kedro run --env=dev"):
        shown(new_project)


@pytest.mark.parametrize("name", ["wholesale", "online_retail", "hillstrom"])
def test_other_customers_are_shown_by_what_their_schema_has(
    name: str, new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_SCHEMA", name)
    left = left_in(new_project, "dev")
    columns = {column.name: [None, None] for column in left.tables["gold_segments"].columns}
    gold = new_project.root / "data" / "gold"
    gold.mkdir()
    known = {
        "customer_id": ["1", "2"],
        "segment": ["a", "a"],
        "segment_name": ["First <b>", "First <b>"],
        "margin": [0.05, 0.5],
    }
    pl.DataFrame(columns | known).write_parquet(gold / "segments.parquet")
    page = pages.render(Tables(left), {}, is_served=True)
    assert "<b>" not in page
    text = text_of(page)
    assert "Customers 2 in 1 segment" in text
    assert "Near a border 50 %" in text
    assert "What these customers cannot tell" in text
    assert "There is no history yet" in text


def test_a_page_as_a_file_needs_nothing_else(run: Project) -> None:
    page = pages.render(Tables(left_in(run, "dev")), {}, is_served=False)
    assert "<style>" in page
    assert not re.search(r"(?:src|href)=\"(?!#)", page)


def test_prods_delta_tables_are_read_without_java(run: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    shutil.copytree(run.root, project.root)
    gold = project.root / "data" / "gold"
    for file in gold.glob("*.parquet"):
        table = pl.read_parquet(file).to_arrow()
        if not any(str(field.type) == "null" for field in table.schema):
            deltalake.write_deltalake(f"{project.root}/data/prod/gold/{file.stem}", table)
    history = pl.read_parquet(gold / "history").to_arrow()
    deltalake.write_deltalake(f"{project.root}/data/prod/gold/history", history)
    text = shown(project, "prod")
    assert "prod, as of 30 June 2014" in text
    assert_same_figures(text, shown(run))
    assert "The account of rows is not here" in text


def test_stagings_tables_are_read_from_s3(
    run: Project, moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**moto_server.environment(), "SEGMENTATION_BUCKET": BUCKET}.items():
        monkeypatch.setenv(name, value)
    client = moto_server.client()
    client.create_bucket(Bucket=BUCKET)
    left = left_in(run, "staging")
    prefix = left.environment.roots["tables"].removeprefix(f"s3://{BUCKET}").strip("/")
    data = run.root / "data"
    for file in (data / "gold").rglob("*.parquet"):
        key = "/".join(filter(None, (prefix, file.relative_to(data).as_posix())))
        client.upload_file(str(file), BUCKET, key)
    text = shown(run, "staging")
    assert "staging, as of 30 June 2014" in text
    assert_same_figures(text, shown(run))


def assert_same_figures(one: str, other: str) -> None:
    """Segments to offers, and campaigns: what is of the tables alone."""
    for start_at, end in (("Show Segments", "Who moved Of"), ("Campaigns Planned", "Data quality")):
        parts = [text.partition(start_at)[2].partition(end)[0] for text in (one, other)]
        first, second = (part.partition("Who moved")[0] for part in parts)
        assert first == second
        assert len(first) > 100


def test_a_new_run_is_seen(run: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path / "project")
    shutil.copytree(run.root, project.root)
    tables = Tables(left_in(project, "dev"))
    before = pages.render(tables, {}, is_served=True)
    place = project.root / "data" / "gold" / "segments.parquet"
    pd.read_parquet(place).head(1000).to_parquet(place)
    assert pages.render(tables, {}, is_served=True) == before
    monkeypatch.setattr(tables_of, "_SECONDS", 0.0)
    assert "Customers 1,000 in" in text_of(pages.render(tables, {}, is_served=True))


def test_while_a_run_publishes_the_page_shows_what_was_there_before(
    run: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables_of, "_SECONDS", 0.0)
    tables = Tables(left_in(run, "dev"))
    with tables.answers({}) as before:
        pass
    monkeypatch.setattr(tables_of, "state_of", lambda _: "")
    with tables.answers({}) as during:
        assert during.known is before.known
    monkeypatch.setattr(tables_of, "state_of", lambda _: "another")
    with tables.answers({}) as after:
        assert after.known is not before.known


@pytest.fixture(scope="module")
def served(run: Project) -> Iterator[ServerProcess]:
    """The command of `make dashboard`, in the project."""
    port = free_port()
    command = [sys.executable, "-m", "tools.dashboard", "--port", str(port)]
    paths = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "src")])
    started = start(
        command, run.root, port=port, ready="/style.css", environment={"PYTHONPATH": paths}
    )
    yield started
    started.stop()


def test_only_its_own_name_is_answered_and_nothing_may_be_loaded(served: ServerProcess) -> None:
    answer = httpx.get(f"{served.url}/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert answer.headers["cache-control"] == "no-store"
    other = httpx.get(f"{served.url}/", headers={"host": "evil.example"})
    assert other.status_code == 421
    assert "Customer segments" not in other.text
    assert httpx.post(f"{served.url}/").status_code == 405
    assert httpx.get(f"{served.url}/docs").status_code == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_asks_nobody_else_and_has_no_barrier(
    served: ServerProcess, browser: Browser, width: int, scheme: Any
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    asked, told = set[str](), list[str]()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.on("console", lambda message: told.append(message.text))
    page.goto(f"{served.url}/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == {urlsplit(served.url).netloc}
    assert told == []
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_customers_are_chosen_by_keyboard(served: ServerProcess, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served.url}/")
    page.get_by_role("combobox", name="Product").focus()
    page.keyboard.type("Wines")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**product=wines**")
    assert chosen(page) == "wines"
    assert "these customers alone: Product: Wines" in page.inner_text("main")
    page.get_by_role("link", name="Show all").click()
    assert chosen(page) == ""
    context.close()


def chosen(page: Page) -> str:
    return page.get_by_role("combobox", name="Product").input_value()


def test_the_command_says_in_one_line_that_there_are_no_tables(run: Project) -> None:
    paths = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "src")])
    ended = subprocess.run(
        [sys.executable, "-m", "tools.dashboard", "--env=prod", "--write=page.html"],
        cwd=run.root,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1] == (
        "Error: prod has no gold_segments yet: kedro run --env=prod makes them"
    )
    assert not (run.root / "page.html").exists()
