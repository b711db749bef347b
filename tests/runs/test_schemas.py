"""Other companies' files: from a stranger's export to a report, and the shipped schemas."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.proposal.strangers import Stranger, credit_cards, mall, superstore, telecom
from tests.runs.project import Project

FOLDER = "SEGMENTATION_REAL_FOLDER"
WORDS_OF_THE_DEFAULT = ("wine", "two years", "household", "small children")


def shoe_shop(path: Path, customers: int = 240) -> Path:
    """As Excel writes it in German: semicolons, decimal commas, euros, and headers of their own."""
    draw = random.Random(7)  # noqa: S311 - no secret
    lines = ["Kundennummer;Umsatz Schuhe;Umsatz Taschen;Umsatz Gürtel;Anzahl Bestellungen;Ort"]
    for number in range(customers):
        base = draw.choice((20.0, 300.0, 900.0))
        spent = (f"{base * draw.uniform(0.8, 1.2):.2f}".replace(".", ",") + " €" for _ in range(3))
        town = draw.choice(("Köln", "Bonn", "Aachen"))
        lines.append(f"K{number:05};{';'.join(spent)};{int(base / 20) + draw.randint(1, 3)};{town}")
    path.write_text("\r\n".join([*lines, ""]), encoding="utf-8-sig")
    return path


def test_a_strangers_export_becomes_a_report_in_two_commands(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_project.make_quick()
    file = shoe_shop(new_project.root / "kunden.csv")
    proposed = new_project.kedro("propose", str(file))
    assert proposed.exit_code == 0, proposed.output
    for words in (
        "key customer_id",
        "money umsatz_schuhe",
        "count anzahl_bestellungen",
        "category ort",
        "Next: SEGMENTATION_SCHEMA=kunden",
    ):
        assert words in proposed.output
    monkeypatch.setenv("SEGMENTATION_SCHEMA", "kunden")
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(file))
    ran = new_project.run()
    assert ran.exit_code == 0, ran.output
    assert "240 rows, 240 customers kept (100 %)" in ran.output
    silver = pd.read_parquet(new_project.root / "data/silver/customers.parquet")
    assert {*silver["ort"]} == {"koln", "bonn", "aachen"}
    assert silver["umsatz_schuhe"].between(16.0, 1080.0).all()
    report = (new_project.root / "data/reporting/report.html").read_text()
    assert [words for words in WORDS_OF_THE_DEFAULT if words in report] == []
    again = new_project.kedro("propose", str(file))
    assert again.exit_code == 1
    assert "is there already" in again.output


def test_what_only_a_person_knows_is_asked_and_a_run_waits_for_it(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{n};{1950 + n % 50};{n * 37 % 900},5" for n in range(1, 60)]
    file = new_project.root / "members.csv"
    file.write_text("\n".join(["id;year of birth;spend", *rows, ""]))
    proposed = new_project.kedro("propose", str(file))
    assert "which day is the file of?" in proposed.output
    monkeypatch.setenv("SEGMENTATION_SCHEMA", "members")
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(file))
    refused = new_project.run()
    assert refused.exit_code == 1
    assert "`customers.as_of`: Field required" in refused.output


@pytest.mark.parametrize(
    ("stranger", "says"),
    [
        (credit_cards(), "300 rows, 300 customers kept (100 %)"),
        (telecom(), "500 rows, 498 customers kept"),
        (superstore(), "900 rows, 900 used as order lines of 64 customers"),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_exports_of_other_trades_become_a_report(
    new_project: Project, monkeypatch: pytest.MonkeyPatch, stranger: Stranger, says: str
) -> None:
    new_project.make_quick()
    file = new_project.root / stranger.name
    file.write_bytes(stranger.content)
    day = ["--as-of", "2024-01-31"] if stranger.asked else []
    proposed = new_project.kedro("propose", str(file), "--out", "theirs.yml", *day)
    assert proposed.exit_code == 0, proposed.output
    assert "Answer in" not in proposed.output
    monkeypatch.setenv("SEGMENTATION_SCHEMA", str(new_project.root / "theirs.yml"))
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(file))
    ran = new_project.run()
    assert ran.exit_code == 0, ran.output
    assert says in ran.output
    report = (new_project.root / "data/reporting/report.html").read_text()
    assert [words for words in WORDS_OF_THE_DEFAULT if words in report] == []


def test_a_table_of_four_hundred_columns_becomes_a_report(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_project.make_quick()
    draw = random.Random(3)  # noqa: S311 - no secret
    lines = [",".join(["customer_number", *(f"spend_on_{n}" for n in range(400))])]
    for number in range(60):
        base = draw.choice((1.0, 5.0, 20.0))
        spent = (f"{draw.expovariate(1.0 / (base * (1 + n % 7))):.2f}" for n in range(400))
        lines.append(",".join([str(number), *spent]))
    file = new_project.root / "wide.csv"
    file.write_text("\n".join([*lines, ""]))
    proposed = new_project.kedro("propose", str(file), "--as-of", "2024-01-31")
    assert proposed.exit_code == 0, proposed.output
    monkeypatch.setenv("SEGMENTATION_SCHEMA", "wide")
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(file))
    ran = new_project.run()
    assert ran.exit_code == 0, ran.output
    assert "60 rows, 60 customers kept (100 %)" in ran.output
    assert "Columns read: 401 of 401" in ran.output


def test_parts_of_one_export_are_proposed_together_and_corrected(new_project: Project) -> None:
    header, *rows = mall().content.decode().splitlines()
    parts = [new_project.root / name for name in ("north.csv", "south.csv")]
    for part, lines in zip(parts, (rows[:90], rows[90:]), strict=True):
        part.write_text("\n".join([header, *lines, ""]))
    proposed = new_project.kedro("propose", *map(str, parts), "--kind", "Age=category")
    assert proposed.exit_code == 0, proposed.output
    assert "put these files in a folder" in proposed.output
    schema = (new_project.root / "conf/schemas/north.yml").read_text()
    assert "# Proposed from north.csv, south.csv, 200 customers" in schema
    assert "segment_features: [annual_income, spending_score]" in schema


def test_files_of_two_tables_are_told_apart(new_project: Project) -> None:
    files = []
    for stranger in (mall(), superstore()):
        files.append(new_project.root / stranger.name)
        files[-1].write_bytes(stranger.content)
    refused = new_project.kedro("propose", *map(str, files))
    assert refused.exit_code == 1
    assert "Mall_Customers.csv (customers); Superstore.csv (order lines)" in refused.output
    wrong = new_project.kedro("propose", str(files[0]), "--kind", "Alter=count")
    assert "there is no column 'Alter'" in wrong.output
    assert not (new_project.root / "conf/schemas/mall_customers.yml").exists()


def test_customers_are_made_of_order_lines(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_project.make_quick()
    draw = random.Random(3)  # noqa: S311 - no secret
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    lines = []
    for customer in range(60):
        for order in range(1 + customer % 5):
            day = f"2011-{draw.randint(1, 11):02}-{draw.randint(1, 28):02} 10:00:00"
            amount = draw.choice((2, 5, 40))
            line = f"{amount},{day},{1 + customer % 3}.5,{customer},UK"
            articles = ("A", "B", "C")[: 1 + (customer + order) % 3]
            lines += [f"{customer}{order},{article},cup,{line}" for article in articles]
    # Sent back, before the window, without a customer, and twice.
    lines += ["C1,A,cup,-2,2011-05-05 10:00:00,2.5,1,UK", "9,A,cup,1,2010-03-01 10:00:00,2,1,UK"]
    lines += ["8,A,cup,1,2011-03-01 10:00:00,2,,UK", lines[0]]
    file = new_project.root / "lines.csv"
    file.write_text("\n".join([header, *lines, ""]))
    monkeypatch.setenv("SEGMENTATION_SCHEMA", "online_retail")
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(file))
    ran = new_project.run()
    assert ran.exit_code == 0, ran.output
    used, rows = len(lines) - 3, len(lines)
    assert f"{rows} rows, {used} used as order lines of 60 customers" in ran.output
    assert "2 left out (1 of them outside the window), 1 repeats removed" in ran.output
    few = "48 customers bought something on two days or more, and 50 are needed to learn from"
    assert f"Left out: what customers are worth: {few}." in ran.output
    values = pd.read_parquet(new_project.root / "data/gold/lifetime_value.parquet")
    assert values["customer_id"].nunique() == 60
    assert values["lifetime_value"].isna().all()
    silver = pd.read_parquet(new_project.root / "data/silver/customers.parquet")
    silver = silver.set_index("customer_id")
    assert silver["lines"].sum() == used
    assert silver["orders"].sum() == sum(1 + customer % 5 for customer in range(60)) + 1
    assert silver.loc["1", "spend_refunded"] == 5.0
    one = [line.split(",") for line in lines if line.split(",")[6] == "7"]
    expected = sum(int(cells[3]) * float(cells[5]) for cells in one)
    assert silver.loc["7", "spend_bought"] == pytest.approx(expected)
    assert str(silver.loc["7", "last_order_on"])[:10] == max(cells[4] for cells in one)[:10]


VINEYARD = """
as_of: 2025-06-30
money: {unit: euros, period: a year}
orders:
  window_days: 365
  time: sold_on
  columns:
    customer_id: {kind: key, headers: [member]}
    receipt: {kind: text}
    sold_on: {kind: date, earliest: 2015-01-01}
    bottles: {kind: count}
    price: {kind: money}
    # Of the file of members.
    income: {kind: money, headers: [Einkommen]}
    joined_on: {kind: date, headers: [Beitritt], earliest: 2015-01-01}
    region: {kind: category, headers: [Region], categories: &regions {koln: ["Köln"], bonn: []}}
