"""An AI/BI dashboard over the business questions, as its editor saves one."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tools.deploy.databricks.written import Document
from tools.deploy.sql.questions import Question, questions

FILE = "dashboards/segments.lvdash.json"
TITLE = "Customer segments"
_COLUMNS = 6
# Of the editor's: how it saves each kind of widget.
_VERSIONS = {"bar": 3, "line": 3, "pie": 3, "table": 2}


@dataclass(frozen=True)
class Shown:
    """A question on the dashboard.

    Attributes:
        question: Its name.
        kind: Of widget.
        width: In columns, of six.
        x: Column along the x axis, or of a pie's angle.
        y: Column along the y axis.
        color: Column that tells the colours apart.
        kinds: How the axes are scaled: x, y.
    """

    question: str
    kind: str
    width: int = _COLUMNS
    x: str = ""
    y: str = ""
    color: str = ""
    kinds: tuple[str, str] = ("categorical", "quantitative")


_DAYS = ("temporal", "quantitative")
_PAGES: dict[str, tuple[Shown, ...]] = {
    "Segments": (
        Shown("segment_sizes", "line", 3, "as_of", "customers", "segment_name", _DAYS),
        Shown("revenue_by_segment", "bar", 3, "segment_name", "spend", "segment_name"),
        Shown("waits_for_offers", "bar", 3, "segment_name", "share_waiting", "segment_name"),
        Shown("near_the_border", "bar", 3, "segment_name", "share_near", "runner_up"),
        Shown("offers_by_segment", "bar", 3, "segment_name", "customers", "offer"),
        Shown("preferences", "bar", 3, "preferred", "customers", "segment_name"),
        Shown("segment_traits", "table"),
    ),
    "Who moved": (
        Shown("moves", "bar", 3, "from_name", "customers", "to_name"),
        Shown("segment_flow", "line", 3, "as_of", "customers", "to_name", _DAYS),
        Shown("affluent_likely_spenders", "table"),
    ),
    "Campaign": (
        Shown("campaign_plan", "bar", 3, "why", "customers", "offer"),
        Shown("campaign_profit", "bar", 3, "segment", "profit", "offer"),
        Shown("campaign_profit", "table"),
    ),
    "Data": (
        Shown("without_segment", "bar", 3, "reason", "source_rows"),
        Shown("freshness", "table", 3),
    ),
}


def text() -> str:
    """The dashboard's file; a question that the schema cannot answer is left out."""
    known = {one.name: one for one in questions()}
    pages = [page for title in _PAGES if (page := _page(title, known))["layout"]]
    used = {
        name for name in known for shown in _PAGES.values() for one in shown if one.question == name
    }
    datasets = [_dataset(one) for name, one in known.items() if name in used]
    return json.dumps({"datasets": datasets, "pages": pages}, indent=2, ensure_ascii=False) + "\n"


def _dataset(question: Question) -> Document:
    lines = question.sql("databricks").splitlines(keepends=True)
    return {"name": question.name, "displayName": question.title, "queryLines": lines}


def _page(title: str, known: dict[str, Question]) -> Document:
    layout: list[Document] = []
    x = y = 0
    for number, shown in enumerate(_PAGES[title]):
        question = known.get(shown.question)
        if not question or not {shown.x, shown.y, shown.color} - {""} <= {*question.columns}:
            continue
        if x + shown.width > _COLUMNS:
            x, y = 0, y + _height(layout[-1])
        name = f"{title.lower().replace(' ', '_')}_{number}"
        position = {
            "x": x,
            "y": y,
            "width": shown.width,
            "height": 7 if shown.kind == "table" else 6,
        }
        layout.append({"widget": _widget(name, shown, question), "position": position})
        x += shown.width
    return {
        "name": title.lower().replace(" ", "_"),
        "displayName": title,
        "pageType": "PAGE_TYPE_CANVAS",
        "layout": layout,
    }


def _height(placed: Document) -> int:
    height: int = placed["position"]["height"]
    return height


def _widget(name: str, shown: Shown, question: Question) -> Document:
    columns = question.columns if shown.kind == "table" else [shown.x, shown.y, shown.color]
    fields = [{"name": each, "expression": f"`{each}`"} for each in dict.fromkeys(columns) if each]
    query = {"datasetName": question.name, "fields": fields, "disaggregated": True}
    return {
        "name": name,
        "queries": [{"name": "main_query", "query": query}],
        "spec": {
            "version": _VERSIONS[shown.kind],
            "widgetType": shown.kind,
            "encodings": _encodings(shown, question),
            "frame": {
                "showTitle": True,
                "title": question.title,
                "showDescription": True,
                "description": question.about,
            },
        },
    }


def _encodings(shown: Shown, question: Question) -> Document:
    if shown.kind == "table":
        return {
            "columns": [
                {"fieldName": name, "displayName": _words(name)} for name in question.columns
            ]
        }
    axes = {"x": (shown.x, shown.kinds[0]), "y": (shown.y, shown.kinds[1])}
    if shown.color:
        axes["color"] = (shown.color, "categorical")
    return {
        axis: {"fieldName": name, "displayName": _words(name), "scale": {"type": scale}}
        for axis, (name, scale) in axes.items()
    }


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
