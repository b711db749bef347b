"""The report in PBIR: four pages over the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tools.deploy.powerbi.measures import measures
from tools.deploy.powerbi.names import DATES, PROJECT, SEGMENTS, TABLES, label
from tools.deploy.powerbi.visuals import (
    Field,
    Place,
    Visual,
    bars,
    card,
    lines,
    literal,
    matrix,
    slicer,
    table,
    visual_document,
    visual_name,
)
from tools.deploy.powerbi.writing import as_json
from tools.deploy.project import schema, tables

_SCHEMAS = "https://developer.microsoft.com/json-schemas/fabric/item/report"
_WIDTH, _HEIGHT, _EDGE, _GAP, _CARD = 1280, 720, 24, 16, 112
# The report's own colours, which are told apart by the colour-blind too.
_THEME = {
    "name": "Customer segments",
    "dataColors": ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"],
    "background": "#ffffff",
    "foreground": "#1b1f24",
    "tableAccent": "#0072b2",
}
_THEME_FILE = "customer_segments_theme.json"
_IMPORTED = "5.55"
Row = Sequence[Visual]


def report_documents() -> dict[str, str]:
    """The files of the report, by path in its folder."""
    pages = _pages()
    order = list(pages)
    documents: dict[str, Any] = {
        "definition.pbir": {
            "$schema": f"{_SCHEMAS}/definitionProperties/2.0.0/schema.json",
            "version": "4.0",
            "datasetReference": {"byPath": {"path": f"../{PROJECT}.SemanticModel"}},
        },
        f"StaticResources/RegisteredResources/{_THEME_FILE}": _THEME,
        "definition/version.json": {
            "$schema": f"{_SCHEMAS}/definition/versionMetadata/1.0.0/schema.json",
            "version": "2.0.0",
        },
        "definition/report.json": _report(),
        "definition/pages/pages.json": {
            "$schema": f"{_SCHEMAS}/definition/pagesMetadata/1.0.0/schema.json",
            "pageOrder": order,
            "activePageName": order[0],
        },
    }
    for name, (title, rows) in pages.items():
        documents |= _page(name, title, rows)
    return {path: as_json(content) for path, content in documents.items()}


def _report() -> dict[str, Any]:
    theme = {
        "name": _THEME_FILE,
        "reportVersionAtImport": _IMPORTED,
        "type": "RegisteredResources",
    }
    item = {"name": _THEME_FILE, "path": _THEME_FILE, "type": "CustomTheme"}
    return {
        "$schema": f"{_SCHEMAS}/definition/report/2.0.0/schema.json",
        "themeCollection": {"customTheme": theme},
        "objects": {"outspacePane": [{"properties": {"expanded": literal("false")}}]},
        "resourcePackages": [
            {"name": "RegisteredResources", "type": "RegisteredResources", "items": [item]}
        ],
        "settings": {"useStylableVisualContainerHeader": True},
    }


def _page(name: str, title: str, rows: Sequence[Row]) -> Iterator[tuple[str, Any]]:
    folder = f"definition/pages/{name}"
    yield (
        f"{folder}/page.json",
        {
            "$schema": f"{_SCHEMAS}/definition/page/2.0.0/schema.json",
            "name": name,
            "displayName": title,
            "displayOption": "FitToPage",
            "height": _HEIGHT,
            "width": _WIDTH,
        },
    )
    for number, (visual, place) in enumerate(_placed(rows)):
        file = f"{folder}/visuals/{visual_name(name, number)}/visual.json"
        yield file, visual_document(name, number, visual, place)


def _placed(rows: Sequence[Row]) -> Iterator[tuple[Visual, Place]]:
    """Each row across the page: the first one low, the others as high as the page lets them."""
    first, *others = rows
    high = (_HEIGHT - 2 * _EDGE - _CARD - _GAP * len(others)) // len(others)
    y = _EDGE
    for row, height in [(first, _CARD), *((row, high) for row in others)]:
        width = (_WIDTH - 2 * _EDGE - _GAP * (len(row) - 1)) // len(row)
        for number, visual in enumerate(row):
            yield visual, Place(_EDGE + number * (width + _GAP), y, width, height)
        y += height + _GAP


def _pages() -> dict[str, tuple[str, list[Row]]]:
    """Name -> title and rows of visuals; what the schema's tables lack is left out."""
    figures = {one.name: Field(one.table, one.name) for one in measures(schema(), tables())}
    segment = Field(SEGMENTS, "Segment name", "Column")
    customers = figures["Customer count"]

    def known(*names: str) -> list[Visual]:
        return [card(figures[name]) for name in names if name in figures]

    def column(gold: str, name: str) -> Field:
        return Field(TABLES[gold], label(name), "Column")

    decided = {c.name for c in tables()["gold_segments"].columns}
    offered = [name for name in ("offer", "product", "channel") if name in decided]
    spend = [figures[n] for n in ("Share of spend", "Share who wait for offers") if n in figures]
    causes, why = column("gold_movers", "cause"), column("gold_campaign", "why")
    result = [
        column("gold_campaign_results", name)
        for name in (
            *("outcome", "level", "segment", "offer", "contacted", "held_out"),
            *("incremental", "low", "high", "profit", "profit_low", "profit_high", "verdict"),
        )
    ]
    return {
        "overview": (
            "Segments",
            [
                [
                    slicer(segment),
                    *known(
                        "Customer count",
                        "Spend a customer",
                        "Share who wait for offers",
                        "Affluent likely spenders",
                        "Data as of",
                    ),
                ],
                [
                    bars("Customers by segment", segment, customers),
                    *(bars(f"{f.name} by segment", segment, f) for f in spend),
                ],
                [
                    matrix(
                        f"Customers by segment and {name}",
                        segment,
                        column("gold_segments", name),
                        customers,
                    )
                    for name in offered
                ]
                or [bars("Near a border", segment, figures["Share near a border"])],
            ],
        ),
        "flow": (
            "Who moved",
            [
                known("Customers who moved", "Share who moved", "Moves seen live", "Last day"),
                [
                    lines(
                        "Customers by segment over time",
                        Field(DATES, "Date", "Column"),
                        segment,
                        figures["Customers then"],
                    ),
                ],
                [
                    matrix(
                        "From (rows) to (columns)",
                        column("gold_movers", "from_name"),
                        column("gold_movers", "to_name"),
                        figures["Customers who moved"],
                    ),
                    bars("Why they moved", causes, figures["Customers who moved"]),
                ],
            ],
        ),
        "campaigns": (
            "Campaigns",
            [
                known(
                    "Contacted customers",
                    "Held-out customers",
                    "Contact cost",
                    "Expected answers",
                    "Planned profit",
                    "Profit brought",
                ),
                [
                    matrix(
                        "Contacted by segment and offer",
                        column("gold_campaign", "segment"),
                        column("gold_campaign", "offer"),
                        figures["Contacted customers"],
                    ),
                    bars(
                        "Why customers are contacted or not",
                        why,
                        figures["Customers considered"],
                    ),
                ],
                [table("What campaigns brought, with 95 % intervals", *result)],
            ],
        ),
        "data_quality": (
            "Data quality",
            [
                known(
                    "Rows left out",
                    "Share left out",
                    "Customer count",
                    "Data as of",
                    "Days since the data",
                    "Last run",
                ),
                [
                    bars(
                        "Why rows were left out",
                        column("gold_unsegmented", "reasons"),
                        figures["Rows left out"],
                    ),
                    bars("Near a border", segment, figures["Share near a border"]),
                ],
                [
                    table(
                        "Rows left out",
                        *(
                            column("gold_unsegmented", name)
                            for name in ("customer_id", "row_number", "reasons", "as_of")
                        ),
                    ),
                    bars(
                        "Customers by model", column("gold_segments", "artifact_version"), customers
                    ),
                ],
            ],
        ),
    }
