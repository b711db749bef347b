"""The data dictionary in words: `python -m customer_segmentation.schema.dictionary`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from customer_segmentation.schema.file import chosen_schema, read_schema
from customer_segmentation.schema.parts import Column, Feature
from customer_segmentation.schema.schema import Schema

_INTRODUCTION = """\
# Data dictionary

Written by `make docs` from the schema `{file}`; a test keeps it current.

Money is in {unit}, sums of it are of {period}. Ages are as of the snapshot's day
(`customers.as_of`). A feature with a missing input is missing.
"""


def markdown(schema: Schema, file: str) -> str:
    """The whole page.

    Args:
        schema: What to describe.
        file: Where it stands.
    """
    columns = [_column(column) for column in schema.columns.values()]
    features = [_feature(feature, feature.unit) for feature in schema.features.values()]
    decisions = [_feature(d, ", ".join(d.labels) or d.unit) for d in schema.decisions.values()]
    money = schema.money
    parts = [
        _INTRODUCTION.format(file=file, unit=money.unit, period=money.period),
        "## Canonical columns\n",
        _table(["column", "type", "unit", "may hold", "description"], columns),
        "## Features\n",
        _table(["feature", "unit", "made of", "description"], features),
        "## Decisions\n",
        _table(["decision", "answers", "made of", "description"], decisions),
    ]
    return "\n".join(parts)


def _column(column: Column) -> list[str]:
    return [f"`{column.name}`", column.kind, column.unit, _range(column), column.description]


def _range(column: Column) -> str:
    if column.categories:
        return ", ".join(column.categories)
    if column.age:
        return "years {} to {} before the snapshot's".format(*column.age)
    if column.earliest:
        return f"days from {column.earliest} to the snapshot's"
    if column.minimum is None or column.maximum is None:
        return "any text"
    whole = "whole numbers " if column.whole else ""
    return f"{whole}{column.minimum:g} to {column.maximum:g}"


def _feature(feature: Feature, answers: str) -> list[str]:
    inputs = ", ".join(f"`{name}`" for name in feature.inputs)
    return [f"`{feature.name}`", answers, inputs, feature.description]


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown(read_schema(chosen_schema()), chosen_schema().as_posix()))
