"""What a rule may name: the columns of gold tables with one row a customer, as people call them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from customer_segmentation.schema.decisions import INTERMEDIATE
from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.lifetime import VALUES, described
from customer_segmentation.schema.parts import FLAG, KEY, Column
from customer_segmentation.schema.schema import Schema

SEGMENTS, FEATURES, LIFETIME = "gold_segments", "gold_features", "gold_lifetime_value"
# `code`: a category or a flag, which its table holds as a number.
Kind = Literal["number", "text", "code", "day"]
_NO_YES = {"no": "no", "yes": "yes"}


@dataclass(frozen=True)
class Field:
    """What a rule may name.

    Attributes:
        name: In a rule.
        kind: How it is compared.
        table: Where it is.
        label: What people call it, as in a sentence.
        group: Of the menu.
        unit: Of a number.
        columns: Of the table: one, or the year and the day of the year.
        values: Each value that a rule may give -> what people call it; empty for any. The codes of
            `code` are their places.
    """

    name: str
    kind: Kind
    table: str
    label: str
    group: str
    unit: str = ""
    columns: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


def fields_of(schema: Schema, segments: Mapping[str, str]) -> dict[str, Field]:
    """Everything that a rule may name, in the order of a menu.

    Args:
        schema: Of the customers.
        segments: Key -> name of each segment.
    """
    found: dict[str, Field] = {}
    for each in (*_decided(schema, segments), *_known(schema), *_expected(schema), _KEY):
        found.setdefault(each.name, each)
    return found


def present(
    fields: Mapping[str, Field], columns: Mapping[str, Collection[str]]
) -> dict[str, Field]:
    """The fields that tables have, by table -> its columns."""
    return {
        name: each
        for name, each in fields.items()
        if {*each.columns} <= {*columns.get(each.table, ())}
    }


def _decided(schema: Schema, segments: Mapping[str, str]) -> Iterator[Field]:
    """What the model says of a customer, beside the segment, which an audience names apart."""

    def of(name: str, kind: Kind, label: str, unit: str, values: Mapping[str, str]) -> Field:
        return Field(name, kind, SEGMENTS, label, "What the model says", unit, (name,), values)

    for each in schema.decisions.values():
        if each.name not in INTERMEDIATE:
            values = {one: schema.label_of(one) for one in each.labels}
            unit = "" if values else each.unit
            yield of(each.name, "text" if values else "number", each.label, unit, values)
    yield of("runner_up", "text", "next nearest segment", "", segments)
    margin = "margin: 0 on the border of two segments, 1 on a centre"
    yield of("margin", "number", margin, "", {})


def _known(schema: Schema) -> Iterator[Field]:
    """What is known of a customer, and each feature."""
    for column in schema.columns.values():
        if column.kind not in {"key", "text"} and not column.is_email:
            yield _of_column(column, schema)
    for feature in schema.features.values():
        # The column itself is named instead.
        if feature.of_category:
            continue
        is_flag = feature.unit == FLAG
        yield Field(
            feature.name,
            "code" if is_flag else "number",
            FEATURES,
            feature.label,
            "Features",
            unit="" if is_flag else feature.unit,
            columns=(feature.name,),
            values=_NO_YES if is_flag else {},
        )


def _of_column(column: Column, schema: Schema) -> Field:
    about = (FEATURES, column.label, "What is known")
    if column.kind == "date":
        return Field(column.name, "day", *about, columns=date_parts(column.name))
    if column.categories:
        values = {one: schema.label_of(one) for one in column.categories}
        return Field(column.name, "code", *about, columns=(column.name,), values=values)
    if column.is_flag:
        return Field(column.name, "code", *about, columns=(column.name,), values=_NO_YES)
    return Field(column.name, "number", *about, unit=column.unit, columns=(column.name,))


def _expected(schema: Schema) -> Iterator[Field]:
    told = described(schema.lifetime, schema.money.unit) if schema.lifetime else {}
    for name in VALUES:
        if name in told:
            about, unit, _ = told[name]
            label = about[:1].lower() + about[1:]
            yield Field(name, "number", LIFETIME, label, "Coming purchases", unit, (name,))


_KEY = Field(KEY, "text", SEGMENTS, "customer's id", "What is known", columns=(KEY,))
