"""The Power BI project: every field that is used is there, and says what gold says."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pbir_utils
import pytest
from tmdlparser.data_model import TMDL
from tmdlparser.parse_tmdl import TMLDParser

from customer_segmentation.schema.file import read_schema
from customer_segmentation.tables.columns import gold_tables
from tests.marketing import FOLDER as SCHEMAS
from tools.deploy.powerbi import documents, model, report
from tools.deploy.powerbi.names import DATES, PROJECT, SEGMENTS, TABLES, label
from tools.deploy.project import tables

_TYPES = {
    "text": "string",
    "number": "double",
    "whole": "int64",
    "day": "dateTime",
    "moment": "dateTime",
}
_QUOTED = r"(?:'(?:[^']|'')+'|\w+)"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, written to a folder."""
    return write(documents(), tmp_path_factory.mktemp("powerbi"))


def write(files: dict[str, str], folder: Path) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder / "bi" / "powerbi"


def objects_of(project: Path) -> dict[str, tuple[TMDL, list[TMDL]]]:
    """Table -> itself, and its parts, as tmdl-parser reads them."""
    found = {}
    for file, (table,) in TMLDParser(str(project / f"{PROJECT}.pbip")).parse_all_tables().items():
        parts = [part for part in table.properties if isinstance(part, TMDL)]
        found[file.removesuffix(".tmdl")] = table, parts
    return found


def named(part: TMDL, kind: str) -> str:
    """The name of a part of this kind; '' for another."""
    match = re.match(rf"{kind} ({_QUOTED})", part.element)
    return match[1].strip("'").replace("''", "'") if match else ""


def fields_of(project: Path) -> set[tuple[str, str]]:
    """Every column and measure."""
    return {
        (table, name)
        for table, (_, parts) in objects_of(project).items()
        for part in parts
        for kind in ("column", "measure")
        if (name := named(part, kind))
    }


def test_each_gold_column_is_in_the_model_with_its_type_and_what_it_holds(project: Path) -> None:
    found = objects_of(project)
    for gold, table in TABLES.items():
        told, parts = found[table]
        assert told.description == tables()[gold].comment.strip("/ ")
        by_name = {named(part, "column"): part for part in parts}
        for column in tables()[gold].columns:
            part = by_name[label(column.name)]
            properties = [line.strip() for line in part.properties]
            assert part.description == column.comment.strip("/ ")
            assert f"dataType: {_TYPES[column.type]}" in properties
            assert f"sourceColumn: {column.name}" in properties
            assert "summarizeBy: none" in properties


def test_every_column_and_measure_has_a_description_and_an_id_of_its_own(project: Path) -> None:
    ids = []
    for _, parts in objects_of(project).values():
        for part in parts:
            if named(part, "column") or named(part, "measure"):
                assert part.description, part.element
                (tag,) = (one for one in map(str.strip, part.properties) if "lineageTag" in one)
                ids.append(tag)
    assert len(ids) == len(set(ids))