columns:
  customer_id: {kind: key}
  spend: {kind: money, aggregate: sum(bottles * price), from_purchases: true}
  visits: {kind: count, aggregate: distinct(receipt), from_purchases: true}
  income: {kind: money, aggregate: last(income), at_sign_up: true}
  joined_on: {kind: date, aggregate: last(joined_on), earliest: 2015-01-01}
  region: {kind: category, aggregate: last(region), categories: *regions, at_sign_up: true}
features:
  tenure: {formula: as_of - joined_on, unit: days}
roles: {spend: spend, income: income, purchases: visits}
segment_features: [income, spend, tenure]
sign_up_features: [income]
"""


def test_order_lines_get_what_a_file_of_customers_knows(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_project.make_quick()
    draw = random.Random(5)  # noqa: S311 - no secret
    lines = ["receipt,member,sold_on,bottles,price"]
    members = ["member;Einkommen;Beitritt;Region"]
    for number in range(62):
        income = draw.choice((20_000, 60_000, 90_000)) + number
        town = ("Köln", "Bonn")[number % 2]
        # Nobody knows the last two, and the first two have bought nothing.
        if number < 60:
            members.append(f"{number:05};{income};2019-03-{1 + number % 28:02};{town}")
        price = income / 1000
        lines += [
            f"R{number}-{visit},{number:05},2025-0{1 + visit}-07,{draw.randint(1, 9)},{price}"
            for visit in range(1 + number % 4)
            if number > 1
        ]
    root = new_project.root
    (root / "lines.csv").write_text("\n".join([*lines, ""]))
    (root / "members.csv").write_text("\r\n".join([*members, ""]), "utf-8-sig")
    (root / "vineyard.yml").write_text(VINEYARD)
    monkeypatch.setenv("SEGMENTATION_SCHEMA", str(root / "vineyard.yml"))
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(root / "lines.csv"))
    monkeypatch.setenv("SEGMENTATION_CUSTOMERS", str(root / "members.csv"))
    rows = len(lines) - 1
    told = (
        f"lines.csv with members.csv: {rows} rows, {rows - 3} used as order lines of 58 customers",
        "Left out most often for: income: missing (3)",
        "Warning: 2 of 60 customers in members.csv have no line",
        "Warning: 3 rows have a `member` that is not in members.csv: its columns are empty",
    )
    checked = new_project.kedro("check", str(root / "lines.csv"))
    ran = new_project.run("--params=preprocessing.max_left_out=0.1")
    for done in (checked, ran):
        assert done.exit_code == 0, done.output
        assert [words for words in told if words not in done.output] == []
    silver = pd.read_parquet(root / "data/silver/customers.parquet").set_index("customer_id")
    sent = pd.read_csv(root / "members.csv", sep=";", dtype={"member": str}).set_index("member")
    sent = sent.loc[silver.index]
    assert (silver["income"] == sent["Einkommen"]).all()
    assert (silver["joined_on"] == pd.to_datetime(sent["Beitritt"])).all()
    assert [*silver["region"]] == [{"Köln": "koln"}.get(town, "bonn") for town in sent["Region"]]
    # A change of the file of members is a change of the source.
    first = (root / "data/bronze/customers.parquet").read_bytes()
    (root / "members.csv").write_text("\n".join([*members[:-1], ""]))
    again = new_project.run("--pipelines=ingestion")
    assert "Warning: 7 rows have a `member`" in again.output
    assert (root / "data/bronze/customers.parquet").read_bytes() != first


def test_customers_beside_a_source_of_customers_are_refused_in_one_line(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_CUSTOMERS", "members.csv")
    for command in (["run"], ["check", "data/sample/customers.csv"]):
        refused = new_project.kedro(*command)
        assert refused.exit_code == 1
        assert "has no `orders`: unset it, or set SEGMENTATION_SCHEMA" in refused.output
        assert len(refused.output.splitlines()) == 1


def test_eleven_customers_with_a_category_get_a_report(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_project.make_quick()
    header = "Channel,Region,Fresh,Milk,Grocery,Frozen,Detergents_Paper,Delicassen"
    spent = [
        f"{n * 311 % 97},{n * 57 % 41},{n * 23 % 19},{n * 7},{n * n},{90 - n}" for n in range(11)
    ]
    rows = [f"{1 + n % 2},{1 + n % 3},{spends}" for n, spends in enumerate(spent)]
    file = new_project.root / "clients.csv"
    file.write_text("\n".join([header, *rows, ""]))
    monkeypatch.setenv("SEGMENTATION_SCHEMA", "wholesale")
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(file))
    scaling = {"spend_total": {"log": True}, "sector": {"weight": 3}}
    names = ["spend_total", "spend_frozen", "sector"]
    # Without a spend, segments are named by their features.
    new_project.declare({"segment_features": names, "scaling": scaling, "roles": {"spend": ""}})
    ran = new_project.run()
    assert ran.exit_code == 0, ran.output
    assert (
        "Fewer segments were tried than the 4 of clustering.k.maximum: there are 11" in ran.output
    )
    assert "mostly hospitality" in ran.output.lower()
    report = (new_project.root / "data/reporting/report.html").read_text()
    # Of 5 numbers that count, the sector is 3.
    assert re.search(r">Sector</th><td class=\"number\">60\W%</td>", report)
    assert "Sector: hospitality" in report


@pytest.mark.parametrize(
    ("schema", "name", "says"),
    [
        ("wholesale", "wholesale_customers.csv", "There are no groups here"),
        ("hillstrom", "hillstrom.csv", "64,000 customers kept (100 %)"),
        ("online_retail", "online_retail_sample.csv", "order lines of"),
    ],
)
def test_a_shipped_schema_reads_its_public_file(
    new_project: Project, monkeypatch: pytest.MonkeyPatch, schema: str, name: str, says: str
) -> None:
    file = Path(os.environ.get(FOLDER, "")) / name
    if FOLDER not in os.environ or not file.is_file():
        pytest.skip(f"{name} is not shipped: set {FOLDER} to its folder")
    new_project.make_quick()
    monkeypatch.setenv("SEGMENTATION_SCHEMA", schema)
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(file))
    ran = new_project.run("--params=preprocessing.max_left_out=0.1")
    assert ran.exit_code == 0, ran.output
    assert says in ran.output
    report = (new_project.root / "data/reporting/report.html").read_text()
    assert [words for words in WORDS_OF_THE_DEFAULT if words in report] == []
