"""The semantic model in TMDL: tables, columns, relations, hierarchies and measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from customer_segmentation.tables.columns import Table, Type
from customer_segmentation.tables.history import LEFT, STREAM
from tools.deploy.powerbi.measures import Measure, measures
from tools.deploy.powerbi.names import CUSTOMERS, DATES, FEATURES, HISTORY, SEGMENTS, TABLES, label
from tools.deploy.powerbi.sources import DATES as DATES_OF_M
from tools.deploy.powerbi.sources import PARAMETERS, expressions, rows_of
from tools.deploy.powerbi.writing import as_json, block, field, identity, indented, name_of
from tools.deploy.project import schema, tables

# Type -> those of TMDL and of M.
_TYPES: dict[Type, tuple[str, str]] = {
    "text": ("string", "type text"),
    "number": ("double", "type number"),
    "whole": ("int64", "Int64.Type"),
    "day": ("dateTime", "type datetime"),
    "moment": ("dateTime", "type datetime"),
}
_FORMATS = {"dateTime": "yyyy-mm-dd", "double": "#,0.##", "int64": "0"}
# As `segment_days` of the SQL views has it: the last that was said of a customer since a whole run;
# of a day without one, nothing.
_IN_FORCE = (
    "VAR Whole = CALCULATE(MAX({at}), ALLEXCEPT('{table}', {day}), "
    'LEFT({run}, {length}) <> "{stream}") '
    "VAR Last = CALCULATE(MAX({at}), ALLEXCEPT('{table}', {day}, {key})) "
    'RETURN NOT ISBLANK(Whole) && {at} = Last && {at} >= Whole && {segment} <> "{left}"'
).format(
    table=HISTORY,
    at=field(HISTORY, "Recorded at"),
    day=field(HISTORY, "As of"),
    key=field(HISTORY, "Customer id"),
    run=field(HISTORY, "Run id"),
    segment=field(HISTORY, "Segment"),
    stream=STREAM,
    length=len(STREAM),
    left=LEFT,
)
# Table -> hierarchy -> its levels, by column.
_HIERARCHIES: dict[str, dict[str, tuple[str, ...]]] = {
    DATES: {"Calendar": ("year", "quarter", "month", "date")},
    CUSTOMERS: {"What to offer": ("offer", "product", "channel")},
}


@dataclass(frozen=True)
class Relation:
    """Many rows of one column belong to one of another; `is_one` if one to one."""

    of: tuple[str, str]
    to: tuple[str, str]
    is_one: bool = False
    is_active: bool = True


# Moves and campaigns are of customers, who have the segment of today; history has its own.
RELATIONS = (
    Relation((CUSTOMERS, "segment"), (SEGMENTS, "segment")),
    Relation((TABLES["gold_segment_profiles"], "segment"), (SEGMENTS, "segment")),
    Relation((HISTORY, "segment"), (SEGMENTS, "segment")),
    Relation((HISTORY, "as_of"), (DATES, "date")),
    Relation((HISTORY, "customer_id"), (CUSTOMERS, "customer_id"), is_active=False),
    Relation((FEATURES, "customer_id"), (CUSTOMERS, "customer_id"), is_one=True),
    Relation(
        (TABLES["gold_lifetime_value"], "customer_id"), (CUSTOMERS, "customer_id"), is_one=True
    ),
    Relation((TABLES["gold_campaign"], "customer_id"), (CUSTOMERS, "customer_id")),
    Relation((TABLES["gold_campaign_results"], "segment"), (SEGMENTS, "segment")),
    Relation((TABLES["gold_movers"], "customer_id"), (CUSTOMERS, "customer_id")),
    Relation((TABLES["gold_moves"], "customer_id"), (CUSTOMERS, "customer_id")),
)


def model_documents() -> dict[str, str]:
    """The files of the model, by path in its folder."""
    told = measures(schema(), tables())
    written = {name: _table(name, gold, tables()[gold], told) for gold, name in TABLES.items()} | {
        SEGMENTS: _segments(told),
        DATES: _dates(told),
    }
    return {
        "definition.pbism": as_json({"version": "4.2", "settings": {}}),
        "definition/database.tmdl": "database\n\tcompatibilityLevel: 1567\n",
        "definition/model.tmdl": _model(written),
        "definition/expressions.tmdl": expressions(),
        "definition/relationships.tmdl": "\n\n".join(map(_relation, RELATIONS)) + "\n",
        **{f"definition/tables/{name}.tmdl": text for name, text in written.items()},
    }


def columns_of(gold: str) -> list[str]:
    """The columns of a gold table that the model has, by their names for people."""
    return [label(column.name) for column in tables()[gold].columns]


def _model(names: Iterable[str]) -> str:
    head = block(
        "model Model",
        [
            "culture: en-US",
            "defaultPowerBIDataSourceVersion: powerBI_V3",
            # Each figure is a measure: adding up a margin or an id says nothing.
            "discourageImplicitMeasures",
            "sourceQueryCulture: en-US",
        ],
        "Customer segments: who they are, where they move, and what campaigns brought",
    )
    references = [
        *(f"ref table {name_of(name)}" for name in names),
        *(f"ref expression {name}" for name in [*PARAMETERS, "Gold"]),
    ]
    off = "annotation __PBI_TimeIntelligenceEnabled = 0"
    return "\n\n".join([head, off, "\n".join(references)]) + "\n"


def _table(name: str, gold: str, table: Table, told: Sequence[Measure]) -> str:
    keys = table.contract.key
    columns = [
        _column(name, c.name, *_TYPES[c.type][:1], about=c.comment, is_key=keys == (c.name,))
        for c in table.columns
    ]
    if name == HISTORY:
        columns.append(_in_force())
    m = rows_of(gold, ((c.name, _TYPES[c.type][1]) for c in table.columns))
    return _written(name, table.comment, columns, told, m)


def _segments(told: Sequence[Measure]) -> str:
    named = {c.name: c for c in tables()["gold_segment_profiles"].columns}
    chosen = [named[column] for column in ("segment", "segment_name", "segment_id")]
    columns = [
        _column(
            SEGMENTS,
            c.name,
            _TYPES[c.type][0],
            about=c.comment,
            is_key=c.name == "segment",
            sort_by="segment_id" if c.name == "segment_name" else "",
            is_hidden=c.name != "segment_name",
        )
        for c in chosen
    ]
    m = rows_of(
        "gold_segment_profiles",
        ((c.name, _TYPES[c.type][1]) for c in chosen),
        'Table.Distinct(Rows, {"segment"})',
    )
    return _written(SEGMENTS, "One row a segment of the last run", columns, told, m)


def _dates(told: Sequence[Measure]) -> str:
    kinds = {"date": "dateTime", "year": "int64", "quarter": "string", "month": "string"}
    columns = [
        _column(DATES, name, kind, about=f"{label(name)} of the snapshot", is_key=name == "date")
        for name, kind in kinds.items()
    ]
    about = "One row a day of the years that the history tells of"
    return _written(DATES, about, columns, told, DATES_OF_M, "dataCategory: Time")


def _written(
    name: str, about: str, columns: Sequence[str], told: Sequence[Measure], m: str, *more: str
) -> str:
    own = [_measure(measure) for measure in told if measure.table == name]
    hierarchies = [_hierarchy(name, *one) for one in _HIERARCHIES.get(name, {}).items()]
    source = block(f"partition {name_of(name)} = m", ["mode: import", "source =", indented(m, 2)])
    head = [f"lineageTag: {identity(name)}", *more]
    parts = ["\n".join(head), *own, *columns, *hierarchies, source]
    return block(f"table {name_of(name)}", ["\n\n".join(parts)], about) + "\n"


def _column(  # noqa: PLR0913 - one for each property
    table: str,
    name: str,
    kind: str,
    *,
    about: str,
    is_key: bool = False,
    sort_by: str = "",
    is_hidden: bool = False,
) -> str:
    lines = [
        f"dataType: {kind}",
        *(["isHidden"] if is_hidden else []),
        *(["isKey"] if is_key else []),
        *([f"formatString: {_FORMATS[kind]}"] if kind in _FORMATS else []),
        f"lineageTag: {identity(table, name)}",
        "summarizeBy: none",
        f"sourceColumn: {name}",
        *([f"sortByColumn: {name_of(label(sort_by))}"] if sort_by else []),
        "",
        "annotation SummarizationSetBy = User",
    ]
    return block(f"column {name_of(label(name))}", lines, about)


def _in_force() -> str:
    lines = [
        "dataType: boolean",
        f"lineageTag: {identity(HISTORY, 'In force')}",
        "summarizeBy: none",
    ]
    about = "Whether the customer was there that day, as was said last"
    return block(f"column 'In force' = {_IN_FORCE}", lines, about)


def _measure(measure: Measure) -> str:
    lines = [
        *([f"formatString: {measure.format}"] if measure.format else []),
        f"displayFolder: {measure.folder}",
        f"lineageTag: {identity(measure.table, 'measure', measure.name)}",
    ]
    return block(f"measure {name_of(measure.name)} = {measure.dax}", lines, measure.about)


def _hierarchy(table: str, name: str, levels: Sequence[str]) -> str:
    known = {c.name for gold, t in TABLES.items() if t == table for c in tables()[gold].columns}
    lines = [f"lineageTag: {identity(table, 'hierarchy', name)}"]
    for level in levels:
        if table == DATES or level in known:
            tag = f"lineageTag: {identity(table, name, level)}"
            column = f"column: {name_of(label(level))}"
            lines += ["", block(f"level {name_of(label(level))}", [tag, column])]
    return block(f"hierarchy {name_of(name)}", lines)


def _relation(relation: Relation) -> str:
    of, to = (f"{name_of(t)}.{name_of(label(c))}" for t, c in (relation.of, relation.to))
    lines = [
        *([] if relation.is_active else ["isActive: false"]),
        *(
            ["crossFilteringBehavior: bothDirections", "fromCardinality: one"]
            if relation.is_one
            else []
        ),
        f"fromColumn: {of}",
        f"toColumn: {to}",
    ]
    return block(f"relationship {identity(of, to)}", lines)
