"""Visuals of a report page in PBIR: what they show, of which fields, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tools.deploy.powerbi.writing import identity

_SCHEMA = (
    "https://developer.microsoft.com/json-schemas/fabric/item/report/definition/"
    "visualContainer/2.0.0/schema.json"
)


@dataclass(frozen=True)
class Field:
    """A column or measure of the model."""

    table: str
    name: str
    kind: Literal["Column", "Measure"] = "Measure"

    @property
    def expression(self) -> dict[str, Any]:
        """It as a query names it."""
        source = {"SourceRef": {"Entity": self.table}}
        return {self.kind: {"Expression": source, "Property": self.name}}

    @property
    def projection(self) -> dict[str, Any]:
        """It as a visual shows it."""
        return {
            "field": self.expression,
            "queryRef": f"{self.table}.{self.name}",
            "nativeQueryRef": self.name,
        }


@dataclass(frozen=True)
class Visual:
    """A visual.

    Attributes:
        type: Power BI's name of the kind of visual.
        title: Above it; it is read aloud, too.
        fields: By the role that they have in the visual.
        descending: The field by which it is sorted, the most first.
    """

    type: str
    title: str
    fields: Mapping[str, Sequence[Field]]
    descending: Field | None = None


@dataclass(frozen=True)
class Place:
    """Where a visual is on its page, in pixels of 1280 by 720."""

    x: int
    y: int
    width: int
    height: int


def card(measure: Field) -> Visual:
    """One figure."""
    return Visual("card", measure.name, {"Values": [measure]})


def bars(title: str, by: Field, measure: Field) -> Visual:
    """A bar a value, the longest first."""
    return Visual("clusteredBarChart", title, {"Category": [by], "Y": [measure]}, measure)


def matrix(title: str, rows: Field, columns: Field, measure: Field) -> Visual:
    """A figure for each pair of values."""
    return Visual("pivotTable", title, {"Rows": [rows], "Columns": [columns], "Values": [measure]})


def lines(title: str, along: Field, series: Field, measure: Field) -> Visual:
    """A line a value of the series."""
    return Visual("lineChart", title, {"Category": [along], "Series": [series], "Y": [measure]})


def table(title: str, *fields: Field) -> Visual:
    """A row for each combination of values."""
    return Visual("tableEx", title, {"Values": fields})


def slicer(by: Field) -> Visual:
    """A choice of what the page is about."""
    return Visual("slicer", by.name, {"Values": [by]})


def visual_name(page: str, number: int) -> str:
    """The name of a visual, which is its folder's."""
    return identity(page, str(number)).replace("-", "")[:20]


def visual_document(page: str, number: int, visual: Visual, place: Place) -> dict[str, Any]:
    """The content of a visual's file."""
    query: dict[str, Any] = {
        "queryState": {
            role: {"projections": [field.projection for field in fields]}
            for role, fields in visual.fields.items()
        }
    }
    if visual.descending:
        by = {"field": visual.descending.expression, "direction": "Descending"}
        query["sortDefinition"] = {"sort": [by], "isDefaultSort": False}
    return {
        "$schema": _SCHEMA,
        "name": visual_name(page, number),
        "position": {
            "x": place.x,
            "y": place.y,
            "z": number,
            "width": place.width,
            "height": place.height,
            "tabOrder": number,
        },
        "visual": {
            "visualType": visual.type,
            "query": query,
            **_objects(visual),
            "visualContainerObjects": {
                "title": [
                    {"properties": {"show": literal("true"), "text": literal(_text(visual.title))}}
                ],
                "general": [{"properties": {"altText": literal(_text(_spoken(visual)))}}],
            },
            "drillFilterOtherVisuals": True,
        },
    }


def literal(value: str) -> dict[str, Any]:
    """A value as formatting has it."""
    return {"expr": {"Literal": {"Value": value}}}


def _objects(visual: Visual) -> dict[str, Any]:
    if visual.type == "slicer":
        return {"objects": {"data": [{"properties": {"mode": literal("'Dropdown'")}}]}}
    if visual.type == "card":
        # Its title says it already.
        return {"objects": {"categoryLabels": [{"properties": {"show": literal("false")}}]}}
    return {}


def _text(value: str) -> str:
    return "'{}'".format(value.replace("'", "''"))


def _spoken(visual: Visual) -> str:
    named = [field.name for fields in visual.fields.values() for field in fields]
    return visual.title if named == [visual.title] else f"{visual.title}: {', '.join(named)}"