def test_each_field_that_a_visual_shows_is_in_the_model(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "fields.csv"
    pbir_utils.export_pbir_metadata_to_csv(str(project), str(file))
    with file.open(encoding="utf-8-sig") as text:
        used = {(row["Table"], row["Column or Measure"]) for row in csv.DictReader(text)}
    assert len(used) > 30
    assert used <= fields_of(project)


def test_each_field_that_a_measure_reads_is_in_the_model(project: Path) -> None:
    fields, measures = fields_of(project), dict[str, str]()
    for _, parts in objects_of(project).values():
        for part in parts:
            if name := named(part, "measure"):
                assert name not in measures
                measures[name] = part.element.partition(" = ")[2]
    assert len(measures) > 20
    for dax in [*measures.values(), model._IN_FORCE]:
        assert set(re.findall(r"'([^']+)'\[([^\]]+)\]", dax)) <= fields
        assert {table for table, _ in fields} >= set(re.findall(r"'([^']+)'", dax))
        assert set(re.findall(r"(?<!')\[([^\]]+)\]", dax)) <= {*measures}
        assert Counter(dax)["("] == Counter(dax)[")"]


def test_relations_join_columns_of_one_type_and_no_two_ways_lead_to_a_table() -> None:
    known = {TABLES[gold]: table for gold, table in tables().items() if gold in TABLES}
    known |= {SEGMENTS: tables()["gold_segment_profiles"]}

    def kind(table: str, name: str) -> str:
        of_day = table == DATES
        return "day" if of_day else next(c.type for c in known[table].columns if c.name == name)

    ways: dict[str, list[str]] = {}
    for relation in model.RELATIONS:
        assert kind(*relation.of) == kind(*relation.to)
        if relation.is_active:
            ways.setdefault(relation.of[0], []).append(relation.to[0])

    def reached(table: str) -> list[str]:
        return [one for to in ways.get(table, []) for one in (to, *reached(to))]

    for table in known:
        assert len(reached(table)) == len(set(reached(table))), table


def test_what_a_visual_is_divided_by_narrows_the_rows_that_its_measure_counts(
    project: Path,
) -> None:
    ways: dict[str, set[str]] = {}
    for one in filter(lambda each: each.is_active, model.RELATIONS):
        for start, end in [(one.to, one.of), *([(one.of, one.to)] if one.is_one else [])]:
            ways.setdefault(start[0], set()).add(end[0])
    divided = 0
    for file in (project / f"{PROJECT}.Report/definition/pages").glob("*/visuals/*/*.json"):
        used = [
            (kind, expression["Expression"]["SourceRef"]["Entity"])
            for role in json.loads(file.read_text())["visual"]["query"]["queryState"].values()
            for projection in role["projections"]
            for kind, expression in projection["field"].items()
        ]
        counted = {table for kind, table in used if kind == "Measure"}
        for table in {table for kind, table in used if kind == "Column"} if counted else ():
            divided += 1
            reached, new = {table}, {table}
            while new := {to for one in new for to in ways.get(one, ())} - reached:
                reached |= new
            assert counted <= reached, file
    assert divided > 10


def test_a_day_of_which_only_a_stream_has_told_is_counted_by_no_measure(project: Path) -> None:
    (in_force,) = (
        part.element
        for part in objects_of(project)[TABLES["gold_history"]][1]
        if named(part, "column") == "In force"
    )
    assert "NOT ISBLANK(Whole) &&" in in_force


def test_pbir_utils_finds_nothing_to_warn_of(project: Path) -> None:
    result = pbir_utils.validate_report(str(project / f"{PROJECT}.Report"))
    assert result.error_count == 0
    assert result.warning_count == 0


def test_visuals_are_on_the_page_beside_each_other_and_say_what_they_show(project: Path) -> None:
    for page in (project / f"{PROJECT}.Report/definition/pages").glob("*/page.json"):
        visuals = [json.loads(file.read_text()) for file in page.parent.glob("visuals/*/*.json")]
        assert len(visuals) >= 7
        places = [visual["position"] for visual in visuals]
        for place in places:
            assert 0 <= place["x"] <= place["x"] + place["width"] <= 1280
            assert 0 <= place["y"] <= place["y"] + place["height"] <= 720
        for one, other in combinations(places, 2):
            apart = any(
                a[at] + a[size] <= b[at]
                for a, b in ((one, other), (other, one))
                for at, size in (("x", "width"), ("y", "height"))
            )
            assert apart
        for visual in visuals:
            (general,) = visual["visual"]["visualContainerObjects"]["general"]
            assert general["properties"]["altText"]["expr"]["Literal"]["Value"].strip("'")


@pytest.mark.parametrize("name", ["wholesale", "online_retail", "hillstrom"])
def test_other_customers_get_a_project_of_their_own(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schema = read_schema(SCHEMAS / f"{name}.yml")
    for module in (model, report):
        monkeypatch.setattr(module, "schema", lambda: schema)
        monkeypatch.setattr(module, "tables", lambda: gold_tables(schema))
    project = write(documents(), tmp_path)
    file = tmp_path / "fields.csv"
    pbir_utils.export_pbir_metadata_to_csv(str(project), str(file))
    with file.open(encoding="utf-8-sig") as text:
        used = {(row["Table"], row["Column or Measure"]) for row in csv.DictReader(text)}
    assert used <= fields_of(project)
    # Lines of orders are no share of customers.
    is_share = (TABLES["gold_unsegmented"], "Share left out") in fields_of(project)
    assert is_share is (schema.orders is None)
    for path in texts_of(project):
        for table, column in re.findall(r"'([^']+)'\[([^\]]+)\]", path):
            assert (table, column) in fields_of(project)


def texts_of(project: Path) -> Iterator[str]:
    for file in (project / f"{PROJECT}.SemanticModel").rglob("*.tmdl"):
        yield from (line for line in file.read_text().splitlines() if "measure " in line)


def test_no_place_of_a_machine_and_no_secret_is_in_it(project: Path) -> None:
    text = (project / f"{PROJECT}.SemanticModel/definition/expressions.tmdl").read_text()
    values: dict[str, Any] = dict(re.findall(r'expression (\w+) = "(.*?)" meta', text))
    assert values == {
        "Source": "Folder",
        "Folder": "C:/gold",
        "Server": "",
        "HttpPath": "",
        "Database": "prod",
    }
